//! Requests that others put to this engine.

use ostwin_core::control::{Ask, Request, carry_out};
use ostwin_core::events::ControlResult;
use ostwin_core::ids::{RoomId, RunId};
use ostwin_core::lifecycle::{AuditEntry, Cause};
use ostwin_core::room::{Room, RoomError, Why};
use ostwin_core::time::Timestamp;

/// What a request asks of this run.
pub(crate) enum Order {
    /// End, at once if `force`.
    Stop { force: bool },
    /// Open no attempt any more, or open them again: of this room, or without one of the plan.
    Pause { room: Option<RoomId>, paused: bool },
    /// Something with this room, once no session runs in it.
    Room(RoomId),
    /// Nothing: the answer and why.
    Answer(ControlResult, String),
}

/// What `request` means to run `run_id` now.
pub(crate) fn read(request: &Request, run_id: &RunId, now: Timestamp) -> Order {
    if request.expires_at.is_some_and(|expiry| expiry <= now) {
        return Order::Answer(ControlResult::Void, "the request came too late".to_owned());
    }
    if request.run_id.as_ref().is_some_and(|meant| meant != run_id) {
        let reason = "the request was meant for another run".to_owned();
        return Order::Answer(ControlResult::Void, reason);
    }
    match &request.ask {
        Ask::Stop { force } => Order::Stop { force: *force },
        Ask::Pause { room } => Order::Pause { room: room.clone(), paused: true },
        Ask::Resume { room } => Order::Pause { room: room.clone(), paused: false },
        Ask::Room { room, .. } => Order::Room(room.clone()),
    }
}

/// Carries out a request about a room in which no session runs.
///
/// # Errors
/// The room refuses, or cannot be read or changed.
pub(crate) fn act_on_room(room: &Room, request: &Request) -> Result<Option<AuditEntry>, RoomError> {
    match &request.ask {
        Ask::Stop { .. } | Ask::Pause { .. } | Ask::Resume { .. } => Ok(None),
        Ask::Room { decision, reason, .. } => {
            let why = Why {
                cause: Cause::Control(request.id.clone()),
                attempt: None,
                actor: request.actor.clone(),
                reason: reason.clone(),
            };
            carry_out(room, decision, why).map(Some)
        }
    }
}
