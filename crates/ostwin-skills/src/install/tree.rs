//! The files of a skill as a value, and the rules that every one of them passed.
//!
//! Whatever a skill comes from, its files go through [`Growing`], one by one, before anything is
//! written: a hostile archive is refused while it is read, and costs at most its bound in memory.

mod growing;
mod name;
mod refusal;
mod wanted;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ostwin_core::ids::SkillPath;
use sha2::{Digest, Sha256};

use super::hash::hex;

pub(super) use growing::Growing;
pub use refusal::Refusal;
pub(super) use refusal::printable;
pub(super) use wanted::{is_wanted, leads_to_wanted, skill_folder};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Whether it may be run.
    pub executable: bool,
    /// Its content.
    pub content: Vec<u8>,
}

/// The files of a skill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<SkillPath, TreeFile>,
    left_out: Vec<String>,
}

impl Tree {
    /// The files by their paths.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&SkillPath, &TreeFile)> {
        self.files.iter()
    }

    /// A file's content.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        let path = SkillPath::new(path).ok()?;
        self.files.get(&path).map(|file| file.content.as_slice())
    }

    /// What was there and is not part of a skill: files and folders whose names start with a dot.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| length(&file.content)).sum()
    }

    /// The SHA-256 over all files: each file's mode, the SHA-256 of its content and its path, one
    /// line a file, sorted by path.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, file) in &self.files {
            let mode = if file.executable { "100755" } else { "100644" };
            let content = hex(&Sha256::digest(&file.content));
            hasher.update(format!("{mode} {content} {path}\n"));
        }
        hex(&hasher.finalize())
    }

    /// The skill among these files: the folder that was named, else the one that holds the only
    /// `SKILL.md`.
    ///
    /// # Errors
    /// There is no such folder, none with a `SKILL.md`, or several.
    pub(super) fn skill(self, subdir: Option<&SkillPath>) -> Result<Self, Refusal> {
        let folder = skill_folder(self.files.keys().map(SkillPath::as_str), subdir)?;
        if folder.is_empty() {
            return Ok(self);
        }
        let below = |path: &str| path.strip_prefix(&*folder)?.strip_prefix('/').map(str::to_owned);
        let files = self
            .files
            .into_iter()
            .filter_map(|(path, file)| Some((SkillPath::new(&below(path.as_str())?).ok()?, file)))
            .collect();
        let left_out = self.left_out.iter().filter_map(|name| below(name)).collect();
        Ok(Self { files, left_out })
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
