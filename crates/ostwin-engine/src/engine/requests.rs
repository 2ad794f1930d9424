//! Requests of others: read when the file of requests changes, answered in the plan's events.

use ostwin_core::control::{self, Request};
use ostwin_core::events::ControlResult;
use ostwin_core::ids::{EpicId, RoomId};

use super::Engine;
use super::act::What;
use crate::attempt::Tell;
use crate::control::Order;
use crate::error::EngineError;
use crate::run::RunEnd;
use crate::snapshot::Session;

impl Engine<'_> {
    pub(super) fn read_requests(&mut self) -> Result<(), EngineError> {
        for request in control::pending(&self.plan.paths)? {
            if !self.seen_requests.insert(request.id.clone()) {
                continue;
            }
            let now = self.project.store().now();
            match crate::control::read(&request, self.shared.run_id(), now) {
                Order::Answer(result, reason) => self.answer(&request, result, &reason)?,
                Order::Stop { force } => {
                    self.answer(&request, ControlResult::Done, "stopping")?;
                    self.stop(RunEnd::Stopped, force);
                }
                Order::Pause { room, paused } => self.pause(&request, room.as_ref(), paused)?,
                Order::Room(room) => match self.by_room.get(&room).cloned() {
                    Some(epic) => {
                        if let Some(place) = self.rooms.get_mut(&epic) {
                            place.requests.push(request);
                        }
                        self.next_request(&epic);
                    }
                    None => {
                        let reason = format!("`{room}` is no room of this plan");
                        self.answer(&request, ControlResult::Refused, &reason)?;
                    }
                },
            }
        }
        Ok(())
    }

    /// Pauses the plan or one of its rooms, or ends such a pause.
    fn pause(
        &mut self,
        request: &Request,
        room: Option<&RoomId>,
        paused: bool,
    ) -> Result<(), EngineError> {
        if let Some(foreign) = room.filter(|room| !self.by_room.contains_key(*room)) {
            let reason = format!("`{foreign}` is no room of this plan");
            return self.answer(request, ControlResult::Refused, &reason);
        }
        let plan = &self.plan.meta.plan_id;
        match control::pause_event(&self.pauses, plan, room, paused, &request.actor) {
            Ok(event) => {
                self.pauses.feed(&event);
                self.record(event)?;
                let reason = if paused { "paused" } else { "goes on" };
                self.answer(request, ControlResult::Done, reason)
            }
            Err(refused) => self.answer(request, ControlResult::Refused, &refused.to_string()),
        }
    }

    /// Carries out the next request about a room, or ends the session that is in its way.
    pub(super) fn next_request(&mut self, epic: &EpicId) {
        let Some(place) = self.rooms.get_mut(epic) else { return };
        match (place.requests.is_empty(), place.session) {
            (true, _) | (false, Session::Moving) => {}
            (false, Session::Running) => {
                if let Some(tell) = &place.tell {
                    let reason = "a person decided about the room".to_owned();
                    let _ = tell.send(Tell::Cancel { reason });
                }
            }
            (false, Session::None) => {
                let request = place.requests.remove(0);
                self.in_room(epic, move |room| {
                    let outcome = crate::control::act_on_room(room, &request);
                    What::Asked(Box::new(request), outcome)
                });
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        request: &Request,
        result: ControlResult,
        reason: &str,
    ) -> Result<(), EngineError> {
        let run_id = Some(self.shared.run_id().clone());
        let store = self.project.store();
        let event = control::answer(store, &self.plan.paths, run_id, request, result, reason)?;
        self.observer.event(&event);
        Ok(())
    }
}
