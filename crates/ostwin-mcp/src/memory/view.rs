//! Entries of the ledger as callers see them.

use ostwin_core::ids::{MemoryId, PlanId, RoleRef, RoomId};
use ostwin_core::ledger::{Entry, Kind};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// Longest start of a summary in a list, in characters.
const HEADLINE_CHARS: usize = 160;

/// A memory in full.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct View {
    /// Its id, by which it can be superseded.
    pub(super) id: MemoryId,
    /// What it is.
    pub(super) kind: Kind,
    /// When it was published.
    pub(super) ts: Timestamp,
    /// The room that published it; null for a person.
    pub(super) room_id: Option<RoomId>,
    /// The plan of that room.
    pub(super) plan_id: Option<PlanId>,
    /// The role that published it.
    pub(super) author_role: RoleRef,
    /// What it is about, such as an epic's id.
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    /// Words to find it by.
    pub(super) tags: Vec<String>,
    /// What to know.
    pub(super) summary: String,
    /// More, if there is more.
    pub(super) detail: Option<String>,
    /// The memory that this one replaces.
    pub(super) supersedes: Option<MemoryId>,
}

impl From<Entry> for View {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            ts: entry.ts,
            room_id: entry.room_id,
            plan_id: entry.plan_id,
            author_role: entry.author_role,
            reference: entry.reference,
            tags: entry.tags,
            summary: entry.summary,
            detail: entry.detail,
            supersedes: entry.supersedes,
        }
    }
}

/// A memory in one line of a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Headline {
    /// Its id.
    pub(super) id: MemoryId,
    /// What it is.
    pub(super) kind: Kind,
    /// When it was published.
    pub(super) ts: Timestamp,
    /// The room that published it; null for a person.
    pub(super) room_id: Option<RoomId>,
    /// The role that published it.
    pub(super) author_role: RoleRef,
    /// What it is about, such as an epic's id.
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    /// Words to find it by.
    pub(super) tags: Vec<String>,
    /// The start of the summary.
    pub(super) headline: String,
}

impl From<Entry> for Headline {
    fn from(entry: Entry) -> Self {
        let line = entry.summary.lines().next().unwrap_or_default();
        let mut headline: String = line.chars().take(HEADLINE_CHARS).collect();
        if headline.len() < entry.summary.trim_end().len() {
            headline.push('…');
        }
        Self {
            id: entry.id,
            kind: entry.kind,
            ts: entry.ts,
            room_id: entry.room_id,
            author_role: entry.author_role,
            reference: entry.reference,
            tags: entry.tags,
            headline,
        }
    }
}
