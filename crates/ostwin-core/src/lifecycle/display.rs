//! The word that every view shows for a room.
//!
//! A machine's states are few and exact; people ask other questions: is it their turn, what does
//! it wait for, when does it go on. Those words are never stored. This is the one function that
//! computes them, so that the terminal, the web app and the chats say the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::machine::{Machine, StateKind, names};
use crate::ids::{EpicId, SignalName, StateName};
use crate::time::Timestamp;

/// How far the plan is that a room belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlanStage {
    /// Its review has not ended: the rooms are not made yet.
    Planning,
    /// It is settled, but no engine drives it.
    Planned,
    /// An engine drives it.
    #[default]
    Running,
}

/// What decides, besides the state, which word a room gets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoomFacts {
    /// How far the plan is.
    pub stage: PlanStage,
    /// Dependencies that have not passed but still may.
    pub waits_for: Vec<EpicId>,
    /// Dependencies that failed, or can never start because of one that did.
    pub blocked_by: Vec<EpicId>,
    /// Whether a session could start now.
    pub slot_free: bool,
    /// Whether a person paused the room or its plan.
    pub paused: bool,
    /// Whether an attempt is open.
    pub attempt_open: bool,
    /// What a person has to answer before the room goes on, in a few words.
    pub question: Option<String>,
    /// When the room goes on by itself: a retry's delay, a usage window.
    pub resume_at: Option<Timestamp>,
    /// The signal that led to the state.
    pub last_signal: Option<SignalName>,
    /// The time it is.
    pub now: Option<Timestamp>,
}

/// How a word is coloured and how much it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing happens, and nothing has to.
    Idle,
    /// It goes on as soon as there is a slot or the time has come.
    Soon,
    /// A session runs.
    Active,
    /// Something went wrong; the engine deals with it.
    Trouble,
    /// A person has to decide.
    Attention,
    /// The work was accepted.
    Passed,
    /// The work was given up.
    Failed,
    /// A person gave it up.
    Cancelled,
}

/// What a view shows for a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisplayState {
    /// One or a few words: the state's own name where that says it best.
    pub word: String,
    /// What it waits for or why, if the word alone leaves that open.
    pub detail: Option<String>,
    /// How it is coloured.
    pub tone: Tone,
}

fn shown(word: impl Into<String>, detail: Option<String>, tone: Tone) -> DisplayState {
    DisplayState { word: word.into(), detail, tone }
}

/// The display of a room in `state` of `machine`.
pub fn display(machine: &Machine, state: &StateName, facts: &RoomFacts) -> DisplayState {
    let name = state.as_str();
    let Some(kind) = machine.kind(state) else {
        let detail = "its machine has no such state".to_owned();
        return shown(name, Some(detail), Tone::Trouble);
    };
    match kind {
        StateKind::Terminal => shown(name, None, ending(name)),
        _ if facts.question.is_some() => shown("waiting", facts.question.clone(), Tone::Attention),
        // A running session may finish although its room is paused.
        _ if facts.paused && !facts.attempt_open => shown("paused", None, Tone::Idle),
        StateKind::Wait if *state == machine.initial_state => not_yet(facts),
        StateKind::Wait if !machine.allowed_person_signals(state).is_empty() => {
            shown(name, Some("a person has to decide".to_owned()), Tone::Attention)
        }
        StateKind::Wait => shown(name, None, Tone::Idle),
        StateKind::Decision | StateKind::Work | StateKind::Review | StateKind::Triage => {
            let signal = facts.last_signal.as_ref().map(SignalName::as_str);
            running(name, kind, signal, facts)
        }
    }
}

fn ending(name: &str) -> Tone {
    match name {
        names::CANCELLED => Tone::Cancelled,
        _ if name.contains("fail") || name.contains("reject") => Tone::Failed,
        _ => Tone::Passed,
    }
}

fn not_yet(facts: &RoomFacts) -> DisplayState {
    if let Some(first) = facts.blocked_by.first() {
        let others = others(&facts.blocked_by);
        return shown(format!("blocked by {first}"), others, Tone::Trouble);
    }
    match facts.stage {
        PlanStage::Planning => shown("planning", None, Tone::Idle),
        PlanStage::Planned => shown("planned", None, Tone::Idle),
        PlanStage::Running if !facts.waits_for.is_empty() => {
            let names: Vec<_> = facts.waits_for.iter().map(EpicId::as_str).collect();
            shown("waiting", Some(format!("for {}", names.join(", "))), Tone::Idle)
        }
        PlanStage::Running => match later(facts) {
            Some(seconds) => shown(format!("ready in {}", span(seconds)), None, Tone::Soon),
            None if facts.slot_free => shown("ready", None, Tone::Soon),
            None => shown("ready", Some("for a free slot".to_owned()), Tone::Soon),
        },
    }
}

fn others(blocked_by: &[EpicId]) -> Option<String> {
    let others: Vec<_> = blocked_by.iter().skip(1).map(EpicId::as_str).collect();
    (!others.is_empty()).then(|| format!("and by {}", others.join(", ")))
}

