//! `query` and `list_memories`: walking the ledger from its newest entry back.

use ostwin_core::ids::{RoleRef, RoomId};
use ostwin_core::ledger::{Entry, Kind, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::Memory;
use super::view::{Headline, View};
use crate::args::{Cursor, Text, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Having any of these tags, in any case.
    #[serde(default)]
    #[schemars(length(max = 32))]
    tags: Vec<Text<1, 64>>,
    /// Having all of these tags, in any case.
    #[serde(default)]
    #[schemars(length(max = 32))]
    all_tags: Vec<Text<1, 64>>,
    /// Of this kind only.
    #[serde(default)]
    kind: Option<Kind>,
    /// About this, such as an epic's id.
    #[serde(default, rename = "ref")]
    reference: Option<Text<1, 256>>,
    /// Published by this room only.
    #[serde(default)]
    room_id: Option<RoomId>,
    /// Published by this role only.
    #[serde(default)]
    author_role: Option<RoleRef>,
    /// Not published by this room.
    #[serde(default)]
    exclude_room: Option<RoomId>,
    /// Only this many of the newest.
    #[serde(default)]
    last_n: Option<Whole<1, 100>>,
    /// Show superseded memories too.
    #[serde(default)]
    include_superseded: bool,
    /// Show what your own room published too.
    #[serde(default)]
    include_own: bool,
    /// At most this many in one answer; 20 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 100>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Memories {
    /// The memories, newest first.
    memories: Vec<View>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<Cursor>,
    /// Lines of the ledger that could not be read.
    skipped_lines: usize,
}

pub(super) fn query(memory: &Memory, args: Query, _: &Waiting) -> Result<Memories, ToolError> {
    let texts = |texts: Vec<Text<1, 64>>| texts.into_iter().map(Text::into_string).collect();
    let limit = args.last_n.or(args.limit).map_or(20, Whole::count);
    let limit = args.limit.map_or(limit, |most| limit.min(most.count()));
    let own = memory.hidden_room(args.include_own, args.room_id.as_ref());
    let wanted = ostwin_core::ledger::Query {
        tags: texts(args.tags),
        all_tags: texts(args.all_tags),
        kind: args.kind,
        reference: args.reference.map(Text::into_string),
        room_id: args.room_id,
        exclude_room: own.or_else(|| args.exclude_room.clone()),
        author_role: args.author_role.map(|role| role.to_string()),
        include_superseded: args.include_superseded,
        before: args.cursor.map(|cursor| cursor.0),
    };
    let page = newest(memory, wanted, args.exclude_room.as_ref(), limit)?;
    let walked = Walked::<View>::of(page);
    // With `last_n` the newest were asked for and nothing behind them.
    let next_cursor = walked.next.filter(|_| args.last_n.is_none());
    Ok(Memories { memories: walked.items, next_cursor, skipped_lines: walked.skipped })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Of this kind only.
    #[serde(default)]
    kind: Option<Kind>,
    /// Published by this room only.
    #[serde(default)]
    room_id: Option<RoomId>,
    /// Show what your own room published too.
    #[serde(default)]
    include_own: bool,
    /// At most this many in one answer; 50 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 200>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Headlines {
    /// The memories, newest first.
    memories: Vec<Headline>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<Cursor>,
    /// Lines of the ledger that could not be read.
    skipped_lines: usize,
}

pub(super) fn list(memory: &Memory, args: List, _: &Waiting) -> Result<Headlines, ToolError> {
    let wanted = ostwin_core::ledger::Query {
        kind: args.kind,
        exclude_room: memory.hidden_room(args.include_own, args.room_id.as_ref()),
        room_id: args.room_id,
        before: args.cursor.map(|cursor| cursor.0),
        ..Default::default()
    };
    let page = newest(memory, wanted, None, args.limit.map_or(50, Whole::count))?;
    let walked = Walked::<Headline>::of(page);
    Ok(Headlines {
        memories: walked.items,
        next_cursor: walked.next,
        skipped_lines: walked.skipped,
    })
}

/// The newest `limit` entries, where `unwanted` is one more room to leave out.
fn newest(
    memory: &Memory,
    mut wanted: ostwin_core::ledger::Query,
    unwanted: Option<&RoomId>,
    limit: usize,
) -> Result<Page, ToolError> {
    let mut page = Page::default();
    loop {
        let part = memory.ledger().query(&wanted, limit - page.entries.len())?;
        page.more = part.more;
        page.skipped = page.skipped.max(part.skipped);
        wanted.before = part.entries.last().map(|entry| entry.seq);
        page.entries.extend(
            part.entries
                .into_iter()
                .filter(|entry| unwanted.is_none_or(|room| entry.room_id.as_ref() != Some(room))),
        );
        if !page.more || page.entries.len() == limit {
            return Ok(page);
        }
    }
}

/// A page as it fits into an answer.
struct Walked<T> {
    items: Vec<T>,
    next: Option<Cursor>,
    skipped: usize,
}

impl<T: Serialize + From<Entry>> Walked<T> {
    fn of(page: Page) -> Self {
        let numbers: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        let mut items: Vec<T> = page.entries.into_iter().map(T::from).collect();
        let cut = fit_list(&mut items);
        let last = items.len().checked_sub(1).map(|at| Cursor(numbers[at]));
        let next = last.filter(|_| cut || page.more);
        Self { items, next, skipped: page.skipped }
    }
}
