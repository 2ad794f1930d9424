//! What the loop hears: changed files, interrupts, and how it comes to an end.

use ostwin_core::budget;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::RoomId;
use ostwin_watch::Changed;
use serde_json::json;

use super::{Engine, Place, watch_slots};
use crate::attempt::Tell;
use crate::blocking::block_in_place;
use crate::decide::Finish;
use crate::error::EngineError;
use crate::run::{Interrupt, RunEnd, Scope};
use crate::snapshot::Session;

impl Engine<'_> {
    pub(super) fn changed(&mut self, change: Changed) -> Result<(), EngineError> {
        match change {
            Changed::RoomChannel(room) => {
                if let Some(place) = self.place_of(&room) {
                    if let Some(tell) = &place.tell {
                        let _ = tell.send(Tell::ChannelChanged);
                    }
                    // The answer that it waits for may be there.
                    place.stale |= place.view.waits.is_some();
                }
            }
            Changed::PlanFile(_) => block_in_place(|| self.read_budget())?,
            // What is set for the room itself may be what it waits for.
            Changed::RoomAudit(room) | Changed::RoomOther(room) => {
                if let Some(place) = self.place_of(&room) {
                    place.stale = true;
                }
            }
            Changed::Slots(_) => {
                self.slots_freed += 1;
                self.slots_full = false;
            }
            Changed::PlanControl(_) => block_in_place(|| self.read_requests())?,
            Changed::Rescan => {
                self.watch_again()?;
                for place in self.rooms.values_mut() {
                    place.stale = true;
                }
                self.slots_freed += 1;
                self.slots_full = false;
                self.tell_all(&Tell::ChannelChanged);
                block_in_place(|| self.read_budget())?;
                block_in_place(|| self.read_requests())?;
            }
            Changed::Config
            | Changed::Ledger
            | Changed::RoomsFolder
            | Changed::PlansFolder
            | Changed::RoomAttempt(_)
            | Changed::RoomTranscript(_)
            | Changed::PlanEvents(_)
            | Changed::PlanDag(_)
            | Changed::EngineFile(_)
            | Changed::RoomProgress(_)
            | Changed::RoomStatus(_) => {}
        }
        Ok(())
    }

    /// Takes the plan's budget as a person has set it by now.
    fn read_budget(&mut self) -> Result<(), EngineError> {
        let caps = budget::caps_of_plan(&self.plan.paths, self.shared.config())?;
        if caps != self.shared.meter().caps() {
            self.shared.meter().set_caps(caps);
            for place in self.rooms.values_mut() {
                place.stale |= place.view.waits.is_some();
            }
        }
        Ok(())
    }

    pub(super) fn watch_again(&self) -> Result<(), EngineError> {
        self.watcher.watch_plan(&self.plan.meta.plan_id)?;
        watch_slots(&self.shared, self.project, &*self.watcher)?;
        for place in self.rooms.values() {
            self.watcher.watch_room(place.room.id())?;
        }
        Ok(())
    }

    /// Looks at the files of active rooms, in case an event was lost.
    pub(super) fn cast_net(&mut self) -> Result<(), EngineError> {
        let active: Vec<RoomId> = self
            .rooms
            .values()
            .filter(|place| place.session != Session::None)
            .map(|place| place.room.id().clone())
            .collect();
        self.slots_full = false;
        for change in block_in_place(|| self.watcher.net_check(&active)) {
            self.changed(change)?;
        }
        Ok(())
    }

    pub(super) fn place_of(&mut self, room: &RoomId) -> Option<&mut Place> {
        self.rooms.get_mut(self.by_room.get(room)?)
    }

    pub(super) fn tell_all(&self, what: &Tell) {
        for tell in self.rooms.values().filter_map(|place| place.tell.as_ref()) {
            let _ = tell.send(what.clone());
        }
    }

    pub(super) fn interrupted(&mut self, interrupt: Interrupt) {
        self.stop(RunEnd::Interrupted, interrupt == Interrupt::Hard);
    }

    pub(super) fn stop(&mut self, end: RunEnd, force: bool) {
        let first = self.stopping.is_none();
        self.stopping.get_or_insert(end);
        if force {
            self.tell_all(&Tell::Kill);
        } else if first {
            self.observer.notice("ending the sessions; once more kills them");
            self.tell_all(&Tell::Interrupt);
        }
    }

    /// The end of a stopping engine, once nothing runs any more.
    pub(super) fn stopped(&mut self) -> Result<Option<RunEnd>, EngineError> {
        let Some(end) = self.stopping.filter(|_| self.tasks.is_empty()) else { return Ok(None) };
        while let Ok(event) = self.happened.try_recv() {
            self.record(event)?;
        }
        let reason = match end {
            RunEnd::Stopped => "stopped by request",
            _ => "interrupted",
        };
        self.record(Event { reason: Some(reason.to_owned()), ..Event::new(EventKind::Stopped) })?;
        Ok(Some(end))
    }

    pub(super) fn finish(&mut self, finish: Finish) -> Result<RunEnd, EngineError> {
        let reviews = matches!(self.scope, Scope::Review { .. });
        if reviews && finish == Finish::Passed {
            // The gate is open and the plan is about to start: nothing has ended yet.
            return Ok(RunEnd::Passed);
        }
        let (kind, end, reason) = match finish {
            Finish::Passed => (EventKind::Finished, RunEnd::Passed, "every epic passed"),
            Finish::Failed if reviews => {
                (EventKind::Finished, RunEnd::Failed, "the plan was not approved")
            }
            Finish::NeedsPerson if reviews => {
                (EventKind::Stopped, RunEnd::NeedsPerson, "the plan waits for an approval")
            }
            Finish::Failed => (EventKind::Finished, RunEnd::Failed, "some epics did not pass"),
            Finish::NeedsPerson => (EventKind::Stopped, RunEnd::NeedsPerson, "a person is needed"),
        };
        let epics = self.rooms.iter().filter(|(epic, _)| !epic.is_plan_review());
        let (mut passed, mut all) = (0, 0);
        for (_, place) in epics {
            all += 1;
            passed += usize::from(place.view.passed);
        }
        let data = json!({ "passed": passed, "epics": all });
        block_in_place(|| {
            self.record(Event {
                reason: Some(reason.to_owned()),
                data: Some(data),
                ..Event::new(kind)
            })
        })?;
        Ok(end)
    }
}
