//! The scheduling policy, whole: from a snapshot to actions, without any effect.

use std::collections::{BTreeMap, BTreeSet};

use ostwin_core::ids::{EpicId, MessageId, SignalName};
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::room::{GateStanding, Outcome};
use ostwin_core::time::Timestamp;

use crate::snapshot::{EpicView, Policy, Session, Snapshot};

/// What the engine does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open an attempt in the epic's room, taking `ready` first where the room waits to start.
    OpenAttempt {
        /// The epic.
        epic: EpicId,
    },
    /// Close an open attempt that no session of this engine backs.
    CloseStale {
        /// The epic.
        epic: EpicId,
    },
    /// Run the quality gates of an attempt that has ended with `done`, because its session ended
    /// before they had been run.
    RunGates {
        /// The epic.
        epic: EpicId,
    },
    /// Move the room by a signal.
    Move {
        /// The epic.
        epic: EpicId,
        /// The signal.
        signal: SignalName,
        /// What the signal comes from.
        cause: MoveCause,
    },
    /// Approve what the review of the plan says.
    Approve {
        /// The review.
        epic: EpicId,
    },
    /// Take the way out of a `decision` state.
    Decide {
        /// The epic.
        epic: EpicId,
    },
    /// Look again at this time: nothing happens before, unless a file changes.
    WakeAt(Timestamp),
    /// Nothing can be done any more, or not without a person.
    Finish(Finish),
}

/// What a move comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveCause {
    /// The message that was the attempt's signal.
    Message(MessageId),
    /// An attempt whose `done` does not count, because this quality gate failed.
    Gate(String),
    /// An attempt that ended without one.
    Outcome {
        /// How it ended.
        outcome: Outcome,
        /// Why, in one sentence.
        reason: String,
    },
}

/// How a plan ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Every epic passed.
    Passed,
    /// Every room is terminal or can never start, and some epic did not pass.
    Failed,
    /// Only a person can move something on.
    NeedsPerson,
}

/// Everything that is to be done now. The same snapshot always gives the same actions; an epic
/// gets at most one of them.
pub fn decide(snapshot: &Snapshot, policy: &Policy) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut candidates: Vec<(&EpicId, &EpicView)> = Vec::new();
    let mut wake: Option<Timestamp> = None;
    // When the first question counts as denied: by itself no reason to go on.
    let mut denied: Option<Timestamp> = None;
    let mut running = 0;
    let mut moving = 0;
    for (id, epic) in &snapshot.epics {
        match epic.session {
            Session::Running => running += 1,
            Session::Moving => moving += 1,
            Session::None => {}
        }
        if epic.session != Session::None {
            continue;
        }
        match next_of(snapshot, policy, id, epic) {
            Next::Act(action) => actions.push(action),
            Next::Start if epic.paused || snapshot.budget.is_some() => {}
            Next::Start if waits_for_a_person(snapshot, epic) => {
                let until = epic.standing.waits.as_ref().and_then(|waits| waits.until);
                denied = until.into_iter().chain(denied).min();
            }
            Next::Start => candidates.push((id, epic)),
            Next::WakeAt(at) => wake = Some(wake.map_or(at, |earliest| earliest.min(at))),
            Next::Nothing => {}
        }
    }
    let waiting = !candidates.is_empty();
    if !snapshot.stopping {
        actions.extend(starts(snapshot, policy, candidates, running));
    }
    let idle = actions.is_empty() && wake.is_none() && running == 0 && moving == 0 && !waiting;
    if idle && !snapshot.stopping {
        match finish(snapshot) {
            Finish::NeedsPerson if policy.wait_for_people => {}
            finish => {
                actions.push(Action::Finish(finish));
                return actions;
            }
        }
    }
    if let Some(at) = denied.into_iter().chain(wake).min() {
        actions.push(Action::WakeAt(at));
    }
    actions
}

/// Whether a person has to say something before the next attempt of the epic.
fn waits_for_a_person(snapshot: &Snapshot, epic: &EpicView) -> bool {
    let waits = epic.standing.waits.as_ref();
    waits.is_some_and(|waits| waits.until.is_none_or(|until| snapshot.now < until))
}

enum Next {
    Act(Action),
    Start,
    WakeAt(Timestamp),
    Nothing,
}

fn next_of(snapshot: &Snapshot, policy: &Policy, id: &EpicId, epic: &EpicView) -> Next {
    let room = &epic.standing;
    match room.kind {
        StateKind::Terminal => Next::Nothing,
        StateKind::Wait if room.has_ready && dependencies_passed(snapshot, epic) => Next::Start,
        StateKind::Wait if room.awaits_approval && policy.approve_plans => {
            Next::Act(Action::Approve { epic: id.clone() })
        }
        StateKind::Wait => Next::Nothing,
        StateKind::Decision => match &room.decision {
            None => Next::Nothing,
            Some(signal) => {
                let due = room.entered_at.plus(epic.retry_delay);
                if signal.as_str() == names::RETRY && snapshot.now < due {
                    Next::WakeAt(due)
                } else {
                    Next::Act(Action::Decide { epic: id.clone() })
                }
            }
        },
        StateKind::Work | StateKind::Review | StateKind::Triage => {
            after_attempt(snapshot, policy, id, epic)
        }
    }
}

