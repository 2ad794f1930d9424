//! One session by hand: a run that is about one room, and ends when that room has had a session.
//!
//! It is the engine's own loop over the same decisions, of which it carries out those about that
//! room: what an earlier engine left to be done there, one attempt, and the move that follows from
//! it. Other rooms are recovered, as by every start, and then left alone.

use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, RoleRef, RoomId};
use ostwin_core::lifecycle::StateKind;
use ostwin_core::room::{Attempt, GateStanding, Outcome};
use tokio::task::block_in_place;

use super::Engine;
use super::act::Turn;
use crate::attempt;
use crate::decide::{Action, decide};
use crate::error::EngineError;
use crate::run::RunEnd;
use crate::snapshot::{EpicView, Session, Snapshot};

/// The one session that a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneSession {
    /// The room.
    pub room: RoomId,
    /// The role whose turn it has to be; whichever it is, if not set.
    pub role: Option<RoleRef>,
}

impl Engine<'_> {
    /// Carries out what is to be done next about the room.
    ///
    /// # Errors
    /// [`EngineError::NoSession`] if none can be started there now, with the reason.
    pub(super) fn act_once(&mut self, wanted: &OneSession) -> Result<Turn, EngineError> {
        let turn = self.turn_of(wanted);
        if let Err(error @ EngineError::NoSession { .. }) = &turn {
            // Whoever looks at the plan must not take it for one whose engine died.
            let reason = Some(error.to_string());
            let event = Event { reason, ..Event::new(EventKind::Stopped) };
            block_in_place(|| self.record(event))?;
        }
        turn
    }

    fn turn_of(&mut self, wanted: &OneSession) -> Result<Turn, EngineError> {
        let refused = |why: String| EngineError::NoSession { room: wanted.room.clone(), why };
        let snapshot = self.snapshot();
        let place = self.by_room.get(&wanted.room).and_then(|epic| self.rooms.get_key_value(epic));
        let Some((epic, view, room)) = place.and_then(|(epic, place)| {
            Some((epic.clone(), snapshot.epics.get(epic)?, place.room.clone()))
        }) else {
            return Err(refused("the plan's graph has no such room".to_owned()));
        };
        if view.session != Session::None || self.stopping.is_some() {
            return Ok(Turn::WakeAt(None));
        }
        let action =
            decide(&snapshot, &self.policy).into_iter().find(|action| action.epic() == Some(&epic));
        let last = block_in_place(|| room.last_attempt())?;
        let own = last.filter(|attempt| attempt.record.run_id == *self.shared.run_id());
        if let Some(attempt) = own {
            let standing = view.standing.attempt.as_ref();
            let is_here = standing.is_some_and(|standing| standing.id == attempt.record.id);
            let follows = matches!(action, Some(Action::Move { .. } | Action::RunGates { .. }));
            return match action {
                Some(action) if is_here && follows => {
                    self.carry_out(action);
                    Ok(Turn::WakeAt(None))
                }
                _ => self.ended(&wanted.room, &attempt).map(Turn::Ended),
            };
        }
        match action {
            Some(action @ Action::OpenAttempt { .. }) => {
                let contract = block_in_place(|| room.contract())?;
                let role = block_in_place(|| attempt::upcoming(&room, &contract))?;
                if let (Some(asked), Some(role)) = (&wanted.role, &role)
                    && asked != role
                {
                    let state = &view.standing.state;
                    return Err(refused(format!(
                        "in `{state}` it is the turn of `{role}`, not of `{asked}`"
                    )));
                }
                self.carry_out(action);
            }
            Some(action) => self.carry_out(action),
            None => return Err(refused(why_not(&snapshot, view))),
        }
        Ok(Turn::WakeAt(None))
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::OpenAttempt { epic } => self.open_attempt(&epic),
            Action::CloseStale { epic } => self.close_stale(&epic),
            Action::RunGates { epic } => self.run_gates(&epic),
            Action::Move { epic, signal, cause } => self.move_room(&epic, signal, cause),
            Action::Approve { epic } => self.approve(&epic),
            Action::Decide { epic } => self.leave_decision(&epic),
            // They are about no room.
            Action::WakeAt(_) | Action::Finish(_) => {}
        }
    }

    fn ended(&mut self, room: &RoomId, attempt: &Attempt) -> Result<RunEnd, EngineError> {
        let record = &attempt.record;
        let gates = crate::look::gates_of(attempt);
        let outcome = record.outcome.as_ref();
        let end = match outcome {
            Some(Outcome::Signal(_)) if gates == GateStanding::Passed => RunEnd::Passed,
            Some(Outcome::Waiting | Outcome::Budget) => RunEnd::NeedsPerson,
            _ => RunEnd::Failed,
        };
        let words = outcome.map_or_else(|| "open".to_owned(), ToString::to_string);
        let reason = format!("the session by hand ended: {words}");
        block_in_place(|| {
            self.record(Event {
                room: Some(room.clone()),
                attempt: Some(record.id.clone()),
                reason: Some(reason),
                ..Event::new(EventKind::Stopped)
            })
        })?;
        Ok(end)
    }
}

