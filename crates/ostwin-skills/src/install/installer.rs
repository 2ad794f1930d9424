//! Installing: fetch, check, and swap in whole; or tell what that would do.
//!
//! Until the very end everything is a value in memory. Then the files are written into a folder
//! of their own, synced, and exchanged with what is there, in one step. What was there is gone
//! only after the new one is recorded.

use std::path::{Path, PathBuf};

use ostwin_core::env::crash_point;
use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::{RoleName, RoleRef, SkillName};
use ostwin_core::json::Extra;
use ostwin_core::layout::SkillStaging;
use ostwin_core::lock;
use ostwin_core::skills_lock::{InstalledSkill, SkillsLock};
use ostwin_core::store::{Durability, Store};
use serde::Serialize;

use super::Pause;
use super::error::{Conflict, InstallError};
use super::fetch::{Fetched, fetch};
use super::registry::Registry;
use super::shelf::{Scope, Shelf, Standing};
use super::source::Source;
use super::staging::{Change, Intent, in_staging, tidy_up};
use super::tree::{Refusal, Tree};
use crate::format::{self, DOCUMENT, Document};

/// What everything that installs works with.
#[derive(Clone, Copy)]
pub struct Installer<'a> {
    /// How files are written.
    pub store: &'a Store,
    /// The index in which names are looked up, if one is set.
    pub registry: Option<&'a Registry>,
    /// What relative paths of sources start at.
    pub base: &'a Path,
    /// Who installs: a role, or `human`.
    pub by: &'a RoleRef,
    /// Waiting, for as long as somebody wants the result.
    pub pause: Pause<'a>,
}

/// What is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it is.
    pub source: Source,
    /// The version that it must have: that of the index for a name, else the one it gives itself.
    pub version: Option<String>,
    /// The SHA-256 that the skill must have, or the archive that it comes in.
    pub sha256: Option<String>,
    /// Whether it replaces what was not installed from there, or was changed since.
    pub force: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

impl Request {
    /// To install what is at `source`.
    pub fn new(source: Source) -> Self {
        Self { source, version: None, sha256: None, force: false, dry_run: false }
    }
}

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The skill.
    pub name: SkillName,
    /// For whom it is installed.
    pub scope: Scope,
    /// The role whose sessions get it; none for every role.
    pub role: Option<RoleName>,
    /// What happens to its folder.
    pub outcome: Outcome,
    /// Whether it was only looked at.
    pub dry_run: bool,
    /// Its folder.
    pub path: PathBuf,
    /// Where it came from.
    pub source: String,
    /// The index that named the source.
    pub registry: Option<String>,
    /// What the source was: a commit, or the hash of an archive.
    pub revision: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The SHA-256 of its files.
    pub sha256: String,
    /// Its files.
    pub files: Vec<ReportedFile>,
    /// Their length together.
    pub bytes: u64,
    /// What was there and is not installed: files whose names start with a dot.
    pub left_out: Vec<String>,
    /// What is odd about it.
    pub warnings: Vec<String>,
    /// What it replaces.
    pub replaced: Option<Replaced>,
}

/// A file of a skill that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedFile {
    /// Where it is in the skill.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it may be run.
    pub executable: bool,
}

/// What a skill replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Its version, if it is known.
    pub version: Option<String>,
    /// Its hash, if it could be read.
    pub sha256: Option<String>,
    /// Where it came from, if it is known.
    pub source: Option<String>,
}

/// What happens to a skill's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is new.
    Added,
    /// It replaces another one.
    Replaced,
    /// It is there already.
    Unchanged,
}

/// A skill that was fetched and passed every check.
struct Candidate {
    entry: InstalledSkill,
    /// Its source with absolute paths.
    source: Source,
    tree: Tree,
    warnings: Vec<String>,
}

