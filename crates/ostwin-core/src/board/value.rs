//! The board as a value.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EpicId, PlanId, RoleRef, RoomId, RunId, SignalName, StateName};
use crate::lifecycle::DisplayState;
use crate::time::Timestamp;

/// What a view shows of one plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Board {
    /// The plan.
    pub plan_id: PlanId,
    /// Its title.
    pub title: String,
    /// Whether the rehearsal agent works on it instead of a model.
    pub rehearsed: bool,
    /// When the board was computed.
    pub at: Timestamp,
    /// How the plan stands.
    pub state: PlanState,
    /// Whether a person paused the whole plan.
    pub paused: bool,
    /// Passed epics over all epics, running ones counted by their own percent; 0 to 100.
    pub progress_percent: u8,
    /// Which process drives the plan, or drove it last.
    pub engine: Option<Engine>,
    /// How many epics there are of which kind.
    pub counts: Counts,
    /// Tokens that all sessions reported.
    pub tokens: u64,
    /// US dollars that all sessions reported; null if none did.
    pub cost_usd: Option<f64>,
    /// Seconds from the first session to now, or to the last transition of a plan that is over.
    pub elapsed_seconds: Option<u64>,
    /// The epics, in plan order.
    pub rows: Vec<Row>,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    /// No epic was started yet, and nobody drives it.
    Planned,
    /// An engine drives it.
    Running,
    /// Nothing goes on without a person.
    WaitingForPerson,
    /// It was begun, and nobody drives it.
    Stopped,
    /// Every epic passed.
    Finished,
    /// Every epic is finished or can never start, and some did not pass.
    Failed,
}

impl PlanState {
    /// The state as programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::WaitingForPerson => "waiting-for-person",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// The state in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::WaitingForPerson => "waiting for a person",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for PlanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// Which process drives the plan, or drove it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Engine {
    /// The run.
    pub run_id: RunId,
    /// The process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// When the run began.
    pub since: Timestamp,
    /// Whether it drives the plan at this moment: whether the plan's lock is held.
    pub alive: bool,
}

/// How many epics there are of which kind. Each epic counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// The work was accepted.
    pub passed: usize,
    /// The work was given up, by the machine or by a person.
    pub failed: usize,
    /// A session runs.
    pub running: usize,
    /// A person has to decide.
    pub attention: usize,
    /// Can never start, because of one that failed.
    pub blocked: usize,
    /// Waits for something that comes by itself.
    pub waiting: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.passed += other.passed;
        self.failed += other.failed;
        self.running += other.running;
        self.attention += other.attention;
        self.blocked += other.blocked;
        self.waiting += other.waiting;
    }
}

/// One epic and its room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The epic.
    pub epic: EpicId,
    /// Its title.
    pub title: String,
    /// Its room; null before the first run.
    pub room: Option<RoomId>,
    /// The room's state, by its audit; null without a room.
    pub state: Option<StateName>,
    /// The word that people see for it.
    pub display: DisplayState,
    /// Who works now, else who did last, else who begins.
    pub role: Option<RoleRef>,
    /// The agent program of the last attempt.
    pub agent: Option<String>,
    /// The model of the last attempt, if one was asked for.
    pub model: Option<String>,
    /// How far it is; 100 once it passed.
    pub percent: u8,
    /// What the open attempt says it does.
    pub message: Option<String>,
    /// The number of the last attempt; 0 before the first.
    pub attempt: u32,
    /// Whether that attempt runs at this moment.
    pub active: bool,
    /// Whether the work was accepted.
    pub passed: bool,
    /// Retries used.
    pub retries: u32,
    /// Retries there are in all.
    pub max_retries: u32,
    /// Seconds from the first session to the end, or to now.
    pub elapsed_seconds: Option<u64>,
    /// Tokens that its sessions reported.
    pub tokens: u64,
    /// US dollars that its sessions reported; null if none did.
    pub cost_usd: Option<f64>,
    /// The newest message of its channel.
    pub last_message: Option<LastMessage>,
    /// The epics that must have passed before it starts.
    pub depends_on: Vec<EpicId>,
    /// Its wave in the graph, counted from 0.
    pub wave: usize,
    /// Dependencies because of which it can never start.
    pub blocked_by: Vec<EpicId>,
    /// Why it failed, waits for a person, or cannot be shown, in one sentence.
    pub why: Option<String>,
}

impl Row {
    /// Why the room cannot be shown, if it cannot.
    pub fn problem(&self) -> Option<&str> {
        let unread = self.room.is_some() && self.state.is_none();
        self.why.as_deref().filter(|_| unread && self.blocked_by.is_empty())
    }
}

/// The newest message of a channel, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastMessage {
    /// Its number in the channel.
    pub seq: u64,
    /// When it was posted.
    pub ts: Timestamp,
    /// Who spoke.
    pub from: RoleRef,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: SignalName,
    /// The first line of its body that is not empty, at most 200 characters.
    pub text: String,
}
