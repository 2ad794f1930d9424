//! What a session runs with: agent, model, limits, each value with its source.
//!
//! Everything is settled by one order, from strong to weak: flag, environment, what was set for
//! the room, what the epic says, the role's instance, the role's settings, its `role.json`, the
//! plan's `Config`, the project, the user, the registry, what is shipped. The functions are pure;
//! the result is shown by `ostwin resolve` and kept in the attempt's record.

mod error;
mod order;
mod settings;

#[cfg(test)]
mod tests;

pub(crate) use error::NEEDED_TOOL;
pub use error::ResolveError;
pub use order::{Resolved, Source, SourceKind};
pub(crate) use settings::MCP_CONFIG;
pub use settings::{Directives, Question, SessionSettings, max_retries, resolve};
