//! The approval of a reviewed plan: one message that names the texts it is about.
//!
//! In order: the revised text becomes `PLAN.refined.md`, the `signoff` is posted, the room moves.
//! Each step can be repeated, so whoever was killed in between is followed by somebody who does
//! the same again; the move is what counts.

use std::ops::ControlFlow;

use serde_json::json;

use super::states;
use super::verdict::{PlanCheckError, Reviewed, check};
use crate::channel::{DEFAULT_MAX_MESSAGE_BYTES, Draft, Message};
use crate::env::crash_point;
use crate::fs;
use crate::ids::{MessageId, RoleRef, SignalName};
use crate::lifecycle::{AuditEntry, Cause, names};
use crate::plans::sha256;
use crate::room::{Contract, LockedRoom, Result, Room, RoomError, Why};

/// An approval that a room has passed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The message that says so.
    pub message: MessageId,
    /// SHA-256 of the plan that was reviewed.
    pub plan_sha256: String,
    /// SHA-256 of the text that is to run: the same, or that of `PLAN.refined.md`.
    pub text_sha256: String,
    /// Who approved: `engine` by the setting `auto`, or a person's name.
    pub actor: String,
}

/// Who approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approver {
    /// The rule `plan_review: auto`.
    Rule,
    /// A person, who has seen these texts.
    Person {
        /// Their name.
        actor: String,
        /// What they have seen.
        seen: Expected,
    },
}

/// The texts that a person approves, by their hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Of the plan.
    pub plan_sha256: String,
    /// Of the text that is to run.
    pub text_sha256: String,
}

/// Approves what the last review says, if it still holds. By the rule, a review that no longer
/// holds is asked for again; a person is told.
///
/// # Errors
/// The room does not wait for an approval, a person has seen other texts than those that are there
/// now, or a file failed.
pub fn approve(room: &Room, approver: &Approver) -> Result<AuditEntry> {
    room.locked(|locked| {
        let contract = room.contract()?;
        let reviewed = match reviewed(locked, &contract) {
            Ok(reviewed) => reviewed,
            Err(PlanCheckError::Room(error)) => return Err(error),
            Err(PlanCheckError::Verdict(problem)) => {
                return match approver {
                    Approver::Rule => {
                        let why = format!("the review does not hold any more: {problem}");
                        locked.signal(&SignalName::new(names::RETRY)?, Why::engine("approval", why))
                    }
                    Approver::Person { .. } => Err(refused(
                        locked,
                        format!("its review does not hold any more: {problem}"),
                    )),
                };
            }
        };
        let now = Expected::of(&reviewed);
        if let Approver::Person { seen, .. } = approver
            && *seen != now
        {
            let problem =
                "the plan or its revision is not the one that was shown: look at it again";
            return Err(refused(locked, problem.to_owned()));
        }
        keep_revision(room, &contract, &reviewed)?;
        crash_point("revision_kept");
        let actor = match approver {
            Approver::Rule => "engine",
            Approver::Person { actor, .. } => actor.as_str(),
        };
        let message = sign_off(locked, &now, actor)?;
        crash_point("plan_signed_off");
        let reason = match &reviewed.revision {
            Some(_) => format!("approved as revised, text {}", short(&now.text_sha256)),
            None => format!("approved, text {}", short(&now.text_sha256)),
        };
        let why =
            Why { cause: Cause::Message(message), attempt: None, actor: actor.to_owned(), reason };
        locked.signal(&SignalName::new(states::SIGNOFF)?, why)
    })
}

/// A person says no: the plan does not run.
///
/// # Errors
/// The room does not wait for an approval, or a file failed.
pub fn reject(room: &Room, why: Why) -> Result<AuditEntry> {
    room.locked(|locked| {
        if locked.standing().state.as_str() != states::APPROVING {
            let problem = "it does not wait for an approval".to_owned();
            return Err(refused(locked, problem));
        }
        locked.signal(&SignalName::new(states::REJECT)?, why)
    })
}

