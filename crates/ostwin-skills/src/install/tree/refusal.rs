//! Why files are not taken for a skill, in words that are safe to show.

use std::io;

use ostwin_core::ids::SkillPath;

use crate::place::{MAX_FILES, MAX_TOTAL_BYTES};

/// Why files are not taken for a skill. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A name could lead elsewhere, or means something else on another system.
    #[error("it holds `{name}`: {problem}")]
    Name {
        /// The name, made printable.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is neither a plain file nor a folder.
    #[error("it holds `{name}`, which is {what}; a skill is plain files in plain folders")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// One name is there twice.
    #[error("it holds `{name}` twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Two names are the same on some systems.
    #[error("it holds `{one}` and `{other}`, which are one name on some systems")]
    Case {
        /// The first.
        one: String,
        /// The second.
        other: String,
    },
    /// There are too many files.
    #[error("it holds more than {MAX_FILES} files")]
    TooMany,
    /// The files are too large.
    #[error("its files hold more than {} MiB", MAX_TOTAL_BYTES >> 20)]
    TooLarge,
    /// It could not be read to its end.
    #[error("it is damaged, or no archive: {problem}")]
    Damaged {
        /// What went wrong.
        problem: String,
    },
    /// No folder in it is a skill.
    #[error("there is no `SKILL.md` in it")]
    NoDocument,
    /// More than one folder in it is a skill.
    #[error("there are several skills in it: {}; name one behind `#`", folders.join(", "))]
    Several {
        /// Their folders.
        folders: Vec<String>,
    },
    /// The folder that was named is not there, or is no skill.
    #[error("there is no `{subdir}/SKILL.md` in it")]
    NoFolder {
        /// The folder.
        subdir: SkillPath,
    },
}

impl Refusal {
    /// Something of this kind under this name.
    pub(in crate::install) fn kind(name: &[u8], what: &'static str) -> Self {
        Self::Kind { name: printable(name), what }
    }

    /// What could not be read; a stream that is too long says so by its kind.
    pub(in crate::install) fn unreadable(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return Self::TooLarge;
        }
        Self::damaged(error)
    }

    pub(in crate::install) fn damaged(problem: &dyn std::fmt::Display) -> Self {
        Self::Damaged { problem: problem.to_string() }
    }
}

/// A name of others, fit to be shown.
pub(in crate::install) fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut shown: String = text.chars().take(MAX_SHOWN).map(visible).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Most characters of a foreign text that are shown.
const MAX_SHOWN: usize = 400;

fn visible(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}
