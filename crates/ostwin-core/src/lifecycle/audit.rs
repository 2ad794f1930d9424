//! The lines of `lifecycle-audit.jsonl`: every transition in order, and marks behind them.
//!
//! A transition has happened once its line is there; the mark `{"applied": seq}` says that its
//! actions were done and `status.txt` follows. What has no mark is finished by whoever takes the
//! room's lock next.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::machine::Action;
use crate::ids::{AttemptId, ControlId, MessageId, SignalName, StateName};
use crate::json::{Extra, Version};
use crate::time::Timestamp;

/// One transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AuditEntry")]
pub struct AuditEntry {
    /// Version of the line's schema.
    #[serde(default)]
    pub v: Version<1>,
    /// 1, 2, 3 ... without gaps, given under the file's lock.
    pub seq: u64,
    /// When it was recorded.
    pub ts: Timestamp,
    /// The state before; null in the first line, which makes the room.
    pub from: Option<StateName>,
    /// The state after.
    pub to: StateName,
    /// The signal that led there; null for the first line and for an override.
    #[serde(default)]
    pub signal: Option<SignalName>,
    /// The one thing that caused it.
    pub cause: Cause,
    /// The attempt whose signal or end this is.
    #[serde(default)]
    pub attempt: Option<AttemptId>,
    /// Who did it: `engine`, or a person's name.
    pub actor: String,
    /// Why, in one sentence.
    #[serde(default)]
    pub reason: String,
    /// Retries used so far, this line included.
    #[serde(default)]
    pub retries: u32,
    /// What was to be done on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Whether a person forced what the machine does not draw.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(AuditEntry);

impl AuditEntry {
    /// The first line of a room: from nothing to its initial state.
    pub fn created(seq: u64, ts: Timestamp, initial: StateName, actor: &str) -> Self {
        Self {
            v: Version::default(),
            seq,
            ts,
            from: None,
            to: initial,
            signal: None,
            cause: Cause::Engine("created".to_owned()),
            attempt: None,
            actor: actor.to_owned(),
            reason: "room created".to_owned(),
            retries: 0,
            actions: Vec::new(),
            forced: false,
            extra: Extra::new(),
        }
    }
}

/// The one recorded cause of a transition: `{"message":"msg-.."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A message in the room's channel.
    Message(MessageId),
    /// A request in the plan's `control.jsonl`.
    Control(ControlId),
    /// A timer that was due, by its name: `deadline`, `retry_delay`.
    Timer(String),
    /// The end of an attempt that sent no signal, by its outcome: `no-signal`, `agent-error`.
    Attempt(String),
    /// A rule of the engine: `created`, `dependencies`, `decision`.
    Engine(String),
    /// A person's override that went through no request, by the program used.
    Override(String),
}

/// The mark behind a transition whose actions are done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Applied")]
pub struct Applied {
    /// Version of the line's schema.
    #[serde(default)]
    pub v: Version<1>,
    /// The `seq` of the transition.
    pub applied: u64,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Applied);

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum AuditLine {
    /// A transition.
    Entry(Box<AuditEntry>),
    /// The mark behind one.
    Applied(Applied),
}

impl AuditLine {
    /// The mark behind transition `seq`.
    pub fn applied(seq: u64) -> Self {
        Self::Applied(Applied { v: Version::default(), applied: seq, extra: Extra::new() })
    }

    /// The transition, if this line is one.
    pub fn entry(&self) -> Option<&AuditEntry> {
        match self {
            Self::Entry(entry) => Some(entry),
            Self::Applied(_) => None,
        }
    }
}

impl From<AuditEntry> for AuditLine {
    fn from(entry: AuditEntry) -> Self {
        Self::Entry(Box::new(entry))
    }
}

impl Serialize for AuditLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Entry(entry) => <AuditEntry as Serialize>::serialize(entry, serializer),
            Self::Applied(mark) => <Applied as Serialize>::serialize(mark, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AuditLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Extra::deserialize(deserializer)?;
        let is_mark = fields.contains_key("applied");
        let value = Value::Object(fields);
        let line = if is_mark {
            serde_json::from_value(value).map(Self::Applied)
        } else {
            serde_json::from_value(value).map(|entry| Self::Entry(Box::new(entry)))
        };
        line.map_err(serde::de::Error::custom)
    }
}
