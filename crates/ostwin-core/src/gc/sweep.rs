//! One sweep through a project: looking, and removing if that is wanted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::{Measure, is_folder, measure, written_at};
use crate::control;
use crate::env::crash_point;
use crate::fs::{self, FsError};
use crate::ids::PlanId;
use crate::json::{self, Extra, JsonError, Version};
use crate::layout::{AttemptPaths, Layout};
use crate::lock::{self, LockError};
use crate::plans::{self, PlanStoreError, StoredPlan};
use crate::project::Project;
use crate::room::{self, Room, RoomError};
use crate::time::Timestamp;

/// Largest note about removed files that is read, in bytes.
const MAX_REMOVED_BYTES: u64 = 1 << 20;
/// How old something half done must be to be taken for left behind: whoever is at it takes moments.
const SETTLED: Duration = Duration::from_secs(600);

/// How long things are kept; `None` is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// What sessions of finished rooms left, logs of engines, and caches.
    pub transcripts: Option<Duration>,
    /// Archives of rooms, which hold a room's whole history.
    pub archives: Option<Duration>,
}

/// What something is that nobody needs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// What a session of a finished room left beside its record: transcript, log of tools, output,
    /// temporary files, copies of skills.
    Session,
    /// The log of an engine.
    Log,
    /// The archive of a room.
    Archive,
    /// Something of the cache, which is made again when it is needed.
    Cache,
    /// What a killed process left half done.
    Leftover,
}

impl What {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Log => "log",
            Self::Archive => "archive",
            Self::Cache => "cache",
            Self::Leftover => "leftover",
        }
    }
}

/// Something that is removed, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub what: What,
    /// The file or folder; of a session, the folder of its attempt, whose record stays.
    pub path: PathBuf,
    /// How many files.
    pub files: usize,
    /// Their size together.
    pub bytes: u64,
}

impl Item {
    /// What a killed process left at `path`; `None` if nothing is there.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn leftover(path: PathBuf) -> Result<Option<Self>, FsError> {
        Ok(measure(&path)?.map(|size| Self::new(What::Leftover, path, size)))
    }

    fn new(what: What, path: PathBuf, size: Measure) -> Self {
        Self { what, path, files: size.files, bytes: size.bytes }
    }
}

/// Something that was left alone although it is old enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The plan or file.
    pub what: String,
    /// Why it was left alone.
    pub reason: String,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// What was removed, or would be.
    pub items: Vec<Item>,
    /// What was left alone, and why.
    pub kept: Vec<Kept>,
}

impl Sweep {
    /// The size of everything together.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }

    fn keep(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.kept.push(Kept { what: what.into(), reason: reason.into() });
    }
}

/// `removed.json`: what was removed of an attempt, written before the first file goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Removed")]
pub struct Removed {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// When.
    pub removed_at: Timestamp,
    /// The names of the files and folders.
    pub files: Vec<String>,
    /// Their size together.
    pub bytes: u64,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Removed);

impl Removed {
    /// What was removed of an attempt; `None` if nothing was.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(attempt: &AttemptPaths) -> Result<Option<Self>, GcError> {
        let path = attempt.removed();
        match fs::read_optional(&path, MAX_REMOVED_BYTES)? {
            Some(bytes) => Ok(Some(json::from_slice_located(&path, &bytes)?)),
            None => Ok(None),
        }
    }
}

