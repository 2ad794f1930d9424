//! From what the files say to the board, without any effect.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value::{Board, Counts, Engine, LastMessage, PlanState, Row};
use crate::budget::Caps;
use crate::channel::Message;
use crate::control::{EngineRecord, Pauses};
use crate::dag::{Dag, DagNode};
use crate::ids::{EpicId, RoomId};
use crate::lifecycle::{
    DisplayState, PlanStage, RoomFacts, Spent, StateKind, Tone, display, names,
};
use crate::plans::PlanMeta;
use crate::room::{AttemptRecord, Contract, Outcome, Progress, Question, Standing};
use crate::time::Timestamp;

/// Longest text of a last message, in characters.
const MAX_TEXT: usize = 200;

/// Longest sentence of a row, in characters.
const MAX_SENTENCE: usize = 500;

/// Everything that a board is computed from.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The plan's record.
    pub meta: &'a PlanMeta,
    /// The graph of the plan, planning or solid.
    pub dag: &'a Dag,
    /// Which process drives the plan.
    pub engine: EngineInput,
    /// The rooms by epic. An epic without one was not begun.
    pub rooms: &'a BTreeMap<EpicId, RoomInput>,
    /// What a person paused.
    pub pauses: &'a Pauses,
    /// Most sessions at once in the project.
    pub max_sessions: usize,
    /// Pause before a retry where the epic does not say.
    pub retry_delay: Duration,
    /// What the whole plan may use.
    pub caps: Caps,
    /// An agent that reports no usage may work under a budget.
    pub unmetered_is_fine: bool,
    /// The moment of the board.
    pub now: Timestamp,
}

/// What is known of the plan's engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInput {
    /// The last record.
    pub record: Option<EngineRecord>,
    /// Whether the plan's lock is held.
    pub driven: bool,
}

/// A room as it was read; damaged ones are shown, not passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomInput {
    /// The room.
    pub room: RoomId,
    /// What its files say, or why they could not be read.
    pub reading: Result<Box<RoomReading>, String>,
}

/// What the files of a room say.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomReading {
    /// The contract.
    pub contract: Contract,
    /// State and counters, by the audit.
    pub standing: Standing,
    /// How far the last attempt says it is.
    pub progress: Option<Progress>,
    /// The last attempt.
    pub attempt: Option<AttemptRecord>,
    /// What all attempts used, as far as they reported it.
    pub spent: Spent,
    /// The newest message.
    pub last_message: Option<Message>,
    /// What a session has asked a person and nobody has answered.
    pub questions: Vec<Question>,
    /// What the room may use by itself.
    pub caps: Caps,
}

/// Computes the board.
pub fn build(inputs: &Inputs<'_>) -> Board {
    let fates = fates(inputs);
    let active = inputs.rooms.values().filter(|room| is_active(inputs, room)).count();
    let slot_free = active < inputs.max_sessions;
    let rows: Vec<Row> = inputs
        .dag
        .nodes
        .iter()
        .map(|(id, node)| match inputs.rooms.get(id) {
            Some(RoomInput { room, reading: Ok(reading) }) => {
                Maker { inputs, fates: &fates, slot_free, id, node }.known(room, reading)
            }
            Some(RoomInput { room, reading: Err(problem) }) => damaged(id, node, room, problem),
            None => Maker { inputs, fates: &fates, slot_free, id, node }.not_begun(),
        })
        .collect();
    let counts = count(&rows);
    let spent: Spent =
        rows.iter().map(|row| Spent { tokens: row.tokens, cost_usd: row.cost_usd }).sum();
    Board {
        plan_id: inputs.meta.plan_id.clone(),
        title: inputs.meta.title.clone(),
        rehearsed: inputs.meta.rehearsed,
        at: inputs.now,
        state: plan_state(inputs, &counts),
        progress_percent: progress(&rows),
        paused: inputs.pauses.plan(),
        engine: inputs.engine.record.as_ref().map(|record| Engine {
            run_id: record.run_id.clone(),
            pid: record.pid,
            host: record.host.clone(),
            since: record.started_at,
            alive: inputs.engine.driven,
        }),
        counts,
        tokens: spent.tokens,
        cost_usd: spent.cost_usd,
        elapsed_seconds: elapsed(inputs, &counts),
        rows,
    }
}