impl Installer<'_> {
    /// Installs a skill, or tells what that would do.
    ///
    /// # Errors
    /// [`InstallError`]; nothing was changed.
    pub fn install(&self, shelf: &Shelf, request: &Request) -> Result<Report, InstallError> {
        self.install_expected(shelf, request, None)
    }

    /// Installs a skill that must have this name.
    pub(super) fn install_expected(
        &self,
        shelf: &Shelf,
        request: &Request,
        expected: Option<&SkillName>,
    ) -> Result<Report, InstallError> {
        shelf.check()?;
        let pin = request.sha256.as_deref().map(parse_hash).transpose()?;
        let source = match (request.source.clone(), &request.version) {
            (Source::Named { name, version: None }, Some(version)) => {
                Source::Named { name, version: Some(version.clone()) }
            }
            (source, _) => source.anchored(self.base),
        };
        let fetched = fetch(source, self.registry, shelf, self.pause)?;
        let candidate = self.check(shelf, request, pin, expected, fetched)?;
        let name = &candidate.entry.name;
        if is_same_folder(&candidate.source, &shelf.skill(name)) {
            return Err(InstallError::InPlace { path: shelf.skill(name) });
        }
        if request.dry_run {
            let lock = SkillsLock::read(&shelf.lock_file())?;
            let decided = decide(shelf, &lock, &candidate, request.force)?;
            return Ok(report(shelf, candidate, decided, true));
        }
        in_staging(&shelf.agents(), |staging| {
            write_tree(staging, &candidate, self.store.durability)?;
            crash_point("skill_staged");
            let decided = lock::exclusive(&shelf.guard(), self.store.lock_timeout, || {
                tidy_up(shelf, self.store)?;
                self.put_in_place(shelf, staging, &candidate, request.force)
            })??;
            Ok(report(shelf, candidate, decided, false))
        })
    }

    /// Holds what was fetched against what was asked for.
    fn check(
        &self,
        shelf: &Shelf,
        request: &Request,
        pin: Option<String>,
        expected: Option<&SkillName>,
        fetched: Fetched,
    ) -> Result<Candidate, InstallError> {
        let place = fetched.source.to_string();
        let Some(text) = fetched.tree.content(DOCUMENT) else {
            return Err(InstallError::refused(&place, Refusal::NoDocument));
        };
        let shown = PathBuf::from(&place).join(DOCUMENT);
        let Document { skill, warnings, .. } = format::parse(&shown, text)?;
        let indexed = fetched.index.as_ref().map(|(_, entry)| entry);
        if let Some(wanted) = expected.or(indexed.map(|entry| &entry.name))
            && *wanted != skill.name
        {
            let (found, wanted) = (skill.name, wanted.clone());
            return Err(InstallError::OtherSkill { place, found, wanted });
        }
        let promised = indexed.and_then(|entry| entry.version.clone());
        let version = skill.version.clone().or_else(|| promised.clone());
        for wanted in [promised.as_ref(), request.version.as_ref()].into_iter().flatten() {
            if version.as_ref() != Some(wanted) {
                let (found, wanted) = (version, wanted.clone());
                return Err(InstallError::OtherVersion { place, found, wanted });
            }
        }
        let sha256 = fetched.tree.sha256();
        let promised = indexed.map(|entry| parse_hash(&entry.sha256)).transpose()?;
        for wanted in [promised, pin].into_iter().flatten() {
            if sha256 != wanted && fetched.archive_sha256() != Some(&wanted) {
                return Err(InstallError::OtherContent { place, found: sha256, wanted });
            }
        }
        let files = fetched.tree.files().len();
        Ok(Candidate {
            entry: InstalledSkill {
                name: skill.name,
                role: shelf.role().cloned(),
                source: fetched.source.clone().relative_to(shelf.root()).to_string(),
                registry: fetched.index.map(|(registry, _)| registry),
                revision: fetched.revision,
                version,
                sha256,
                files,
                bytes: fetched.tree.bytes(),
                installed_at: self.store.now(),
                installed_by: self.by.clone(),
                extra: Extra::new(),
            },
            source: fetched.source,
            tree: fetched.tree,
            warnings,
        })
    }

    /// Swaps the staged files in and records them. The caller holds the guard.
    fn put_in_place(
        &self,
        shelf: &Shelf,
        staging: &SkillStaging,
        candidate: &Candidate,
        force: bool,
    ) -> Result<Decided, InstallError> {
        let entry = &candidate.entry;
        let mut lock = SkillsLock::read(&shelf.lock_file())?;
        let decided = decide(shelf, &lock, candidate, force)?;
        Intent { change: Change::Install, skill: entry.clone() }.write(staging, self.store)?;
        let swapped = decided.outcome != Outcome::Unchanged;
        if swapped {
            swap_in(shelf, staging, &entry.name)?;
            crash_point("skill_swapped");
        }
        if !swapped && lock.get(&entry.name, shelf.role()).is_some_and(|old| is_same(old, entry)) {
            return Ok(decided);
        }
        lock.put(entry.clone());
        if let Err(error) = self.record(shelf, &lock, swapped) {
            if swapped {
                swap_out(shelf, staging, &entry.name)?;
            }
            return Err(error.into());
        }
        crash_point("skill_recorded");
        Ok(decided)
    }

    /// Writes down what the folder of skills holds now, after the folder itself is safe if it was
    /// changed.
    pub(super) fn record(
        &self,
        shelf: &Shelf,
        lock: &SkillsLock,
        changed: bool,
    ) -> Result<(), FsError> {
        if changed && self.store.durability == Durability::Sync {
            fs::sync_dir(&shelf.skills())?;
        }
        lock.write(&shelf.lock_file(), self.store.durability)
    }
}

