//! Why a skill could not be read.

use std::path::{Path, PathBuf};

use ostwin_core::fs::FsError;
use ostwin_core::ids::{NameError, SkillPath};

/// A `SKILL.md` that is not one, with the place of the mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub struct FormatError {
    /// The file.
    pub path: PathBuf,
    /// One-based line.
    pub line: usize,
    /// One-based column, in characters.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl FormatError {
    /// A mistake at `offset`, in bytes, of the text of `path`.
    pub(crate) fn at(path: &Path, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

/// Why a skill, or a file of one, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// Its `SKILL.md` is malformed.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It has another name than its folder, by which it is found.
    #[error(
        "{}: the skill is found by its folder `{folder}`, but its name is `{name}`; give both the \
         same name",
        path.display()
    )]
    OtherName {
        /// Its `SKILL.md`.
        path: PathBuf,
        /// The folder's name.
        folder: String,
        /// The name in the file.
        name: String,
    },
    /// The folder's name is no name of a skill.
    #[error("{}: {problem}", path.display())]
    BadFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with its name.
        problem: NameError,
    },
    /// The folder holds no `SKILL.md`.
    #[error("{}: there is no `SKILL.md`, which makes a folder a skill", path.display())]
    NoDocument {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such file in the skill.
    #[error("{}: there is no file `{file}`", place.display())]
    NoFile {
        /// The skill's folder.
        place: PathBuf,
        /// The file.
        file: SkillPath,
    },
    /// A part of the path is a link.
    #[error(
        "{}: `{part}` is a link, and links inside a skill are not followed; put the file itself \
         there",
        place.display()
    )]
    Link {
        /// The skill's folder.
        place: PathBuf,
        /// The part of the path that is one.
        part: String,
    },
    /// A part of the path is of the wrong kind.
    #[error("{}: `{part}` is no {wanted}", place.display())]
    WrongKind {
        /// The skill's folder.
        place: PathBuf,
        /// The part of the path.
        part: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl SkillError {
    /// Whether the cause is that something does not exist.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NoDocument { .. } | Self::NoFile { .. } => true,
            Self::Fs(error) => error.is_not_found(),
            _ => false,
        }
    }
}
