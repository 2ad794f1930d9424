//! A war-room: the directory in which one epic is worked on and reviewed.
//!
//! Reading takes no lock. Whoever changes a room's state holds `room.lock` through
//! [`Room::locked`], which first finishes a transition that a killed process left half done.

mod actions;
mod archive;
mod attempt;
mod brief;
mod contract;
mod create;
mod gates;
mod locked;
mod manifest;
mod own;
mod past;
mod person;
mod post;
mod progress;
mod questions;
mod rewrite;
mod verdict;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use archive::{Archive, ArchiveError, Archived, archive, restore};
pub use attempt::{Attempt, AttemptRecord, Ended, NewAttempt, Outcome, Usage};
pub use brief::{brief, tasks};
pub use contract::{Assignment, Constraints, Contract, Goal, Goals};
pub use create::{NewRoom, create, remove_unfinished};
pub use gates::{GateRecord, GateResult, GateStanding};
pub use locked::{Closed, LockedRoom, Signal, Why, is_signal};
pub use manifest::{Manifest, WorkTree};
pub use own::{ROOM_KEYS, RoomSettings, SetError};
pub use past::{Past, PastMessage, create_with_past};
pub use person::PersonVerdict;
pub use post::{PostRefusal, PostRequest, Posted, Speaker, post};
pub use progress::{Progress, ProgressReport, report};
pub use questions::{
    APPROVAL, APPROVAL_REQUEST, Answering, Asks, HUMAN, OpenQuestions, Question, Questions, Reply,
    ReplyError, replied, reply,
};
pub use rewrite::rewrite;
pub use verdict::{Answer, Verdict, VerdictError, check_pass, effective_signal};

use crate::channel::Channel;
use crate::fs::{self, FsError};
use crate::ids::{NameError, RoomId, StateName};
use crate::json::{self, JsonError};
use crate::jsonl::{self, JsonlError};
use crate::layout::{AttemptPaths, RoomPaths};
use crate::ledger::PublishError;
use crate::lifecycle::{AuditLine, Machine, Replay, Spent, StateKind, StepError};
use crate::lock::{self, LockError};
use crate::project::Project;

/// Largest record of a room that is read, in bytes.
const MAX_RECORD_BYTES: u64 = 4 << 20;

/// Why something could not be done with a room.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// There is no such room.
    #[error("there is no room `{room}` in `{}`; `ostwin room list` shows the rooms", rooms.display())]
    NotFound {
        /// The room that was asked for.
        room: RoomId,
        /// The folder of rooms.
        rooms: PathBuf,
    },
    /// The room has no audit: its folder is no finished room.
    #[error("`{}` has no readable transition: the room is damaged", audit.display())]
    NoState {
        /// The audit's file.
        audit: PathBuf,
    },
    /// A required file is missing or malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file of lines could not be read or appended to.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// The room is locked by another process for too long.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The machine does not allow this move.
    #[error("room `{room}`: {source}")]
    Step {
        /// The room.
        room: RoomId,
        /// Why it does not move.
        #[source]
        source: StepError,
    },
    /// What was asked does not fit the state that the room is in.
    #[error("room `{room}` is in state `{state}`: {problem}")]
    State {
        /// The room.
        room: RoomId,
        /// Its state.
        state: StateName,
        /// What does not fit.
        problem: String,
    },
    /// A message of a transition could not be posted.
    #[error(transparent)]
    Post(#[from] crate::channel::PostError),
    /// A memory of a transition could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A name read from a file is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The system gave no random bits for an id.
    #[error("no random bits for an id")]
    Entropy(#[source] std::io::Error),
}

impl RoomError {
    /// Whether the same call may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Lock(LockError::Busy { .. }) => true,
            Self::Jsonl(error) => error.is_busy(),
            Self::Post(crate::channel::PostError::Jsonl(error)) => error.is_busy(),
            Self::Publish(PublishError::Jsonl(error)) => error.is_busy(),
            _ => false,
        }
    }
}

/// Result of an operation on a room.
pub type Result<T, E = RoomError> = std::result::Result<T, E>;

/// The handle of one room.
#[derive(Clone, Debug)]
pub struct Room {
    project: Project,
    id: RoomId,
    paths: RoomPaths,
}

/// Where a room stands: its machine and what its audit says.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The room's machine.
    pub machine: Machine,
    /// What the audit says.
    pub replay: Replay,
    /// The current state.
    pub state: StateName,
}

impl Standing {
    /// The kind of the current state; a state that the machine does not know waits.
    pub fn kind(&self) -> StateKind {
        self.machine.kind(&self.state).unwrap_or(StateKind::Wait)
    }

