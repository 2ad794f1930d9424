//! What is appended: messages, memories, events. One thread follows the files by their offsets and
//! tells each line at once, before any board is computed from it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ostwin_core::channel::Message;
use ostwin_core::events::Event;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl::{Batch, Follower};
use ostwin_core::ledger::Entry;
use ostwin_watch::Changed;
use serde_json::{Value, json};

use super::hub::{Hub, News, Topic};

/// Lines that are taken in one go.
const BATCH: usize = 256;
/// How often it is told at most that a session says something: agents write word by word.
const SPEECH: Duration = Duration::from_millis(200);
/// A file that is met while the server runs is told from its start, unless it is longer than this:
/// then it is an old one that came back.
const TOLD_BYTES: u64 = 1 << 20;

/// What is to be followed, and what changed.
#[derive(Debug)]
pub(crate) enum Follow {
    /// A file changed.
    Changed(Changed),
    /// The channel of a room.
    Room {
        /// Its plan.
        plan: PlanId,
        /// The room.
        room: RoomId,
        /// Its channel, from where it is told.
        channel: Follower,
    },
    /// The events of a plan.
    Plan {
        /// The plan.
        plan: PlanId,
        /// Its events, from where they are told.
        events: Follower,
    },
    /// The open attempt of a room.
    Attempt {
        /// The room's plan.
        plan: PlanId,
        /// The room.
        room: RoomId,
        /// The attempt.
        number: u32,
    },
    /// A room that is gone.
    Forget(RoomId),
    /// End.
    End,
}

impl Follow {
    pub(super) fn room(plan: &PlanId, room: &RoomId, channel: &Path, is_new: bool) -> Self {
        let channel = follower(channel, is_new);
        Self::Room { plan: plan.clone(), room: room.clone(), channel }
    }

    pub(super) fn plan(plan: &PlanId, events: &Path, is_new: bool) -> Self {
        Self::Plan { plan: plan.clone(), events: follower(events, is_new) }
    }
}

fn follower(path: &Path, is_new: bool) -> Follower {
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let start = if is_new && length <= TOLD_BYTES { 0 } else { length };
    Follower::new(path, start)
}

/// The thread's own state.
pub(crate) struct Tail {
    key: String,
    hub: Arc<Hub>,
    ledger: Follower,
    rooms: HashMap<RoomId, (PlanId, Follower)>,
    plans: HashMap<PlanId, Follower>,
    attempts: HashMap<RoomId, (PlanId, u32)>,
    /// Rooms whose session said something that was not told yet.
    spoke: BTreeSet<RoomId>,
}

impl Tail {
    /// Follows the ledger from its end on, and nothing else yet.
    pub(crate) fn new(key: String, hub: Arc<Hub>, ledger: &Path) -> Self {
        Self {
            key,
            hub,
            ledger: follower(ledger, false),
            rooms: HashMap::new(),
            plans: HashMap::new(),
            attempts: HashMap::new(),
            spoke: BTreeSet::new(),
        }
    }

    /// The thread: until it is told to end.
    pub(crate) fn run(mut self, notes: &Receiver<Follow>) {
        let mut told = Instant::now();
        loop {
            let left = SPEECH.saturating_sub(told.elapsed());
            if !self.spoke.is_empty() && left.is_zero() {
                std::mem::take(&mut self.spoke).iter().for_each(|room| self.attempt(room));
                told = Instant::now();
            }
            // Without something to tell later, nothing wakes this thread but a change.
            let note = match self.spoke.is_empty() {
                true => notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => notes.recv_timeout(left),
            };
            let note = match note {
                Ok(note) => note,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match note {
                Follow::Changed(changed) => self.changed(&changed),
                Follow::Room { plan, room, channel } => {
                    self.rooms.insert(room.clone(), (plan, channel));
                    // It was watched before it is looked at here.
                    self.messages(&room);
                }
                Follow::Plan { plan, events } => {
                    self.plans.insert(plan.clone(), events);
                    self.events(&plan);
                }
                Follow::Attempt { plan, room, number } => {
                    self.attempts.insert(room, (plan, number));
                }
                Follow::Forget(room) => {
                    self.rooms.remove(&room);
                    self.attempts.remove(&room);
                }
                Follow::End => return,
            }
        }
    }

    fn changed(&mut self, changed: &Changed) {
        match changed {
            Changed::RoomChannel(room) => self.messages(room),
            Changed::RoomTranscript(room) => {
                self.spoke.insert(room.clone());
            }
            Changed::PlanEvents(plan) => self.events(plan),
            Changed::Ledger => self.memories(),
            Changed::Rescan => {
                let rooms: Vec<RoomId> = self.rooms.keys().cloned().collect();
                rooms.iter().for_each(|room| self.messages(room));
                let plans: Vec<PlanId> = self.plans.keys().cloned().collect();
                plans.iter().for_each(|plan| self.events(plan));
                self.memories();
            }
            _ => {}
        }
    }

    fn messages(&mut self, room: &RoomId) {
        while let Some((plan, channel)) = self.rooms.get_mut(room) {
            let (plan, batch) = (plan.clone(), next_lines::<Message>(channel));
            for message in batch.lines {
                let data = json!({
                    "project": self.key, "plan_id": plan, "room": room, "message": message,
                });
                self.tell(Topic::Channel, Some(&plan), Some(room), &data);
            }
            if !batch.more {
                return;
            }
        }
    }

    fn events(&mut self, plan: &PlanId) {
        while let Some(events) = self.plans.get_mut(plan) {
            let batch = next_lines::<Event>(events);
            for event in batch.lines.into_iter().filter(Event::is_alert) {
                let mut data = json!(event);
                data["project"] = json!(self.key);
                data["plan_id"] = json!(plan);
                self.tell(Topic::Alert, Some(plan), event.room.as_ref(), &data);
            }
            if !batch.more {
                return;
            }
        }
    }

    fn memories(&mut self) {
        loop {
            let batch = next_lines::<Entry>(&mut self.ledger);
            for entry in batch.lines {
                let data = json!({
                    "project": self.key, "id": entry.id, "kind": entry.kind, "room": entry.room_id,
                });
                // Memories are shared: who looks at one plan wants to hear of all of them.
                self.tell(Topic::Memory, None, None, &data);
            }
            if !batch.more {
                return;
            }
        }
    }

    fn attempt(&mut self, room: &RoomId) {
        let Some((plan, number)) = self.attempts.get(room) else { return };
        let data = json!({
            "project": self.key, "plan_id": plan, "room": room, "number": number,
            "event": "transcript",
        });
        self.tell(Topic::Attempt, Some(plan), Some(room), &data);
    }

    fn tell(&self, topic: Topic, plan: Option<&PlanId>, room: Option<&RoomId>, data: &Value) {
        self.hub.publish(News {
            topic,
            project: self.key.clone(),
            plan: plan.cloned(),
            room: room.cloned(),
            data: data.to_string(),
        });
    }
}

/// Some of what was appended since the last look: never all at once, for that may be gigabytes. A
/// file that was replaced is told again: listeners know messages by their ids.
fn next_lines<T: serde::de::DeserializeOwned>(follower: &mut Follower) -> Batch<T> {
    follower.poll(BATCH).unwrap_or_else(|error| {
        tracing::warn!(%error, "a file cannot be followed");
        Batch { lines: Vec::new(), skipped: 0, restarted: false, more: false }
    })
}