/// Why a sweep ended early. What it had removed until then stays removed.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// A file could not be looked at, written or removed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A note about removed files is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The plans cannot be listed.
    #[error(transparent)]
    Plans(#[from] PlanStoreError),
    /// The rooms cannot be listed.
    #[error(transparent)]
    Rooms(#[from] RoomError),
    /// A lock could not be looked at or taken.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// Finds what nobody needs any more and removes it if `remove` is set; otherwise nothing is
/// written.
///
/// # Errors
/// [`GcError`].
pub fn sweep(project: &Project, keep: Keep, remove: bool) -> Result<Sweep, GcError> {
    let layout = project.layout();
    let now = project.store().now();
    let cutoff = keep.transcripts.map(|keep| now.minus(keep));
    let mut sweep = Sweep::default();
    for plan in plans::list(project)? {
        sweep_plan(project, &plan, cutoff, remove, &mut sweep)?;
    }
    if let Some(keep) = keep.archives {
        sweep_archives(layout, now.minus(keep), remove, &mut sweep)?;
    }
    if let Some(cutoff) = cutoff {
        sweep_cache(project, cutoff, remove, &mut sweep)?;
    }
    let settled = now.minus(SETTLED);
    for path in layout.left_behind()? {
        if written_at(&path)?.is_some_and(|at| at <= settled) {
            take(What::Leftover, path, remove, &mut sweep)?;
        }
    }
    Ok(sweep)
}

/// What belongs to one plan, which nobody may drive meanwhile.
fn sweep_plan(
    project: &Project,
    plan: &StoredPlan,
    cutoff: Option<Timestamp>,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    let id = &plan.meta.plan_id;
    let driven = "an engine drives it";
    if control::is_driven(&plan.paths)? {
        sweep.keep(format!("plan {id}"), driven);
        return Ok(());
    }
    if !remove {
        return undriven(project, plan, cutoff, false, sweep);
    }
    // Taken only if there is something to do: the lock's file is made by taking it.
    let mut found = Sweep::default();
    undriven(project, plan, cutoff, false, &mut found)?;
    if found.items.is_empty() {
        sweep.kept.extend(found.kept);
        return Ok(());
    }
    let taken = lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, || {
        undriven(project, plan, cutoff, true, sweep)
    });
    match taken {
        Ok(swept) => swept,
        Err(LockError::Busy { .. }) => {
            sweep.keep(format!("plan {id}"), driven);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn undriven(
    project: &Project,
    plan: &StoredPlan,
    cutoff: Option<Timestamp>,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    unfinished(project.layout(), &plan.meta.plan_id, remove, sweep)?;
    let Some(cutoff) = cutoff else { return Ok(()) };
    for (room, _) in room::of_plan(project, &plan.meta.plan_id)? {
        // A room that cannot be read is doctor's business, and left alone.
        let Ok(standing) = room.standing() else {
            sweep.keep(room.id().to_string(), "it cannot be read; `ostwin doctor` says why");
            continue;
        };
        let is_old = standing.replay.entered_at.is_some_and(|at| at <= cutoff);
        if standing.is_terminal() && is_old {
            sweep_room(&room, cutoff, remove, sweep)?;
        }
    }
    let paths = &plan.paths;
    for log in [paths.engine_log(), paths.engine_log_earlier(), paths.engine_alert_stderr()] {
        if written_at(&log)?.is_some_and(|at| at <= cutoff) {
            take(What::Log, log, remove, sweep)?;
        }
    }
    Ok(())
}

fn unfinished(
    layout: &Layout,
    plan: &PlanId,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    for path in layout.unfinished_rooms(plan)? {
        take(What::Leftover, path, remove, sweep)?;
    }
    Ok(())
}

/// What the sessions of a finished room left beside their records.
fn sweep_room(
    room: &Room,
    cutoff: Timestamp,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    if !is_folder(room.paths().dir()) || !is_folder(&room.paths().attempts()) {
        return Ok(());
    }
    for attempt in room.each_attempt()? {
        let Ok(attempt) = attempt else { continue };
        let paths = &attempt.paths;
        let ended = attempt.record.closed_at.is_some_and(|at| at <= cutoff);
        if !ended || !is_folder(paths.dir()) || lock::is_held(&paths.session_lock())? {
            continue;
        }
        let mut size = Measure::default();
        let mut found = Vec::new();
        for path in left_by_session(paths) {
            if let Some(of_path) = measure(&path)? {
                size = size.and(of_path);
                found.push(path);
            }
        }
        if size.files == 0 {
            continue;
        }
        if remove {
            note(room, paths, &found, size)?;
            crash_point("gc_noted");
            for path in &found {
                remove_any(path)?;
            }
        }
        sweep.items.push(Item::new(What::Session, paths.dir().to_owned(), size));
    }
    Ok(())
}

/// What a session leaves that only says how it went. Its record, its prompt, its servers and what
/// its gates said stay.
fn left_by_session(paths: &AttemptPaths) -> [PathBuf; 6] {
    [paths.transcript(), paths.tools(), paths.stderr(), paths.tmp(), paths.home(), paths.skills()]
}

/// Says beside the record what is about to be removed.
fn note(
    room: &Room,
    paths: &AttemptPaths,
    found: &[PathBuf],
    size: Measure,
) -> Result<(), GcError> {
    let store = room.project().store();
    let before = Removed::of(paths)?;
    let mut files: Vec<String> = before.iter().flat_map(|before| before.files.clone()).collect();
    files.extend(found.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
    files.sort();
    files.dedup();
    let bytes = before.as_ref().map_or(0, |before| before.bytes).saturating_add(size.bytes);
    let removed = Removed {
        schema_version: Version::default(),
        removed_at: store.now(),
        files,
        bytes,
        extra: before.map(|before| before.extra).unwrap_or_default(),
    };
    Ok(fs::replace_json(&paths.removed(), &removed, store.durability)?)
}

fn sweep_archives(
    layout: &Layout,
    cutoff: Timestamp,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    if !is_folder(&layout.archives()) {
        return Ok(());
    }
    for path in layout.each_archive()? {
        if written_at(&path)?.is_some_and(|at| at <= cutoff) {
            take(What::Archive, path, remove, sweep)?;
        }
    }
    Ok(())
}

/// What of the memory's cache nobody has added to for long. Whoever searches makes it again.
fn sweep_cache(
    project: &Project,
    cutoff: Timestamp,
    remove: bool,
    sweep: &mut Sweep,
) -> Result<(), GcError> {
    let layout = project.layout();
    if !is_folder(&layout.cache()) {
        return Ok(());
    }
    let mut old = Vec::new();
    let index: Vec<PathBuf> = layout.memory_index_files().into();
    let mut newest = None;
    for path in &index {
        newest = newest.max(written_at(path)?);
    }
    if newest.is_some_and(|at| at <= cutoff) {
        old.extend(index);
    }
    for path in layout.all_memory_vectors()? {
        if written_at(&path)?.is_some_and(|at| at <= cutoff) {
            old.push(path);
        }
    }
    if old.is_empty() || !remove {
        for path in old {
            take(What::Cache, path, false, sweep)?;
        }
        return Ok(());
    }
    let patience = project.store().lock_timeout;
    let taken = lock::exclusive(&layout.memory_embedding_lock(), Duration::ZERO, || {
        lock::exclusive(&layout.memory_lock(), patience, || {
            old.into_iter().try_for_each(|path| take(What::Cache, path, true, sweep))
        })
    });
    match taken {
        Ok(Ok(swept)) => swept,
        Ok(Err(LockError::Busy { .. })) | Err(LockError::Busy { .. }) => {
            sweep.keep("the memory's cache", "it is being brought up to date");
            Ok(())
        }
        Ok(Err(error)) | Err(error) => Err(error.into()),
    }
}

/// Counts what is at `path`, and removes it if that is wanted.
fn take(what: What, path: PathBuf, remove: bool, sweep: &mut Sweep) -> Result<(), GcError> {
    let Some(size) = measure(&path)? else { return Ok(()) };
    if remove {
        remove_any(&path)?;
    }
    sweep.items.push(Item::new(what, path, size));
    Ok(())
}

fn remove_any(path: &Path) -> Result<(), FsError> {
    if is_folder(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