/// What can still become of an epic.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Passed,
    /// It may still pass.
    Open,
    /// It is finished and has not passed.
    Lost,
    /// It can never start, because of these, which are lost.
    Blocked(Vec<EpicId>),
}

fn fates(inputs: &Inputs<'_>) -> BTreeMap<EpicId, Fate> {
    let mut fates: BTreeMap<EpicId, Fate> = BTreeMap::new();
    for id in &inputs.dag.topological_order {
        let reading = inputs.rooms.get(id).and_then(|room| room.reading.as_ref().ok());
        let begun = reading.is_some_and(|reading| reading.standing.replay.started_at.is_some());
        let fate = match reading {
            Some(reading) if is_passed(&reading.standing) => Fate::Passed,
            Some(reading) if reading.standing.is_terminal() => Fate::Lost,
            _ if begun => Fate::Open,
            _ => {
                let needed = inputs.dag.node(id).map_or(&[][..], |node| &node.depends_on);
                let mut lost: Vec<EpicId> = Vec::new();
                for needed in needed {
                    match fates.get(needed) {
                        Some(Fate::Lost) => lost.push(needed.clone()),
                        Some(Fate::Blocked(by)) => lost.extend(by.iter().cloned()),
                        _ => {}
                    }
                }
                lost.sort_by_key(|id| inputs.dag.nodes.position(id));
                lost.dedup();
                if lost.is_empty() { Fate::Open } else { Fate::Blocked(lost) }
            }
        };
        fates.insert(id.clone(), fate);
    }
    fates
}

fn is_passed(standing: &Standing) -> bool {
    standing.is_terminal() && standing.state.as_str() == names::PASSED
}

fn is_active(inputs: &Inputs<'_>, room: &RoomInput) -> bool {
    let Ok(reading) = &room.reading else { return false };
    inputs.engine.driven && reading.attempt.as_ref().is_some_and(AttemptRecord::is_open)
}

/// Makes the row of one epic.
struct Maker<'a> {
    inputs: &'a Inputs<'a>,
    fates: &'a BTreeMap<EpicId, Fate>,
    slot_free: bool,
    id: &'a EpicId,
    node: &'a DagNode,
}

