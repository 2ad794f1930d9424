//! One run of a plan: take the lock, recover, go on until the plan ends or somebody ends it.

use std::path::PathBuf;
use std::time::Duration;

use ostwin_core::config::Settings;
use ostwin_core::control::{self, EngineRecord};
use ostwin_core::env;
use ostwin_core::events::Event;
use ostwin_core::fs;
use ostwin_core::ids::{RunId, entropy};
use ostwin_core::json::{Extra, Version};
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan_review::{self, Gate, Text};
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::vault::Vaults;
use ostwin_runner::process::ProcessId;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::{Engine, OneSession};
use crate::error::EngineError;

/// How long a new engine waits for the plan's lock: long enough for a command that holds it for a
/// moment, too short to be taken for a hang.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// What a run is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The plan's epics. It begins only if the plan's review lets it.
    #[default]
    Plan,
    /// The review of the plan, and nothing else. It ends as passed when the plan is approved.
    Review {
        /// Review it once more, although its review has ended.
        again: bool,
    },
    /// One session in one room, and the move that follows from it. It ends as passed when the
    /// session gave a signal that counts.
    Session(OneSession),
}

/// How a plan is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What the run is about.
    pub scope: Scope,
    /// The settings, flags included.
    pub settings: Settings,
    /// The secrets that placeholders may stand for.
    pub vaults: Vaults,
    /// Whether to wait when only a person can move something on.
    pub wait_for_people: bool,
    /// The executable that is started as `<program> __session` to guard sessions; the running one
    /// if none is named.
    pub guardian: Option<PathBuf>,
}

/// Somebody wants the engine to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Sessions are asked to end first.
    Soft,
    /// Sessions are killed.
    Hard,
}

/// Hears what happens, as it is recorded.
pub trait Observer: Send + Sync {
    /// An event was appended to the plan's events.
    fn event(&self, event: &Event);
    /// Something worth knowing that is no event of the plan, such as how files are watched.
    fn notice(&self, text: &str);
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every epic passed.
    Passed,
    /// Every room is terminal or can never start, and some epic did not pass.
    Failed,
    /// Only a person can move something on, and nobody was to be waited for.
    NeedsPerson,
    /// A request ended it.
    Stopped,
    /// An interrupt ended it.
    Interrupted,
}

/// The text that `plan` may run by under the rule of these settings.
///
/// # Errors
/// [`EngineError::Closed`] if the plan's review has not let it through, or a file cannot be read.
pub fn gated_text(
    project: &Project,
    plan: &StoredPlan,
    settings: &Settings,
) -> Result<Text, EngineError> {
    match plan_review::gate(project, plan, settings.config.plan_review)? {
        Gate::Open(text) => Ok(text),
        Gate::Closed(closed) => Err(closed.into()),
    }
}

/// Runs `plan` until it ends. Blocks; starts its own runtime.
///
/// # Errors
/// [`EngineError::Owned`] if another engine drives the plan; otherwise what failed. Whatever was
/// recorded stays, and the next run goes on from there.
pub fn run(
    project: &Project,
    plan: &StoredPlan,
    options: &RunOptions,
    observer: &dyn Observer,
    interrupts: UnboundedReceiver<Interrupt>,
) -> Result<RunEnd, EngineError> {
    let owned = lock::exclusive(&plan.paths.engine_lock(), LOCK_PATIENCE, || {
        drive(project, plan, options, observer, interrupts)
    });
    match owned {
        Ok(outcome) => outcome,
        Err(LockError::Busy { .. }) => Err(EngineError::Owned {
            plan: plan.meta.plan_id.clone(),
            engine: control::engine_record(&plan.paths).ok().flatten().map(Box::new),
        }),
        Err(error) => Err(error.into()),
    }
}

fn drive(
    project: &Project,
    plan: &StoredPlan,
    options: &RunOptions,
    observer: &dyn Observer,
    interrupts: UnboundedReceiver<Interrupt>,
) -> Result<RunEnd, EngineError> {
    let now = project.store().now();
    let run_id = RunId::generate(now, entropy().map_err(EngineError::Entropy)?);
    let record = EngineRecord {
        schema_version: Version::default(),
        run_id: run_id.clone(),
        pid: std::process::id(),
        start_time: ProcessId::current().start_time,
        host: env::host(),
        boot_id: env::boot_id(),
        started_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extra: Extra::new(),
    };
    fs::replace_json_hint(&plan.paths.engine(), &record)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(EngineError::Runtime)?;
    let outcome = runtime.block_on(async {
        let mut engine = Engine::start(project, plan, options, observer, run_id)?;
        engine.run(interrupts).await
    });
    // Blocking sections are short; none is left running for long.
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}
