//! Copying the skills of a session to where it reads them: beside its other records, read-only, so
//! that what it was given can be looked at later, whatever becomes of the originals.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::SkillName;
use ostwin_core::plans::sha256;
use ostwin_core::store::Durability;

use crate::error::SkillError;
use crate::place::{MAX_FILES, MAX_TOTAL_BYTES, SkillFile, SkillPlace};
use crate::resolve::ResolvedSkill;

/// Why skills could not be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A skill has more files, or more in them, than is copied.
    #[error(
        "skill `{skill}` in `{}` has {files} files with {bytes} bytes, and at most {MAX_FILES} files \
         with {MAX_TOTAL_BYTES} bytes are copied; keep in its folder only what an agent reads",
        place.display()
    )]
    TooLarge {
        /// The skill.
        skill: SkillName,
        /// Its folder.
        place: PathBuf,
        /// How many files it has; one more than the most if there are more.
        files: usize,
        /// The size of all its files together.
        bytes: u64,
    },
    /// A file of it could not be read.
    #[error(transparent)]
    Skill(#[from] SkillError),
    /// A file could not be written.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// What will be copied: everything was looked at, nothing is written yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staging {
    skills: Vec<Staged>,
    /// What is passed over, such as links, for people.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Staged {
    name: SkillName,
    place: SkillPlace,
    files: Vec<SkillFile>,
}

impl Staging {
    /// Looks at the files of every skill. Links and special files are left out.
    ///
    /// # Errors
    /// A skill is too large, or cannot be read.
    pub fn plan(skills: &[ResolvedSkill]) -> Result<Self, StageError> {
        let mut staging = Self::default();
        for ResolvedSkill { name, place, .. } in skills {
            let found = place.files()?;
            let bytes = found.files.iter().map(|file| file.bytes).sum();
            let files = found.files.len() + usize::from(found.truncated);
            if files > MAX_FILES || bytes > MAX_TOTAL_BYTES {
                let (skill, place) = (name.clone(), place.path());
                return Err(StageError::TooLarge { skill, place, files, bytes });
            }
            let passed_over = found.skipped.iter().map(|skipped| {
                format!("skill `{name}`: `{}` is not copied: {}", skipped.path, skipped.problem)
            });
            staging.warnings.extend(passed_over);
            let (name, place, files) = (name.clone(), place.clone(), found.files);
            staging.skills.push(Staged { name, place, files });
        }
        Ok(staging)
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.skills.is_empty()
    }

    /// The SHA-256 over the copy of each skill below `dir`: mode, SHA-256 and path of each file, one
    /// line a file, sorted by path.
    ///
    /// # Errors
    /// A copy cannot be read.
    pub fn hashes(&self, dir: &Path) -> Result<BTreeMap<String, String>, StageError> {
        let hash = |skill: &Staged| {
            let dir = dir.join(skill.name.as_str());
            let mut files: Vec<&SkillFile> = skill.files.iter().collect();
            files.sort_by(|one, other| one.path.cmp(&other.path));
            let mut lines = String::new();
            for SkillFile { path, executable, .. } in files {
                let mode = if *executable { "100755" } else { "100644" };
                let content = sha256(&fs::read(&path.below(&dir), MAX_TOTAL_BYTES)?);
                lines.push_str(&format!("{mode} {content} {path}\n"));
            }
            Ok((skill.name.to_string(), sha256(lines.as_bytes())))
        };
        self.skills.iter().map(hash).collect()
    }

    /// Copies every skill into a folder of its name below `dir`, which is made. What an earlier try
    /// left there is replaced.
    ///
    /// # Errors
    /// A file cannot be read or written; or one has grown beyond the bound meanwhile.
    pub fn write(&self, dir: &Path) -> Result<(), StageError> {
        if self.is_empty() {
            return Ok(());
        }
        fs::remove_dir_all(dir)?;
        for skill in &self.skills {
            skill.write(&dir.join(skill.name.as_str()))?;
        }
        Ok(())
    }
}

impl Staged {
    fn write(&self, dir: &Path) -> Result<(), StageError> {
        let mut left = MAX_TOTAL_BYTES;
        for SkillFile { path, executable, .. } in &self.files {
            let part = self.place.read(path, 0, left.saturating_add(1))?;
            left = left.checked_sub(part.total).ok_or_else(|| StageError::TooLarge {
                skill: self.name.clone(),
                place: self.place.path(),
                files: self.files.len(),
                bytes: MAX_TOTAL_BYTES.saturating_add(part.total),
            })?;
            let to = path.below(dir);
            if let Some(folder) = to.parent() {
                fs::create_dirs(folder)?;
            }
            fs::create_file(&to, &part.bytes, *executable, Durability::Os)?;
            let mode = if *executable { 0o555 } else { 0o444 };
            std::fs::set_permissions(&to, PermissionsExt::from_mode(mode))
                .map_err(|error| FsError::new("make read-only", &to, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiers::Tier;

    struct World {
        dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
            let path = self.dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::replace_hint(&path, bytes).unwrap();
            path
        }

        fn skill(&self, name: &str) -> ResolvedSkill {
            ResolvedSkill {
                name: SkillName::new(name).unwrap(),
                description: "x".to_owned(),
                version: None,
                tier: Tier::Project,
                place: SkillPlace::Folder(self.dir.path().join(name)),
                applicable_roles: Vec::new(),
                asked_by: Vec::new(),
            }
        }
    }

    #[test]
    fn a_copy_is_read_only_and_without_links() {
        let world = World::new();
        world.write("a/SKILL.md", b"body");
        let script = world.write("a/scripts/run.sh", b"#!/bin/sh\n");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", world.dir.path().join("a/out")).unwrap();
        let staging = Staging::plan(&[world.skill("a")]).unwrap();
        assert_eq!(
            staging.warnings,
            ["skill `a`: `out` is not copied: it is a link, and links are not followed"]
        );
        let to = world.dir.path().join("staged/skills");
        world.write("staged/skills/a/left over", b"x");
        staging.write(&to).unwrap();
        staging.write(&to).unwrap();
        let mode = |path: &str| std::fs::metadata(to.join(path)).unwrap().permissions().mode();
        assert_eq!(mode("a/SKILL.md") & 0o777, 0o444);
        assert_eq!(mode("a/scripts/run.sh") & 0o777, 0o555);
        assert_eq!(fs::read(&to.join("a/SKILL.md"), 9).unwrap(), b"body");
        let names = std::fs::read_dir(to.join("a")).unwrap().count();
        assert_eq!(names, 2);
    }

    #[test]
    fn nothing_leaves_no_folder() {
        let world = World::new();
        let to = world.dir.path().join("staged");
        Staging::plan(&[]).unwrap().write(&to).unwrap();
        assert!(!to.exists());
    }

    #[test]
    fn a_skill_that_is_too_large_is_refused_before_anything_is_written() {
        let world = World::new();
        world.write("big/SKILL.md", b"body");
        let too_much = MAX_TOTAL_BYTES + 1;
        world.write("big/data", &vec![0; usize::try_from(too_much).unwrap()]);
        let error = Staging::plan(&[world.skill("big")]).unwrap_err();
        let StageError::TooLarge { files, bytes, .. } = error else { panic!("{error}") };
        assert_eq!((files, bytes), (2, too_much + 4));
        for number in 0..=MAX_FILES {
            world.write(&format!("many/{number}"), b"");
        }
        let error = Staging::plan(&[world.skill("many")]).unwrap_err();
        let StageError::TooLarge { files, .. } = error else { panic!("{error}") };
        assert_eq!(files, MAX_FILES + 1);
    }
}
