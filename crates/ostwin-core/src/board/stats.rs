//! Figures: how a project or a plan stands and what happened in it lately.
//!
//! [`Figures`] takes in one value after the other, boards, transitions, attempts, messages,
//! memories, and holds only sums, so that a channel of any length is counted while it is read.
//! What could not be read is part of the answer: a figure without it would be a wrong one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Board, Counts, Row};
use crate::channel::Message;
use crate::ids::{EpicId, PlanId, RoomId, StateName};
use crate::ledger::Entry;
use crate::lifecycle::{AuditLine, Machine, Tone};
use crate::room::{AttemptRecord, Usage};
use crate::time::Timestamp;

/// Most names that are counted apart: files can hold any number of them.
const MAX_NAMES: usize = 64;
/// What the names beyond that are counted under. No name of ours looks like this.
const OTHERS: &str = "(other)";
/// What a room is counted under whose state cannot be read.
const UNREADABLE: &str = "(unreadable)";
/// Most escalations and most problems that are listed one by one.
const MAX_LISTED: usize = 50;
/// Longest text of a problem, in characters.
const MAX_TEXT: usize = 500;

/// How many there are of each name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts one more of this name.
    pub fn add(&mut self, name: &str) {
        *slot(&mut self.0, name) += 1;
    }

    /// How many there are of this name.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// The place of a name, or that of all others once there are too many.
fn slot<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let known = map.contains_key(name) || map.len() < MAX_NAMES;
    map.entry(if known { name } else { OTHERS }.to_owned()).or_default()
}

/// The figures of a project, or of one plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// When they were computed.
    pub at: Timestamp,
    /// The start of the window: what happened before is in no figure of what happened.
    pub since: Timestamp,
    /// Plans by their state, now.
    pub plans: Tally,
    /// Epics of all these plans by how they stand, now.
    pub epics: Counts,
    /// Passed epics over all epics, running ones counted by their own percent; null without epics.
    pub completion_percent: Option<u8>,
    /// Rooms by their state, now; `(unreadable)` where it cannot be read.
    pub rooms: Tally,
    /// Rooms that wait for a person, now.
    pub escalations_pending: usize,
    /// The first of them.
    pub escalations: Vec<Escalation>,
    /// Attempts that were at work in the window.
    pub attempts: Attempts,
    /// What those attempts used, as far as their agents reported it.
    pub tokens: Usage,
    /// What those attempts cost in US dollars; null if none reported it.
    pub cost_usd: Option<f64>,
    /// Time that rooms spent in each state within the window, terminal states left out.
    pub time_by_state: BTreeMap<String, StateTime>,
    /// Messages of the window by type.
    pub messages: Tally,
    /// Memories of the window by kind.
    pub memories: Tally,
    /// Lines on the way that could not be read.
    pub skipped_lines: usize,
    /// What could not be read and is missing in the figures.
    pub problems: Vec<Unreadable>,
    /// How many more problems there are.
    pub problems_left_out: usize,
}

/// A room that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalation {
    /// The plan.
    pub plan_id: PlanId,
    /// The epic.
    pub epic: EpicId,
    /// Its room.
    pub room: Option<RoomId>,
    /// The state that it waits in.
    pub state: Option<StateName>,
    /// Why, in a sentence.
    pub why: Option<String>,
}

/// Attempts and how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempts {
    /// All of them.
    pub total: u64,
    /// Those that are open now.
    pub open: u64,
    /// The closed ones by outcome: a signal's name, or how they ended without one.
    pub by_outcome: Tally,
}

/// Time that was spent in a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateTime {
    /// How often a room was in it.
    pub stays: u64,
    /// How long, all stays together.
    pub seconds: u64,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// What it is: `room-003`, `plan shop-3fa9c1`, `ledger`.
    pub what: String,
    /// Why it could not be read; it names the file.
    pub problem: String,
}

impl Unreadable {
    /// What it is and why it could not be read, shortened to a line or two.
    pub fn new(what: impl Into<String>, problem: &str) -> Self {
        Self { what: what.into(), problem: problem.chars().take(MAX_TEXT).collect() }
    }
}

/// Takes in what is counted.
#[derive(Clone, Debug)]
pub struct Figures {
    stats: Stats,
    /// The sum of the percentages of all epics.
    percents: usize,
}

impl Figures {
    /// Nothing yet, at the moment `now`, for what happened after `since`.
    pub fn new(since: Timestamp, now: Timestamp) -> Self {
        let stats = Stats {
            at: now,
            since,
            plans: Tally::default(),
            epics: Counts::default(),
            completion_percent: None,
            rooms: Tally::default(),
            escalations_pending: 0,
            escalations: Vec::new(),
            attempts: Attempts::default(),
            tokens: Usage::default(),
            cost_usd: None,
            time_by_state: BTreeMap::new(),
            messages: Tally::default(),
            memories: Tally::default(),
            skipped_lines: 0,
            problems: Vec::new(),
            problems_left_out: 0,
        };
        Self { stats, percents: 0 }
    }

