//! From a room's files to what the scheduler sees of it.

use std::time::Duration;

use ostwin_core::env;
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::plan_review::states;
use ostwin_core::room::{Attempt, GateStanding, Outcome, Result, Room};

use crate::sessions::waits_to_start;
use crate::snapshot::{AttemptView, RoomView};

/// How long after its deadline an attempt of another machine is taken for dead, beside the grace
/// that its processes have.
pub(crate) const FOREIGN_MARGIN: Duration = Duration::from_secs(30);

/// Reads where `room` stands.
///
/// # Errors
/// The room cannot be read.
pub(crate) fn look(room: &Room, kill_grace: Duration) -> Result<RoomView> {
    let standing = room.standing()?;
    let kind = standing.kind();
    let decision = if kind == StateKind::Decision {
        let now = room.project().store().now();
        let counters = standing.replay.counters(&standing.machine, now, room.spent()?);
        standing
            .machine
            .decide(&standing.state, &counters, standing.replay.previous.as_ref())
            .map(|(signal, _)| signal)
    } else {
        None
    };
    let stay: Vec<Attempt> = match kind.has_session() {
        true => room.attempts_of_stay(standing.replay.last_seq)?,
        false => Vec::new(),
    };
    let interruptions = stay
        .iter()
        .rev()
        .take_while(|attempt| attempt.record.outcome == Some(Outcome::Interrupted))
        .count();
    Ok(RoomView {
        kind,
        passed: kind == StateKind::Terminal && standing.state.as_str() == names::PASSED,
        awaits_approval: kind == StateKind::Wait
            && standing.state.as_str() == states::APPROVING
            && room.contract()?.task_ref.is_plan_review(),
        has_ready: waits_to_start(&standing.machine, &standing.state),
        entered_at: standing.replay.entered_at.unwrap_or_else(|| room.project().store().now()),
        decision,
        attempt: stay.last().map(|attempt| view(attempt, kill_grace)),
        waits: None,
        interruptions: u32::try_from(interruptions).unwrap_or(u32::MAX),
        state: standing.state,
    })
}

fn view(attempt: &Attempt, kill_grace: Duration) -> AttemptView {
    let record = &attempt.record;
    let signal = match (&record.signal, &record.outcome) {
        (Some(message), Some(Outcome::Signal(name))) => Some((message.clone(), name.clone())),
        _ => None,
    };
    let foreign = record.is_open() && record.host != env::host();
    AttemptView {
        id: record.id.clone(),
        outcome: record.outcome.clone().filter(|_| !record.is_open()),
        gates: gates_of(attempt),
        signal,
        reason: record.reason.clone(),
        rests_until: record.rests_until(),
        foreign_until: foreign.then(|| record.deadline_at.plus(kill_grace + FOREIGN_MARGIN)),
    }
}

/// Only a `done` waits for quality gates.
pub(crate) fn gates_of(attempt: &Attempt) -> GateStanding {
    let record = &attempt.record;
    let done =
        matches!(&record.outcome, Some(Outcome::Signal(name)) if name.as_str() == names::DONE);
    match &record.gates {
        Some(gates) if done => gates.standing(),
        _ => GateStanding::Passed,
    }
}
