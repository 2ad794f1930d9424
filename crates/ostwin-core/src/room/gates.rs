//! Quality gates of an attempt: which commands must succeed before its `done` counts, and what came
//! of them.
//!
//! A `done` is accepted like any signal. With gates it counts once they have succeeded. One that
//! fails is told to the session that is still there: its `done` is taken back, so that it may post
//! another.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::locked::LockedRoom;
use super::{Result, RoomError};
use crate::channel::{DEFAULT_MAX_MESSAGE_BYTES, Draft};
use crate::env::crash_point;
use crate::fs::{self, FsError};
use crate::ids::{AttemptId, RoleRef, SignalName};

/// The quality gates of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateRecord {
    /// The gates that must succeed, by name.
    pub required: Vec<String>,
    /// What came of them since the last `done`. Those behind one that failed were not tried.
    #[serde(default)]
    pub results: Vec<GateResult>,
    /// The gate whose failure the session was told: it is told one, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// What came of one gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The gate.
    pub name: String,
    /// Whether it succeeded.
    pub passed: bool,
    /// In one sentence, how it ended.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What it said, as a file of the attempt's folder; none for a check without a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How far the gates of a `done` are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateStanding {
    /// They succeeded, or there are none.
    Passed,
    /// They have not been tried.
    Due,
    /// This one failed.
    Failed(String),
}

impl GateRecord {
    /// How far the gates are.
    pub fn standing(&self) -> GateStanding {
        if let Some(failed) = self.results.iter().find(|result| !result.passed) {
            return GateStanding::Failed(failed.name.clone());
        }
        let tried = |name: &String| self.results.iter().any(|result| result.name == *name);
        match self.required.iter().all(tried) {
            true => GateStanding::Passed,
            false => GateStanding::Due,
        }
    }
}

impl LockedRoom<'_> {
    /// Notes what came of the gates of the room's last attempt, open or closed. If `id` is not the
    /// last one, nothing is noted.
    ///
    /// # Errors
    /// A file failed.
    pub fn note_gates(&mut self, id: &AttemptId, results: Vec<GateResult>) -> Result<()> {
        let Some(mut last) = self.room().last_attempt()?.filter(|last| last.record.id == *id)
        else {
            return Ok(());
        };
        let gates = last.record.gates.get_or_insert_default();
        gates.results = results;
        let durability = self.room().project().store().durability;
        fs::replace_json(&last.paths.record(), &last.record, durability)?;
        crash_point("gates_noted");
        Ok(())
    }

    /// Takes back the `done` of the open attempt, because a gate failed: a note in the channel says
    /// why, and the attempt may post another signal. Its deadline moves by as long as the gates
    /// `took`.
    ///
    /// # Errors
    /// `id` is not the open attempt, or a file failed.
    pub fn take_back_done(
        &mut self,
        id: &AttemptId,
        failed: &GateResult,
        took: Duration,
    ) -> Result<()> {
        let open = self.room().open_attempt()?.filter(|open| open.record.id == *id);
        let Some(mut open) = open else {
            return Err(self.refusal(format!("attempt {id} is not open")));
        };
        let name = |text: &str| RoleRef::new(text).map_err(RoomError::from);
        let draft = Draft {
            attempt: Some(id.clone()),
            from: name("engine")?,
            to: open.record.role.clone(),
            kind: SignalName::new("note")?,
            reference: None,
            body: format!(
                "The `done` does not count: quality gate `{}` failed, {}.",
                failed.name, failed.reason
            ),
            data: Some(json!({ "gate": failed })),
        };
        let store = self.room().project().store();
        let channel = self.room().channel();
        channel.post(store, draft, &[], DEFAULT_MAX_MESSAGE_BYTES)?;
        crash_point("gate_told");
        let end = std::fs::metadata(channel.path())
            .map_err(|error| FsError::new("read", channel.path(), error))?;
        open.record.channel_offset = end.len();
        open.record.deadline_at = open.record.deadline_at.plus(took);
        let gates = open.record.gates.get_or_insert_default();
        gates.results.clear();
        gates.told = Some(failed.name.clone());
        fs::replace_json(&open.paths.record(), &open.record, store.durability)?;
        Ok(())
    }
}
