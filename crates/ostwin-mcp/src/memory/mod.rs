//! The memory server: what the rooms of a project remember for each other.

mod catalogue;
mod context;
mod publish;
mod query;
mod search;
mod server;
mod view;

pub use server::{ABOUT, Memory, server, tools};
