//! Why an engine could not run a plan.

use std::path::PathBuf;

use ostwin_core::control::{ControlError, EngineRecord};
use ostwin_core::fs::FsError;
use ostwin_core::ids::{EpicId, PlanId, RoomId};
use ostwin_core::jsonl::JsonlError;
use ostwin_core::lifecycle::MachineError;
use ostwin_core::lock::LockError;
use ostwin_core::plan_review::{Closed, GateError};
use ostwin_core::plans::PlanStoreError;
use ostwin_core::room::RoomError;
use ostwin_runner::prepare::PrepareError;
use ostwin_watch::WatchError;

/// Why an engine could not run a plan, or could not go on. What was recorded stays recorded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another engine drives the plan.
    #[error("plan `{plan}` is driven by another engine{}; `ostwin stop {plan}` ends it", engine_words(engine.as_deref()))]
    Owned {
        /// The plan.
        plan: PlanId,
        /// Who drives it, if its record can be read.
        engine: Option<Box<EngineRecord>>,
    },
    /// The stored plan has become unreadable.
    #[error("plan `{plan}` cannot be read any more: {problem}")]
    Plan {
        /// The plan.
        plan: PlanId,
        /// The first error.
        problem: String,
    },
    /// A machine is not sound.
    #[error("the lifecycle of {epic} is not sound: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Machine {
        /// The epic that gives it.
        epic: EpicId,
        /// What is wrong with it.
        problems: Vec<MachineError>,
    },
    /// A machine is not even a machine.
    #[error("the lifecycle of {epic} cannot be read: {problem}")]
    MachineShape {
        /// The epic that gives it.
        epic: EpicId,
        /// What is wrong with it.
        problem: String,
    },
    /// Neither the plan nor the registry names a role that works.
    #[error("{epic} has no role that works on it, and the registry names no default role")]
    NoRole {
        /// The epic.
        epic: EpicId,
    },
    /// An epic has no role or no agent to run it.
    #[error("{epic}: {source}")]
    Resolve {
        /// The epic.
        epic: EpicId,
        /// What is missing, and what to do.
        source: Box<PrepareError>,
    },
    /// The plan's review has not let it through.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// It cannot be learned whether the plan may start.
    #[error(transparent)]
    Gate(GateError),
    /// A revision changes epics that have begun, and nobody has said what becomes of them.
    #[error(
        "the plan's revision changes epics that have begun: {}; `ostwin run FILE --resume --begun \
         redo` starts them over, `--begun keep` leaves them as they are",
        epics.iter().map(EpicId::as_str).collect::<Vec<_>>().join(", ")
    )]
    Unanswered {
        /// The plan.
        plan: PlanId,
        /// The epics.
        epics: Vec<EpicId>,
    },
    /// No session can be started in a room now.
    #[error("no session can start in `{room}`: {why}")]
    NoSession {
        /// The room.
        room: RoomId,
        /// What is in the way.
        why: String,
    },
    /// A setting asks for what cannot be done.
    #[error("{0}")]
    Unsupported(String),
    /// The roles of the project cannot be read.
    #[error(transparent)]
    Prepare(PrepareError),
    /// The plan has rooms for other epics than it names.
    #[error("the graph in `{}` does not fit the plan: {problem}", dag.display())]
    Dag {
        /// The graph's file.
        dag: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The program that guards sessions was not found.
    #[error("cannot find the running executable, which also guards the sessions")]
    NoExecutable(#[source] std::io::Error),
    /// The asynchronous runtime did not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    /// The system gave no random bits for an id.
    #[error("no random bits for an id")]
    Entropy(#[source] std::io::Error),
    /// A task of the engine died, which is a mistake in the program.
    #[error("a task of the engine died: {0}")]
    Bug(String),
    /// The guardian of a session did not do its work.
    #[error("the guardian of a session failed")]
    Guardian(#[source] ostwin_runner::guardian::GuardianError),
    /// A room could not be read or changed.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A plan's record could not be read or written.
    #[error(transparent)]
    Store(#[from] PlanStoreError),
    /// The plan's budget could not be read.
    #[error(transparent)]
    Budget(#[from] ostwin_core::budget::BudgetError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file of lines could not be read or appended to.
    #[error(transparent)]
    Jsonl(#[from] JsonlError),
    /// A lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The project's files cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A control file could not be read.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl From<GateError> for EngineError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Fs(error) => error.into(),
            GateError::Store(error) => error.into(),
            GateError::Room(error) => error.into(),
            edited @ GateError::EditedInside { .. } => Self::Gate(edited),
        }
    }
}

fn engine_words(engine: Option<&EngineRecord>) -> String {
    engine.map_or_else(String::new, |engine| {
        format!(" (pid {} on {}, since {})", engine.pid, engine.host, engine.started_at)
    })
}
