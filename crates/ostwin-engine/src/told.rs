//! Which transitions of its rooms the plan's events tell of.
//!
//! A transition is recorded in the room first and told of in the plan's events after that, so an
//! engine that dies in between leaves one untold. Every event of a transition carries the number of
//! its line in the room's audit, by which the next engine finds what is missing.

use std::collections::{HashMap, HashSet};

use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, RoomId, RunId};
use ostwin_core::room::{Room, RoomError};

use crate::moves;

/// What the events of a plan tell of.
#[derive(Debug, Default)]
pub(crate) struct Told {
    told: HashSet<(RoomId, EventKind, u64)>,
    /// How many transitions are told of without a number, as earlier versions did.
    unnumbered: HashMap<RoomId, usize>,
}

impl Told {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut told = Self::default();
        for event in events {
            let Some(room) = event.room.clone() else { continue };
            match moves::audit_seq(event) {
                Some(seq) => drop(told.told.insert((room, event.kind, seq))),
                None if event.kind == EventKind::Moved => {
                    *told.unnumbered.entry(room).or_default() += 1;
                }
                None => {}
            }
        }
        told
    }

    /// The events of the room's transitions that nobody was told of, oldest first.
    ///
    /// # Errors
    /// The room cannot be read.
    pub(crate) fn missing(
        &self,
        room: &Room,
        epic: &EpicId,
        run_id: &RunId,
    ) -> Result<Vec<Event>, RoomError> {
        let machine = room.machine()?;
        let audit = room.audit()?;
        let unnumbered = self.unnumbered.get(room.id()).copied().unwrap_or_default();
        // The first line says that the room was made, which is no transition.
        let moves = audit.iter().filter_map(|line| line.entry()).filter(|e| e.from.is_some());
        let events = moves.skip(unnumbered).flat_map(|entry| {
            let kind = machine.kind(&entry.to).unwrap_or(ostwin_core::lifecycle::StateKind::Wait);
            moves::events(room, epic, run_id, kind, entry)
                .into_iter()
                .map(|event| (event, entry.seq))
        });
        let is_missing =
            |event: &Event, seq| !self.told.contains(&(room.id().clone(), event.kind, seq));
        Ok(events.filter(|(event, seq)| is_missing(event, *seq)).map(|(event, _)| event).collect())
    }
}
