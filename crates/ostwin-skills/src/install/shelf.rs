//! A place that skills are installed into: the folder, its lock file, and the guard of both.

use std::path::{Path, PathBuf};

use ostwin_core::fs::FsError;
use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::layout::{self, Layout, RolePaths};
use ostwin_core::skills_lock::{InstalledSkill, SkillsLock};
use serde::Serialize;

use super::error::InstallError;
use super::read::{ReadError, read_folder};

/// For whom a skill is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For this project.
    Project,
    /// For every project of this user.
    User,
}

/// A place that skills are installed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    home: Home,
    role: Option<RoleName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Home {
    Project(Layout),
    User(PathBuf),
}

impl Shelf {
    /// The skills of a project: for every role, or for one.
    pub fn of_project(layout: Layout, role: Option<RoleName>) -> Self {
        Self { home: Home::Project(layout), role }
    }

    /// The skills of a user, across projects. `home` is their home directory.
    pub fn of_user(home: PathBuf) -> Self {
        Self { home: Home::User(home), role: None }
    }

    /// For whom it is.
    pub fn scope(&self) -> Scope {
        match self.home {
            Home::Project(_) => Scope::Project,
            Home::User(_) => Scope::User,
        }
    }

    /// The role whose sessions get the skills; none for every role.
    pub fn role(&self) -> Option<&RoleName> {
        self.role.as_ref()
    }

    /// The shelf beside this one for another role, with the same lock file.
    pub(super) fn beside(&self, role: Option<&RoleName>) -> Self {
        Self { home: self.home.clone(), role: role.cloned() }
    }

    /// What paths in the lock file are relative to.
    pub(super) fn root(&self) -> &Path {
        match &self.home {
            Home::Project(layout) => layout.root(),
            Home::User(home) => home,
        }
    }

    /// The folder that holds the lock file, and everything else of this place.
    pub(super) fn agents(&self) -> PathBuf {
        match &self.home {
            Home::Project(layout) => layout.agents(),
            Home::User(home) => layout::user_agents(home),
        }
    }

    /// The folder of skills.
    pub fn skills(&self) -> PathBuf {
        match (&self.home, &self.role) {
            (Home::Project(layout), None) => layout.skills(),
            (Home::Project(layout), Some(role)) => RolePaths::new(&layout.roles(), role).skills(),
            (Home::User(home), _) => layout::user_skills(home),
        }
    }

    /// The folder of one skill.
    pub fn skill(&self, name: &SkillName) -> PathBuf {
        self.skills().join(name.as_str())
    }

    /// The file that says what was installed.
    pub fn lock_file(&self) -> PathBuf {
        match &self.home {
            Home::Project(layout) => layout.skills_lock(),
            Home::User(home) => layout::user_skills_lock(home),
        }
    }

    /// The lock of whoever changes anything here.
    pub(super) fn guard(&self) -> PathBuf {
        match &self.home {
            Home::Project(layout) => layout.skills_guard(),
            Home::User(home) => layout::user_skills_guard(home),
        }
    }

    /// Refuses a folder of skills that is a link out of the project: what is installed there would
    /// change something that the project does not own. A user may keep their own where they want.
    pub(super) fn check(&self) -> Result<(), InstallError> {
        let Home::Project(layout) = &self.home else { return Ok(()) };
        let resolve = |path: &Path| {
            fs_err::canonicalize(path).map_err(|error| FsError::new("resolve", path, error))
        };
        let root = resolve(layout.root())?;
        let skills = self.skills();
        let there = skills.ancestors().find(|path| path.exists()).unwrap_or(layout.root());
        if resolve(there)?.starts_with(&root) {
            return Ok(());
        }
        Err(InstallError::LeadsOut { path: there.to_owned() })
    }

    /// What stands under a skill's name.
    pub(super) fn standing(&self, name: &SkillName) -> Result<Standing, FsError> {
        let path = self.skill(name);
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Standing::Absent);
            }
            Err(error) => return Err(FsError::new("look at", &path, error)),
            Ok(metadata) if !metadata.is_dir() => {
                return Ok(Standing::Unreadable("it is no folder".to_owned()));
            }
            Ok(_) => {}
        }
        match read_folder(&path, None) {
            Ok(tree) => Ok(Standing::Files(tree.sha256())),
            Err(ReadError::Refused(refusal)) => Ok(Standing::Unreadable(refusal.to_string())),
            Err(ReadError::Fs(error)) if error.is_not_found() => Ok(Standing::Absent),
            Err(ReadError::Fs(error)) => Err(error),
        }
    }
}

/// What stands under a skill's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Absent,
    /// A folder with this hash.
    Files(String),
    /// Something that is no skill's folder.
    Unreadable(String),
}

/// An installed skill, and whether it is still what was installed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Installed {
    /// What the lock file says.
    #[serde(rename = "installed")]
    pub entry: InstalledSkill,
    /// Its folder.
    pub path: PathBuf,
    /// Whether its files are still those that were installed.
    pub state: State,
}

/// Whether an installed skill is still what was installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is.
    Intact,
    /// Its files were changed since.
    Edited,
    /// Its folder is gone.
    Missing,
}

/// What the lock file of a place names, for all roles, each compared with what is there.
///
/// # Errors
/// The lock file is malformed, or a skill's files cannot be read.
pub fn installed(shelf: &Shelf) -> Result<Vec<Installed>, InstallError> {
    let lock = SkillsLock::read(&shelf.lock_file())?;
    let compare = |entry: InstalledSkill| {
        let shelf = shelf.beside(entry.role.as_ref());
        let state = match shelf.standing(&entry.name)? {
            Standing::Absent => State::Missing,
            Standing::Files(sha256) if sha256 == entry.sha256 => State::Intact,
            Standing::Files(_) | Standing::Unreadable(_) => State::Edited,
        };
        Ok(Installed { path: shelf.skill(&entry.name), entry, state })
    };
    lock.skills.into_iter().map(compare).collect()
}
