//! `skills.lock.json`: what was installed, from where, and with which content.
//!
//! One file stands beside each folder of skills: the project's, which also knows the skills of
//! single roles, and the user's own. Only who holds the guard of that folder writes it.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fs::{self, FsError};
use crate::ids::{RoleName, RoleRef, SkillName};
use crate::json::{self, Extra, JsonError, Version};
use crate::store::Durability;
use crate::time::Timestamp;

/// Largest lock file that is read, in bytes: some ten thousand entries.
const MAX_BYTES: u64 = 8 << 20;

/// Every installed skill of one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SkillsLock")]
pub struct SkillsLock {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The installed skills, by name and role.
    #[serde(default)]
    pub skills: Vec<InstalledSkill>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(SkillsLock);

/// One installed skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "InstalledSkill")]
pub struct InstalledSkill {
    /// Its name, which is that of its folder.
    pub name: SkillName,
    /// The role whose sessions get it; null for every role.
    #[serde(default)]
    pub role: Option<RoleName>,
    /// Where it came from, as `skills install` takes it; paths inside the project are relative to
    /// its root.
    pub source: String,
    /// The index that named the source; null if a person did.
    #[serde(default)]
    pub registry: Option<String>,
    /// What the source was at that time: a commit, or `sha256:` and the hash of an archive; null
    /// for a folder.
    #[serde(default)]
    pub revision: Option<String>,
    /// The version it gives itself, else the one the index gives it.
    #[serde(default)]
    pub version: Option<String>,
    /// SHA-256 over its files: each file's mode (`100644` or `100755`), the SHA-256 of its content
    /// and its path, one line a file, sorted by path.
    pub sha256: String,
    /// How many files it has.
    pub files: usize,
    /// Their length together.
    pub bytes: u64,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Who installed it: a role, or `human`.
    pub installed_by: RoleRef,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(InstalledSkill);

/// Why a lock file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SkillsLockError {
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is malformed.
    #[error("{0}; mend the file, or remove it and install again what it named")]
    Json(#[from] JsonError),
}

impl SkillsLock {
    /// Reads the file; a missing one knows nothing.
    ///
    /// # Errors
    /// It is there and cannot be read, or is malformed.
    pub fn read(path: &Path) -> Result<Self, SkillsLockError> {
        match fs::read_optional(path, MAX_BYTES)? {
            Some(bytes) => Ok(json::from_slice_located(path, &bytes)?),
            None => Ok(Self::default()),
        }
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// It cannot be written; the old one is then still there.
    pub fn write(&self, path: &Path, durability: Durability) -> Result<(), FsError> {
        fs::replace_json(path, self, durability)
    }

    /// The entry of a skill.
    pub fn get(&self, name: &SkillName, role: Option<&RoleName>) -> Option<&InstalledSkill> {
        self.skills.iter().find(|skill| skill.is(name, role))
    }

    /// Adds an entry, in the place of an older one of the same skill, whose unknown fields stay.
    pub fn put(&mut self, mut entry: InstalledSkill) {
        if let Some(old) = self.take(&entry.name.clone(), entry.role.clone().as_ref()) {
            for (key, value) in old.extra {
                entry.extra.entry(key).or_insert(value);
            }
        }
        let at = self.skills.partition_point(|skill| skill.key() < entry.key());
        self.skills.insert(at, entry);
    }

    /// Takes an entry out.
    pub fn take(&mut self, name: &SkillName, role: Option<&RoleName>) -> Option<InstalledSkill> {
        let at = self.skills.iter().position(|skill| skill.is(name, role))?;
        Some(self.skills.remove(at))
    }
}

impl InstalledSkill {
    fn key(&self) -> (&SkillName, Option<&RoleName>) {
        (&self.name, self.role.as_ref())
    }

    fn is(&self, name: &SkillName, role: Option<&RoleName>) -> bool {
        self.key() == (name, role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, role: Option<&str>, sha256: &str) -> InstalledSkill {
        InstalledSkill {
            name: name.parse().unwrap(),
            role: role.map(|role| role.parse().unwrap()),
            source: "./shared/testing".to_owned(),
            registry: None,
            revision: None,
            version: Some("1.2".to_owned()),
            sha256: sha256.to_owned(),
            files: 2,
            bytes: 99,
            installed_at: Timestamp::from_millis(0),
            installed_by: "human".parse().unwrap(),
            extra: Extra::new(),
        }
    }

    #[test]
    fn entries_are_sorted_and_one_for_each_skill_and_role() {
        let mut lock = SkillsLock::default();
        for (name, role) in [("b", None), ("a", Some("qa")), ("a", None)] {
            lock.put(entry(name, role, "1"));
        }
        lock.put(entry("a", None, "2"));
        let listed: Vec<_> = lock
            .skills
            .iter()
            .map(|skill| {
                let role = skill.role.as_ref().map(RoleName::as_str);
                (skill.name.as_str(), role, skill.sha256.as_str())
            })
            .collect();
        assert_eq!(listed, [("a", None, "2"), ("a", Some("qa"), "1"), ("b", None, "1")]);
        let qa: RoleName = "qa".parse().unwrap();
        assert_eq!(lock.take(&"a".parse().unwrap(), Some(&qa)), Some(entry("a", Some("qa"), "1")));
        assert_eq!(lock.get(&"a".parse().unwrap(), Some(&qa)), None);
    }

    #[test]
    fn fields_of_others_survive_a_rewrite() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("skills.lock.json");
        assert_eq!(SkillsLock::read(&path).unwrap(), SkillsLock::default());
        let mut lock = SkillsLock::default();
        let mut odd = entry("a", None, "1");
        odd.extra.insert("colour".to_owned(), "red".into());
        lock.put(odd);
        lock.extra.insert("note".to_owned(), "kept".into());
        lock.write(&path, Durability::Os).unwrap();
        let mut read = SkillsLock::read(&path).unwrap();
        assert_eq!(read, lock);
        read.put(entry("a", None, "2"));
        assert_eq!(read.skills[0].extra["colour"], "red");
        fs::replace_hint(&path, b"{\"skills\":[{\"name\":\"../x\"}]}").unwrap();
        let error = SkillsLock::read(&path).unwrap_err().to_string();
        assert!(error.contains("skills.lock.json:1:"), "{error}");
        assert!(error.contains("`../x` is not a valid skill name"), "{error}");
    }
}
