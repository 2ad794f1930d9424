//! Skills in the open SKILL.md format: what they are, where they are found, which a session gets,
//! and how they are installed.
//!
//! [`mod@format`] reads one `SKILL.md`, [`place`] the files around it; [`tiers`] finds all skills,
//! [`search`] ranks them for a query, [`resolve`] says which of them a session gets, and [`stage`]
//! copies those. [`install`] brings new ones.

pub mod format;
pub mod install;
pub mod offers;
pub mod place;
pub mod resolve;
pub mod search;
pub mod stage;
pub mod tiers;

mod error;

pub use error::{FormatError, SkillError};
