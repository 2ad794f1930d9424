//! What a run has used of its budgets, across its sessions.
//!
//! Every attempt reports here what its room has used; whoever cares is woken when it changes. The
//! figures are those that agents report. What is compared with what, and what follows, is decided
//! here; the attempt's task and the scheduler carry it out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostwin_core::budget::{Caps, WARN_PERCENT};
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, RoomId};
use ostwin_core::lifecycle::Spent;
use serde_json::json;
use tokio::sync::watch;

/// The books of one run.
pub(crate) struct Meter {
    books: Mutex<Books>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Books {
    plan: Caps,
    rooms: BTreeMap<RoomId, Spent>,
    /// Agents that had an occasion to report usage and did not.
    unmetered: BTreeSet<String>,
    /// What people have been warned of, in percent, by scope.
    warned: BTreeMap<Option<RoomId>, u64>,
}

impl Meter {
    pub(crate) fn new(plan: Caps) -> Self {
        let books = Books { plan, ..Books::default() };
        Self { books: Mutex::new(books), changed: watch::Sender::new(0) }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every change.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The plan's caps.
    pub(crate) fn caps(&self) -> Caps {
        self.books().plan
    }

    /// The plan's caps are these now.
    pub(crate) fn set_caps(&self, caps: Caps) {
        let mut books = self.books();
        if books.plan != caps {
            books.plan = caps;
            books.warned.remove(&None);
            drop(books);
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// What a room has used, by its files. Nobody is warned of what an earlier run used.
    pub(crate) fn note(&self, room: &RoomId, spent: Spent) {
        self.books().rooms.insert(room.clone(), spent);
    }

    /// What a room has used, as its session reports it. Gives the events that follow.
    pub(crate) fn report(
        &self,
        epic: &EpicId,
        room: &RoomId,
        spent: Spent,
        own: Caps,
    ) -> Vec<Event> {
        let mut books = self.books();
        let plan_before = books.total();
        let room_before = books.rooms.insert(room.clone(), spent).unwrap_or_default();
        let total = books.total();
        let plan = books.plan;
        let mut events = Vec::new();
        let warned = &mut books.warned;
        if let Some(reason) = crossing(warned, None, plan, &plan_before, &total) {
            events.push(event(&format!("the plan has used {reason}"), plan, &total));
        }
        let scope = Some(room.clone());
        if let Some(reason) = crossing(warned, scope, own, &room_before, &spent) {
            let event = event(&format!("the room has used {reason}"), own, &spent);
            events.push(Event { epic: Some(epic.clone()), room: Some(room.clone()), ..event });
        }
        drop(books);
        self.changed.send_modify(|count| *count += 1);
        events
    }

    /// What the plan has used of its budget, if nothing is left.
    pub(crate) fn plan_used_up(&self) -> Option<String> {
        let books = self.books();
        books.plan.used_up(&books.total())
    }

    /// What a room has used.
    pub(crate) fn spent(&self, room: &RoomId) -> Spent {
        self.books().rooms.get(room).copied().unwrap_or_default()
    }

    /// An agent had an occasion to report usage and did not.
    pub(crate) fn is_unmetered(&self, agent: &str) {
        self.books().unmetered.insert(agent.to_owned());
    }

    /// Whether an agent is known to report no usage.
    pub(crate) fn knows_unmetered(&self, agent: &str) -> bool {
        self.books().unmetered.contains(agent)
    }
}

impl Books {
    fn total(&self) -> Spent {
        self.rooms.values().copied().sum()
    }
}

/// What people are told when a share is reached that they have not been told of.
fn crossing(
    warned: &mut BTreeMap<Option<RoomId>, u64>,
    scope: Option<RoomId>,
    caps: Caps,
    before: &Spent,
    after: &Spent,
) -> Option<String> {
    let (before, after_percent) = (caps.percent(before)?, caps.percent(after)?);
    let told = warned.get(&scope).copied().unwrap_or_default().max(before);
    let step =
        [100, WARN_PERCENT].into_iter().find(|step| told < *step && *step <= after_percent)?;
    warned.insert(scope, step);
    let what = if step >= 100 { "all of its budget" } else { "80 % of its budget" };
    Some(format!("{what}: {}", caps.words(after)))
}

fn event(reason: &str, caps: Caps, spent: &Spent) -> Event {
    Event {
        reason: Some(reason.to_owned()),
        data: Some(json!({
            "percent": caps.percent(spent),
            "tokens": spent.tokens,
            "cost_usd": spent.cost_usd,
            "budget_tokens": caps.tokens,
            "budget_usd": caps.usd,
        })),
        ..Event::new(EventKind::Budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(tokens: u64) -> Spent {
        Spent { tokens, cost_usd: None }
    }

    fn reasons(events: &[Event]) -> Vec<&str> {
        events.iter().filter_map(|event| event.reason.as_deref()).collect()
    }

    #[test]
    fn people_are_told_once_at_eighty_percent_and_once_at_the_end() {
        let meter = Meter::new(Caps { tokens: Some(1_000), usd: None });
        let epic: EpicId = "EPIC-001".parse().unwrap();
        let (one, other) = (RoomId::numbered(1), RoomId::numbered(2));
        let report = |room: &RoomId, tokens| {
            meter.report(&epic, room, spent(tokens), Caps { tokens: Some(700), usd: None })
        };
        meter.note(&other, spent(300));
        assert_eq!(reasons(&report(&one, 100)), Vec::<&str>::new());
        assert_eq!(
            reasons(&report(&one, 560)),
            [
                "the plan has used 80 % of its budget: 860 of 1000 tokens",
                "the room has used 80 % of its budget: 560 of 700 tokens"
            ]
        );
        assert_eq!(reasons(&report(&one, 600)), Vec::<&str>::new());
        assert_eq!(meter.plan_used_up(), None);
        assert_eq!(
            reasons(&report(&one, 700)),
            [
                "the plan has used all of its budget: 1000 of 1000 tokens",
                "the room has used all of its budget: 700 of 700 tokens"
            ]
        );
        assert_eq!(meter.plan_used_up().as_deref(), Some("1000 of 1000 tokens"));
        assert_eq!(reasons(&report(&one, 900)), Vec::<&str>::new());

        meter.set_caps(Caps { tokens: Some(1_300), usd: None });
        assert_eq!(meter.plan_used_up(), None);
        let told = report(&one, 950);
        assert_eq!(reasons(&told), Vec::<&str>::new(), "96 % were reached before it was raised");
        assert_eq!(meter.spent(&one), spent(950));
    }
}
