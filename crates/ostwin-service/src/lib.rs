//! What every binary shares, so that all of them behave alike: base arguments, logging, how an
//! error is told, and which exit code it ends with.
//!
//! A `main.rs` parses its arguments, calls [`run`] and returns what that returns. This crate knows
//! nothing of what a binary does. Only binaries and the command line crate use it.

mod args;
mod exit;
mod failure;
mod logging;
mod notify;
mod run;

pub use args::{BaseArgs, Color};
pub use exit::Exit;
pub use failure::{Explain, Failure};
pub use logging::{Logging, redact_log, start_logging};
pub use notify::Supervisor;
pub use run::run;