/// The approval by which the room passed; `None` if it has not, or if it got there in another way,
/// such as by force: only a message that names the texts opens the gate.
///
/// # Errors
/// The room cannot be read.
pub fn approval_of(room: &Room) -> Result<Option<Approval>> {
    let audit = room.audit()?;
    let Some(entry) = audit.iter().rev().find_map(|line| line.entry()) else { return Ok(None) };
    let signed = entry.signal.as_ref().is_some_and(|signal| signal.as_str() == states::SIGNOFF);
    let (true, Cause::Message(id)) = (signed && entry.to.as_str() == names::PASSED, &entry.cause)
    else {
        return Ok(None);
    };
    let message = room.channel().latest(|message| message.id == *id)?;
    Ok(message.and_then(|message| read(&message)))
}

/// What the review says that now waits for an approval; `None` if the room waits for none.
///
/// # Errors
/// The review does not hold any more, or the room cannot be read.
pub fn under_approval(
    room: &Room,
    contract: &Contract,
) -> Result<Option<Reviewed>, PlanCheckError> {
    if room.standing()?.state.as_str() != states::APPROVING {
        return Ok(None);
    }
    room.locked(|locked| reviewed(locked, contract)).map(Some)
}

impl Expected {
    /// The texts of a review.
    pub fn of(reviewed: &Reviewed) -> Self {
        let plan_sha256 = reviewed.verdict.plan_sha256.clone();
        let text_sha256 = reviewed.revision.as_deref().map_or_else(|| plan_sha256.clone(), sha256);
        Self { plan_sha256, text_sha256 }
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn refused(locked: &LockedRoom<'_>, problem: String) -> RoomError {
    RoomError::State {
        room: locked.room().id().clone(),
        state: locked.standing().state.clone(),
        problem,
    }
}

/// The verdict that brought the room into `approving`, checked against what is on disk now.
fn reviewed(locked: &LockedRoom<'_>, contract: &Contract) -> Result<Reviewed, PlanCheckError> {
    let room = locked.room();
    if locked.standing().state.as_str() != states::APPROVING {
        return Err(refused(locked, "it does not wait for an approval".to_owned()).into());
    }
    let last = room.last_attempt()?;
    let signal = last.and_then(|attempt| attempt.record.signal);
    let message = match signal {
        Some(id) => room.channel().latest(|message| message.id == id).map_err(RoomError::from)?,
        None => None,
    };
    check(room, contract, message.as_ref().and_then(|message| message.data.as_ref()), true)
}

fn keep_revision(room: &Room, contract: &Contract, reviewed: &Reviewed) -> Result<()> {
    let refined = room.project().layout().plan(&contract.plan_id).refined();
    match &reviewed.revision {
        Some(text) => fs::replace_record(&refined, text, room.project().store().durability)?,
        None => fs::remove_file(&refined)?,
    }
    Ok(())
}

/// Posts the approval, unless somebody who was killed then has posted it.
fn sign_off(locked: &LockedRoom<'_>, texts: &Expected, actor: &str) -> Result<MessageId> {
    let room = locked.room();
    let seq = locked.standing().replay.last_seq;
    let key = format!("{}:{seq}:{}:{}", room.id(), states::SIGNOFF, texts.text_sha256);
    let mut earlier = None;
    room.channel().scan(0, |message| {
        if message.key() == Some(key.as_str()) {
            earlier = Some(message.id);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if let Some(earlier) = earlier {
        return Ok(earlier);
    }
    let from = if actor == "engine" { "engine" } else { "human" };
    let draft = Draft {
        attempt: None,
        from: RoleRef::new(from)?,
        to: RoleRef::new("engine")?,
        kind: SignalName::new(states::SIGNOFF)?,
        reference: None,
        body: format!("The plan may run: text {}.", short(&texts.text_sha256)),
        data: Some(json!({
            "key": key,
            "actor": actor,
            "plan_sha256": texts.plan_sha256,
            "text_sha256": texts.text_sha256,
        })),
    };
    let store = room.project().store();
    Ok(room.channel().post(store, draft, &[], DEFAULT_MAX_MESSAGE_BYTES)?.0.id)
}

fn read(message: &Message) -> Option<Approval> {
    let text = |key: &str| Some(message.data.as_ref()?.get(key)?.as_str()?.to_owned());
    let is_own = message.attempt.is_none() && message.kind.as_str() == states::SIGNOFF;
    is_own.then_some(())?;
    Some(Approval {
        message: message.id.clone(),
        plan_sha256: text("plan_sha256")?,
        text_sha256: text("text_sha256")?,
        actor: text("actor")?,
    })
}