    /// Whether the room is finished.
    pub fn is_terminal(&self) -> bool {
        self.kind() == StateKind::Terminal
    }
}

impl Room {
    /// The handle of an existing room.
    ///
    /// # Errors
    /// There is no such room.
    pub fn open(project: &Project, id: &RoomId) -> Result<Self> {
        let room = Self::unchecked(project, id);
        if room.paths.config().is_file() {
            Ok(room)
        } else {
            Err(RoomError::NotFound { room: id.clone(), rooms: project.layout().rooms() })
        }
    }

    fn unchecked(project: &Project, id: &RoomId) -> Self {
        Self { project: project.clone(), id: id.clone(), paths: project.layout().room(id) }
    }

    /// Every room of the project, by number.
    ///
    /// # Errors
    /// The folder of rooms cannot be read.
    pub fn list(project: &Project) -> Result<Vec<Self>> {
        let mut ids: Vec<RoomId> =
            names_in(&project.layout().rooms())?.iter().filter_map(|n| n.parse().ok()).collect();
        ids.sort_by_key(RoomId::number);
        Ok(ids.iter().map(|id| Self::unchecked(project, id)).collect())
    }

    /// The room's id.
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// The room's files.
    pub fn paths(&self) -> &RoomPaths {
        &self.paths
    }

    /// The project that the room belongs to.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The room's messages.
    pub fn channel(&self) -> Channel {
        Channel::new(self.paths.channel())
    }

    /// The room's contract.
    ///
    /// # Errors
    /// `config.json` is missing or malformed.
    pub fn contract(&self) -> Result<Contract> {
        read_json(&self.paths.config())
    }

    /// The room's machine.
    ///
    /// # Errors
    /// `lifecycle.json` is missing or malformed.
    pub fn machine(&self) -> Result<Machine> {
        read_json::<Machine>(&self.paths.lifecycle()).map(Machine::normalise)
    }

    /// The room's transitions, oldest first.
    ///
    /// # Errors
    /// The audit cannot be read.
    pub fn audit(&self) -> Result<Vec<AuditLine>> {
        Ok(jsonl::read_all(&self.paths.audit())?.0)
    }

    /// Where the room stands, by its audit.
    ///
    /// # Errors
    /// The machine or the audit cannot be read, or the audit is empty.
    pub fn standing(&self) -> Result<Standing> {
        let machine = self.machine()?;
        let replay = Replay::of(&machine, &self.audit()?);
        let state =
            replay.state.clone().ok_or_else(|| RoomError::NoState { audit: self.paths.audit() })?;
        Ok(Standing { machine, replay, state })
    }

    /// The room's brief, in Markdown.
    ///
    /// # Errors
    /// It cannot be read; a missing one is empty.
    pub fn brief(&self) -> Result<String> {
        let bytes = fs::read_optional(&self.paths.brief(), MAX_RECORD_BYTES)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How far the open attempt says it is; `None` before the first one, and if a power cut left
    /// nothing of the hint.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>> {
        let bytes = fs::read_optional(&self.paths.progress(), MAX_RECORD_BYTES)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Every attempt with a record, oldest first. A folder without a record is an attempt that
    /// was never opened.
    ///
    /// # Errors
    /// The folder or a record cannot be read.
    pub fn attempts(&self) -> Result<Vec<Attempt>> {
        let mut attempts = self.each_attempt()?.into_iter().collect::<Result<Vec<_>>>()?;
        attempts.sort_by_key(|attempt| attempt.record.number);
        Ok(attempts)
    }

    /// Every attempt with a record, by the number of its folder, one by one: a record that cannot
    /// be read hides no other.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn each_attempt(&self) -> Result<Vec<Result<Attempt>>> {
        let mut attempts = Vec::new();
        for paths in self.attempt_folders()? {
            match read_json_optional::<AttemptRecord>(&paths.record()) {
                Ok(Some(record)) => attempts.push(Ok(Attempt { paths, record })),
                Ok(None) => {}
                Err(error) => attempts.push(Err(error)),
            }
        }
        Ok(attempts)
    }

    /// The folders of attempts, by number.
    pub(crate) fn attempt_folders(&self) -> Result<Vec<AttemptPaths>> {
        let dir = self.paths.attempts();
        let mut folders: Vec<AttemptPaths> =
            names_in(&dir)?.iter().map(|name| AttemptPaths::at(dir.join(name))).collect();
        folders.retain(|paths| paths.number().is_some());
        folders.sort_by_key(AttemptPaths::number);
        Ok(folders)
    }

