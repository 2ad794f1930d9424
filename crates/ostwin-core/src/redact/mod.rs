//! Redaction: known secret values and the matches of configured patterns are replaced in
//! everything that is recorded.
//!
//! An agent holds its keys and may repeat them anywhere: in a message, in a tool's arguments, in
//! an error text. What is written down for others must not hold them. This module knows which
//! variables hold secrets ([`is_secret_name`]), collects their values ([`Secrets`]) and replaces
//! them in whatever spelling they come ([`Redactor`]). It owns no file; whoever writes one asks a
//! redactor first, mostly the one of its [`crate::store::Store`].

mod names;
mod needles;
mod pattern;
mod redactor;
mod secrets;
mod stream;

#[cfg(test)]
mod tests;

pub use names::is_secret_name;
pub use pattern::{PatternError, check_patterns};
pub use redactor::Redactor;
pub use secrets::Secrets;
pub use stream::Stream;
