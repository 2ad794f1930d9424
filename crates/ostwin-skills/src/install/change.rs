//! Updating and removing what was installed.

use ostwin_core::env::crash_point;
use ostwin_core::fs;
use ostwin_core::ids::SkillName;
use ostwin_core::json::Extra;
use ostwin_core::layout::SkillStaging;
use ostwin_core::lock;
use ostwin_core::skills_lock::{InstalledSkill, SkillsLock};

use super::error::InstallError;
use super::installer::{Installer, Report, Request, edited};
use super::shelf::{Shelf, Standing};
use super::source::Source;
use super::staging::{Change, Intent, in_staging, tidy_up};

impl Installer<'_> {
    /// Installs again what the lock file names, if its source has another content now.
    ///
    /// # Errors
    /// It was not installed, was changed since (unless `force`), or its source cannot be had;
    /// nothing was changed.
    pub fn update(
        &self,
        shelf: &Shelf,
        name: &SkillName,
        force: bool,
        dry_run: bool,
    ) -> Result<Report, InstallError> {
        let lock = SkillsLock::read(&shelf.lock_file())?;
        let Some(entry) = lock.get(name, shelf.role()) else {
            let advice = "`ostwin skills list` lists what is there";
            return Err(self.not_installed(shelf, name, advice));
        };
        let source = match &entry.registry {
            Some(_) => Source::Named { name: name.clone(), version: None },
            None => entry.source.parse()?,
        };
        let request = Request { force, dry_run, ..Request::new(source) };
        let installer = Installer {
            store: self.store,
            registry: self.registry,
            base: shelf.root(),
            by: self.by,
            pause: self.pause,
        };
        installer.install_expected(shelf, &request, Some(name))
    }

    /// Removes a skill that was installed, or whatever has that name with `force`.
    ///
    /// # Errors
    /// It was not installed, or was changed since (unless `force`); nothing was changed.
    pub fn remove(
        &self,
        shelf: &Shelf,
        name: &SkillName,
        force: bool,
    ) -> Result<InstalledSkill, InstallError> {
        shelf.check()?;
        let none = "`ostwin skills list` lists what is there";
        if !shelf.lock_file().exists() && shelf.standing(name)? == Standing::Absent {
            return Err(self.not_installed(shelf, name, none));
        }
        in_staging(&shelf.agents(), |staging| {
            lock::exclusive(&shelf.guard(), self.store.lock_timeout, || {
                tidy_up(shelf, self.store)?;
                let lock = SkillsLock::read(&shelf.lock_file())?;
                let standing = shelf.standing(name)?;
                let entry = lock.get(name, shelf.role()).cloned();
                if entry.is_none() && standing == Standing::Absent {
                    return Err(self.not_installed(shelf, name, none));
                }
                if !force && let Some(conflict) = edited(entry.as_ref(), &standing) {
                    return Err(InstallError::Conflict { path: shelf.skill(name), conflict });
                }
                let entry = entry.unwrap_or_else(|| self.unknown(shelf, name));
                self.take_away(shelf, staging, lock, &entry)?;
                Ok(entry)
            })?
        })
    }

    /// Moves the folder away and strikes it out of the lock file. The caller holds the guard.
    fn take_away(
        &self,
        shelf: &Shelf,
        staging: &SkillStaging,
        mut lock: SkillsLock,
        entry: &InstalledSkill,
    ) -> Result<(), InstallError> {
        let (target, aside) = (shelf.skill(&entry.name), staging.aside(&entry.name));
        Intent { change: Change::Remove, skill: entry.clone() }.write(staging, self.store)?;
        if let Some(folder) = aside.parent() {
            fs::create_dirs(folder)?;
        }
        let is_there = std::fs::symlink_metadata(&target).is_ok();
        if is_there {
            fs::claim(&target, &aside)?;
            crash_point("skill_moved_away");
        }
        if lock.take(&entry.name, shelf.role()).is_some()
            && let Err(error) = self.record(shelf, &lock, is_there)
        {
            if is_there {
                fs::claim(&aside, &target)?;
            }
            return Err(error.into());
        }
        Ok(())
    }

    fn not_installed(&self, shelf: &Shelf, name: &SkillName, advice: &'static str) -> InstallError {
        InstallError::NotInstalled { name: name.clone(), role: shelf.role().cloned(), advice }
    }

    /// The entry that a skill which nobody installed would have.
    fn unknown(&self, shelf: &Shelf, name: &SkillName) -> InstalledSkill {
        InstalledSkill {
            name: name.clone(),
            role: shelf.role().cloned(),
            source: String::new(),
            registry: None,
            revision: None,
            version: None,
            sha256: String::new(),
            files: 0,
            bytes: 0,
            installed_at: self.store.now(),
            installed_by: self.by.clone(),
            extra: Extra::new(),
        }
    }
}
