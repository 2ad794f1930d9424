//! A temporary folder beside the lock file, in which a change is made ready.
//!
//! Whoever works in one holds its lock, so a folder whose lock is free was left by a killed
//! process. The next change of a skill finishes or undoes what it was about, by the intent that it
//! wrote down before it touched anything, and removes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::entropy;
use ostwin_core::json;
use ostwin_core::layout::SkillStaging;
use ostwin_core::lock;
use ostwin_core::skills_lock::{InstalledSkill, SkillsLock};
use ostwin_core::store::Store;
use serde::{Deserialize, Serialize};

use super::error::InstallError;
use super::shelf::{Shelf, Standing};

/// Largest intent that is read, in bytes.
const MAX_INTENT_BYTES: u64 = 1 << 20;

/// How old a folder without a lock must be to be taken for left behind: its maker takes the lock
/// an instant after making it.
const SETTLED: Duration = Duration::from_secs(60);

/// What is about to happen to a skill's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) change: Change,
    /// The entry of the lock file that comes or goes with it.
    pub(super) skill: InstalledSkill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    Install,
    Remove,
}

impl Intent {
    /// Writes it down.
    pub(super) fn write(&self, staging: &SkillStaging, store: &Store) -> Result<(), FsError> {
        fs::replace_json(&staging.intent(), self, store.durability)
    }
}

/// Runs `work` in a folder of its own in `agents`, which is gone afterwards.
///
/// # Errors
/// The folder cannot be made, or `work` failed.
pub(super) fn in_staging<R>(
    agents: &Path,
    work: impl FnOnce(&SkillStaging) -> Result<R, InstallError>,
) -> Result<R, InstallError> {
    let staging = SkillStaging::new(agents, entropy().map_err(InstallError::Entropy)?);
    fs::create_dirs(agents)?;
    fs::create_dir(staging.dir())?;
    let outcome = lock::exclusive(&staging.lock(), Duration::ZERO, || work(&staging));
    let removed = fs::remove_dir_all(staging.dir());
    let result = outcome??;
    // What was done is done: a folder that cannot be removed is removed by who comes next.
    drop(removed);
    Ok(result)
}

/// The folders that killed processes have left beside the skills of `shelf`.
///
/// # Errors
/// They cannot be listed or looked at.
pub fn left_behind(shelf: &Shelf, store: &Store) -> Result<Vec<PathBuf>, InstallError> {
    let mut left = Vec::new();
    for staging in SkillStaging::list(&shelf.agents())? {
        if is_left_behind(&staging, store)? {
            left.push(staging.dir().to_owned());
        }
    }
    Ok(left)
}

/// Finishes or undoes what killed processes have left beside the skills of `shelf`, as every change
/// of a skill does first. Where nothing is left, nothing is written.
///
/// # Errors
/// The lock of `shelf` was not free in time, or something that was left cannot be read, moved or
/// removed.
pub fn tidy(shelf: &Shelf, store: &Store) -> Result<(), InstallError> {
    if left_behind(shelf, store)?.is_empty() {
        return Ok(());
    }
    lock::exclusive(&shelf.guard(), store.lock_timeout, || tidy_up(shelf, store))?
}

/// Finishes or undoes what killed processes have left in the folder of `shelf`. The caller holds
/// the guard.
///
/// # Errors
/// Something that was left cannot be read, moved or removed.
pub(super) fn tidy_up(shelf: &Shelf, store: &Store) -> Result<(), InstallError> {
    for staging in SkillStaging::list(&shelf.agents())? {
        if is_left_behind(&staging, store)? {
            recover(&staging, shelf, store)?;
            fs::remove_dir_all(staging.dir())?;
        }
    }
    Ok(())
}

fn is_left_behind(staging: &SkillStaging, store: &Store) -> Result<bool, InstallError> {
    if staging.lock().exists() {
        return Ok(!lock::is_held(&staging.lock())?);
    }
    let made = std::fs::metadata(staging.dir()).and_then(|metadata| metadata.modified());
    let age = made.ok().and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    let now = Duration::from_millis(u64::try_from(store.now().as_millis()).unwrap_or(0));
    Ok(age.is_none_or(|made| now.saturating_sub(made) > SETTLED))
}

fn recover(staging: &SkillStaging, shelf: &Shelf, store: &Store) -> Result<(), InstallError> {
    let Some(bytes) = fs::read_optional(&staging.intent(), MAX_INTENT_BYTES)? else {
        return Ok(());
    };
    let Intent { change, skill } = json::from_slice_located(&staging.intent(), &bytes)?;
    let shelf = shelf.beside(skill.role.as_ref());
    let (name, role) = (skill.name.clone(), skill.role.clone());
    let mut lock = SkillsLock::read(&shelf.lock_file())?;
    let standing = shelf.standing(&name)?;
    match change {
        Change::Install => match standing {
            // Swapped in, and not yet recorded.
            Standing::Files(sha256) if sha256 == skill.sha256 => {
                if lock.get(&name, role.as_ref()) == Some(&skill) {
                    return Ok(());
                }
                lock.put(skill);
            }
            // Killed between moving the old one away and the new one in.
            Standing::Absent => {
                if staging.aside(&name).exists() {
                    fs::claim(&staging.aside(&name), &shelf.skill(&name))?;
                }
                return Ok(());
            }
            Standing::Files(_) | Standing::Unreadable(_) => return Ok(()),
        },
        Change::Remove => {
            // Not moved away yet, or not recorded any more.
            if standing != Standing::Absent || lock.take(&name, role.as_ref()).is_none() {
                return Ok(());
            }
        }
    }
    lock.write(&shelf.lock_file(), store.durability)?;
    Ok(())
}
