//! Every versioned file of a project, with its version.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fs::{self, FsError};
use crate::json::{self, Extra, JsonError};
use crate::jsonl::{self, JsonlError};
use crate::layout::{Layout, RolePaths};
use crate::plans::{self, PlanStoreError};
use crate::project::Project;
use crate::room::{Room, RoomError};

/// Largest versioned file that is read, in bytes: a graph of tens of thousands of epics.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the file of that name; the layout tells where it is")]
pub enum Kind {
    Config,
    Registry,
    SkillsLock,
    Vault,
    Role,
    PlanMeta,
    PlanRoles,
    PlanSkills,
    PlanBudget,
    Dag,
    RoomConfig,
    Lifecycle,
    RoomSettings,
    Progress,
    Archived,
    Attempt,
    Removed,
    Ledger,
    Events,
    Control,
    Channel,
    Audit,
}

impl Kind {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "settings",
            Self::Registry => "role registry",
            Self::SkillsLock => "installed skills",
            Self::Vault => "vault",
            Self::Role => "role",
            Self::PlanMeta => "plan",
            Self::PlanRoles => "roles of a plan",
            Self::PlanSkills => "skills of a plan",
            Self::PlanBudget => "budget of a plan",
            Self::Dag => "graph",
            Self::RoomConfig => "contract",
            Self::Lifecycle => "lifecycle",
            Self::RoomSettings => "settings of a room",
            Self::Progress => "progress",
            Self::Archived => "archived room",
            Self::Attempt => "attempt",
            Self::Removed => "removed files",
            Self::Ledger => "shared memory",
            Self::Events => "events",
            Self::Control => "requests",
            Self::Channel => "channel",
            Self::Audit => "audit",
        }
    }

    /// The version that this program writes.
    pub fn current(self) -> u32 {
        1
    }

    /// Whether the file is a log, of which every line has its own version.
    pub fn is_log(self) -> bool {
        matches!(self, Self::Ledger | Self::Events | Self::Control | Self::Channel | Self::Audit)
    }
}

/// How a version stands to the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is the current one.
    Current,
    /// It is older.
    Older,
    /// It is newer than this program.
    Newer,
}

/// A versioned file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versioned {
    /// What it is for.
    pub kind: Kind,
    /// The file.
    pub path: PathBuf,
    /// Its version; of a log the highest of its lines. Without one it is the first.
    pub version: u32,
    /// How that stands to the current one.
    pub state: State,
}

/// What a survey found.
#[derive(Debug, Default)]
pub struct Found {
    /// Every versioned file that could be read.
    pub files: Vec<Versioned>,
    /// What could not be read, and why.
    pub unreadable: Vec<MigrateError>,
}

impl Found {
    /// The files of a newer version than this program knows.
    pub fn newer(&self) -> impl Iterator<Item = &Versioned> {
        self.files.iter().filter(|file| file.state == State::Newer)
    }
}