fn running(name: &str, kind: StateKind, signal: Option<&str>, facts: &RoomFacts) -> DisplayState {
    if facts.attempt_open {
        let word = match signal {
            Some("redesign") => "redesign",
            _ => name,
        };
        let detail = (word != name).then(|| name.to_owned());
        return shown(word, detail, Tone::Active);
    }
    if let Some(seconds) = later(facts) {
        let why = signal.map(|signal| format!("{name} after {signal}"));
        return shown(format!("retrying in {}", span(seconds)), why, Tone::Soon);
    }
    match (kind, signal) {
        (StateKind::Decision, Some(names::TIMEOUT)) => {
            shown("timeout", Some(name.to_owned()), Tone::Trouble)
        }
        (StateKind::Decision, _) => shown(name, None, Tone::Trouble),
        _ => match facts.stage {
            PlanStage::Running if facts.slot_free => {
                shown(name, Some("starting".to_owned()), Tone::Soon)
            }
            PlanStage::Running => {
                shown("waiting", Some(format!("{name}: for a free slot")), Tone::Soon)
            }
            PlanStage::Planning | PlanStage::Planned => {
                shown(name, Some("no engine drives it".to_owned()), Tone::Idle)
            }
        },
    }
}

/// Whole seconds until the room goes on by itself, rounded up.
fn later(facts: &RoomFacts) -> Option<u64> {
    let (resume_at, now) = (facts.resume_at?, facts.now?);
    let millis = resume_at.since(now).as_millis();
    u64::try_from(millis.div_ceil(1000)).ok().filter(|seconds| *seconds > 0)
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        let state =
            |kind: &str, signals: &str| format!(r#"{{"type":"{kind}","signals":{{{signals}}}}}"#);
        let text = format!(
            r#"{{"initial_state":"pending","states":{{"pending":{},"developing":{},"failed":{},
                "escalated":{},"blocked":{},"passed":{},"failed-final":{},"cancelled":{}}}}}"#,
            state("wait", ""),
            state("work", ""),
            state("decision", ""),
            state("wait", r#""fix":{"target":"developing"}"#),
            state("wait", r#""unblock":{"target":"developing"}"#),
            state("terminal", ""),
            state("terminal", ""),
            state("terminal", ""),
        );
        serde_json::from_str(&text).unwrap()
    }

    fn epics(names: &[&str]) -> Vec<EpicId> {
        names.iter().map(|name| EpicId::new(name).unwrap()).collect()
    }

    fn facts() -> RoomFacts {
        RoomFacts { slot_free: true, now: Some(Timestamp::from_millis(0)), ..RoomFacts::default() }
    }

    fn line(name: &str, facts: &RoomFacts) -> String {
        let state = StateName::new(name).unwrap();
        let DisplayState { word, detail, tone } = display(&machine(), &state, facts);
        format!("{word} | {} | {tone:?}", detail.unwrap_or_default())
    }

    fn after(signal: &str) -> RoomFacts {
        RoomFacts { last_signal: Some(SignalName::new(signal).unwrap()), ..facts() }
    }

    #[test]
    fn before_the_start() {
        let pending = |facts: RoomFacts| line("pending", &facts);
        assert_eq!(
            pending(RoomFacts { stage: PlanStage::Planning, ..facts() }),
            "planning |  | Idle"
        );
        assert_eq!(
            pending(RoomFacts { stage: PlanStage::Planned, ..facts() }),
            "planned |  | Idle"
        );
        assert_eq!(
            pending(RoomFacts { waits_for: epics(&["EPIC-001", "EPIC-002"]), ..facts() }),
            "waiting | for EPIC-001, EPIC-002 | Idle"
        );
        assert_eq!(
            pending(RoomFacts { blocked_by: epics(&["EPIC-003", "EPIC-004"]), ..facts() }),
            "blocked by EPIC-003 | and by EPIC-004 | Trouble"
        );
        assert_eq!(pending(facts()), "ready |  | Soon");
        assert_eq!(
            pending(RoomFacts { slot_free: false, ..facts() }),
            "ready | for a free slot | Soon"
        );
        assert_eq!(pending(RoomFacts { paused: true, ..facts() }), "paused |  | Idle");
    }

    #[test]
    fn while_it_runs() {
        let open = RoomFacts { attempt_open: true, ..after("ready") };
        assert_eq!(line("developing", &open), "developing |  | Active");
        let redesign = RoomFacts { attempt_open: true, ..after("redesign") };
        assert_eq!(line("developing", &redesign), "redesign | developing | Active");
        let paused = RoomFacts { paused: true, ..open.clone() };
        assert_eq!(line("developing", &paused), "developing |  | Active");
        let asked = RoomFacts { question: Some("which port?".to_owned()), ..open };
        assert_eq!(line("developing", &asked), "waiting | which port? | Attention");
    }

    #[test]
    fn after_something_went_wrong() {
        assert_eq!(line("failed", &after("timeout")), "timeout | failed | Trouble");
        assert_eq!(line("failed", &after("error")), "failed |  | Trouble");
        let delayed =
            RoomFacts { resume_at: Some(Timestamp::from_millis(29_001)), ..after("retry") };
        assert_eq!(
            line("developing", &delayed),
            "retrying in 30 s | developing after retry | Soon"
        );
        assert_eq!(
            line("escalated", &after("exhaust")),
            "escalated | a person has to decide | Attention"
        );
        assert_eq!(line("blocked", &after("replan")), "blocked |  | Idle");
        assert_eq!(line("lost", &facts()), "lost | its machine has no such state | Trouble");
    }

    #[test]
    fn at_the_end() {
        assert_eq!(line("passed", &after("pass")), "passed |  | Passed");
        assert_eq!(line("failed-final", &facts()), "failed-final |  | Failed");
        assert_eq!(line("cancelled", &facts()), "cancelled |  | Cancelled");
    }
}
