//! What the scheduler looks at: a value without files, clocks or processes behind it.

use std::collections::BTreeMap;

use ostwin_core::ids::{AttemptId, EpicId, MessageId, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::StateKind;
use ostwin_core::room::{GateStanding, Outcome};
use ostwin_core::time::Timestamp;

/// The plan at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The moment.
    pub now: Timestamp,
    /// Every epic by its id.
    pub epics: BTreeMap<EpicId, EpicView>,
    /// The engine is ending: nothing new starts.
    pub stopping: bool,
    /// Until a slot is given back by another plan, none is to be had.
    pub slots_full: bool,
    /// The plan's budget is used up, in words: nothing starts until a person raises it.
    pub budget: Option<String>,
}

/// One epic and its room.
#[derive(Clone, Debug, PartialEq)]
pub struct EpicView {
    /// The epic's room.
    pub room: RoomId,
    /// The epics that must have passed before it starts.
    pub depends_on: Vec<EpicId>,
    /// Its place in the plan.
    pub order: usize,
    /// Lower starts earlier.
    pub priority: i64,
    /// Seconds of the longest way from here to the end of the plan.
    pub remaining: u64,
    /// It never runs beside another epic of the plan.
    pub serialize: bool,
    /// Pause between a failed attempt and the next.
    pub retry_delay: std::time::Duration,
    /// A person paused it or the plan: it opens no attempt.
    pub paused: bool,
    /// Where the room stands.
    pub standing: RoomView,
    /// What this engine runs in the room.
    pub session: Session,
}

/// Where a room stands, by its files.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomView {
    /// The current state.
    pub state: StateName,
    /// Its kind.
    pub kind: StateKind,
    /// The state is the one of success.
    pub passed: bool,
    /// The state has a way out by `ready`, which the engine takes when it starts the epic.
    pub has_ready: bool,
    /// The review of a plan is there, and what it says waits for an approval.
    pub awaits_approval: bool,
    /// When the state was entered.
    pub entered_at: Timestamp,
    /// The signal by which a `decision` state is left now.
    pub decision: Option<SignalName>,
    /// The last attempt of this stay in the state.
    pub attempt: Option<AttemptView>,
    /// What a person has to say before the next attempt.
    pub waits: Option<PersonWait>,
    /// Attempts of this stay that ended as `interrupted`, one after the other, up to now.
    pub interruptions: u32,
}

/// What a room waits for a person to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonWait {
    /// What it is, in one sentence.
    pub why: String,
    /// When it is over without a word; none if it never is.
    pub until: Option<Timestamp>,
}

/// An attempt, by its record.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptView {
    /// The attempt.
    pub id: AttemptId,
    /// How it ended; none while it is open.
    pub outcome: Option<Outcome>,
    /// The message that was its signal, and what it means to the machine.
    pub signal: Option<(MessageId, SignalName)>,
    /// Of a signal: how far the quality gates are that it needs.
    pub gates: GateStanding,
    /// Why it ended, in its own words.
    pub reason: Option<String>,
    /// For an open attempt of another machine: until then it is left alone.
    pub foreign_until: Option<Timestamp>,
    /// Until then the model's service lets nothing go on.
    pub rests_until: Option<Timestamp>,
}

/// What this engine runs in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Session {
    /// Nothing.
    #[default]
    None,
    /// A session, from the moment it is asked for until its attempt is closed.
    Running,
    /// The room is being moved: it takes no slot.
    Moving,
}

/// The limits within which the scheduler decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Most sessions of this engine at once.
    pub max_sessions: usize,
    /// So many interruptions in a row are free; one more counts as an error.
    pub max_interruptions: u32,
    /// A plan in which only people can move something on is left running.
    pub wait_for_people: bool,
    /// A review that holds is its own approval: nobody is asked.
    pub approve_plans: bool,
}
