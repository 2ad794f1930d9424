//! `get_room_state`: the story of one room.
//!
//! Each part is read by itself, so that a damaged file hides only what it alone holds: the answer
//! lists it among the problems.

use ostwin_core::board::{self, Row, Unreadable};
use ostwin_core::channel::{Filter, Message};
use ostwin_core::ids::{EpicId, PlanId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::jsonl;
use ostwin_core::lifecycle::{AuditEntry, AuditLine, StateKind};
use ostwin_core::plans;
use ostwin_core::room::{AttemptRecord, Progress, Room, Standing, Usage};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clipped::{Clipped, cut_names, is_zero, terse};
use super::epic::shown;
use crate::args::Whole;
use crate::binding::Binding;
use crate::bounds::fit_share;
use crate::error::ToolError;
use crate::message::shortened;
use crate::subject;
use crate::waiting::Waiting;

/// Most attempts that are told one by one.
const MAX_ATTEMPTS: usize = 10;
/// Most problems in one answer.
const MAX_PROBLEMS: usize = 20;
/// Longest part of a message's body, in characters; `read_messages` of the room gives the rest.
const MAX_BODY_CHARS: usize = 2_000;
/// Parts of an answer that share its bound: attempts, transitions, messages, everything else.
const PARTS: usize = 4;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetRoomState {
    /// Which room, such as `room-001`.
    #[serde(default)]
    room_id: Option<RoomId>,
    /// Show this many of the newest messages; 0 if left out.
    #[serde(default)]
    messages: Option<Whole<0, 50>>,
    /// Show this many of the newest transitions; 20 if left out.
    #[serde(default)]
    audit_lines: Option<Whole<0, 200>>,
}

/// A signal that may come next.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Allowed {
    signal: SignalName,
    /// The states that it can lead to.
    leads_to: Vec<String>,
}

/// Who may send what in the room's state.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Signals {
    /// The agent that works in the state; nothing where none does.
    agent: Vec<Allowed>,
    /// A person; nothing where nobody is asked.
    person: Vec<Allowed>,
}

/// What was used of what there is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counters {
    retries: u32,
    max_retries: u32,
    triages: u32,
    max_triages: u32,
    /// How often a session's state ended by `error`, `timeout` or `fail`.
    failed_attempts: u32,
}

/// An attempt in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Attempt {
    number: u32,
    state: StateName,
    role: RoleRef,
    agent: String,
    model: Option<String>,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    /// How it ended; null while it is open.
    outcome: Option<String>,
    reason: Option<String>,
    tokens: Option<u64>,
    cost_usd: Option<f64>,
}

impl From<AttemptRecord> for Attempt {
    fn from(record: AttemptRecord) -> Self {
        Self {
            number: record.number,
            state: record.state,
            role: record.role,
            agent: record.agent,
            model: record.model,
            opened_at: record.opened_at,
            closed_at: record.closed_at,
            outcome: record.outcome.map(|outcome| outcome.to_string()),
            reason: record.reason,
            tokens: record.usage.as_ref().map(Usage::total),
            cost_usd: record.cost_usd,
        }
    }
}

/// A transition in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Transition {
    seq: u64,
    ts: Timestamp,
    from: Option<StateName>,
    to: StateName,
    /// The signal; null for the first one and where a person forced it.
    signal: Option<SignalName>,
    actor: String,
    reason: String,
}

impl From<AuditEntry> for Transition {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { seq, ts, from, to, signal, actor, reason, .. } = entry;
        Self { seq, ts, from, to, signal, actor, reason }
    }
}

/// A message in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Said {
    seq: u64,
    ts: Timestamp,
    from: RoleRef,
    to: RoleRef,
    #[serde(rename = "type")]
    kind: String,
    body: String,
    /// How many characters of the body were left out.
    left_out: usize,
}

impl From<Message> for Said {
    fn from(message: Message) -> Self {
        let Message { seq, ts, from, to, kind, body, .. } = message;
        let (body, left_out) = shortened(body, Some(MAX_BODY_CHARS));
        let left_out = left_out.unwrap_or_default();
        Self { seq, ts, from, to, kind: kind.to_string(), body, left_out }
    }
}

/// How far the open attempt says it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reported {
    percent: u8,
    message: String,
    step: Option<u32>,
    total_steps: Option<u32>,
    updated_at: Timestamp,
}