/// Whether two entries tell the same, but for who installed it and when.
fn is_same(old: &InstalledSkill, new: &InstalledSkill) -> bool {
    let told = |entry: &InstalledSkill| {
        let InstalledSkill { source, registry, revision, version, sha256, .. } = entry.clone();
        (source, registry, revision, version, sha256)
    };
    told(old) == told(new)
}

/// What is to happen, and to what.
struct Decided {
    outcome: Outcome,
    replaced: Option<Replaced>,
}

/// Whether the candidate may take the place of what is there.
fn decide(
    shelf: &Shelf,
    lock: &SkillsLock,
    candidate: &Candidate,
    force: bool,
) -> Result<Decided, InstallError> {
    let new = &candidate.entry;
    let old = lock.get(&new.name, shelf.role());
    let standing = shelf.standing(&new.name)?;
    if standing == Standing::Absent {
        return Ok(Decided { outcome: Outcome::Added, replaced: None });
    }
    if standing == Standing::Files(new.sha256.clone()) {
        return Ok(Decided { outcome: Outcome::Unchanged, replaced: None });
    }
    if !force && let Some(conflict) = conflict(shelf, old, &standing, candidate) {
        return Err(InstallError::Conflict { path: shelf.skill(&new.name), conflict });
    }
    let sha256 = match standing {
        Standing::Files(sha256) => Some(sha256),
        Standing::Absent | Standing::Unreadable(_) => None,
    };
    let version = old.and_then(|old| old.version.clone());
    let source = old.map(|old| old.source.clone());
    let replaced = Some(Replaced { version, sha256, source });
    Ok(Decided { outcome: Outcome::Replaced, replaced })
}

/// Why nobody but a person who says so may replace what is there.
fn conflict(
    shelf: &Shelf,
    old: Option<&InstalledSkill>,
    standing: &Standing,
    candidate: &Candidate,
) -> Option<Conflict> {
    let conflict = edited(old, standing);
    if conflict.is_some() {
        return conflict;
    }
    let old = old?;
    let same_index = old.registry.is_some() && old.registry == candidate.entry.registry;
    let origin = old.source.parse::<Source>().ok().map(|source| source.anchored(shelf.root()));
    let same_origin = origin.is_some_and(|origin| origin.is_same_origin(&candidate.source));
    (!same_index && !same_origin).then(|| Conflict::OtherSource { source_text: old.source.clone() })
}

/// What a person did to the skill that stands there since it was installed.
pub(super) fn edited(old: Option<&InstalledSkill>, standing: &Standing) -> Option<Conflict> {
    match (standing, old) {
        (Standing::Absent, _) => None,
        (_, None) => Some(Conflict::Foreign),
        (Standing::Files(sha256), Some(old)) if *sha256 == old.sha256 => None,
        (Standing::Files(_), Some(_)) => Some(Conflict::Edited),
        (Standing::Unreadable(problem), Some(_)) => {
            Some(Conflict::Unreadable { problem: problem.clone() })
        }
    }
}

