//! The war-room server: what an agent does in its room.

mod artifacts;
mod ask;
mod desk;
mod post;
mod prompts;
mod read;
mod resources;
mod server;
mod status;

pub use desk::Desk;
pub use server::{ABOUT, server, tools};
