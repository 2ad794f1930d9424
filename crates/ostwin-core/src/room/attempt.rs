//! `attempt.json`: one session in one state of the room, and how it ended.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ids::{AttemptId, MessageId, RoleRef, RunId, SignalName, StateName};
use crate::json::{Extra, Version};
use crate::layout::AttemptPaths;
use crate::time::Timestamp;

use super::gates::GateRecord;
use super::manifest::Manifest;

/// One attempt: its record and where its files are.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The attempt's files.
    pub paths: AttemptPaths,
    /// The record.
    pub record: AttemptRecord,
}

/// The record of one attempt, written when it is opened and when it is closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AttemptRecord")]
pub struct AttemptRecord {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The id that fences the attempt: only what carries it counts as its signal.
    pub id: AttemptId,
    /// 1, 2, 3 ... in the room.
    pub number: u32,
    /// The state that it works in.
    pub state: StateName,
    /// The transition that entered the state: an attempt belongs to one stay in it.
    pub audit_seq: u64,
    /// Who works, with instance.
    pub role: RoleRef,
    /// The agent program.
    pub agent: String,
    /// The model, if one was asked for.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether the rehearsal agent works here instead of a model.
    #[serde(default)]
    pub rehearsed: bool,
    /// The run of the engine that opened it.
    pub run_id: RunId,
    /// The machine that it runs on.
    pub host: String,
    /// The boot of that machine: in another one, its processes are gone.
    pub boot_id: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// A signal that is posted later is refused.
    pub deadline_at: Timestamp,
    /// The channel's length at opening, in bytes: the attempt's messages lie behind it.
    pub channel_offset: u64,
    /// Where the resolved values came from.
    #[serde(default)]
    pub provenance: Value,
    /// When it was closed; null while it is open.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// How it ended; null while it is open.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The message that was its signal.
    #[serde(default)]
    pub signal: Option<MessageId>,
    /// Why it ended as it did, in one sentence.
    #[serde(default)]
    pub reason: Option<String>,
    /// What the agent says it used; null if it did not report.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// What the agent says it cost, in US dollars; null if it did not report.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// Turns that ended in order: after each of them an agent can tell what it used, so that one
    /// that told nothing after the first is not metered.
    #[serde(default)]
    pub turns: u32,
    /// The agent's own id of its session, by which it can be loaded again.
    #[serde(default)]
    pub agent_session: Option<String>,
    /// The exit code of the agent's process, if it exited.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The signal that ended the agent's process, if one did.
    #[serde(default)]
    pub exit_signal: Option<i32>,
    /// When the model's service lets it go on, if it said so: the room rests until then.
    #[serde(default)]
    pub resume_at: Option<Timestamp>,
    /// What the session was made of; null if it was never made.
    #[serde(default)]
    pub manifest: Option<Manifest>,
    /// The commands that must succeed before its `done` counts; none if its role has no gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<GateRecord>,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(AttemptRecord);

impl AttemptRecord {
    /// Until when the room rests after this attempt: the model's service has no capacity and said
    /// when it has again.
    pub fn rests_until(&self) -> Option<Timestamp> {
        self.resume_at.filter(|_| self.outcome == Some(Outcome::RateLimited))
    }

    /// Whether the attempt has not been closed.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Whether the agent had an occasion to tell what it used, and told nothing.
    pub fn is_unmetered(&self) -> bool {
        self.turns > 0 && self.usage.is_none() && self.cost_usd.is_none()
    }
}

/// What an agent says a session used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens read, without those from a cache.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens written.
    #[serde(default)]
    pub output_tokens: u64,
    /// Tokens read from a cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens in all as the agent counts them; 0 if it gives no sum.
    #[serde(default)]
    pub total_tokens: u64,
}

impl Usage {
    /// Tokens in all: the agent's own sum, else that of the parts.
    pub fn total(&self) -> u64 {
        let parts =
            self.input_tokens.saturating_add(self.output_tokens).saturating_add(self.cached_tokens);
        if self.total_tokens > 0 { self.total_tokens } else { parts }
    }
}

/// What is known when an attempt is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAttempt {
    /// Who works, with instance.
    pub role: RoleRef,
    /// The agent program.
    pub agent: String,
    /// The model, if one is asked for.
    pub model: Option<String>,
    /// Whether the rehearsal agent works here instead of a model.
    pub rehearsed: bool,
    /// The run of the engine that opens it.
    pub run_id: RunId,
    /// How long it may take.
    pub timeout: std::time::Duration,
    /// Where the resolved values came from.
    pub provenance: Value,
}

/// What is known when an attempt's session has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// How it ended, should the channel hold no signal.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// What the agent says it used.
    pub usage: Option<Usage>,
    /// What the agent says it cost, in US dollars.
    pub cost_usd: Option<f64>,
    /// Turns that ended in order.
    pub turns: u32,
    /// The agent's own id of its session.
    pub agent_session: Option<String>,
    /// The exit code of the agent's process.
    pub exit_code: Option<i32>,
    /// The signal that ended the agent's process.
    pub exit_signal: Option<i32>,
    /// When the model's service lets it go on, if it said so.
    pub resume_at: Option<Timestamp>,
    /// What the session was made of.
    pub manifest: Option<Manifest>,
}

impl Ended {
    /// An end of which no more is known than why.
    pub fn with(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            usage: None,
            cost_usd: None,
            turns: 0,
            agent_session: None,
            exit_code: None,
            exit_signal: None,
            resume_at: None,
            manifest: None,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this signal.
    Signal(SignalName),
    /// The session ended and had said nothing, nudge included.
    NoSignal,
    /// It waits for a person; the answer opens the next attempt.
    Waiting,
    /// A budget was used up.
    Budget,
    /// The deadline passed.
    Timeout,
    /// A person or another rule ended it.
    Cancelled,
    /// The engine's own end cut it off.
    Interrupted,
    /// The agent's program could not be started.
    SpawnFailed,
    /// The agent's service refused the credentials.
    Auth,
    /// The agent's service had no capacity, for longer than was worth waiting.
    RateLimited,
    /// The agent failed in another way.
    AgentError,
}

impl Outcome {
    const WORDS: [(&'static str, Self); 10] = [
        ("no-signal", Self::NoSignal),
        ("waiting", Self::Waiting),
        ("budget", Self::Budget),
        ("timeout", Self::Timeout),
        ("cancelled", Self::Cancelled),
        ("interrupted", Self::Interrupted),
        ("spawn-failed", Self::SpawnFailed),
        ("auth", Self::Auth),
        ("rate-limited", Self::RateLimited),
        ("agent-error", Self::AgentError),
    ];

    /// The outcome in a word, as files write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Signal(signal) => signal.as_str(),
            other => Self::WORDS.iter().find(|(_, o)| o == other).map_or("", |(word, _)| word),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        match Self::WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, outcome)) => Ok(outcome.clone()),
            None => SignalName::new(&text).map(Self::Signal).map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for Outcome {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Outcome".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = Self::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({
            "description": "a signal's name, or how the attempt ended without one",
            "anyOf": [
                { "enum": words },
                { "type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$" }
            ]
        })
    }
}
