//! Skills in the open SKILL.md format: what they are, where they are found, which a session gets,
//! and how they are installed.
//!
//! [`format`] reads one `SKILL.md`, [`place`] the files around it; [`tiers`] finds all skills.

pub mod format;
pub mod place;
pub mod tiers;

mod error;

pub use error::{FormatError, SkillError};