impl From<Progress> for Reported {
    fn from(progress: Progress) -> Self {
        let Progress { percent, message, step, total_steps, updated_at, .. } = progress;
        Self { percent, message, step, total_steps, updated_at }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RoomState {
    room_id: RoomId,
    plan_id: Option<PlanId>,
    epic: Option<EpicId>,
    title: Option<String>,
    /// The ids of its criteria, by which a verdict answers.
    criteria: Vec<String>,
    /// Its state; null if it cannot be read.
    state: Option<StateName>,
    #[schemars(transform = terse)]
    state_type: Option<StateKind>,
    /// How it stands in the words that people read.
    shown_as: Option<String>,
    entered_at: Option<Timestamp>,
    /// The signals that may come next, and where they lead.
    #[schemars(transform = terse)]
    signals: Signals,
    /// Why it failed or waits for a person, if it does.
    why: Option<String>,
    /// The epics that must have passed before it starts.
    depends_on: Vec<EpicId>,
    /// Dependencies because of which it can never start.
    blocked_by: Vec<EpicId>,
    /// How many names the lists of criteria and dependencies leave out.
    #[serde(skip_serializing_if = "is_zero")]
    names_left_out: usize,
    /// What was used of what there is.
    #[schemars(transform = terse)]
    counters: Option<Counters>,
    /// How far its attempt says it is.
    #[schemars(transform = terse)]
    progress: Option<Reported>,
    attempts_total: usize,
    /// The last of them, oldest first.
    #[schemars(transform = terse)]
    attempts: Vec<Attempt>,
    transitions_total: usize,
    /// The last of them, oldest first.
    #[schemars(transform = terse)]
    transitions: Vec<Transition>,
    /// The newest messages, oldest first, if they were asked for.
    #[schemars(transform = terse)]
    messages: Vec<Said>,
    /// Whether there are older messages than these.
    more_messages: bool,
    /// Lines on the way that could not be read.
    skipped_lines: usize,
    #[schemars(transform = terse)]
    problems: Vec<Unreadable>,
}

pub(super) fn get_room_state(
    binding: &Binding,
    args: GetRoomState,
    _: &Waiting,
) -> Result<Clipped<RoomState>, ToolError> {
    let GetRoomState { room_id, messages, audit_lines } = args;
    let room = subject::room(binding, room_id.as_ref().map(RoomId::as_str))?;
    let mut reader = Reader { room: &room, skipped: 0, problems: Vec::new() };
    let contract = reader.part(room.contract().map_err(ToolError::from));
    let standing = reader.part(room.standing().map_err(ToolError::from));
    let row = contract.as_ref().and_then(|contract| {
        let row = row_of(binding, &contract.plan_id, room.id());
        reader.part(row).flatten()
    });
    let progress = reader.part(room.progress().map_err(ToolError::from)).flatten();
    let (attempts_total, attempts) = reader.attempts();
    let (transitions_total, transitions) = reader.transitions(audit_lines.map_or(20, Whole::count));
    let (messages, more_messages) = reader.messages(messages.map_or(0, Whole::count));
    let Reader { skipped, mut problems, .. } = reader;
    problems.dedup();
    problems.truncate(MAX_PROBLEMS);
    let mut criteria: Vec<String> =
        contract.iter().flat_map(|c| c.goals.all().map(|g| g.id.clone())).collect();
    let mut depends_on = contract.as_ref().map(|c| c.depends_on.clone()).unwrap_or_default();
    let why = row.as_ref().and_then(|row| row.why.clone());
    let shown_as = row.as_ref().map(|row| shown(&row.display));
    let mut blocked_by = row.map(|row| row.blocked_by).unwrap_or_default();
    let names_left_out =
        cut_names(&mut criteria) + cut_names(&mut depends_on) + cut_names(&mut blocked_by);
    Ok(Clipped(RoomState {
        room_id: room.id().clone(),
        criteria,
        state: standing.as_ref().map(|standing| standing.state.clone()),
        state_type: standing.as_ref().map(Standing::kind),
        entered_at: standing.as_ref().and_then(|standing| standing.replay.entered_at),
        signals: standing.as_ref().map(Signals::of).unwrap_or_default(),
        counters: standing.as_ref().map(Counters::of),
        shown_as,
        why,
        depends_on,
        blocked_by,
        names_left_out,
        plan_id: contract.as_ref().map(|contract| contract.plan_id.clone()),
        epic: contract.as_ref().map(|contract| contract.task_ref.clone()),
        title: contract.map(|contract| contract.assignment.title),
        progress: progress.map(Reported::from),
        attempts_total,
        attempts,
        transitions_total,
        transitions,
        messages,
        more_messages,
        skipped_lines: skipped,
        problems,
    }))
}

/// The room's row on the board of its plan.
fn row_of(binding: &Binding, plan: &PlanId, room: &RoomId) -> Result<Option<Row>, ToolError> {
    let plan = plans::open(&binding.project, plan)?;
    let board = board::load(&binding.project, &plan, &binding.settings)?;
    Ok(board.rows.into_iter().find(|row| row.room.as_ref() == Some(room)))
}

impl Signals {
    fn of(standing: &Standing) -> Self {
        let Standing { machine, state, .. } = standing;
        let allowed = |signals: Vec<SignalName>| {
            let leads_to = |signal: &SignalName| {
                let edges = machine.state(state)?.signals.get(signal.as_str())?;
                Some(edges.0.iter().map(|edge| edge.target.to_string()).collect())
            };
            signals
                .into_iter()
                .map(|signal| Allowed { leads_to: leads_to(&signal).unwrap_or_default(), signal })
                .collect()
        };
        Self {
            agent: allowed(machine.allowed_agent_signals(state)),
            person: allowed(machine.allowed_person_signals(state)),
        }
    }
}

impl Counters {
    fn of(standing: &Standing) -> Self {
        let Standing { machine, replay, .. } = standing;
        Self {
            retries: replay.retries,
            max_retries: replay.max_retries(machine),
            triages: replay.triages,
            max_triages: machine.max_triages,
            failed_attempts: replay.failed_attempts,
        }
    }
}

/// Reads the parts of a room and keeps what is wrong with them.
struct Reader<'a> {
    room: &'a Room,
    skipped: usize,
    problems: Vec<Unreadable>,
}

impl Reader<'_> {
    /// A part that was read, or nothing and a problem more.
    fn part<T>(&mut self, read: Result<T, ToolError>) -> Option<T> {
        match read {
            Ok(part) => Some(part),
            Err(error) => {
                self.problems.push(Unreadable::new(self.room.id().as_str(), &error.message));
                None
            }
        }
    }

