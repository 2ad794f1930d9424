//! The war-room server: what an agent does in its room.

mod artifacts;
mod ask;
mod desk;
mod post;
mod read;
mod server;
mod status;
mod view;

pub use desk::Desk;
pub use server::{ABOUT, server, tools};
