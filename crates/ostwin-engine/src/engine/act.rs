//! Carrying out what was decided: tasks beside the loop, one at most in a room.

use std::sync::Arc;

use ostwin_core::control::Request;
use ostwin_core::events::ControlResult;
use ostwin_core::ids::{EpicId, SignalName};
use ostwin_core::lifecycle::AuditEntry;
use ostwin_core::plan_review::{self, Approver};
use ostwin_core::room::{Room, RoomError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Engine;
use crate::attempt::{self, AttemptEnd};
use crate::blocking::{block_in_place, spawn_blocking};
use crate::decide::{Action, MoveCause, decide};
use crate::error::EngineError;
use crate::run::{RunEnd, Scope};
use crate::snapshot::Session;
use crate::{moves, recovery};

/// A task that ended.
pub(super) struct Done {
    epic: EpicId,
    what: What,
}

pub(super) enum What {
    Attempt { slots_freed: u64, end: Result<AttemptEnd, EngineError> },
    Moved(Result<Option<AuditEntry>, RoomError>),
    Closed(Result<(), RoomError>),
    Gates(Result<(), EngineError>),
    Asked(Box<Request>, Result<Option<AuditEntry>, RoomError>),
}

/// What a turn of the loop came to.
pub(super) enum Turn {
    Ended(RunEnd),
    WakeAt(Option<Instant>),
}

impl Engine<'_> {
    pub(super) fn act(&mut self) -> Result<Turn, EngineError> {
        if let Scope::Session(wanted) = self.scope.clone() {
            return self.act_once(&wanted);
        }
        let snapshot = self.snapshot();
        let mut wake = None;
        for action in decide(&snapshot, &self.policy) {
            match action {
                Action::OpenAttempt { epic } => self.open_attempt(&epic),
                Action::CloseStale { epic } => self.close_stale(&epic),
                Action::RunGates { epic } => self.run_gates(&epic),
                Action::Move { epic, signal, cause } => self.move_room(&epic, signal, cause),
                Action::Approve { epic } => self.approve(&epic),
                Action::Decide { epic } => self.leave_decision(&epic),
                Action::WakeAt(at) => wake = Some(at.since(snapshot.now)),
                Action::Finish(finish) => return self.finish(finish).map(Turn::Ended),
            }
        }
        Ok(Turn::WakeAt(wake.map(|wait| Instant::now() + wait)))
    }

    pub(super) fn open_attempt(&mut self, epic: &EpicId) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        let (tell, told) = mpsc::unbounded_channel();
        place.session = Session::Running;
        place.tell = Some(tell);
        let (shared, epic, room) = (Arc::clone(&self.shared), epic.clone(), place.room.clone());
        let (happened, slots_freed) = (self.happened_sender.clone(), self.slots_freed);
        self.tasks.spawn(async move {
            let end = attempt::run(shared, &epic, &room, told, happened).await;
            Done { epic, what: What::Attempt { slots_freed, end } }
        });
    }

    pub(super) fn move_room(&mut self, epic: &EpicId, signal: SignalName, cause: MoveCause) {
        self.in_room(epic, move |room| What::Moved(moves::by_signal(room, &signal, cause)));
    }

    pub(super) fn approve(&mut self, epic: &EpicId) {
        self.in_room(epic, |room| {
            What::Moved(plan_review::approve(room, &Approver::Rule).map(Some))
        });
    }

    /// Takes no slot: no session runs.
    pub(super) fn run_gates(&mut self, epic: &EpicId) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        place.session = Session::Moving;
        let (shared, epic, room) = (Arc::clone(&self.shared), epic.clone(), place.room.clone());
        self.tasks.spawn(async move {
            let tried = attempt::gates_without_session(&shared, &room).await;
            Done { epic, what: What::Gates(tried) }
        });
    }

    pub(super) fn leave_decision(&mut self, epic: &EpicId) {
        self.in_room(epic, |room| What::Moved(moves::by_decision(room)));
    }

    pub(super) fn close_stale(&mut self, epic: &EpicId) {
        let (world, kill_grace) = (Arc::clone(self.shared.world()), self.shared.kill_grace());
        self.in_room(epic, move |room| {
            What::Closed(room.open_attempt().and_then(|open| match open {
                Some(open) => recovery::close_stale(room, &open, &*world, kill_grace).map(drop),
                None => Ok(()),
            }))
        });
    }

    /// Does something with a room's files on a thread for blocking work.
    pub(super) fn in_room(
        &mut self,
        epic: &EpicId,
        work: impl FnOnce(&Room) -> What + Send + 'static,
    ) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        place.session = Session::Moving;
        let (room, epic) = (place.room.clone(), epic.clone());
        spawn_blocking(&mut self.tasks, move || Done { epic, what: work(&room) });
    }

    pub(super) fn done(&mut self, done: Done) -> Result<(), EngineError> {
        let Done { epic, what } = done;
        if let Some(place) = self.rooms.get_mut(&epic) {
            place.session = Session::None;
            place.tell = None;
            place.stale = true;
        }
        match what {
            What::Attempt { slots_freed, end } => match end? {
                AttemptEnd::SlotsFull => self.slots_full = slots_freed == self.slots_freed,
                AttemptEnd::Ended | AttemptEnd::Moot => {}
            },
            What::Moved(moved) => self.moved(&epic, moved?)?,
            What::Closed(closed) => closed?,
            What::Gates(tried) => tried?,
            What::Asked(request, outcome) => {
                let (result, reason) = match &outcome {
                    Ok(_) => (ControlResult::Done, "done".to_owned()),
                    Err(error) => (ControlResult::Refused, error.to_string()),
                };
                self.moved(&epic, outcome.ok().flatten())?;
                block_in_place(|| self.answer(&request, result, &reason))?;
            }
        }
        self.next_request(&epic);
        Ok(())
    }

    pub(super) fn moved(
        &mut self,
        epic: &EpicId,
        entry: Option<AuditEntry>,
    ) -> Result<(), EngineError> {
        let Some(entry) = entry else { return Ok(()) };
        let Some(place) = self.rooms.get(epic) else { return Ok(()) };
        let room = place.room.clone();
        block_in_place(|| {
            let kind = room.standing()?.kind();
            let (run_id, approves) = (self.shared.run_id(), self.shared.approves());
            for event in moves::events(&room, epic, run_id, kind, approves, &entry) {
                self.record(event)?;
            }
            Ok(())
        })
    }
}
