//! Who drives a plan, and how others ask that process for something.
//!
//! An engine holds `engine.lock` of its plan for as long as it lives. While it does, whatever
//! touches the state of the plan's rooms is asked of it through `control.jsonl` and answered in
//! `events.jsonl`; otherwise the caller takes the lock for a moment and does it itself.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::events::{ControlResult, Event, EventKind, Events};
use crate::fs::{self, FsError};
use crate::ids::{ControlId, PlanId, RoomId, RunId, entropy};
use crate::json::{Extra, Version};
use crate::jsonl::{self, Follower, JsonlError};
use crate::layout::PlanPaths;
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::store::Store;
use crate::time::Timestamp;

mod act;
mod decision;
mod pause;

pub use act::{ActError, Acted, Wish, act_on_room, pause, pause_event};
pub use decision::{Decision, carry_out};
pub use pause::Pauses;

/// How long a caller waits for an engine's answer.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// `engine.json`: which process drives the plan. A hint: only the lock says whether it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EngineRecord")]
pub struct EngineRecord {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The run.
    pub run_id: RunId,
    /// The process.
    pub pid: u32,
    /// When the process started, as the kernel counts it: with the number it names this very
    /// process, should another one have its number by now. 0 where the platform does not tell.
    #[serde(default)]
    pub start_time: u64,
    /// Its machine.
    pub host: String,
    /// The boot of that machine.
    pub boot_id: String,
    /// When the run began.
    pub started_at: Timestamp,
    /// The program's version.
    pub version: String,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(EngineRecord);

/// What is asked of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// End all sessions and then the engine.
    Stop {
        /// Kill at once instead of asking the sessions to end.
        #[serde(default)]
        force: bool,
    },
    /// Open no attempt any more, of the plan or of one room. What runs may finish.
    Pause {
        /// The room; the whole plan if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
    /// End such a pause.
    Resume {
        /// The room; the whole plan if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
    /// Carry out what a person decided about a room.
    Room {
        /// The room.
        room: RoomId,
        /// What was decided.
        decision: Decision,
        /// Why; of a verdict, what it says.
        reason: String,
    },
}

impl Ask {
    /// Whether the request is for the run that is seen when it is made, not for one that is
    /// started meanwhile.
    fn is_for_one_run(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Pause { .. })
    }
}

/// One line of `control.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Format version.
    pub v: Version<1>,
    /// Unique id, by which it is answered.
    pub id: ControlId,
    /// Position in the file, counted from 1.
    pub seq: u64,
    /// When it was made.
    pub ts: Timestamp,
    /// Who asks.
    pub actor: String,
    /// What is asked.
    pub ask: Ask,
    /// The run that is meant; another one answers that the request is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// From when on it is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Why something could not be asked or learned.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No engine drives the plan.
    #[error("no engine drives plan `{plan}`")]
    NotRunning {
        /// The plan.
        plan: PlanId,
    },
    /// The engine did not answer in time. The request stays and is answered when it comes to it.
    #[error("the engine of plan `{plan}` did not answer request {request} within {} s; it stays in `{}` until it is answered", ANSWER_PATIENCE.as_secs(), file.display())]
    NoAnswer {
        /// The plan.
        plan: PlanId,
        /// The request.
        request: ControlId,
        /// Where it stands.
        file: PathBuf,
    },
    /// The engine said no.
    #[error("the engine of plan `{plan}` refused: {reason}")]
    Refused {
        /// The plan.
        plan: PlanId,
        /// Why.
        reason: String,
    },
    /// A file of lines could not be read or written.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The engine's lock could not be looked at.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system gave no random bits for an id.
    #[error("no random bits for a request id")]
    Entropy(#[source] std::io::Error),
}

/// Whether an engine drives the plan at this moment: whether its lock is held.
///
/// # Errors
/// The lock's file cannot be looked at.
pub fn is_driven(plan: &PlanPaths) -> Result<bool, LockError> {
    lock::is_held(&plan.engine_lock())
}

/// Who drives or drove the plan last; `None` if nobody did, and if a power cut left nothing of the
/// hint.
///
/// # Errors
/// The file cannot be read.
pub fn engine_record(plan: &PlanPaths) -> Result<Option<EngineRecord>, FsError> {
    let bytes = fs::read_optional(&plan.engine(), 64 * 1024)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Adds a request to the plan's file, without secrets in its reason.
///
/// # Errors
/// The file could not be written.
pub fn submit(
    store: &Store,
    plan: &PlanPaths,
    actor: &str,
    mut ask: Ask,
    run_id: Option<RunId>,
) -> Result<Request, ControlError> {
    if let Ask::Room { reason, .. } = &mut ask {
        store.redactor.in_text(reason);
    }
    let random = entropy().map_err(ControlError::Entropy)?;
    let (request, _) = jsonl::append(store, &plan.control(), |seq| {
        let ts = store.now();
        Request {
            v: Version::default(),
            id: ControlId::generate(ts, random),
            seq,
            ts,
            actor: actor.to_owned(),
            ask,
            run_id,
            expires_at: None,
        }
    })?;
    Ok(request)
}

/// Asks the engine of a running plan and waits for the answer.
///
/// # Errors
/// No engine drives the plan, it refused, or it did not answer within [`ANSWER_PATIENCE`].
pub fn ask(project: &Project, plan: &PlanId, actor: &str, ask: Ask) -> Result<Event, ControlError> {
    let paths = project.layout().plan(plan);
    if !is_driven(&paths)? {
        return Err(ControlError::NotRunning { plan: plan.clone() });
    }
    let run_id = match ask.is_for_one_run() {
        true => engine_record(&paths)?.map(|record| record.run_id),
        false => None,
    };
    let end = std::fs::metadata(paths.events()).map_or(0, |metadata| metadata.len());
    let request = submit(project.store(), &paths, actor, ask, run_id)?;
    let mut follower = Follower::new(&paths.events(), end);
    let start = Instant::now();
    loop {
        let batch = follower.poll::<Event>(1_000)?;
        for event in batch.lines {
            if event.request.as_ref() == Some(&request.id) {
                return match event.result {
                    Some(ControlResult::Done) => Ok(event),
                    _ => Err(ControlError::Refused {
                        plan: plan.clone(),
                        reason: event.reason.unwrap_or_default(),
                    }),
                };
            }
        }
        if start.elapsed() >= ANSWER_PATIENCE {
            return Err(ControlError::NoAnswer {
                plan: plan.clone(),
                request: request.id,
                file: paths.control(),
            });
        }
        std::thread::sleep(POLL);
    }
}

/// The requests that no event answers yet, oldest first.
///
/// # Errors
/// A file cannot be read.
pub fn pending(plan: &PlanPaths) -> Result<Vec<Request>, JsonlError> {
    let (mut requests, _) = jsonl::read_all::<Request>(&plan.control())?;
    if requests.is_empty() {
        return Ok(requests);
    }
    let answered: HashSet<ControlId> =
        Events::new(plan.events()).read_all()?.into_iter().filter_map(|e| e.request).collect();
    requests.retain(|request| !answered.contains(&request.id));
    Ok(requests)
}

/// Records the answer to a request.
///
/// # Errors
/// The file could not be written.
pub fn answer(
    store: &Store,
    plan: &PlanPaths,
    run_id: Option<RunId>,
    request: &Request,
    result: ControlResult,
    reason: &str,
) -> Result<Event, JsonlError> {
    let event = Event {
        run_id,
        request: Some(request.id.clone()),
        result: Some(result),
        reason: Some(reason.to_owned()),
        data: serde_json::to_value(&request.ask).ok().filter(|data| *data != Value::Null),
        ..Event::new(EventKind::Control)
    };
    Events::new(plan.events()).append(store, event)
}
