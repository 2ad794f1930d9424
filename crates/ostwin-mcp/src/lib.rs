//! The tool servers that an agent's session gets, and what they share.
//!
//! Each server is one small process on standard input and output, bound to one room, role and
//! attempt when it starts. The binaries only name the server; everything they do is here, so that
//! it can be tested without a process.

mod args;
mod binding;
mod bounds;
mod error;
mod handler;
mod message;
mod offer;
mod schema;
mod serve;
mod server;
mod subject;
mod text;
mod tool;
mod tool_log;
mod waiting;

pub mod dashboard;
pub mod library;
pub mod memory;
pub mod prompts;
pub mod resources;
pub mod skills;
pub mod warroom;

pub use binding::{Binding, BindingArgs, BindingError, Session};
pub use bounds::MAX_REPLY_BYTES;
pub use error::{Code, ToolError};
pub use offer::Offer;
pub use serve::{ServeError, serve};
pub use server::{About, Server};
pub use tool::{Arguments, Effect, Tool};
pub use tool_log::{Line, ToolLog};
pub use waiting::{Patience, Progress, Waiting, waiting};
