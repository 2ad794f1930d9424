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
        approves: bool,
    ) -> Result<Vec<Event>, RoomError> {
        let machine = room.machine()?;
        let audit = room.audit()?;
        let unnumbered = self.unnumbered.get(room.id()).copied().unwrap_or_default();
        // The first line says that the room was made, which is no transition.
        let moves = audit.iter().filter_map(|line| line.entry()).filter(|e| e.from.is_some());
        let events = moves.skip(unnumbered).flat_map(|entry| {
            let kind = machine.kind(&entry.to).unwrap_or(ostwin_core::lifecycle::StateKind::Wait);
            moves::events(room, epic, run_id, kind, approves, entry)
                .into_iter()
                .map(|event| (event, entry.seq))
        });
        let is_missing =
            |event: &Event, seq| !self.told.contains(&(room.id().clone(), event.kind, seq));
        Ok(events.filter(|(event, seq)| is_missing(event, *seq)).map(|(event, _)| event).collect())
    }
}

#[cfg(test)]
mod tests {
    use ostwin_core::ids::{PlanId, SignalName};
    use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
    use ostwin_core::plan::{Entry, Epic};
    use ostwin_core::project::{self, Project};
    use ostwin_core::room::{Contract, NewRoom, Why, create};
    use ostwin_core::store::{Durability, Store};
    use serde_json::json;

    use super::*;

    /// A room that has moved twice since it was made.
    fn moved(dir: &tempfile::TempDir) -> (Room, EpicId) {
        let store = Store { durability: Durability::Os, ..Store::default() };
        let (layout, _) = project::init(dir.path(), None, &json!({}), &store).unwrap();
        let project = Project::new(layout, store);
        let roles = ["engineer".parse().unwrap()];
        let options = GenerateOptions {
            default_role: "engineer".parse().unwrap(),
            review_role: None,
            skip_review: true,
            review_restart: ReviewRestart::Stage,
            triage: TriageMode::Person,
            max_retries: 1,
            max_triages: 1,
        };
        let epic = Epic::new("EPIC-001".parse().unwrap(), Entry::Epic);
        let plan = PlanId::new("plan-000001").unwrap();
        let now = project.store().now();
        let first = RoomId::numbered(1);
        let contract = Contract::of_epic(&epic, &plan, first, &roles, "/w".into(), now).unwrap();
        let new = NewRoom {
            contract,
            machine: generate(&roles, &options).unwrap(),
            brief: String::new(),
            tasks: String::new(),
            actor: "engine".to_owned(),
        };
        let room = create(&project, new).unwrap();
        for signal in ["ready", "error"] {
            let signal = SignalName::new(signal).unwrap();
            room.locked(|locked| locked.signal(&signal, Why::engine("test", "go"))).unwrap();
        }
        (room, epic.id)
    }

    fn run_id() -> RunId {
        "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    #[test]
    fn what_an_engine_died_over_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let (room, epic) = moved(&dir);
        let missing = |events: &[Event]| {
            let missing = Told::of(events).missing(&room, &epic, &run_id(), false).unwrap();
            let numbers: Vec<_> = missing.iter().map(|e| (e.kind, moves::audit_seq(e))).collect();
            (missing, numbers)
        };
        let (all, numbers) = missing(&[]);
        assert_eq!(numbers, [(EventKind::Moved, Some(2)), (EventKind::Moved, Some(3))]);
        assert_eq!(missing(&all[..1]).1, [(EventKind::Moved, Some(3))]);
        assert_eq!(missing(&all).1, []);
        let earlier_version = Event { data: None, ..all[0].clone() };
        assert_eq!(missing(&[earlier_version]).1, [(EventKind::Moved, Some(3))]);
    }
}
