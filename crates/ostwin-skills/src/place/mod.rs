//! One skill, wherever it is kept: its document and its files.
//!
//! Agents name files of skills, and anybody may have put them there, so nothing here follows a
//! link inside a skill: every folder on the way is opened from the one above it and refused if it
//! is a link. The skill's own folder may be one, because people share skills that way. What is
//! listed and read is bounded.

mod folder;
mod shipped;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use ostwin_core::ids::{SkillName, SkillPath};
use serde::Serialize;

use crate::error::SkillError;
use crate::format::{self, DOCUMENT, Document, MAX_DOCUMENT_BYTES};

pub use shipped::shipped_skills;

/// Most files of a skill.
pub const MAX_FILES: usize = 1_000;

/// Largest size of all files of a skill together, in bytes.
pub const MAX_TOTAL_BYTES: u64 = 20 << 20;

/// Deepest folder of a skill that is looked into.
pub(crate) const MAX_DEPTH: usize = 16;

/// How the shipped tier is called where a folder's path would stand.
const BUILT_IN: &str = "built in";

/// Where a skill is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillPlace {
    /// In this folder.
    Folder(PathBuf),
    /// Inside the binary.
    Shipped(SkillName),
}

/// A file of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkillFile {
    /// Where it is in the skill.
    #[serde(serialize_with = "as_text")]
    pub path: SkillPath,
    /// Its length.
    pub bytes: u64,
    /// Whether it can be run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
}

/// The files of a skill, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SkillFiles {
    /// Its files, `SKILL.md` among them.
    pub files: Vec<SkillFile>,
    /// What is no file of it, and why; names with a leading dot are passed over in silence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Whether there are more files than were listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Something in a skill's folder that is no file of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// Its path; bytes that are no text are replaced.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes from the offset on.
    pub bytes: Vec<u8>,
    /// The length of the whole file.
    pub total: u64,
}

impl SkillPlace {
    /// The skill's folder, or `built in/<name>`, to be shown.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Folder(dir) => dir.clone(),
            Self::Shipped(name) => Path::new(BUILT_IN).join(name.as_str()),
        }
    }

    /// The skill's `SKILL.md`, to be shown.
    pub fn document_path(&self) -> PathBuf {
        self.path().join(DOCUMENT)
    }

    /// Reads its `SKILL.md`.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is malformed.
    pub fn document(&self) -> Result<Document, SkillError> {
        let path = self.document_path();
        let bytes = match self {
            Self::Folder(dir) => folder::read_document(dir, MAX_DOCUMENT_BYTES)?,
            Self::Shipped(name) => match shipped::file(name, DOCUMENT) {
                Some(bytes) => bytes.to_vec(),
                None => return Err(SkillError::NoDocument { path: self.path() }),
            },
        };
        Ok(format::parse(&path, &bytes)?)
    }

    /// Lists its files, at most [`MAX_FILES`].
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub fn files(&self) -> Result<SkillFiles, SkillError> {
        match self {
            Self::Folder(dir) => folder::list(dir),
            Self::Shipped(name) => Ok(shipped::list(name)),
        }
    }

    /// Reads at most `limit` bytes of a file, from `offset` on.
    ///
    /// # Errors
    /// There is no such file, or a part of its path is a link or of the wrong kind.
    pub fn read(&self, file: &SkillPath, offset: u64, limit: u64) -> Result<Part, SkillError> {
        match self {
            Self::Folder(dir) => folder::read(dir, file, offset, limit),
            Self::Shipped(name) => {
                let Some(bytes) = shipped::file(name, file.as_str()) else {
                    return Err(SkillError::NoFile { place: self.path(), file: file.clone() });
                };
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let rest = bytes.get(from..).unwrap_or_default();
                let length = usize::try_from(limit).unwrap_or(usize::MAX).min(rest.len());
                Ok(Part {
                    bytes: rest.get(..length).unwrap_or_default().to_vec(),
                    total: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                })
            }
        }
    }
}

impl Serialize for SkillPlace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.path().serialize(serializer)
    }
}

fn as_text<S: serde::Serializer>(path: &SkillPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path.as_str())
}
