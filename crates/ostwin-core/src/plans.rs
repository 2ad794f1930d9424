//! The plans of a project: imported from a file, found again by its path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dag::{Dag, Stage};
use crate::env::crash_point;
use crate::events::Events;
use crate::fs::{self, FsError};
use crate::ids::{EpicId, PlanId, RoomId, entropy};
use crate::json::{self, Extra, JsonError, Version};
use crate::layout::PlanPaths;
use crate::plan::MAX_PLAN_BYTES;
use crate::project::Project;
use crate::time::Timestamp;

/// Largest `DAG.json` that is read, in bytes: plans have at most tens of thousands of epics.
const MAX_DAG_BYTES: u64 = 64 << 20;

/// `PLAN.meta.json`: where a plan came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "PlanMeta")]
pub struct PlanMeta {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The plan's id.
    pub plan_id: PlanId,
    /// The plan's title.
    pub title: String,
    /// The file it was imported from.
    pub source_path: PathBuf,
    /// SHA-256 of the imported text, in hex.
    pub source_sha256: String,
    /// 1 for the first text, one more for each revision.
    pub revision: u32,
    /// When this revision was imported.
    pub imported_at: Timestamp,
    /// Whether the rehearsal agent works on it instead of a model.
    #[serde(default)]
    pub rehearsed: bool,
    /// What a person answered about epics that had begun when this revision changed them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<EpicId, Begun>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(PlanMeta);

/// What becomes of an epic that has begun when a revision changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// It keeps the text that it was begun by.
    Keep,
    /// It starts over by the new text; one that the revision removes is cancelled.
    Redo,
}

/// Why a plan could not be read or imported.
#[derive(Debug, thiserror::Error)]
pub enum PlanStoreError {
    /// There is no such plan.
    #[error("there is no plan `{plan}` in `{}`; `ostwin plan list` shows the plans", plans.display())]
    NotFound {
        /// What was asked for.
        plan: String,
        /// The folder of plans.
        plans: PathBuf,
    },
    /// A folder of plans holds no plan.
    #[error("`{}` is missing: the plan's import was cut off, or has not ended yet", record.display())]
    NoRecord {
        /// The record that is not there.
        record: PathBuf,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A record is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The system gave no random bits for an id.
    #[error("no random bits for a plan id")]
    Entropy(#[source] std::io::Error),
}

/// One plan of a project.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    /// The plan's files.
    pub paths: PlanPaths,
    /// Where it came from.
    pub meta: PlanMeta,
}

impl StoredPlan {
    /// The plan's text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn text(&self) -> Result<Vec<u8>, FsError> {
        fs::read(&self.paths.plan(), MAX_PLAN_BYTES as u64)
    }

    /// The graph that is running, with the rooms; `None` before the first run.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn dag(&self) -> Result<Option<Dag>, PlanStoreError> {
        let path = self.paths.dag();
        match fs::read_optional(&path, MAX_DAG_BYTES)? {
            Some(bytes) => {
                let dag: Dag = json::from_slice_located(&path, &bytes)?;
                // One of the planning stage has no rooms: it is for people to look at.
                Ok(Some(dag).filter(|dag| dag.stage == Stage::Solid))
            }
            None => Ok(None),
        }
    }

    /// The plan's events.
    pub fn events(&self) -> Events {
        Events::new(self.paths.events())
    }
}

/// SHA-256 of a text, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The plans of a project, and the folders among them that cannot be read as one.
#[derive(Debug, Default)]
pub struct Found {
    /// The plans, by id.
    pub plans: Vec<StoredPlan>,
    /// What has a plan's name and no readable record, by id.
    pub unreadable: Vec<(PlanId, PlanStoreError)>,
}

impl Found {
    /// The plans, unless one of the records is damaged: who looks for the plan of a file must not
    /// take it for a new one. What an import that was cut off has left is no plan.
    ///
    /// # Errors
    /// What is wrong with the first damaged one.
    pub fn whole(self) -> Result<Vec<StoredPlan>, PlanStoreError> {
        let is_damaged = |error: &PlanStoreError| !matches!(error, PlanStoreError::NoRecord { .. });
        match self.unreadable.into_iter().find(|(_, error)| is_damaged(error)) {
            Some((_, error)) => Err(error),
            None => Ok(self.plans),
        }
    }

    /// The id of each, readable or not.
    pub fn ids(&self) -> Vec<PlanId> {
        let readable = self.plans.iter().map(|plan| plan.meta.plan_id.clone());
        readable.chain(self.unreadable.iter().map(|(id, _)| id.clone())).collect()
    }
}

/// Every plan of the project that can be read, by id.
///
/// # Errors
/// The folder of plans cannot be listed.
pub fn list(project: &Project) -> Result<Vec<StoredPlan>, PlanStoreError> {
    Ok(survey(project)?.plans)
}

