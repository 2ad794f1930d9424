//! The state machine of a room, as `lifecycle.json` holds it.
//!
//! A person may write a signal's value as one edge, as a list of edges of which the first whose
//! guard holds is taken, or as `"@triage"`; files are always written with everything spelled out.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::guard::Guard;
use crate::ids::{RoleRef, SignalName, StateName};
use crate::json::{Extra, Ordered, Version, nearest};

/// The names that have a meaning to the program, whatever else a machine draws.
pub mod names {
    /// The state of a room that a person gave up; in every machine.
    pub const CANCELLED: &str = "cancelled";
    /// The state in which the work was accepted.
    pub const PASSED: &str = "passed";
    /// The state in which the work was given up.
    pub const FAILED_FINAL: &str = "failed-final";
    /// The state in which the manager role decides.
    pub const TRIAGE: &str = "triage";
    /// The state in which a person decides.
    pub const ESCALATED: &str = "escalated";

    /// Dependencies have passed: the engine starts the room.
    pub const READY: &str = "ready";
    /// The engine tries again.
    pub const RETRY: &str = "retry";
    /// The engine has no try left.
    pub const EXHAUST: &str = "exhaust";
    /// What a replan waited for is there.
    pub const UNBLOCK: &str = "unblock";
    /// An attempt reached its deadline.
    pub const TIMEOUT: &str = "timeout";
    /// An attempt failed.
    pub const ERROR: &str = "error";
    /// A worker has finished.
    pub const DONE: &str = "done";
    /// A reviewer accepts.
    pub const PASS: &str = "pass";
    /// A reviewer rejects.
    pub const FAIL: &str = "fail";
    /// A session asks for a decision above its own.
    pub const ESCALATE: &str = "escalate";

    /// Signals that only the engine sends; they are never messages.
    pub const ENGINE_SIGNALS: [&str; 5] = [READY, RETRY, EXHAUST, UNBLOCK, TIMEOUT];
    /// The verdicts of triage, by the manager role or by a person.
    pub const VERDICTS: [&str; 4] = ["fix", "redesign", "replan", "reject"];

    /// Stands for "to triage while there is one left, else to the end".
    pub(super) const TRIAGE_SHORTHAND: &str = "@triage";
    pub(super) const PREVIOUS: &str = "@previous";
}

/// A room's state machine: `lifecycle.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Machine")]
pub struct Machine {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// Where a new room begins.
    pub initial_state: StateName,
    /// How many rejections and failed attempts are answered by another try; 0 means none.
    #[serde(default = "default_max_retries")]
    pub max_retries: u32,
    /// How often the room may go to triage.
    #[serde(default = "default_max_triages")]
    pub max_triages: u32,
    /// Every state by its name, in file order.
    pub states: Ordered<StateName, State>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Machine);

fn default_max_retries() -> u32 {
    3
}

fn default_max_triages() -> u32 {
    1
}

impl Machine {
    /// This machine with what every machine has: a terminal state `cancelled`, drawn or not.
    #[must_use]
    pub fn normalise(mut self) -> Self {
        if !self.states.contains_key(names::CANCELLED)
            && let Ok(cancelled) = StateName::new(names::CANCELLED)
        {
            self.states.insert(cancelled, State::new(StateKind::Terminal));
        }
        self
    }

    /// The state of this name.
    pub fn state(&self, name: &StateName) -> Option<&State> {
        self.states.get(name.as_str())
    }

    /// The kind of the state of this name.
    pub fn kind(&self, name: &StateName) -> Option<StateKind> {
        self.state(name).map(|state| state.kind)
    }

    /// Whether a room in this state is finished; an unknown state is not.
    pub fn is_terminal(&self, name: &StateName) -> bool {
        self.kind(name) == Some(StateKind::Terminal)
    }

    /// What an agent in this state may send: the declared signals without the engine's own; nothing
    /// in a state that runs no session.
    pub fn allowed_agent_signals(&self, name: &StateName) -> Vec<SignalName> {
        match self.state(name) {
            Some(state) if state.kind.has_session() => message_signals(state),
            _ => Vec::new(),
        }
    }

    /// What a person may answer in this state: the verdicts of a triage, or of a wait.
    pub fn allowed_person_signals(&self, name: &StateName) -> Vec<SignalName> {
        match self.state(name) {
            Some(state) if matches!(state.kind, StateKind::Wait | StateKind::Triage) => {
                message_signals(state).into_iter().filter(|s| s.as_str() != names::ERROR).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every signal that any state declares and that may be a message's type, in file order.
    pub fn message_types(&self) -> Vec<SignalName> {
        let mut types = Vec::new();
        for signal in self.states.iter().flat_map(|(_, state)| message_signals(state)) {
            if !types.contains(&signal) {
                types.push(signal);
            }
        }
        types
    }
}

fn message_signals(state: &State) -> Vec<SignalName> {
    let own = |signal: &&SignalName| !names::ENGINE_SIGNALS.contains(&signal.as_str());
    state.signals.keys().filter(own).cloned().collect()
}

/// What happens while a room is in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// Nothing runs.
    Wait,
    /// A session of `role` works.
    Work,
    /// A session of `role` reviews.
    Review,
    /// A session of the manager role decides, or a person.
    Triage,
    /// The engine takes the first signal whose guard holds.
    Decision,
    /// The room is finished.
    Terminal,
}

impl StateKind {
    /// Whether entering the state opens an attempt.
    pub fn has_session(self) -> bool {
        matches!(self, Self::Work | Self::Review | Self::Triage)
    }

    /// Whether `@previous` can lead back to the state.
    pub fn is_previous(self) -> bool {
        matches!(self, Self::Work | Self::Review)
    }

    /// The kind as files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Work => "work",
            Self::Review => "review",
            Self::Triage => "triage",
            Self::Decision => "decision",
            Self::Terminal => "terminal",
        }
    }
}

