//! `progress.json`: how far the open attempt says it is. A hint: it moves nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Result, Room};
use crate::fs;
use crate::ids::AttemptId;
use crate::json::{Extra, Version};
use crate::time::Timestamp;

/// How far an attempt says it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Progress")]
pub struct Progress {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// 0 to 100.
    pub percent: u8,
    /// What is being done.
    #[serde(default)]
    pub message: String,
    /// The step it is at, counted from 1.
    #[serde(default)]
    pub step: Option<u32>,
    /// How many steps there are.
    #[serde(default)]
    pub total_steps: Option<u32>,
    /// Whose progress it is.
    #[serde(default)]
    pub attempt: Option<AttemptId>,
    /// When it was reported.
    pub updated_at: Timestamp,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Progress);

/// What an attempt reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgressReport {
    /// 0 to 100; more is taken as 100.
    pub percent: u8,
    /// What is being done.
    pub message: String,
    /// The step it is at, counted from 1.
    pub step: Option<u32>,
    /// How many steps there are.
    pub total_steps: Option<u32>,
    /// Whose progress it is.
    pub attempt: Option<AttemptId>,
}

/// Replaces the room's progress. Secrets do not get into it.
///
/// # Errors
/// The file cannot be written.
pub fn report(room: &Room, report: ProgressReport) -> Result<Progress> {
    let store = room.project().store();
    let progress = Progress {
        schema_version: Version::default(),
        percent: report.percent.min(100),
        message: store.redactor.text(&report.message).into_owned(),
        step: report.step,
        total_steps: report.total_steps,
        attempt: report.attempt,
        updated_at: store.now(),
        extra: Extra::new(),
    };
    fs::replace_json_hint(&room.paths().progress(), &progress)?;
    Ok(progress)
}
