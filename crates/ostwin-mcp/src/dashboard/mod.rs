//! The dashboard server: how plans and rooms stand, read straight from the files.
//!
//! It changes nothing and needs no other process. What it says is what the terminal and the web
//! app say, because all of them ask `ostwin_core::board`.

mod clipped;
mod epic;
pub(crate) mod graph;
mod lists;
mod plan;
mod room;
mod server;
mod stats;

pub use server::{ABOUT, server, tools};
