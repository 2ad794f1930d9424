//! The skills server: what a session can learn, and where it comes from.

mod desk;
mod extension;
mod install;
mod list;
mod load;
mod search;
mod server;

pub use desk::Desk;
pub use server::{ABOUT, Skills, server, tools};