impl Maker<'_> {
    fn facts(&self) -> RoomFacts {
        let blocked_by = match self.fates.get(self.id) {
            Some(Fate::Blocked(by)) => by.clone(),
            _ => Vec::new(),
        };
        let open = |needed: &&EpicId| self.fates.get(*needed) != Some(&Fate::Passed);
        RoomFacts {
            stage: if self.inputs.engine.driven { PlanStage::Running } else { PlanStage::Planned },
            waits_for: self.node.depends_on.iter().filter(open).cloned().collect(),
            blocked_by,
            slot_free: self.slot_free,
            now: Some(self.inputs.now),
            ..RoomFacts::default()
        }
    }

    fn not_begun(&self) -> Row {
        let facts = self.facts();
        let word = if facts.blocked_by.is_empty() { "planned" } else { "blocked" };
        let display = DisplayState { word: word.to_owned(), detail: None, tone: Tone::Idle };
        Row { blocked_by: facts.blocked_by, ..empty_row(self.id, self.node, display) }
    }

    fn known(&self, room: &RoomId, reading: &RoomReading) -> Row {
        let RoomReading { contract, standing, progress, attempt, spent, last_message, .. } =
            reading;
        let replay = &standing.replay;
        let passed = is_passed(standing);
        // Without an engine no session runs, whatever the record says.
        let active =
            self.inputs.engine.driven && attempt.as_ref().is_some_and(AttemptRecord::is_open);
        let before = self.facts();
        let can_start = before.waits_for.is_empty() && before.blocked_by.is_empty();
        let facts = RoomFacts {
            question: asked_of_a_person(self.inputs, reading, active, can_start),
            attempt_open: active,
            resume_at: self.resume_at(reading),
            last_signal: replay.last_signal.clone(),
            paused: self.inputs.pauses.holds(room),
            ..self.facts()
        };
        let display = display(&standing.machine, &standing.state, &facts);
        // What an attempt that has ended said about itself says nothing about the room, unless the
        // next one goes on where it stood.
        let goes_on = |attempt: &&AttemptRecord| {
            attempt.is_open() || matches!(attempt.outcome, Some(Outcome::Waiting | Outcome::Budget))
        };
        let latest = attempt.as_ref().filter(goes_on);
        let reported = progress.as_ref().filter(|progress| {
            latest.is_some_and(|latest| progress.attempt.as_ref() == Some(&latest.id))
        });
        let percent = match (passed, reported) {
            (true, _) => 100,
            (false, Some(progress)) if !standing.is_terminal() => progress.percent.min(100),
            _ => 0,
        };
        let message = reported.filter(|_| active).map(|progress| progress.message.clone());
        Row {
            room: Some(room.clone()),
            state: Some(standing.state.clone()),
            role: self.role(reading),
            agent: attempt.as_ref().map(|attempt| attempt.agent.clone()),
            model: attempt.as_ref().and_then(|attempt| attempt.model.clone()),
            percent,
            message: message.filter(|message| !message.trim().is_empty()).map(cut),
            attempt: attempt.as_ref().map_or(0, |attempt| attempt.number),
            active,
            passed,
            retries: replay.retries,
            max_retries: replay.max_retries(&standing.machine),
            elapsed_seconds: replay.started_at.map(|start| {
                let end = replay.entered_at.filter(|_| standing.is_terminal());
                end.unwrap_or(self.inputs.now).since(start).as_secs()
            }),
            tokens: spent.tokens,
            cost_usd: spent.cost_usd,
            last_message: last_message.as_ref().map(last),
            why: self.why(&display, reading, &facts).map(cut),
            blocked_by: facts.blocked_by,
            depends_on: contract.depends_on.clone(),
            ..empty_row(self.id, self.node, display)
        }
    }

    /// When a room goes on by itself: one that failed is tried again, or the model's service has
    /// said when it lets the session go on.
    fn resume_at(&self, reading: &RoomReading) -> Option<Timestamp> {
        if reading.standing.kind().has_session() {
            let last_seq = reading.standing.replay.last_seq;
            let attempt = reading.attempt.as_ref();
            return attempt.filter(|last| last.audit_seq == last_seq)?.rests_until();
        }
        if reading.standing.kind() != StateKind::Decision {
            return None;
        }
        let own = reading.contract.constraints.retry_delay_seconds.map(Duration::from_secs);
        let delay = own.unwrap_or(self.inputs.retry_delay);
        reading.standing.replay.entered_at.map(|entered| entered.plus(delay))
    }

    fn role(&self, reading: &RoomReading) -> Option<crate::ids::RoleRef> {
        let RoomReading { standing, attempt, contract, .. } = reading;
        let of_state = || standing.machine.state(&standing.state)?.role.clone();
        let open = attempt.as_ref().filter(|attempt| attempt.is_open());
        open.map(|attempt| attempt.role.clone())
            .or_else(of_state)
            .or_else(|| attempt.as_ref().map(|attempt| attempt.role.clone()))
            .or_else(|| Some(contract.assignment.assigned_role.clone()))
    }

    fn why(
        &self,
        display: &DisplayState,
        reading: &RoomReading,
        facts: &RoomFacts,
    ) -> Option<String> {
        if facts.question.is_some() {
            return facts.question.clone();
        }
        if let Some(first) = facts.blocked_by.first() {
            let ids: Vec<&str> = facts.blocked_by.iter().map(EpicId::as_str).collect();
            return Some(match facts.blocked_by.len() {
                1 => format!("{first} did not pass"),
                _ => format!("{} did not pass", ids.join(", ")),
            });
        }
        let tells = matches!(
            display.tone,
            Tone::Trouble | Tone::Attention | Tone::Failed | Tone::Cancelled
        );
        let reason = reading.standing.replay.last_reason.trim();
        // Whoever gave up said more than that they did.
        let said = reading.last_message.as_ref().filter(|message| spoke_of_the_end(message));
        let said = said.map(|message| last(message).text).filter(|text| !text.is_empty());
        // An attempt that ended without a word has a reason in its record.
        let ended = reading.attempt.as_ref().filter(|attempt| {
            !matches!(attempt.outcome, None | Some(Outcome::Signal(_) | Outcome::Cancelled))
        });
        let more = said.or_else(|| ended.and_then(|attempt| attempt.reason.clone()));
        match more {
            Some(more) if tells && !reason.is_empty() => Some(format!("{reason}: {more}")),
            _ => (tells && !reason.is_empty()).then(|| reason.to_owned()),
        }
    }
}