    fn attempts(&mut self) -> (usize, Vec<Attempt>) {
        let found = self.part(self.room.each_attempt().map_err(ToolError::from));
        let found = found.unwrap_or_default();
        let total = found.len();
        let mut attempts = Vec::new();
        for attempt in found.into_iter().rev() {
            let attempt = self.part(attempt.map_err(ToolError::from));
            attempts.extend(attempt.map(|attempt| Clipped(Attempt::from(attempt.record))));
        }
        attempts.truncate(MAX_ATTEMPTS);
        (total, newest(attempts))
    }

    fn transitions(&mut self, limit: usize) -> (usize, Vec<Transition>) {
        let mut total = 0;
        let mut transitions = Vec::new();
        let scanned = jsonl::scan_back::<AuditLine>(&self.room.paths().audit(), |_, line| {
            if let AuditLine::Entry(entry) = line {
                total += 1;
                if transitions.len() < limit {
                    transitions.push(Clipped(Transition::from(*entry)));
                }
            }
            std::ops::ControlFlow::Continue(())
        });
        let scanned = self.part(scanned.map_err(ToolError::from));
        self.skipped += scanned.map_or(0, |scanned| scanned.skipped);
        (total, newest(transitions))
    }

    fn messages(&mut self, limit: usize) -> (Vec<Said>, bool) {
        if limit == 0 {
            return (Vec::new(), false);
        }
        let page = self.room.channel().newest(&Filter::default(), limit, None);
        let Some(page) = self.part(page.map_err(ToolError::from)) else {
            return (Vec::new(), false);
        };
        self.skipped += page.skipped;
        let messages = page.messages.into_iter().rev();
        let mut messages: Vec<Clipped<Said>> =
            messages.map(|message| Clipped(Said::from(message))).collect();
        let cut = fit_share(&mut messages, PARTS);
        (newest(messages), page.more || cut)
    }
}

/// What fits of a list that has the newest first, oldest first.
fn newest<T: Serialize>(mut items: Vec<Clipped<T>>) -> Vec<T> {
    fit_share(&mut items, PARTS);
    items.reverse();
    items.into_iter().map(|Clipped(item)| item).collect()
}
