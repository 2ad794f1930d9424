//! What a person decides about a room, and how that is carried out.
//!
//! The engine and a command that runs without one do the same here, so that it makes no
//! difference to the room whether an engine was there to be asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{SignalName, StateName};
use crate::lifecycle::AuditEntry;
use crate::plan_review::{self, Approver, Expected};
use crate::room::{PersonVerdict, Room, RoomError, Why};

/// What a person decides about a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The room is in this state.
    SetStatus {
        /// The state.
        state: StateName,
        /// Also where the machine draws no such way.
        #[serde(default)]
        force: bool,
    },
    /// The room is given up.
    Cancel,
    /// What failed last is tried once more, with one retry granted.
    Retry,
    /// The answer to a room that waits for one: `fix`, `redesign`, `replan`, `reject`, `unblock`,
    /// or what else its state asks a person for.
    Verdict {
        /// The answer.
        signal: SignalName,
    },
    /// The reviewed plan may run. Only in the room of a plan's review.
    ApprovePlan {
        /// SHA-256 of the plan that the person saw, in hex.
        plan_sha256: String,
        /// SHA-256 of the text that is to run, as the person saw it: the plan or its revision.
        text_sha256: String,
    },
    /// The reviewed plan does not run. Only in the room of a plan's review.
    RejectPlan,
}

/// Carries out `decision` in a room in which no session runs any more.
///
/// # Errors
/// The room refuses, or cannot be read or changed; it is then as it was.
pub fn carry_out(room: &Room, decision: &Decision, why: Why) -> Result<AuditEntry, RoomError> {
    match decision {
        Decision::SetStatus { state, force } => {
            room.locked(|locked| locked.set_state(state, *force, why))
        }
        Decision::Cancel => room.locked(|locked| locked.cancel(why)),
        Decision::Retry => room.locked(|locked| locked.retry(why)),
        Decision::Verdict { signal } => room.locked(|locked| {
            locked.verdict(PersonVerdict {
                signal: signal.clone(),
                actor: why.actor,
                body: why.reason,
                data: None,
            })
        }),
        Decision::ApprovePlan { plan_sha256, text_sha256 } => {
            let seen =
                Expected { plan_sha256: plan_sha256.clone(), text_sha256: text_sha256.clone() };
            plan_review::approve(room, &Approver::Person { actor: why.actor, seen })
        }
        Decision::RejectPlan => plan_review::reject(room, why),
    }
}
