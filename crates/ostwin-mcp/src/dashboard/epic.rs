//! An epic as callers see it: the board's row without what only a person's view needs.

use ostwin_core::board::{LastMessage, Row};
use ostwin_core::ids::{EpicId, RoleRef, RoomId, StateName};
use ostwin_core::lifecycle::DisplayState;
use schemars::JsonSchema;
use serde::Serialize;

use super::clipped::{cut_names, is_zero};

/// An epic and its room. What does not apply to it is left out.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Epic {
    epic: EpicId,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateName>,
    /// How it stands in the words that people read.
    shown_as: String,
    /// Who works now, else who did last, else who begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleRef>,
    percent: u8,
    /// Whether a session runs at this moment.
    active: bool,
    /// What that session says it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    doing: Option<String>,
    /// The number of the last attempt; 0 before the first.
    attempt: u32,
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<Said>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<EpicId>,
    /// Dependencies because of which it can never start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked_by: Vec<EpicId>,
    /// How many names the two lists above leave out.
    #[serde(skip_serializing_if = "is_zero")]
    names_left_out: usize,
    /// Why it failed, waits for a person, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    tokens: u64,
}

/// The newest message of a room in one line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Said {
    seq: u64,
    from: RoleRef,
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

impl From<LastMessage> for Said {
    fn from(message: LastMessage) -> Self {
        let LastMessage { seq, from, kind, text, .. } = message;
        Self { seq, from, kind: kind.to_string(), text }
    }
}

impl From<Row> for Epic {
    fn from(mut row: Row) -> Self {
        let names_left_out = cut_names(&mut row.depends_on) + cut_names(&mut row.blocked_by);
        Self {
            epic: row.epic,
            title: row.title,
            room: row.room,
            state: row.state,
            shown_as: shown(&row.display),
            role: row.role,
            percent: row.percent,
            active: row.active,
            doing: row.message,
            attempt: row.attempt,
            retries: row.retries,
            last_message: row.last_message.map(Said::from),
            depends_on: row.depends_on,
            blocked_by: row.blocked_by,
            names_left_out,
            why: row.why,
            tokens: row.tokens,
        }
    }
}

/// The word that people see for a room, and what it waits for.
pub(super) fn shown(display: &DisplayState) -> String {
    match &display.detail {
        Some(detail) => format!("{} ({detail})", display.word),
        None => display.word.clone(),
    }
}