/// Why a file's version could not be found out, or the file not be moved on.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file is no JSON object.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A log could not be read.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// The plans cannot be listed.
    #[error(transparent)]
    Plans(#[from] PlanStoreError),
    /// The rooms cannot be listed.
    #[error(transparent)]
    Rooms(#[from] RoomError),
    /// A lock could not be looked at.
    #[error(transparent)]
    Lock(#[from] crate::lock::LockError),
    /// An engine runs and reads the files.
    #[error("an engine drives plan `{plan}`; `ostwin stop` ends it")]
    Driven {
        /// The plan.
        plan: crate::ids::PlanId,
    },
    /// Nobody knows how to move a file on.
    #[error("`{}` has version {version}, and no step leads on from it", path.display())]
    NoStep {
        /// The file.
        path: PathBuf,
        /// The version from which no step leads on.
        version: u32,
    },
    /// A step refused.
    #[error("`{}` cannot be moved on from version {version}: {problem}", path.display())]
    Step {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        version: u32,
        /// What the step said.
        problem: String,
    },
}

/// Looks at the version of every file of a project.
///
/// # Errors
/// The folders of plans, rooms or roles cannot be listed.
pub fn survey(project: &Project) -> Result<Found, MigrateError> {
    let mut found = Found::default();
    for (kind, path) in candidates(project)? {
        let read = if kind.is_log() { version_of_log(&path) } else { version_of(&path) };
        match read {
            Ok(None) => {}
            Ok(Some(version)) => {
                let state = match version.cmp(&kind.current()) {
                    std::cmp::Ordering::Less => State::Older,
                    std::cmp::Ordering::Equal => State::Current,
                    std::cmp::Ordering::Greater => State::Newer,
                };
                // Old lines of a log are read as what they are.
                let state =
                    if kind.is_log() && state == State::Older { State::Current } else { state };
                found.files.push(Versioned { kind, path, version, state });
            }
            Err(error) => found.unreadable.push(error),
        }
    }
    Ok(found)
}

/// Where versioned files may be.
fn candidates(project: &Project) -> Result<Vec<(Kind, PathBuf)>, MigrateError> {
    let layout = project.layout();
    let mut files = vec![
        (Kind::Config, layout.config()),
        (Kind::Registry, layout.registry()),
        (Kind::SkillsLock, layout.skills_lock()),
        (Kind::Vault, layout.vault()),
        (Kind::Ledger, layout.ledger()),
    ];
    files.extend(roles(layout)?.into_iter().map(|path| (Kind::Role, path)));
    for plan in plans::survey(project)?.ids() {
        let paths = layout.plan(&plan);
        files.extend([
            (Kind::PlanMeta, paths.meta()),
            (Kind::PlanRoles, paths.roles()),
            (Kind::PlanSkills, paths.skills()),
            (Kind::PlanBudget, paths.budget()),
            (Kind::Dag, paths.dag()),
            (Kind::Events, paths.events()),
            (Kind::Control, paths.control()),
        ]);
    }
    for room in Room::list(project)? {
        let paths = room.paths();
        files.extend([
            (Kind::RoomConfig, paths.config()),
            (Kind::Lifecycle, paths.lifecycle()),
            (Kind::RoomSettings, paths.settings()),
            (Kind::Progress, paths.progress()),
            (Kind::Archived, paths.archived()),
            (Kind::Channel, paths.channel()),
            (Kind::Audit, paths.audit()),
        ]);
        for attempt in room.attempt_folders()? {
            files.push((Kind::Attempt, attempt.record()));
            files.push((Kind::Removed, attempt.removed()));
        }
    }
    Ok(files)
}

fn roles(layout: &Layout) -> Result<Vec<PathBuf>, FsError> {
    let dir = layout.roles();
    let failed = |error| FsError::new("list", &dir, error);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        files.push(RolePaths::at(entry.path()).settings());
    }
    files.sort();
    Ok(files)
}

/// The part of a file that tells its version.
#[derive(Deserialize)]
struct Head {
    #[serde(default = "first")]
    schema_version: u32,
}

/// The part of a line that tells its version.
#[derive(Deserialize)]
struct LineHead {
    #[serde(default = "first")]
    v: u32,
}

fn first() -> u32 {
    1
}

/// The version of a JSON file; `None` if there is none.
fn version_of(path: &Path) -> Result<Option<u32>, MigrateError> {
    let Some(bytes) = fs::read_optional(path, MAX_FILE_BYTES)? else { return Ok(None) };
    // A list would pass for the fields of the head, in their order.
    json::from_slice_located::<Extra>(path, &bytes)?;
    Ok(Some(json::from_slice_located::<Head>(path, &bytes)?.schema_version))
}

/// The highest version of a log's lines; `None` if it has no readable line.
fn version_of_log(path: &Path) -> Result<Option<u32>, MigrateError> {
    let mut highest = None;
    jsonl::scan::<LineHead>(path, 0, |_, line| {
        highest = highest.max(Some(line.v));
        ControlFlow::Continue(())
    })?;
    Ok(highest)
}
