//! Moving a room: what the scheduler decided, done under the room's lock if it still holds.

use ostwin_core::events::{AUDIT_SEQ, Event, EventKind};
use ostwin_core::ids::{EpicId, RunId};
use ostwin_core::lifecycle::{AuditEntry, Cause, StateKind, names};
use ostwin_core::plan_review::states;
use ostwin_core::room::{Outcome, Room, RoomError, Why};
use serde_json::json;

use crate::decide::MoveCause;
use ostwin_core::ids::SignalName;

/// Moves `room` by `signal`, unless its last attempt is no longer the one that decided so.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn by_signal(
    room: &Room,
    signal: &SignalName,
    cause: MoveCause,
) -> Result<Option<AuditEntry>, RoomError> {
    room.locked(|locked| {
        let Some(last) = room.last_attempt()? else { return Ok(None) };
        if last.record.is_open() || last.record.audit_seq != locked.standing().replay.last_seq {
            return Ok(None);
        }
        let (cause, reason) = match cause {
            MoveCause::Message(id) => {
                (Cause::Message(id), format!("`{signal}` from {}", last.record.role))
            }
            MoveCause::Gate(name) => (Cause::Attempt("gate".to_owned()), format!("gate:{name}")),
            MoveCause::Outcome { outcome: Outcome::Timeout, reason } => {
                (Cause::Timer("deadline".to_owned()), reason)
            }
            MoveCause::Outcome { outcome, reason } => {
                (Cause::Attempt(outcome.as_str().to_owned()), reason)
            }
        };
        let why = Why { cause, attempt: Some(last.record.id), actor: "engine".to_owned(), reason };
        locked.signal(signal, why).map(Some)
    })
}

/// Takes the way out of a `decision` state.
///
/// # Errors
/// The room cannot be read or changed.
pub(crate) fn by_decision(room: &Room) -> Result<Option<AuditEntry>, RoomError> {
    room.locked(|locked| {
        let replay = &locked.standing().replay;
        let reason = format!(
            "{} of {} retries used",
            replay.retries,
            replay.max_retries(&locked.standing().machine)
        );
        locked.decide(Why::engine("decision", reason))
    })
}

/// The events that a transition makes for the plan, each with the number of its line in the audit.
/// An engine that `approves` plans itself ends the wait for that: nobody is called.
pub(crate) fn events(
    room: &Room,
    epic: &EpicId,
    run_id: &RunId,
    kind: StateKind,
    approves: bool,
    entry: &AuditEntry,
) -> Vec<Event> {
    let base = |kind| Event {
        run_id: Some(run_id.clone()),
        epic: Some(epic.clone()),
        room: Some(room.id().clone()),
        attempt: entry.attempt.clone(),
        reason: Some(entry.reason.clone()).filter(|reason| !reason.is_empty()),
        data: Some(json!({ AUDIT_SEQ: entry.seq })),
        ..Event::new(kind)
    };
    let moved = Event {
        from: entry.from.clone(),
        to: Some(entry.to.clone()),
        signal: entry.signal.clone(),
        ..base(EventKind::Moved)
    };
    let approves = approves && epic.is_plan_review() && entry.to.as_str() == states::APPROVING;
    let further = match (kind, entry.to.as_str()) {
        (StateKind::Terminal, names::PASSED) => Some(EventKind::Passed),
        (StateKind::Terminal, _) => Some(EventKind::Failed),
        // Whoever moves a room to a waiting state by hand knows of it.
        (StateKind::Wait, _) if entry.signal.is_some() && !approves => Some(EventKind::Escalated),
        _ => None,
    };
    std::iter::once(moved).chain(further.map(base)).collect()
}

/// The transition that an event tells of: the number of its line in the room's audit.
pub(crate) fn audit_seq(event: &Event) -> Option<u64> {
    event.data.as_ref()?.get(AUDIT_SEQ)?.as_u64()
}