    /// Every attempt with a record, newest first. A record is read when its turn has come: what
    /// happened long ago costs nothing to whoever asks for what happened last.
    ///
    /// # Errors
    /// The folder cannot be read; of an attempt, its record.
    pub fn latest_attempts(&self) -> Result<impl Iterator<Item = Result<Attempt>> + use<>> {
        let folders = self.attempt_folders()?.into_iter().rev();
        Ok(folders.filter_map(|paths| {
            let record = read_json_optional::<AttemptRecord>(&paths.record()).transpose()?;
            Some(record.map(|record| Attempt { paths, record }))
        }))
    }

    /// The last attempt, open or closed.
    ///
    /// # Errors
    /// The folder or its record cannot be read.
    pub fn last_attempt(&self) -> Result<Option<Attempt>> {
        self.latest_attempts()?.next().transpose()
    }

    /// The attempt right before the one of this number.
    ///
    /// # Errors
    /// The folder or a record cannot be read.
    pub fn attempt_before(&self, number: u32) -> Result<Option<Attempt>> {
        let is_earlier = |attempt: &Result<Attempt>| {
            attempt.as_ref().map_or(true, |attempt| attempt.record.number < number)
        };
        self.latest_attempts()?.find(is_earlier).transpose()
    }

    /// The attempts of the stay in a state that this transition began, oldest first. None before
    /// it is read.
    ///
    /// # Errors
    /// The folder or a record cannot be read.
    pub fn attempts_of_stay(&self, audit_seq: u64) -> Result<Vec<Attempt>> {
        let mut attempts = Vec::new();
        for attempt in self.latest_attempts()? {
            let attempt = attempt?;
            match attempt.record.audit_seq.cmp(&audit_seq) {
                Ordering::Greater => {}
                Ordering::Equal => attempts.push(attempt),
                Ordering::Less => break,
            }
        }
        attempts.reverse();
        Ok(attempts)
    }

    /// The attempt that is open, if one is. There is never more than one: it is the last.
    ///
    /// # Errors
    /// The folder or its record cannot be read.
    pub fn open_attempt(&self) -> Result<Option<Attempt>> {
        Ok(self.last_attempt()?.filter(|attempt| attempt.record.is_open()))
    }

    /// What all attempts used, as far as their agents reported it.
    ///
    /// # Errors
    /// The attempts cannot be read.
    pub fn spent(&self) -> Result<Spent> {
        /// A record as far as it matters here: it is asked for often, and of every attempt.
        #[derive(Deserialize)]
        struct Used {
            #[serde(default)]
            usage: Option<Usage>,
            #[serde(default)]
            cost_usd: Option<f64>,
        }
        let mut spent = Spent::default();
        for paths in self.attempt_folders()? {
            if let Some(used) = read_json_optional::<Used>(&paths.record())? {
                let tokens = used.usage.as_ref().map_or(0, Usage::total);
                spent += Spent { tokens, cost_usd: used.cost_usd };
            }
        }
        Ok(spent)
    }

    /// Runs `section` while holding the room's lock, after finishing a transition that was left
    /// half done.
    ///
    /// # Errors
    /// The lock was not free in time, the room cannot be read, or `section` failed.
    pub fn locked<R, E: From<RoomError>>(
        &self,
        section: impl FnOnce(&mut LockedRoom<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let patience = self.project.store().lock_timeout;
        lock::exclusive(&self.paths.lock(), patience, || {
            let mut locked = LockedRoom::new(self)?;
            locked.finish_transition()?;
            section(&mut locked)
        })
        .map_err(RoomError::from)?
    }
}

/// The rooms that belong to one plan, by number.
///
/// # Errors
/// The folder of rooms cannot be read. A room whose contract cannot be read is passed over: it
/// belongs to no plan that could run it, and `doctor` names it.
pub fn of_plan(project: &Project, plan: &crate::ids::PlanId) -> Result<Vec<(Room, Contract)>> {
    let mut found = Vec::new();
    for room in Room::list(project)? {
        if let Ok(contract) = room.contract()
            && contract.plan_id == *plan
        {
            found.push((room, contract));
        }
    }
    Ok(found)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path, MAX_RECORD_BYTES)?;
    Ok(json::from_slice_located(path, &bytes)?)
}

fn read_json_optional<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read_optional(path, MAX_RECORD_BYTES)? {
        Some(bytes) => Ok(Some(json::from_slice_located(path, &bytes)?)),
        None => Ok(None),
    }
}

/// The names in a folder; none if it does not exist.
fn names_in(dir: &Path) -> Result<HashSet<String>, FsError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(error) => return Err(FsError::new("list", dir, error)),
    };
    let mut names = HashSet::new();
    for entry in entries {
        let entry = entry.map_err(|error| FsError::new("list", dir, error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}