/// Whether somebody gave up by this message.
pub(super) fn spoke_of_the_end(message: &Message) -> bool {
    [names::ESCALATE, names::ERROR, names::FAIL, "reject"].contains(&message.kind.as_str())
}

/// What a person has to say before the room goes on: an answer, or more budget.
fn asked_of_a_person(
    inputs: &Inputs<'_>,
    reading: &RoomReading,
    active: bool,
    can_start: bool,
) -> Option<String> {
    if let Some(question) = reading.questions.first() {
        let more = match reading.questions.len() {
            1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        return Some(format!("{}{more}", question.line()));
    }
    let kind = reading.standing.kind();
    let starts = kind.has_session() || reading.standing.replay.started_at.is_none();
    if active || !can_start || !starts || kind == StateKind::Terminal {
        return None;
    }
    let of_room = reading.caps.used_up(&reading.spent).map(|words| ("room", words));
    let of_plan = || inputs.caps.used_up(&spent_by_all(inputs)).map(|words| ("plan", words));
    if let Some((whose, words)) = of_room.or_else(of_plan) {
        return Some(format!("the {whose}'s budget is used up: {words}"));
    }
    let capped = inputs.caps.is_set() || reading.caps.is_set();
    let silent = reading.attempt.as_ref().filter(|attempt| attempt.is_unmetered())?;
    (capped && !inputs.unmetered_is_fine).then(|| {
        format!("agent `{}` does not report what it uses, and there is a budget", silent.agent)
    })
}

fn spent_by_all(inputs: &Inputs<'_>) -> Spent {
    let readings = inputs.rooms.values().filter_map(|room| room.reading.as_ref().ok());
    readings.map(|reading| reading.spent).sum()
}

fn empty_row(id: &EpicId, node: &DagNode, display: DisplayState) -> Row {
    Row {
        epic: id.clone(),
        title: node.title.clone(),
        room: node.room_id.clone(),
        state: None,
        display,
        role: node.role.clone(),
        agent: None,
        model: None,
        percent: 0,
        message: None,
        attempt: 0,
        active: false,
        passed: false,
        retries: 0,
        max_retries: 0,
        elapsed_seconds: None,
        tokens: 0,
        cost_usd: None,
        last_message: None,
        depends_on: node.depends_on.clone(),
        wave: node.wave,
        blocked_by: Vec::new(),
        why: None,
    }
}

fn damaged(id: &EpicId, node: &DagNode, room: &RoomId, problem: &str) -> Row {
    let display = DisplayState {
        word: "damaged".to_owned(),
        detail: Some("`ostwin doctor` tells more".to_owned()),
        tone: Tone::Attention,
    };
    let why = Some(cut(problem.to_owned()));
    Row { room: Some(room.clone()), why, ..empty_row(id, node, display) }
}

/// A sentence for a view: what a file says may be of any length.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SENTENCE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn last(message: &Message) -> LastMessage {
    let first = message.body.lines().map(str::trim).find(|line| !line.is_empty());
    LastMessage {
        seq: message.seq,
        ts: message.ts,
        from: message.from.clone(),
        kind: message.kind.clone(),
        text: first.unwrap_or_default().chars().take(MAX_TEXT).collect(),
    }
}

fn count(rows: &[Row]) -> Counts {
    let mut counts = Counts { total: epics(rows).count(), ..Counts::default() };
    for row in rows {
        let is_review = row.epic.is_plan_review();
        let kind = match row.display.tone {
            // The review of the plan is no epic: it only shows while something happens in it.
            _ if is_review && !row.active && row.display.tone != Tone::Attention => continue,
            _ if row.passed => &mut counts.passed,
            Tone::Failed | Tone::Cancelled | Tone::Passed => &mut counts.failed,
            _ if row.active => &mut counts.running,
            Tone::Attention => &mut counts.attention,
            _ if !row.blocked_by.is_empty() => &mut counts.blocked,
            _ => &mut counts.waiting,
        };
        *kind += 1;
    }
    counts
}

