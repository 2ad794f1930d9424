//! The live view of a plan: one line per epic and a log below, redrawn in place.
//!
//! [`feed`] keeps the board current, also for the full-screen view. [`frame`] decides what is to be
//! seen, a pure function. [`painter`] puts it on the terminal and takes it off again. [`show`] is
//! the thread between them: it looks when something changed, and once a second while a session
//! runs, for the clocks.

mod feed;
mod frame;
mod painter;
mod show;

pub(crate) use feed::{Feed, Source};
pub(crate) use show::{GATHER, Message, Show, TICK};
