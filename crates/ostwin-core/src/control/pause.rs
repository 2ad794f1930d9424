//! What is paused, by the plan's events.
//!
//! A pause is no state of a room: it only keeps attempts from being opened. It is an event, so it
//! outlives the engine that it was asked of.

use std::collections::BTreeSet;

use crate::events::{Event, EventKind};
use crate::ids::RoomId;

/// What is paused in a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    plan: bool,
    rooms: BTreeSet<RoomId>,
}

impl Pauses {
    /// What is paused after these events, oldest first.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut pauses = Self::default();
        for event in events {
            pauses.feed(event);
        }
        pauses
    }

    /// Takes one more event.
    pub fn feed(&mut self, event: &Event) {
        match (event.kind, &event.room) {
            (EventKind::Paused, None) => self.plan = true,
            (EventKind::Unpaused, None) => self.plan = false,
            (EventKind::Paused, Some(room)) => {
                self.rooms.insert(room.clone());
            }
            (EventKind::Unpaused, Some(room)) => {
                self.rooms.remove(room);
            }
            _ => {}
        }
    }

    /// Whether the whole plan is paused.
    pub fn plan(&self) -> bool {
        self.plan
    }

    /// The rooms that are paused by themselves, whether or not the plan is.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.rooms.iter()
    }

    /// Whether `room` opens no attempt: it is paused itself, or its plan is.
    pub fn holds(&self, room: &RoomId) -> bool {
        self.plan || self.rooms.contains(room)
    }

    /// Whether exactly this is paused already: `room`, or without one the plan.
    pub fn includes(&self, room: Option<&RoomId>) -> bool {
        room.map_or(self.plan, |room| self.rooms.contains(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, room: Option<u32>) -> Event {
        Event { room: room.map(RoomId::numbered), ..Event::new(kind) }
    }

    #[test]
    fn a_plan_and_its_rooms_are_paused_apart() {
        use EventKind::{Paused, Resumed, Unpaused};
        let held = |events: &[Event]| {
            let pauses = Pauses::of(events);
            (pauses.plan(), [1, 2].map(|room| pauses.holds(&RoomId::numbered(room))))
        };
        let mut events = vec![event(Paused, Some(1))];
        assert_eq!(held(&events), (false, [true, false]));
        events.push(event(Paused, None));
        assert_eq!(held(&events), (true, [true, true]));
        // A new engine takes the plan again, and the pause stays.
        events.push(event(Resumed, None));
        assert_eq!(held(&events), (true, [true, true]));
        events.push(event(Unpaused, None));
        assert_eq!(held(&events), (false, [true, false]));
        events.push(event(Unpaused, Some(1)));
        assert_eq!(held(&events), (false, [false, false]));
    }
}