    /// Counts a plan with its epics and their rooms.
    pub fn board(&mut self, board: &Board) {
        let stats = &mut self.stats;
        stats.plans.add(board.state.as_str());
        stats.epics += board.counts;
        for row in &board.rows {
            self.percents += usize::from(row.percent);
            match (&row.state, row.problem()) {
                (Some(state), _) => stats.rooms.add(state.as_str()),
                (None, Some(_)) => stats.rooms.add(UNREADABLE),
                (None, None) => {}
            }
            if row.display.tone == Tone::Attention && row.problem().is_none() {
                stats.escalations_pending += 1;
                if stats.escalations.len() < MAX_LISTED {
                    stats.escalations.push(escalation(&board.plan_id, row));
                }
            }
        }
        for row in &board.rows {
            if let (Some(room), Some(problem)) = (&row.room, row.problem()) {
                self.unreadable(room.as_str(), problem);
            }
        }
    }

    /// Counts a room that no board shows: its plan or its place in it is gone.
    pub fn stray_room(&mut self, state: Option<&StateName>) {
        self.stats.rooms.add(state.map_or(UNREADABLE, StateName::as_str));
    }

    /// Counts the time between the transitions of a room, oldest first.
    pub fn transitions(&mut self, machine: &Machine, audit: &[AuditLine]) {
        let entries: Vec<_> = audit.iter().filter_map(AuditLine::entry).collect();
        for (place, entry) in entries.iter().enumerate() {
            if machine.is_terminal(&entry.to) {
                continue;
            }
            let end = entries.get(place + 1).map_or(self.stats.at, |next| next.ts);
            let start = entry.ts.max(self.stats.since);
            if end <= start {
                continue;
            }
            let time = slot(&mut self.stats.time_by_state, entry.to.as_str());
            time.stays += 1;
            time.seconds += end.since(start).as_secs();
        }
    }

    /// Counts an attempt, if it was at work in the window.
    pub fn attempt(&mut self, attempt: &AttemptRecord) {
        if attempt.closed_at.is_some_and(|closed| closed < self.stats.since) {
            return;
        }
        let attempts = &mut self.stats.attempts;
        attempts.total += 1;
        match &attempt.outcome {
            _ if attempt.is_open() => attempts.open += 1,
            Some(outcome) => attempts.by_outcome.add(outcome.as_str()),
            None => attempts.by_outcome.add(UNREADABLE),
        }
        if let Some(used) = &attempt.usage {
            let tokens = &mut self.stats.tokens;
            tokens.input_tokens = tokens.input_tokens.saturating_add(used.input_tokens);
            tokens.output_tokens = tokens.output_tokens.saturating_add(used.output_tokens);
            tokens.cached_tokens = tokens.cached_tokens.saturating_add(used.cached_tokens);
            tokens.total_tokens = tokens.total_tokens.saturating_add(used.total());
        }
        if let Some(cost) = attempt.cost_usd {
            *self.stats.cost_usd.get_or_insert(0.0) += cost;
        }
    }

    /// Counts a message; `false` if it was posted before the window, as all older ones were.
    pub fn message(&mut self, message: &Message) -> bool {
        let counts = message.ts >= self.stats.since;
        if counts {
            self.stats.messages.add(message.kind.as_str());
        }
        counts
    }

    /// Counts a memory; `false` if it was published before the window, as all older ones were.
    pub fn memory(&mut self, entry: &Entry) -> bool {
        let counts = entry.ts >= self.stats.since;
        if counts {
            self.stats.memories.add(entry.kind.as_str());
        }
        counts
    }

    /// Notes lines that could not be read.
    pub fn skipped(&mut self, lines: usize) {
        self.stats.skipped_lines += lines;
    }

    /// Notes something that could not be read. The same is noted once.
    pub fn unreadable(&mut self, what: &str, problem: &str) {
        let unreadable = Unreadable::new(what, problem);
        let problems = &mut self.stats.problems;
        if problems.contains(&unreadable) {
            return;
        }
        if problems.len() < MAX_LISTED {
            problems.push(unreadable);
        } else {
            self.stats.problems_left_out += 1;
        }
    }

    /// The figures.
    pub fn finish(self) -> Stats {
        let percent = self.percents.checked_div(self.stats.epics.total);
        let percent = percent.map(|percent| u8::try_from(percent).unwrap_or(100));
        Stats { completion_percent: percent, ..self.stats }
    }
}

fn escalation(plan_id: &PlanId, row: &Row) -> Escalation {
    Escalation {
        plan_id: plan_id.clone(),
        epic: row.epic.clone(),
        room: row.room.clone(),
        state: row.state.clone(),
        why: row.why.clone(),
    }
}

#[cfg(test)]
mod tests;
