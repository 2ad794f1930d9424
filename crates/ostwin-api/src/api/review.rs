//! What the review of a plan wants changed, for the person who decides.

use ostwin_core::config::PlanReview;
use ostwin_core::ids::RoomId;
use ostwin_core::plan::{self, ParseOptions};
use ostwin_core::plan_review::{self, Gate, Judgement, PlanCheckError, Reviewed};
use ostwin_core::plans::{StoredPlan, sha256};
use ostwin_core::project::Project;
use ostwin_core::room::Room;
use schemars::JsonSchema;
use serde::Serialize;
use similar::TextDiff;

use super::plan_text::names;
use super::plans::PlanPath;
use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/plans/{id}/diff", "What the review of a plan changes, or has changed", diff)]
}

/// From the plan as it was imported to what its review makes of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Difference {
    /// Whether a person has to approve it.
    awaits_approval: bool,
    /// What the reviewer says; null once it was approved, and before there is a review.
    verdict: Option<Judgement>,
    /// The reviewer's words.
    summary: Option<String>,
    /// The review's room.
    room: Option<RoomId>,
    /// SHA-256 of the plan as it was imported, in hex.
    from_sha256: String,
    /// SHA-256 of the text that is to run; what an approval names.
    to_sha256: String,
    /// The lines that differ, as a unified diff; empty if none do.
    unified: String,
    /// Epics that are only in the new text.
    added: Vec<String>,
    /// Epics that are only in the old text.
    removed: Vec<String>,
    /// Epics with another content.
    changed: Vec<String>,
}

fn diff(call: &Call, path: PlanPath, _: Nothing) -> Result<Difference, Problem> {
    let served = call.one()?;
    let project = served.project();
    let plan = served.view(&path.id)?.plan;
    let own = plan.text()?;
    let room = plan_review::room_of(&project, &path.id)?.map(|(room, _)| room.id().clone());
    let waiting = match &room {
        Some(_) => waiting(&project, &plan)?,
        None => None,
    };
    let new = match &waiting {
        Some((_, reviewed)) => reviewed.revision.clone().unwrap_or_else(|| own.clone()),
        None => match plan_review::gate(&project, &plan, PlanReview::Human)? {
            Gate::Open(text) => text.bytes,
            Gate::Closed(_) => own.clone(),
        },
    };
    let parse = |bytes: &[u8]| plan::parse_bytes(bytes, &ParseOptions::default()).plan;
    let epics = plan::diff(&parse(&own), &parse(&new));
    let verdict = waiting.map(|(_, reviewed)| reviewed.verdict);
    Ok(Difference {
        awaits_approval: verdict.is_some(),
        summary: verdict.as_ref().map(|verdict| verdict.summary.clone()),
        verdict: verdict.map(|verdict| verdict.verdict),
        room,
        from_sha256: sha256(&own),
        to_sha256: sha256(&new),
        unified: lines(&own, &new),
        added: names(&epics.added),
        removed: names(&epics.removed),
        changed: names(&epics.changed),
    })
}

fn lines(old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    diff.unified_diff().header("now", "then").to_string()
}

/// The room of a plan's review.
pub(super) fn review_room(
    project: &Project,
    plan: &StoredPlan,
) -> Result<(Room, ostwin_core::room::Contract), Problem> {
    let id = &plan.meta.plan_id;
    plan_review::room_of(project, id)?.ok_or_else(|| {
        Problem::conflict(format!("plan `{id}` has not been reviewed: run it with a review"))
    })
}

/// The review that waits for an approval, if one does.
fn waiting(project: &Project, plan: &StoredPlan) -> Result<Option<(Room, Reviewed)>, Problem> {
    let (room, contract) = review_room(project, plan)?;
    match plan_review::under_approval(&room, &contract) {
        Ok(reviewed) => Ok(reviewed.map(|reviewed| (room, reviewed))),
        Err(error @ PlanCheckError::Verdict(_)) => {
            let id = &plan.meta.plan_id;
            let text = format!("the review of plan `{id}` does not hold any more: {error}");
            Err(Problem::conflict(text))
        }
        Err(PlanCheckError::Room(error)) => Err(error.into()),
    }
}

/// The review that waits for an approval.
pub(super) fn proposal(project: &Project, plan: &StoredPlan) -> Result<(Room, Reviewed), Problem> {
    waiting(project, plan)?.ok_or_else(|| {
        let id = &plan.meta.plan_id;
        Problem::conflict(format!("the review of plan `{id}` waits for no approval"))
    })
}