/// What follows from the last attempt of this stay in a state that runs sessions.
fn after_attempt(snapshot: &Snapshot, policy: &Policy, id: &EpicId, epic: &EpicView) -> Next {
    let Some(attempt) = &epic.standing.attempt else { return Next::Start };
    let Some(outcome) = &attempt.outcome else {
        // Open, and no session of ours: its engine died, or it is another machine's.
        return match attempt.foreign_until {
            Some(until) if snapshot.now < until => Next::WakeAt(until),
            _ => Next::Act(Action::CloseStale { epic: id.clone() }),
        };
    };
    if let Some((message, signal)) = &attempt.signal {
        return Next::Act(match &attempt.gates {
            GateStanding::Passed => {
                let cause = MoveCause::Message(message.clone());
                Action::Move { epic: id.clone(), signal: signal.clone(), cause }
            }
            GateStanding::Due => Action::RunGates { epic: id.clone() },
            GateStanding::Failed(gate) => {
                let Ok(signal) = SignalName::new(names::ERROR) else { return Next::Nothing };
                let cause = MoveCause::Gate(gate.clone());
                Action::Move { epic: id.clone(), signal, cause }
            }
        });
    }
    // The service has said when it goes on: until then the room rests without a slot, and that
    // costs no retry.
    if let Some(until) = attempt.rests_until {
        return if snapshot.now < until { Next::WakeAt(until) } else { Next::Start };
    }
    let signal = match outcome {
        Outcome::Interrupted if epic.standing.interruptions <= policy.max_interruptions => {
            return Next::Start;
        }
        Outcome::Waiting | Outcome::Budget | Outcome::Cancelled => return Next::Start,
        Outcome::Timeout => names::TIMEOUT,
        _ => names::ERROR,
    };
    let Ok(signal) = SignalName::new(signal) else { return Next::Nothing };
    let reason = attempt.reason.clone().unwrap_or_else(|| outcome.to_string());
    Next::Act(Action::Move {
        epic: id.clone(),
        signal,
        cause: MoveCause::Outcome { outcome: outcome.clone(), reason },
    })
}

fn dependencies_passed(snapshot: &Snapshot, epic: &EpicView) -> bool {
    epic.depends_on
        .iter()
        .all(|needed| snapshot.epics.get(needed).is_some_and(|needed| needed.standing.passed))
}

/// Free slots go by priority, then by the longest remaining way, then by plan order.
fn starts(
    snapshot: &Snapshot,
    policy: &Policy,
    mut candidates: Vec<(&EpicId, &EpicView)>,
    running: usize,
) -> Vec<Action> {
    if snapshot.slots_full {
        return Vec::new();
    }
    candidates
        .sort_by_key(|(_, epic)| (epic.priority, std::cmp::Reverse(epic.remaining), epic.order));
    let mut active: BTreeSet<&EpicId> =
        snapshot.epics.iter().filter(|(_, epic)| is_active(epic)).map(|(id, _)| id).collect();
    let is_serial = |id: &EpicId| snapshot.epics.get(id).is_some_and(|epic| epic.serialize);
    let mut free = policy.max_sessions.saturating_sub(running);
    let mut actions = Vec::new();
    for (id, epic) in candidates {
        if free == 0 {
            break;
        }
        let others_are_in_the_way =
            active.iter().any(|other| *other != id && (epic.serialize || is_serial(other)));
        if !active.contains(id) && others_are_in_the_way {
            continue;
        }
        active.insert(id);
        free -= 1;
        actions.push(Action::OpenAttempt { epic: id.clone() });
    }
    actions
}

/// An epic is active from its first session until it is finished or waits for a person.
fn is_active(epic: &EpicView) -> bool {
    epic.session != Session::None
        || matches!(
            epic.standing.kind,
            StateKind::Work | StateKind::Review | StateKind::Triage | StateKind::Decision
        )
}

fn finish(snapshot: &Snapshot) -> Finish {
    if snapshot.epics.values().all(|epic| epic.standing.passed) {
        return Finish::Passed;
    }
    let stuck = never_start(snapshot);
    let over = snapshot
        .epics
        .iter()
        .all(|(id, epic)| epic.standing.kind == StateKind::Terminal || stuck.contains(id));
    if over { Finish::Failed } else { Finish::NeedsPerson }
}

/// The epics that wait, directly or further up, for one that is finished and has not passed.
fn never_start(snapshot: &Snapshot) -> BTreeSet<&EpicId> {
    let mut dependants: BTreeMap<&EpicId, Vec<&EpicId>> = BTreeMap::new();
    for (id, epic) in &snapshot.epics {
        for needed in &epic.depends_on {
            dependants.entry(needed).or_default().push(id);
        }
    }
    let lost = |epic: &EpicView| epic.standing.kind == StateKind::Terminal && !epic.standing.passed;
    let mut open: Vec<&EpicId> =
        snapshot.epics.iter().filter(|(_, epic)| lost(epic)).map(|(id, _)| id).collect();
    let mut stuck = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependant in dependants.get(id).into_iter().flatten().copied() {
            let waits = snapshot.epics.get(dependant).is_some_and(|epic| epic.standing.has_ready);
            if waits && stuck.insert(dependant) {
                open.push(dependant);
            }
        }
    }
    stuck
}

#[cfg(test)]
mod tests;
