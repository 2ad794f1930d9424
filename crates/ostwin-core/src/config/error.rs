//! Mistakes in settings.

use super::source::Source;
use crate::redact::PatternError;

/// A mistake in one setting: which key, where it was written, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No setting has this name.
    #[error("{place}: setting `{key}` is unknown{}", meant(near.as_deref()))]
    UnknownKey {
        /// Where it was written.
        place: Source,
        /// The dotted key.
        key: String,
        /// The nearest setting.
        near: Option<String>,
    },
    /// The setting exists and has no business in this file.
    #[error(
        "{place}: the file holds `{holds}` and nothing else; set `{key}` in the plan's `Config`"
    )]
    NotHere {
        /// Where it was written.
        place: Source,
        /// The key.
        key: String,
        /// What the file holds.
        holds: &'static str,
    },
    /// The value is not of the setting's type, or out of its range.
    #[error("{place}: setting `{key}` is {found}, expected {expected}")]
    WrongValue {
        /// Where it was written.
        place: Source,
        /// The dotted key.
        key: String,
        /// The value found, shortened.
        found: String,
        /// What the setting takes.
        expected: String,
    },
    /// The setting names something that is not there.
    #[error("{place}: setting `{key}` names the agent `{name}`, which `agents` does not have{}", meant(near.as_deref()))]
    UnknownAgent {
        /// Where it was written.
        place: Source,
        /// The dotted key.
        key: String,
        /// The name written.
        name: String,
        /// The nearest agent.
        near: Option<String>,
    },
    /// A regular expression that is none.
    #[error("{place}: setting `redact`, {problem}")]
    Pattern {
        /// Where it was written.
        place: Source,
        /// Which one it is, and what is wrong with it.
        problem: PatternError,
    },
    /// An agent without a program.
    #[error(
        "{place}: agent `{name}` has no program: set `agents.{name}.command` to a list such as [\"{name}\", \"--acp\"]"
    )]
    NoCommand {
        /// Where the agent was written.
        place: Source,
        /// The agent.
        name: String,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

impl ConfigError {
    /// Where the mistake is.
    pub fn place(&self) -> &Source {
        match self {
            Self::UnknownKey { place, .. }
            | Self::NotHere { place, .. }
            | Self::WrongValue { place, .. }
            | Self::UnknownAgent { place, .. }
            | Self::Pattern { place, .. }
            | Self::NoCommand { place, .. } => place,
        }
    }

    /// The dotted key.
    pub fn key(&self) -> String {
        match self {
            Self::UnknownKey { key, .. }
            | Self::NotHere { key, .. }
            | Self::WrongValue { key, .. }
            | Self::UnknownAgent { key, .. } => key.clone(),
            Self::Pattern { .. } => "redact".to_owned(),
            Self::NoCommand { name, .. } => format!("agents.{name}.command"),
        }
    }
}
