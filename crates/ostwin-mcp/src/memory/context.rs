//! `get_context`: what other rooms know that this one should, as text to read.

use ostwin_core::ids::{MemoryId, RoomId};
use ostwin_memory::{Filter, Mode, Question, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::Memory;
use crate::args::{Text, Whole};
use crate::error::ToolError;
use crate::waiting::Waiting;

/// Entries that are ranked for a digest beyond those that it may show, so that what is too long
/// for it can be replaced by what is not.
const SPARE: usize = 50;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetContext {
    /// Published by this room only.
    #[serde(default)]
    room_id: Option<RoomId>,
    /// Words of your task; what matches them comes first. Without any, the freshest comes first.
    #[serde(default)]
    #[schemars(length(max = 50))]
    brief_keywords: Vec<Text<1, 200>>,
    /// At most this many memories; 15 if left out.
    #[serde(default)]
    max_entries: Option<Whole<1, 100>>,
    /// At most this many bytes of text; 10240 if left out.
    #[serde(default)]
    max_bytes: Option<Whole<256, 65536>>,
    /// Show what your own room published too.
    #[serde(default)]
    include_own: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Context {
    /// The memories as Markdown, grouped by kind, each with its id; empty if there are none.
    markdown: String,
    /// The ids of the memories in it, best first.
    memory_ids: Vec<MemoryId>,
    /// How many more there were that did not fit.
    left_out: usize,
    /// What the caller should know about how they were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Lines of the ledger that could not be read.
    skipped_lines: usize,
}

pub(super) fn get_context(
    memory: &Memory,
    args: GetContext,
    _: &Waiting,
) -> Result<Context, ToolError> {
    if args.brief_keywords.len() > 50 {
        let text = "`brief_keywords` are more than 50: give the words that matter most";
        return Err(ToolError::invalid("brief_keywords", text));
    }
    let filter = Filter {
        exclude_room: memory.hidden_room(args.include_own, args.room_id.as_ref()),
        room: args.room_id,
        ..Filter::default()
    };
    let words: Vec<&str> = args.brief_keywords.iter().map(|words| &**words).collect();
    let max_entries = args.max_entries.map_or(15, Whole::count);
    let max_bytes = args.max_bytes.map_or(10 * 1024, Whole::count);
    let limit = max_entries + SPARE;
    let (entries, note, skipped_lines) = memory.catalogue().ask(|catalogue| {
        if words.is_empty() {
            return Ok((catalogue.freshest(&filter, limit)?, None, catalogue.skipped_lines()?));
        }
        let (text, mode) = (words.join(" "), Mode::Hybrid);
        let answer = catalogue.search(&Question { text, filter, mode, limit, explain: false })?;
        let entries = answer.hits.into_iter().map(|hit| hit.entry).collect();
        Ok((entries, answer.note, answer.skipped_lines))
    })?;
    let digest = digest(&entries, max_entries, max_bytes);
    Ok(Context {
        markdown: digest.markdown,
        memory_ids: digest.shown,
        left_out: digest.left_out,
        note,
        skipped_lines,
    })
}