fn write_tree(
    staging: &SkillStaging,
    candidate: &Candidate,
    durability: Durability,
) -> Result<(), FsError> {
    let dir = staging.fresh(&candidate.entry.name);
    fs::create_dirs(&dir)?;
    let mut folders = vec![dir.clone()];
    for (path, file) in candidate.tree.files() {
        let to = path.below(&dir);
        if let Some(folder) = to.parent().filter(|folder| !folders.iter().any(|f| f == folder)) {
            fs::create_dirs(folder)?;
            let inner = folder.ancestors().take_while(|folder| *folder != dir);
            folders.extend(inner.map(Path::to_owned));
        }
        fs::create_file(&to, &file.content, file.executable, durability)?;
    }
    if durability == Durability::Sync {
        folders.sort();
        folders.dedup();
        for folder in folders.iter().rev() {
            fs::sync_dir(folder)?;
        }
    }
    Ok(())
}

/// Puts the staged skill in its place; what was there is in the staging folder then.
fn swap_in(shelf: &Shelf, staging: &SkillStaging, name: &SkillName) -> Result<(), FsError> {
    let (fresh, target) = (staging.fresh(name), shelf.skill(name));
    fs::create_dirs(&shelf.skills())?;
    if !fs::claim(&fresh, &target)? && !fs::exchange(&fresh, &target)? {
        // Without an exchange there is a moment in which neither is there; whoever comes next
        // puts the old one back if this process dies in it.
        let aside = staging.aside(name);
        if let Some(folder) = aside.parent() {
            fs::create_dirs(folder)?;
        }
        fs::claim(&target, &aside)?;
        crash_point("skill_aside");
        if !fs::claim(&fresh, &target)? {
            fs::claim(&aside, &target)?;
        }
    }
    Ok(())
}

/// Undoes [`swap_in`].
fn swap_out(shelf: &Shelf, staging: &SkillStaging, name: &SkillName) -> Result<(), FsError> {
    let (fresh, aside, target) = (staging.fresh(name), staging.aside(name), shelf.skill(name));
    let old = if aside.exists() { aside } else { fresh.clone() };
    if old.exists() {
        if !fs::exchange(&old, &target)? {
            fs::remove_dir_all(&target)?;
            fs::claim(&old, &target)?;
        }
        return Ok(());
    }
    fs::claim(&target, &fresh).map(drop)
}

fn report(shelf: &Shelf, candidate: Candidate, decided: Decided, dry_run: bool) -> Report {
    let Candidate { entry, tree, warnings, .. } = candidate;
    let files = tree.files().map(|(path, file)| ReportedFile {
        path: path.to_string(),
        bytes: u64::try_from(file.content.len()).unwrap_or(u64::MAX),
        executable: file.executable,
    });
    Report {
        path: shelf.skill(&entry.name),
        scope: shelf.scope(),
        files: files.collect(),
        left_out: tree.left_out().to_vec(),
        name: entry.name,
        role: entry.role,
        outcome: decided.outcome,
        replaced: decided.replaced,
        source: entry.source,
        registry: entry.registry,
        revision: entry.revision,
        version: entry.version,
        sha256: entry.sha256,
        bytes: entry.bytes,
        dry_run,
        warnings,
    }
}

/// Whether a source is the folder that it would be installed into.
fn is_same_folder(source: &Source, target: &Path) -> bool {
    let Source::Folder { path, subdir } = source else { return false };
    let folder = subdir.as_ref().map_or_else(|| path.clone(), |subdir| subdir.below(path));
    let resolved = |path: &Path| fs_err::canonicalize(path).ok();
    resolved(&folder).is_some_and(|folder| Some(folder) == resolved(target))
}

fn parse_hash(text: &str) -> Result<String, InstallError> {
    let digits = text.trim().trim_start_matches("sha256:").to_ascii_lowercase();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits);
    }
    Err(InstallError::BadHash { text: text.chars().take(80).collect() })
}
