//! Posting to a room: the checks that stand between a message and a move.
//!
//! A message that may move the room is accepted under the room's lock, only from the open attempt,
//! its role and its state, before its deadline, and once. What is refused leaves a `note` as its
//! trace and moves nothing.

use serde_json::{Value, json};

use super::verdict::check_pass;
use super::{LockedRoom, Room, RoomError, VerdictError};
use crate::channel::{
    DEFAULT_MAX_MESSAGE_BYTES, Draft, Message, PLAIN_TYPES, PostError, SIGNAL_TYPES,
};
use crate::ids::{AttemptId, RoleRef, SignalName};
use crate::jsonl::Appended;
use crate::lifecycle::{StateKind, names};
use crate::plan_review::{self, PlanCheckError};

/// Who speaks. An agent's server fixes both; no tool lets the agent choose them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The role, with instance; `human` for a person.
    pub role: RoleRef,
    /// The attempt; none for a person.
    pub attempt: Option<AttemptId>,
}

/// A message that somebody wants to post.
#[derive(Clone, Debug, PartialEq)]
pub struct PostRequest {
    /// Who is meant.
    pub to: RoleRef,
    /// The type.
    pub kind: SignalName,
    /// What it is about.
    pub reference: Option<String>,
    /// Markdown.
    pub body: String,
    /// The structured part.
    pub data: Option<Value>,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// Where it stands in the channel.
    pub appended: Appended,
    /// Whether it is the attempt's signal.
    pub is_signal: bool,
}

