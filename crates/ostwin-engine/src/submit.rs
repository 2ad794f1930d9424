//! From a plan's file to a plan of the project: imported once, found again by its path.

use std::path::{Path, PathBuf};

use ostwin_core::ids::PlanId;
use ostwin_core::lifecycle::StateKind;
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan::{self, ParseOptions, PlanDiff};
use ostwin_core::plan_review::{self, GateError};
use ostwin_core::plans::{self, PlanStoreError, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, RoomError};

/// What the person asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Resume a known, unfinished plan of the same text; import an unknown one.
    #[default]
    Auto,
    /// There must be something to resume.
    Resume,
    /// Import it again, as a plan of its own.
    New,
}

/// A plan that can be run.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// It was imported just now.
    New(StoredPlan),
    /// It was known and is not finished.
    Resumed(StoredPlan),
    /// It was known and every room is finished.
    Finished(StoredPlan),
}

/// Why a plan was not taken. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is nothing to resume.
    #[error("nothing to resume: `{}` has not been run in this project; leave out --resume", source_path.display())]
    NothingToResume {
        /// The plan's file.
        source_path: PathBuf,
    },
    /// The text is another than the one that runs.
    #[error("`{}` was edited since it was imported as plan `{plan}`", source_path.display())]
    Changed {
        /// The plan's file.
        source_path: PathBuf,
        /// The plan that was imported from it.
        plan: PlanId,
        /// What was edited.
        diff: PlanDiff,
    },
    /// The plan store could not be read or written.
    #[error(transparent)]
    Store(#[from] PlanStoreError),
    /// The text that runs could not be learned.
    #[error(transparent)]
    Text(#[from] GateError),
    /// A room could not be read.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A file could not be read.
    #[error(transparent)]
    Fs(#[from] ostwin_core::fs::FsError),
    /// Somebody else imports a plan and does not come to an end.
    #[error(transparent)]
    Lock(#[from] LockError),
}

enum Known {
    Before(StoredPlan),
    Now(StoredPlan),
}

/// Takes the plan in `source`, whose `text` was parsed without errors to `parsed`.
///
/// # Errors
/// [`SubmitError`]; nothing was written then.
pub fn submit(
    project: &Project,
    source: &Path,
    text: &[u8],
    parsed: &plan::Plan,
    rehearsed: bool,
    mode: Mode,
) -> Result<Submitted, SubmitError> {
    // Of several that come with the same new plan at once, one imports it.
    let patience = project.store().lock_timeout;
    let known = lock::exclusive(&project.layout().plans_lock(), patience, || {
        let known = match mode {
            Mode::New => None,
            Mode::Auto | Mode::Resume => plans::find_by_source(project, source)?,
        };
        match known {
            Some(known) => Ok(Known::Before(known)),
            None if mode == Mode::Resume => {
                Err(SubmitError::NothingToResume { source_path: source.to_owned() })
            }
            None => {
                let title = parsed.title.as_deref().unwrap_or("plan");
                Ok(Known::Now(plans::import(project, source, text, title, rehearsed)?))
            }
        }
    })??;
    let known = match known {
        Known::Before(known) => known,
        Known::Now(plan) => return Ok(Submitted::New(plan)),
    };
    if known.meta.source_sha256 != plans::sha256(text) {
        let old = plan_review::running_text(project, &known)?.bytes;
        let old = plan::parse_bytes(&old, &ParseOptions::default()).plan;
        return Err(SubmitError::Changed {
            source_path: source.to_owned(),
            plan: known.meta.plan_id,
            diff: plan::diff(&old, parsed),
        });
    }
    resume(project, known)
}

/// Takes a plan of the project again.
///
/// # Errors
/// A room cannot be read.
pub fn resume(project: &Project, known: StoredPlan) -> Result<Submitted, SubmitError> {
    let rooms = room::of_plan(project, &known.meta.plan_id)?;
    let running = plan_review::running_text(project, &known)?;
    // While a revision waits to be applied, the graph is of another text.
    let dag = known.dag()?.filter(|dag| dag.plan_sha256 == running.sha256);
    let mut finished = !rooms.is_empty() && dag.is_some();
    for (room, _) in rooms.iter().filter(|(_, contract)| !contract.task_ref.is_plan_review()) {
        let standing = room.standing()?;
        // A last transition that a killed engine left half done is still to be finished.
        let settled = standing.replay.unapplied().is_none();
        finished = finished && settled && standing.kind() == StateKind::Terminal;
    }
    Ok(if finished { Submitted::Finished(known) } else { Submitted::Resumed(known) })
}
