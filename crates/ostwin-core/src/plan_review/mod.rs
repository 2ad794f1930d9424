//! The review of a plan: what its verdict must say, who approved which text, and whether the gate
//! before the epics is open.
//!
//! Everything is bound to texts by their SHA-256. A verdict names the plan that was read; an
//! approval names the plan and the text that is to run; the gate compares both with what lies on
//! disk at that moment. So an edit after the review, or after the approval, closes the gate by
//! itself. The module owns the `signoff` message in the review's room and `PLAN.refined.md`.

mod approval;
mod gate;
mod verdict;

pub use approval::{Approval, Approver, Expected, approval_of, approve, reject, under_approval};
pub use gate::{Closed, Gate, GateError, Text, gate, running_text, text_of};
pub use verdict::{
    Judgement, PlanCheckError, PlanVerdict, Reviewed, check, effective_signal, seal,
};

use crate::ids::PlanId;
use crate::project::Project;
use crate::room::{self, Contract, Result, Room};

/// The states of the review's room that rules depend on.
pub mod states {
    /// The room waits for the engine.
    pub const PENDING: &str = "pending";
    /// A session of the design role reads the plan.
    pub const REVIEWING: &str = "reviewing";
    /// The review is there; somebody has to approve what it says.
    pub const APPROVING: &str = "approving";
    /// The approval: a message whose data names the approved texts.
    pub const SIGNOFF: &str = "signoff";
    /// A person says no.
    pub const REJECT: &str = "reject";
}

/// The room of the plan's review, if there is one.
///
/// # Errors
/// The folder of rooms cannot be read.
pub fn room_of(project: &Project, plan: &PlanId) -> Result<Option<(Room, Contract)>> {
    let rooms = room::of_plan(project, plan)?;
    Ok(rooms.into_iter().find(|(_, contract)| contract.task_ref.is_plan_review()))
}