impl fmt::Display for StateKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// One state of a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "State")]
pub struct State {
    /// What happens in it.
    #[serde(rename = "type")]
    pub kind: StateKind,
    /// Whose session runs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleRef>,
    /// Where each signal leads.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub signals: Ordered<SignalName, Edges>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(State);

impl State {
    /// A state without role and signals.
    pub fn new(kind: StateKind) -> Self {
        Self { kind, role: None, signals: Ordered::default(), extra: Extra::new() }
    }
}

/// Where a signal leads: the first edge whose guard holds. Written as one object or as a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Edges(pub Vec<Edge>);

/// One way from a state to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Edge")]
pub struct Edge {
    /// The condition under which it may be taken; none means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// Where it leads.
    pub target: Target,
    /// What is done on the way, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Edge);

impl Edge {
    /// An edge that is always taken.
    pub fn to(target: Target) -> Self {
        Self { guard: None, target, actions: Vec::new(), extra: Extra::new() }
    }
}

/// The end of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A state of the machine.
    State(StateName),
    /// `@previous`: the latest work or review state in the audit before the current one.
    Previous,
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(name) => out.pad(name.as_str()),
            Self::Previous => out.pad(names::PREVIOUS),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == names::PREVIOUS {
            return Ok(Self::Previous);
        }
        if text.starts_with('@') {
            return Err(D::Error::custom(format_args!(
                "target `{text}` is unknown: expected the name of a state or `@previous` \
                 (`\"@triage\"` stands for a whole edge)"
            )));
        }
        StateName::new(&text).map(Self::State).map_err(D::Error::custom)
    }
}

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "the name of a state, or `@previous`" })
    }
}

/// What a transition does besides changing the state. Each is done once, whatever crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One of the room's retries is used.
    IncrementRetries,
    /// The room gets one retry more than its machine says.
    GrantRetry,
    /// The reviewer's findings go to the worker as a `fix` message.
    PostFix,
    /// The triage's notes are appended to `brief.md` under a dated heading.
    ReviseBrief,
    /// A change of the plan is asked for.
    RequestReplan,
    /// The summary of the last `done` is published to the shared memory.
    PublishMemory,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 6] = [
        Self::IncrementRetries,
        Self::GrantRetry,
        Self::PostFix,
        Self::ReviseBrief,
        Self::RequestReplan,
        Self::PublishMemory,
    ];

    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncrementRetries => "increment_retries",
            Self::GrantRetry => "grant_retry",
            Self::PostFix => "post_fix",
            Self::ReviseBrief => "revise_brief",
            Self::RequestReplan => "request_replan",
            Self::PublishMemory => "publish_memory",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.map(Self::as_str);
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| {
            match nearest(&text, known) {
                Some(near) => D::Error::custom(format_args!(
                    "action `{text}` is unknown; did you mean `{near}`?"
                )),
                None => D::Error::custom(format_args!(
                    "action `{text}` is unknown: expected one of {}",
                    known.join(", ")
                )),
            }
        })
    }
}

impl Edges {
    /// What `"@triage"` stands for.
    pub fn triage() -> Self {
        let to = |name: &str| StateName::new(name).map(|name| Edge::to(Target::State(name)));
        let triage =
            to(names::TRIAGE).map(|edge| Edge { guard: Some(Guard::triages_left()), ..edge });
        Self([triage, to(names::FAILED_FINAL)].into_iter().flatten().collect())
    }
}

impl Serialize for Edges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => only.serialize_kept(serializer),
            many => serializer.collect_seq(many),
        }
    }
}

impl Edge {
    /// `Edge::serialize` would be the derived function that leaves `extra` out.
    fn serialize_kept<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        <Self as Serialize>::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Edges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EdgesVisitor { in_list: false })
    }
}

struct EdgesVisitor {
    in_list: bool,
}

impl<'de> Visitor<'de> for EdgesVisitor {
    type Value = Edges;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.in_list {
            "an edge `{\"target\": ..}` or `\"@triage\"`"
        } else {
            "an edge `{\"target\": ..}`, a list of edges, or `\"@triage\"`"
        })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Edges, E> {
        if text == names::TRIAGE_SHORTHAND {
            return Ok(Edges::triage());
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Edges, A::Error> {
        let edge = <Edge as Deserialize>::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Edges(vec![edge]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Edges, A::Error> {
        if self.in_list {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        let mut edges = Vec::new();
        while let Some(ListItem(item)) = seq.next_element()? {
            edges.extend(item.0);
        }
        if edges.is_empty() {
            return Err(A::Error::custom("the list is empty: expected at least one edge"));
        }
        Ok(Edges(edges))
    }
}

/// An entry of a list of edges, which may not be a list again.
struct ListItem(Edges);

impl<'de> Deserialize<'de> for ListItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EdgesVisitor { in_list: true }).map(ListItem)
    }
}

impl JsonSchema for Edges {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Edges".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let edge = generator.subschema_for::<Edge>();
        let triage = json_schema!({ "const": names::TRIAGE_SHORTHAND });
        json_schema!({
            "description": "Where a signal leads: one edge, or a list of which the first whose \
                            guard holds is taken. `@triage` stands for triage while there is one \
                            left, else `failed-final`.",
            "anyOf": [
                edge,
                triage,
                { "type": "array", "minItems": 1, "items": { "anyOf": [edge, triage] } }
            ]
        })
    }
}
