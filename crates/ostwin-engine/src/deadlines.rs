//! The deadlines of attempts whose engine is gone.
//!
//! An engine enforces the deadlines of its own sessions by its clock. What an engine left behind
//! has its deadline in its record, so that another process can enforce it: here, under the lock of
//! the plan, which says that no engine drives it.

use std::time::Duration;

use ostwin_core::config::Config;
use ostwin_core::events::Event;
use ostwin_core::ids::{AttemptId, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::names;
use ostwin_core::lock::{self, LockError};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Attempt, GateStanding, Outcome, Room, RoomError};
use ostwin_core::time::Timestamp;
use ostwin_core::{control, env};

use crate::decide::MoveCause;
use crate::error::EngineError;
use crate::look::FOREIGN_MARGIN;
use crate::machine::LocalProcesses;
use crate::sessions::approves;
use crate::{attempt, moves, recovery};

/// What one look at the deadlines came to.
#[derive(Debug, Default)]
pub struct Enforced {
    /// The attempts that were ended.
    pub ended: Vec<TimedOut>,
    /// When the next one is due that is still within its time.
    pub next: Option<Timestamp>,
    /// Plans and rooms that could not be looked at, each in one sentence.
    pub problems: Vec<String>,
}

/// An attempt whose deadline was enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// Its room.
    pub room: RoomId,
    /// The attempt.
    pub attempt: AttemptId,
    /// How it ended: `timeout`, or a signal that it had posted in time.
    pub outcome: Outcome,
    /// Where the room is now.
    pub state: StateName,
}

/// Ends every attempt whose deadline has passed and whose plan no engine drives, and moves its
/// room. Waits for what still runs of it to end.
///
/// # Errors
/// The plans cannot be listed. A plan or a room that cannot be read is among the problems.
pub fn enforce_deadlines(project: &Project, config: &Config) -> Result<Enforced, EngineError> {
    let mut enforced = Enforced::default();
    for plan in plans::list(project)? {
        if let Err(error) = of_plan(project, config, &plan, &mut enforced) {
            enforced.problems.push(format!("plan `{}`: {error}", plan.meta.plan_id));
        }
    }
    Ok(enforced)
}

fn of_plan(
    project: &Project,
    config: &Config,
    plan: &StoredPlan,
    enforced: &mut Enforced,
) -> Result<(), EngineError> {
    if control::is_driven(&plan.paths)? {
        return Ok(());
    }
    let kill_grace = Duration::from_secs(config.kill_grace_seconds);
    for (room, contract) in room::of_plan(project, &plan.meta.plan_id)? {
        let Some(open) = room.open_attempt()? else { continue };
        let due = due(&open, kill_grace);
        if project.store().now() < due {
            enforced.next = Some(enforced.next.map_or(due, |next| next.min(due)));
            continue;
        }
        let taken = lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, || {
            let approves = approves(config);
            let (timed_out, events) = end(&room, &open, kill_grace, approves)?;
            for event in events {
                let event = Event { epic: Some(contract.task_ref.clone()), ..event };
                plan.events().append(project.store(), event)?;
            }
            Ok::<_, EngineError>(timed_out)
        });
        match taken {
            Ok(timed_out) => enforced.ended.extend(timed_out?),
            // An engine has started: the rest is its own.
            Err(LockError::Busy { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// From when on the attempt may be ended from here. One of another machine gets the time that its
/// own guardian may take.
fn due(attempt: &Attempt, kill_grace: Duration) -> Timestamp {
    let deadline = attempt.record.deadline_at;
    match attempt.record.host == env::host() {
        true => deadline,
        false => deadline.plus(kill_grace + FOREIGN_MARGIN),
    }
}

/// Ends the attempt and moves its room, unless somebody did meanwhile.
fn end(
    room: &Room,
    open: &Attempt,
    kill_grace: Duration,
    approves: bool,
) -> Result<(Option<TimedOut>, Vec<Event>), RoomError> {
    let still_open = room.open_attempt()?.is_some_and(|now| now.record.id == open.record.id);
    if !still_open {
        return Ok((None, Vec::new()));
    }
    let reason = "the attempt's time was up, and its engine was gone";
    let closed =
        recovery::end_stale(room, open, &LocalProcesses, kill_grace, Outcome::Timeout, reason)?;
    let record = &closed.attempt.record;
    let outcome = record.outcome.clone().unwrap_or(Outcome::Timeout);
    let (signal, cause) = match &closed.signal {
        Some(signal) => (signal.name.clone(), MoveCause::Message(signal.message.id.clone())),
        None => (
            SignalName::new(names::TIMEOUT)?,
            MoveCause::Outcome { outcome: outcome.clone(), reason: reason.to_owned() },
        ),
    };
    // A `done` whose gates have not been run is the engine's matter.
    let counts = record.gates.as_ref().is_none_or(|gates| gates.standing() == GateStanding::Passed);
    let entry = match counts || closed.signal.is_none() {
        true => moves::by_signal(room, &signal, cause)?,
        false => None,
    };
    let standing = room.standing()?;
    let epic = room.contract()?.task_ref;
    let mut events = vec![attempt::closed_event(&epic, room, &closed)];
    if let Some(entry) = &entry {
        events.extend(moves::events(room, &epic, &record.run_id, standing.kind(), approves, entry));
    }
    let timed_out = TimedOut {
        room: room.id().clone(),
        attempt: record.id.clone(),
        outcome,
        state: standing.state,
    };
    Ok((Some(timed_out), events))
}