/// Why a message was refused. It moved nothing.
#[derive(Debug, thiserror::Error)]
pub enum PostRefusal {
    /// This speaker may not send this type here.
    #[error("{message}; allowed here: {}", allowed_words(allowed))]
    Forbidden {
        /// Why.
        message: String,
        /// What the speaker may send instead.
        allowed: Vec<SignalName>,
    },
    /// The attempt is closed, over its deadline, or has sent its signal.
    #[error("{message}")]
    Conflict {
        /// Why.
        message: String,
    },
    /// A `pass` that is no answer to the contract. It may be mended and posted again.
    #[error("the verdict is incomplete: {0}")]
    Verdict(#[from] VerdictError),
    /// The message itself is not acceptable.
    #[error(transparent)]
    Message(#[from] PostError),
    /// The room could not be read or written.
    #[error(transparent)]
    Room(#[from] RoomError),
}

fn allowed_words(allowed: &[SignalName]) -> String {
    if allowed.is_empty() {
        return "nothing that moves the room".to_owned();
    }
    allowed.iter().map(SignalName::as_str).collect::<Vec<_>>().join(", ")
}

/// Posts `request` as `speaker`.
///
/// # Errors
/// [`PostRefusal`]; the room has not moved and, but for the trace, the channel is as it was.
pub fn post(
    room: &Room,
    speaker: &Speaker,
    mut request: PostRequest,
) -> Result<Posted, PostRefusal> {
    // Most messages only inform, and for them no machine has to be read.
    let is_plain = PLAIN_TYPES.contains(&request.kind.as_str());
    let declared = if is_plain { Vec::new() } else { room.machine()?.message_types() };
    let moves = SIGNAL_TYPES.contains(&request.kind.as_str()) || declared.contains(&request.kind);
    if is_plain || !moves {
        let (message, appended) = append(room, speaker, request, &declared)?;
        return Ok(Posted { message, appended, is_signal: false });
    }
    room.locked(|locked| {
        let kind = request.kind.clone();
        match check_signal(locked, speaker, &mut request) {
            Ok(()) => {
                let (message, appended) = append(room, speaker, request, &declared)?;
                Ok(Posted { message, appended, is_signal: true })
            }
            Err(refusal) => {
                if matches!(refusal, PostRefusal::Forbidden { .. } | PostRefusal::Conflict { .. }) {
                    leave_trace(room, speaker, &kind, &refusal)?;
                }
                Err(refusal)
            }
        }
    })
}

fn check_signal(
    locked: &LockedRoom<'_>,
    speaker: &Speaker,
    request: &mut PostRequest,
) -> Result<(), PostRefusal> {
    let room = locked.room();
    let standing = locked.standing();
    let kind = &request.kind.clone();
    let allowed = standing.machine.allowed_agent_signals(&standing.state);
    let forbidden = |message: String| PostRefusal::Forbidden { message, allowed: allowed.clone() };
    let Some(attempt) = &speaker.attempt else {
        return Err(PostRefusal::Forbidden {
            message: format!(
                "`{kind}` moves a room only from its open attempt; a person uses \
                 `ostwin room set-status {}`",
                room.id()
            ),
            allowed: Vec::new(),
        });
    };
    let open = match room.last_attempt()? {
        Some(last) if last.record.id == *attempt => last.record,
        _ => {
            return Err(PostRefusal::Conflict {
                message: format!("attempt {attempt} is not the open one of this room"),
            });
        }
    };
    if !open.is_open() {
        return Err(PostRefusal::Conflict { message: format!("attempt {attempt} is closed") });
    }
    if open.state != standing.state || open.audit_seq != standing.replay.last_seq {
        return Err(PostRefusal::Conflict {
            message: format!(
                "attempt {attempt} belongs to state `{}` and the room is in `{}`",
                open.state, standing.state
            ),
        });
    }
    if open.role != speaker.role {
        let problem = format!("role `{}` does not work in state `{}`", speaker.role, open.state);
        return Err(forbidden(problem));
    }
    if !allowed.contains(kind) {
        return Err(forbidden(format!("`{kind}` may not be sent in state `{}`", standing.state)));
    }
    let contract = room.contract()?;
    if let Some(earlier) = locked.signal_of(&open, &contract)? {
        return Err(PostRefusal::Conflict {
            message: format!(
                "this attempt has sent its signal already: `{}` ({})",
                earlier.message.kind, earlier.message.id
            ),
        });
    }
    if room.project().store().now() >= open.deadline_at {
        return Err(PostRefusal::Conflict {
            message: format!("the deadline of attempt {attempt} was {}", open.deadline_at),
        });
    }
    if standing.kind() == StateKind::Review && kind.as_str() == names::PASS {
        if contract.task_ref.is_plan_review() {
            let reviewed = plan_review::check(room, &contract, request.data.as_ref(), false)
                .map_err(|error| match error {
                    PlanCheckError::Verdict(error) => PostRefusal::Verdict(error),
                    PlanCheckError::Room(error) => PostRefusal::Room(error),
                })?;
            plan_review::seal(&mut request.data, &reviewed);
        } else {
            check_pass(&contract.goals, request.data.as_ref())?;
        }
    }
    Ok(())
}

fn append(
    room: &Room,
    speaker: &Speaker,
    request: PostRequest,
    declared: &[SignalName],
) -> Result<(Message, Appended), PostError> {
    let draft = Draft {
        attempt: speaker.attempt.clone(),
        from: speaker.role.clone(),
        to: request.to,
        kind: request.kind,
        reference: request.reference,
        body: request.body,
        data: request.data,
    };
    room.channel().post(room.project().store(), draft, declared, room.project().max_message_bytes())
}

fn leave_trace(
    room: &Room,
    speaker: &Speaker,
    kind: &SignalName,
    refusal: &PostRefusal,
) -> Result<(), PostRefusal> {
    let name = |text: &str| RoleRef::new(text).map_err(RoomError::from);
    let draft = Draft {
        attempt: speaker.attempt.clone(),
        from: name("engine")?,
        to: name("engine")?,
        kind: SignalName::new("note").map_err(RoomError::from)?,
        reference: None,
        body: format!("Refused `{kind}` of `{}`: {refusal}", speaker.role),
        data: Some(json!({
            "refused": kind.as_str(),
            "by": speaker.role.to_string(),
        })),
    };
    let store = room.project().store();
    room.channel().post(store, draft, &[], DEFAULT_MAX_MESSAGE_BYTES)?;
    Ok(())
}