/// The rows of epics, without the review of their plan.
fn epics(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| !row.epic.is_plan_review())
}

fn progress(rows: &[Row]) -> u8 {
    let sum: usize = epics(rows).map(|row| usize::from(row.percent)).sum();
    let percent = sum.checked_div(epics(rows).count()).unwrap_or(0);
    u8::try_from(percent).unwrap_or(100)
}

fn plan_state(inputs: &Inputs<'_>, counts: &Counts) -> PlanState {
    let goes_on = counts.running + counts.waiting > 0;
    if counts.total > 0 && counts.passed == counts.total {
        return PlanState::Finished;
    }
    if counts.total > 0 && !goes_on && counts.attention == 0 {
        return PlanState::Failed;
    }
    if counts.attention > 0 && counts.running == 0 && only_people_can_help(inputs) {
        return PlanState::WaitingForPerson;
    }
    if inputs.engine.driven {
        return PlanState::Running;
    }
    let is_begun = |(epic, room): (&EpicId, &RoomInput)| {
        let reading = room.reading.as_ref().ok();
        let started = reading.and_then(|reading| reading.standing.replay.started_at);
        started.is_some() && !epic.is_plan_review()
    };
    let begun = inputs.rooms.iter().any(is_begun);
    if begun { PlanState::Stopped } else { PlanState::Planned }
}

/// Whether every epic is finished, waits for a person, or waits for one that does.
fn only_people_can_help(inputs: &Inputs<'_>) -> bool {
    let mut stuck: BTreeMap<&EpicId, bool> = BTreeMap::new();
    for id in &inputs.dag.topological_order {
        let reading = inputs.rooms.get(id).and_then(|room| room.reading.as_ref().ok());
        let begun = reading.is_some_and(|reading| reading.standing.replay.started_at.is_some());
        let own = match inputs.rooms.get(id).map(|room| &room.reading) {
            Some(Ok(of_room)) => match of_room.standing.kind() {
                StateKind::Terminal => true,
                StateKind::Wait if begun => true,
                _ => {
                    let open = reading.as_ref().and_then(|reading| reading.attempt.as_ref());
                    let active = inputs.engine.driven && open.is_some_and(|open| open.is_open());
                    let passed = |needed: &EpicId| {
                        let room = inputs.rooms.get(needed).map(|room| room.reading.as_ref());
                        room.is_some_and(|reading| reading.is_ok_and(|r| is_passed(&r.standing)))
                    };
                    let node = inputs.dag.node(id);
                    let can_start = node.is_some_and(|node| node.depends_on.iter().all(passed));
                    asked_of_a_person(inputs, of_room, active, can_start).is_some()
                }
            },
            Some(Err(_)) => true,
            None => false,
        };
        let needed = inputs.dag.node(id).map_or(&[][..], |node| &node.depends_on);
        let held = |needed: &EpicId| {
            let passed = inputs
                .rooms
                .get(needed)
                .and_then(|room| room.reading.as_ref().ok())
                .is_some_and(|reading| is_passed(&reading.standing));
            !passed && stuck.get(needed).copied().unwrap_or(false)
        };
        let by_others = !begun && needed.iter().any(held);
        stuck.insert(id, own || by_others);
    }
    stuck.values().all(|stuck| *stuck)
}

fn elapsed(inputs: &Inputs<'_>, counts: &Counts) -> Option<u64> {
    let readings = || inputs.rooms.values().filter_map(|room| room.reading.as_ref().ok());
    let start = readings().filter_map(|reading| reading.standing.replay.started_at).min()?;
    let over = !inputs.engine.driven || counts.passed + counts.failed == counts.total;
    let moved = readings().filter_map(|reading| reading.standing.replay.entered_at);
    let closed = readings().filter_map(|reading| reading.attempt.as_ref()?.closed_at);
    let last = moved.chain(closed).max().filter(|_| over);
    Some(last.unwrap_or(inputs.now).since(start).as_secs())
}
