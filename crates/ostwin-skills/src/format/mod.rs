//! The open Agent Skills format: a folder whose `SKILL.md` has YAML front matter and a body.
//!
//! The module owns which fields there are, what they may hold, and how a mistake in them is
//! reported. It reads values and knows no file system.

mod fields;
mod parse;
mod skill;

#[cfg(test)]
mod tests;

pub use parse::{Document, parse};
pub use skill::{Skill, TrustLevel};

/// The name of the file that makes a folder a skill.
pub const DOCUMENT: &str = "SKILL.md";

/// Largest `SKILL.md`, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 1024;
