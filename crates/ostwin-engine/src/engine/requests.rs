//! Requests of others: read when the file of requests changes, answered in the plan's events.

use ostwin_core::control::{self, Request};
use ostwin_core::events::ControlResult;
use ostwin_core::ids::EpicId;

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
