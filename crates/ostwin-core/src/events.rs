//! `events.jsonl`: what happened to a plan, for people and programs that follow it, and the
//! answers to control requests.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AttemptId, ControlId, EpicId, RoomId, RunId, SignalName, StateName};
use crate::json::Version;
use crate::jsonl::{self, JsonlError};
use crate::lifecycle::names;
use crate::store::Store;
use crate::time::Timestamp;

/// In the data of an event that tells of a transition: the number of its line in the room's audit.
pub const AUDIT_SEQ: &str = "audit_seq";

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// An engine took the plan for the first time.
    Started,
    /// An engine took the plan again.
    Resumed,
    /// A room was made for an epic.
    RoomCreated,
    /// A session began.
    AttemptOpened,
    /// A session ended.
    AttemptClosed,
    /// A room moved to another state.
    Moved,
    /// An epic passed.
    Passed,
    /// An epic was given up.
    Failed,
    /// A room waits for a person.
    Escalated,
    /// Something is off and the plan goes on.
    Warning,
    /// A session asks a person, or has been answered.
    Question,
    /// A permission was given or refused.
    Permission,
    /// A budget is nearly or wholly used up, or was changed by a person.
    Budget,
    /// A control request was answered.
    Control,
    /// A person paused the plan or a room: it opens no attempt.
    Paused,
    /// A person ended such a pause.
    Unpaused,
    /// The engine ended before the plan did.
    Stopped,
    /// Every room is finished or can never start.
    Finished,
}

/// The answer to a control request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlResult {
    /// It was carried out.
    Done,
    /// It was looked at and not carried out.
    Refused,
    /// It was meant for another run, or came too late.
    Void,
}

/// One line of the events. What does not apply to a kind is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Format version.
    pub v: Version<1>,
    /// Position in the file, counted from 1.
    pub seq: u64,
    /// When it was recorded.
    pub ts: Timestamp,
    /// What kind of thing happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The engine's run, if an engine wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The epic that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epic: Option<EpicId>,
    /// The epic's room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The attempt that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The state before a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<StateName>,
    /// The state after a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<StateName>,
    /// The signal of a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalName>,
    /// The request that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ControlId>,
    /// The answer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ControlResult>,
    /// In one sentence, why, or what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More of it, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Event {
    /// An event of this kind about nothing in particular; the file gives number and time.
    pub fn new(kind: EventKind) -> Self {
        Self {
            v: Version::default(),
            seq: 0,
            ts: Timestamp::from_millis(0),
            kind,
            run_id: None,
            epic: None,
            room: None,
            attempt: None,
            from: None,
            to: None,
            signal: None,
            request: None,
            result: None,
            reason: None,
            data: None,
        }
    }
}

impl Event {
    /// Whether people want to hear of it, wherever they are: an epic failed or waits for a person,
    /// a session ran out of time or asks, a budget is used up, the plan ended.
    pub fn is_alert(&self) -> bool {
        match self.kind {
            EventKind::Failed
            | EventKind::Escalated
            | EventKind::Question
            | EventKind::Budget
            | EventKind::Finished => true,
            EventKind::AttemptClosed => {
                let outcome = self.data.as_ref().and_then(|data| data.get("outcome")?.as_str());
                outcome == Some(names::TIMEOUT)
            }
            _ => false,
        }
    }
}

/// The events of one plan.
#[derive(Clone, Debug)]
pub struct Events {
    path: PathBuf,
}

impl Events {
    /// The events in this file.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The events' file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `event` with the next number and the current time, and without secrets.
    ///
    /// # Errors
    /// The file could not be written; nothing was added.
    pub fn append(&self, store: &Store, mut event: Event) -> Result<Event, JsonlError> {
        store.redactor.in_option(&mut event.reason);
        if let Some(data) = &mut event.data {
            store.redactor.in_value(data);
        }
        let (event, _) =
            jsonl::append(store, &self.path, |seq| Event { seq, ts: store.now(), ..event })?;
        Ok(event)
    }

    /// Every event, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_all(&self) -> Result<Vec<Event>, JsonlError> {
        Ok(jsonl::read_all(&self.path)?.0)
    }
}