/// Every plan of the project, and what looks like one and is not.
///
/// # Errors
/// The folder of plans cannot be listed.
pub fn survey(project: &Project) -> Result<Found, PlanStoreError> {
    let dir = project.layout().plans();
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(FsError::new("list", &dir, error).into()),
    };
    let mut found = Found::default();
    for entry in entries {
        let entry = entry.map_err(|error| FsError::new("list", &dir, error))?;
        let id = entry.file_name().to_str().and_then(|name| PlanId::new(name).ok());
        // A file that somebody put there is no plan, whatever it is called.
        let Some(id) = id.filter(|_| entry.path().is_dir()) else { continue };
        match open(project, &id) {
            Ok(plan) => found.plans.push(plan),
            Err(PlanStoreError::NotFound { .. }) => {
                let record = project.layout().plan(&id).meta();
                found.unreadable.push((id, PlanStoreError::NoRecord { record }));
            }
            Err(error) => found.unreadable.push((id, error)),
        }
    }
    found.plans.sort_by(|a, b| a.meta.plan_id.cmp(&b.meta.plan_id));
    found.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The plan of this id.
///
/// # Errors
/// There is none, or its record is malformed.
pub fn open(project: &Project, plan: &PlanId) -> Result<StoredPlan, PlanStoreError> {
    let paths = project.layout().plan(plan);
    let path = paths.meta();
    let bytes = fs::read_optional(&path, 1 << 20)?.ok_or_else(|| PlanStoreError::NotFound {
        plan: plan.to_string(),
        plans: project.layout().plans(),
    })?;
    Ok(StoredPlan { paths, meta: json::from_slice_located(&path, &bytes)? })
}

/// The newest plan that was imported from this file, if one was.
///
/// # Errors
/// The folder of plans cannot be listed, or the record of any plan is damaged: it may be this one.
pub fn find_by_source(
    project: &Project,
    source: &Path,
) -> Result<Option<StoredPlan>, PlanStoreError> {
    let mut found: Vec<StoredPlan> = survey(project)?
        .whole()?
        .into_iter()
        .filter(|plan| plan.meta.source_path == source)
        .collect();
    found.sort_by_key(|plan| plan.meta.imported_at);
    Ok(found.pop())
}

/// Imports a plan that was parsed without errors. The plan exists once its record is there, which
/// is written last.
///
/// # Errors
/// A file could not be written.
pub fn import(
    project: &Project,
    source: &Path,
    text: &[u8],
    title: &str,
    rehearsed: bool,
) -> Result<StoredPlan, PlanStoreError> {
    let store = project.store();
    let (plan_id, paths) = loop {
        let random = entropy().map_err(PlanStoreError::Entropy)?;
        let plan_id = PlanId::for_title(title, random);
        let paths = project.layout().plan(&plan_id);
        fs::create_dirs(&project.layout().plans())?;
        if fs::create_dir(paths.dir())? {
            break (plan_id, paths);
        }
    };
    fs::replace_record(&paths.plan(), text, store.durability)?;
    let meta = PlanMeta {
        schema_version: Version::default(),
        plan_id,
        title: title.to_owned(),
        source_path: source.to_owned(),
        source_sha256: sha256(text),
        revision: 1,
        imported_at: store.now(),
        rehearsed,
        answers: BTreeMap::new(),
        extra: Extra::new(),
    };
    fs::replace_json(&paths.meta(), &meta, store.durability)?;
    Ok(StoredPlan { paths, meta })
}

/// Replaces the text of a plan by a revision, parsed without errors. The rooms follow when the plan
/// is run. The text comes first and its record second: cut off in between, the record still names
/// the old text, so that the revision shows as not taken yet.
///
/// # Errors
/// A file could not be written.
pub fn revise(
    project: &Project,
    plan: &StoredPlan,
    text: &[u8],
    title: &str,
    answers: BTreeMap<EpicId, Begun>,
) -> Result<StoredPlan, PlanStoreError> {
    let store = project.store();
    fs::replace_record(&plan.paths.plan(), text, store.durability)?;
    crash_point("revision_written");
    let meta = PlanMeta {
        title: title.to_owned(),
        source_sha256: sha256(text),
        revision: plan.meta.revision.saturating_add(1),
        imported_at: store.now(),
        answers,
        ..plan.meta.clone()
    };
    fs::replace_json(&plan.paths.meta(), &meta, store.durability)?;
    Ok(StoredPlan { paths: plan.paths.clone(), meta })
}

/// Removes a plan that nobody drives, with its rooms. Each folder is put aside in one step before
/// its files go, and the plan's own comes last: cut off, the same call goes on, and what was put
/// aside is neither a room nor a plan any more.
///
/// # Errors
/// A file could not be removed.
pub fn remove(
    project: &Project,
    plan: &StoredPlan,
    rooms: &[RoomId],
) -> Result<(), PlanStoreError> {
    let layout = project.layout();
    for room in rooms {
        discard(layout.room(room).dir(), &layout.removed_room(room))?;
        crash_point("room_removed");
    }
    discard(plan.paths.dir(), &layout.removed_plan(&plan.meta.plan_id))?;
    Ok(())
}

fn discard(dir: &Path, aside: &Path) -> Result<(), FsError> {
    // Left by somebody who was killed here.
    fs::remove_dir_all(aside)?;
    if fs::claim(dir, aside)? {
        fs::remove_dir_all(aside)?;
    }
    Ok(())
}
