//! Whether a plan may start, and by which text it runs.

use std::path::PathBuf;

use super::approval::approval_of;
use super::{room_of, states};
use crate::config::PlanReview;
use crate::fs::{self, FsError};
use crate::ids::{PlanId, StateName};
use crate::plan::MAX_PLAN_BYTES;
use crate::plans::{PlanStoreError, StoredPlan, sha256};
use crate::project::Project;
use crate::room::RoomError;

/// A text of a plan, with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256, in hex.
    pub sha256: String,
    /// Whether the review wrote it: it is that of `PLAN.refined.md`.
    pub refined: bool,
}

impl Text {
    fn of(bytes: Vec<u8>, refined: bool) -> Self {
        Self { sha256: sha256(&bytes), bytes, refined }
    }
}

/// Whether a plan may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may, by this text.
    Open(Text),
    /// It may not.
    Closed(Closed),
}

/// Why a plan may not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Nobody has reviewed it.
    #[error("plan `{plan}` has not been reviewed; `ostwin plan review {plan}` does that")]
    NotReviewed {
        /// The plan.
        plan: PlanId,
    },
    /// Its review has not ended with an approval.
    #[error(
        "the review of plan `{plan}` is in state `{state}`: nothing starts before its approval"
    )]
    NotApproved {
        /// The plan.
        plan: PlanId,
        /// The state of the review's room.
        state: StateName,
    },
    /// What was approved is another text than what is there.
    #[error(
        "`{}` of plan `{plan}` was changed after its approval: it has to be reviewed again",
        file.display()
    )]
    Changed {
        /// The plan.
        plan: PlanId,
        /// The file that was changed.
        file: PathBuf,
    },
}

impl Closed {
    /// Whether the review waits for somebody to approve what it says.
    pub fn awaits_approval(&self) -> bool {
        matches!(self, Self::NotApproved { state, .. } if state.as_str() == states::APPROVING)
    }
}

/// Why it cannot be learned whether a plan may start.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The text of a plan that has begun is not one that anybody gave it.
    #[error(
        "`PLAN.md` of plan `{plan}` was edited inside `.agents/`: edit your own file of the plan and \
         apply it with `ostwin run FILE --resume`, or put the old text back"
    )]
    EditedInside {
        /// The plan.
        plan: PlanId,
    },
    /// A file could not be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The plan's graph could not be read.
    #[error(transparent)]
    Store(#[from] PlanStoreError),
    /// The review's room could not be read.
    #[error(transparent)]
    Room(#[from] RoomError),
}

/// Whether `plan` may start under this rule, and by which text. An approval counts whatever the
/// rule; without one, only `off` opens the gate, and what has begun goes on by its text.
///
/// # Errors
/// [`GateError`].
pub fn gate(project: &Project, plan: &StoredPlan, rule: PlanReview) -> Result<Gate, GateError> {
    let own = Text::of(plan.text()?, false);
    let begun = plan.dag()?.map(|dag| dag.plan_sha256);
    let text = match approved(project, plan, &own)? {
        Ok(text) => text,
        Err(_) if rule == PlanReview::Off || begun.as_ref() == Some(&own.sha256) => own.clone(),
        Err(closed) => return Ok(Gate::Closed(closed)),
    };
    let is_new = begun.is_some_and(|begun| begun != text.sha256);
    if is_new && own.sha256 != plan.meta.source_sha256 {
        return Err(GateError::EditedInside { plan: plan.meta.plan_id.clone() });
    }
    Ok(Gate::Open(text))
}

/// The text that was approved, if it is still there and still belongs to the plan.
fn approved(
    project: &Project,
    plan: &StoredPlan,
    own: &Text,
) -> Result<Result<Text, Closed>, GateError> {
    let id = &plan.meta.plan_id;
    let Some((room, _)) = room_of(project, id)? else {
        return Ok(Err(Closed::NotReviewed { plan: id.clone() }));
    };
    let changed = |file| Ok(Err(Closed::Changed { plan: id.clone(), file }));
    let Some(approval) = approval_of(&room)? else {
        let state = room.standing()?.state;
        return Ok(Err(Closed::NotApproved { plan: id.clone(), state }));
    };
    if approval.plan_sha256 != own.sha256 {
        return changed(plan.paths.plan());
    }
    if approval.text_sha256 == own.sha256 {
        return Ok(Ok(own.clone()));
    }
    match refined(plan)?.filter(|text| text.sha256 == approval.text_sha256) {
        Some(text) => Ok(Ok(text)),
        None => changed(plan.paths.refined()),
    }
}

/// The text of the plan as it was imported, which is what a review reads.
///
/// # Errors
/// The file cannot be read.
pub fn text_of(plan: &StoredPlan) -> Result<Text, FsError> {
    Ok(Text::of(plan.text()?, false))
}

/// The text by which a plan runs: the one that its graph was made from. Before its first run, the
/// one that was approved, if one was; else, and while a revision waits to be applied, that of
/// `PLAN.md`.
///
/// # Errors
/// A file cannot be read.
pub fn running_text(project: &Project, plan: &StoredPlan) -> Result<Text, GateError> {
    let own = Text::of(plan.text()?, false);
    let Some(dag) = plan.dag()? else {
        return Ok(approved(project, plan, &own)?.unwrap_or(own));
    };
    if dag.plan_sha256 == own.sha256 {
        return Ok(own);
    }
    Ok(refined(plan)?.filter(|text| text.sha256 == dag.plan_sha256).unwrap_or(own))
}

fn refined(plan: &StoredPlan) -> Result<Option<Text>, FsError> {
    let bytes = fs::read_optional(&plan.paths.refined(), MAX_PLAN_BYTES as u64)?;
    Ok(bytes.map(|bytes| Text::of(bytes, true)))
}