impl Action {
    /// The epic that it is about.
    fn epic(&self) -> Option<&EpicId> {
        match self {
            Self::OpenAttempt { epic }
            | Self::CloseStale { epic }
            | Self::RunGates { epic }
            | Self::Move { epic, .. }
            | Self::Approve { epic }
            | Self::Decide { epic } => Some(epic),
            Self::WakeAt(_) | Self::Finish(_) => None,
        }
    }
}

/// Why no session can be started in a room now.
fn why_not(snapshot: &Snapshot, epic: &EpicView) -> String {
    let room = &epic.standing;
    let state = &room.state;
    let waits: Vec<&str> = epic
        .depends_on
        .iter()
        .filter(|needed| !snapshot.epics.get(*needed).is_some_and(|other| other.standing.passed))
        .map(EpicId::as_str)
        .collect();
    match (room.kind, &room.attempt) {
        (StateKind::Terminal, _) => format!("it is finished (`{state}`)"),
        (StateKind::Wait, _) if room.has_ready && !waits.is_empty() => {
            format!("it waits for {}", waits.join(", "))
        }
        (StateKind::Wait, _) if !room.has_ready => format!("in `{state}` it waits for a person"),
        (StateKind::Decision, _) => {
            format!("the next try is due at {}", room.entered_at.plus(epic.retry_delay))
        }
        _ if epic.paused => "it is paused; `ostwin resume` lets it go on".to_owned(),
        _ if snapshot.budget.is_some() => {
            format!("the plan's budget is used up: {}", snapshot.budget.clone().unwrap_or_default())
        }
        _ if room.waits.is_some() => {
            room.waits.as_ref().map(|waits| waits.why.clone()).unwrap_or_default()
        }
        (_, Some(attempt)) if attempt.rests_until.is_some_and(|until| snapshot.now < until) => {
            "the model's service lets nothing go on before the end of its usage window".to_owned()
        }
        (_, Some(attempt)) if attempt.outcome.is_none() => {
            "a session of another machine may still run in it".to_owned()
        }
        _ if snapshot.slots_full => {
            "every slot is taken by other sessions (`max_concurrent_rooms`, `max_sessions`)"
                .to_owned()
        }
        _ => "another epic of the plan has to be finished first (`serialize`)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::snapshot::{PersonWait, RoomView};
    use ostwin_core::time::Timestamp;

    fn at(seconds: u64) -> Timestamp {
        "2026-01-01T00:00:00.000Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
    }

    fn epic(kind: StateKind, state: &str) -> EpicView {
        EpicView {
            room: RoomId::numbered(1),
            depends_on: Vec::new(),
            order: 0,
            priority: 0,
            remaining: 0,
            serialize: false,
            retry_delay: Duration::from_secs(60),
            paused: false,
            session: Session::None,
            standing: RoomView {
                state: state.parse().unwrap(),
                kind,
                passed: kind == StateKind::Terminal,
                has_ready: state == "pending",
                awaits_approval: false,
                entered_at: at(0),
                decision: None,
                attempt: None,
                waits: None,
                interruptions: 0,
            },
        }
    }

    #[test]
    fn what_is_in_the_way_is_said() {
        let mut snapshot = Snapshot {
            now: at(1),
            epics: BTreeMap::from([(
                "EPIC-001".parse().unwrap(),
                epic(StateKind::Work, "engineering"),
            )]),
            stopping: false,
            slots_full: false,
            budget: None,
        };
        let waiting = EpicView {
            depends_on: vec!["EPIC-001".parse().unwrap()],
            ..epic(StateKind::Wait, "pending")
        };
        let paused = EpicView { paused: true, ..epic(StateKind::Work, "engineering") };
        let mut asked = epic(StateKind::Work, "engineering");
        asked.standing.waits = Some(PersonWait { why: "UTC?".to_owned(), until: None });
        for (view, why) in [
            (&epic(StateKind::Terminal, "passed"), "it is finished (`passed`)"),
            (&waiting, "it waits for EPIC-001"),
            (&epic(StateKind::Wait, "escalated"), "in `escalated` it waits for a person"),
            (
                &epic(StateKind::Decision, "failed"),
                "the next try is due at 2026-01-01T00:01:00.000Z",
            ),
            (&paused, "it is paused; `ostwin resume` lets it go on"),
            (&asked, "UTC?"),
        ] {
            assert_eq!(why_not(&snapshot, view), why);
        }
        snapshot.slots_full = true;
        assert!(
            why_not(&snapshot, &epic(StateKind::Work, "engineering")).starts_with("every slot")
        );
    }
}
