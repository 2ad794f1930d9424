//! `publish`: adding a memory.

use ostwin_core::ids::MemoryId;
use ostwin_core::ledger::{Draft, Kind};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::Memory;
use crate::args::Text;
use crate::error::ToolError;
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    /// What kind of memory it is.
    kind: Kind,
    /// What others should know, in a sentence or a few; at most 4096 bytes. It has to make sense
    /// without your conversation: name files, functions and values.
    summary: Text<1, 4096>,
    /// Words that others would search by, such as `auth`, `database` or a file's name.
    #[schemars(length(min = 1, max = 32))]
    tags: Vec<Text<1, 64>>,
    /// More, for who needs it: a signature, a reason, an example; at most 16384 bytes.
    #[serde(default)]
    detail: Option<Text<0, 16384>>,
    /// What it is about, such as an epic's id or a path.
    #[serde(default, rename = "ref")]
    reference: Option<Text<1, 256>>,
    /// The id of an earlier memory that this one replaces; that one is not shown any more.
    #[serde(default)]
    supersedes: Option<MemoryId>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Published {
    /// The new memory's id.
    id: MemoryId,
    /// Its number in the ledger.
    seq: u64,
    /// When it was published.
    ts: Timestamp,
}

pub(super) fn publish(memory: &Memory, args: Publish, _: &Waiting) -> Result<Published, ToolError> {
    if args.tags.is_empty() {
        return Err(ToolError::invalid("tags", "`tags` is empty: give at least one word"));
    }
    let (room_id, plan_id) = memory.origin()?;
    let entry = memory.ledger().publish(
        memory.store(),
        Draft {
            kind: args.kind,
            room_id,
            plan_id,
            author_role: memory.author(),
            reference: args.reference.map(Text::into_string),
            tags: args.tags.into_iter().map(Text::into_string).collect(),
            summary: args.summary.into_string(),
            detail: args.detail.map(Text::into_string).filter(|detail| !detail.is_empty()),
            supersedes: args.supersedes,
            key: None,
        },
    )?;
    Ok(Published { id: entry.id, seq: entry.seq, ts: entry.ts })
}
