//! The end of what a room holds: so much of it as somebody scrolls through, however long it is.

use std::ops::ControlFlow;

use ostwin_core::board::Row;
use ostwin_core::channel::Filter;
use ostwin_core::jsonl;
use ostwin_core::project::Project;
use ostwin_core::room::Room;
use ostwin_runner::acp::transcript::Entry;
use serde_json::Value;

use super::screen::Pane;
use crate::view;
use crate::view::line::{Line, Style};
use crate::view::text;

/// Messages of a room that are shown.
const MESSAGES: usize = 200;
/// Entries of a transcript that are shown.
const ENTRIES: usize = 400;

/// What the pane shows of an epic, oldest first. What cannot be read is said in its place.
pub(super) fn tail(project: &Project, row: &Row, pane: Pane) -> Vec<Line> {
    let lines = match pane {
        Pane::Messages => messages(project, row),
        Pane::Session => session(project, row),
        Pane::Events => return Vec::new(),
    };
    lines.unwrap_or_else(|error| {
        vec![Line::new().with(Style::Red, text::one_line(&format!("{error:#}")))]
    })
}

fn messages(project: &Project, row: &Row) -> anyhow::Result<Vec<Line>> {
    let Some(id) = &row.room else { return Ok(vec![remark("it has no room yet")]) };
    let page = Room::open(project, id)?.channel().newest(&Filter::default(), MESSAGES, None)?;
    if page.messages.is_empty() {
        return Ok(vec![remark("nobody has said anything yet")]);
    }
    let mut lines = Vec::new();
    if page.more {
        lines.push(remark(&format!("older messages: ostwin logs {id}")));
    }
    lines.extend(page.messages.iter().flat_map(|message| view::message::message(id, message)));
    Ok(lines)
}

fn session(project: &Project, row: &Row) -> anyhow::Result<Vec<Line>> {
    let Some(id) = &row.room else { return Ok(vec![remark("it has no room yet")]) };
    let room = Room::open(project, id)?;
    let Some(attempt) = room.attempts()?.pop() else {
        return Ok(vec![remark("no session has run yet")]);
    };
    let mut entries = Vec::new();
    jsonl::scan_back::<Value>(&attempt.paths.transcript(), |_, line| {
        entries.extend(Entry::parse(&line.to_string()));
        if entries.len() < ENTRIES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let record = &attempt.record;
    let state = record.outcome.as_ref().map_or_else(|| "open".to_owned(), ToString::to_string);
    let head =
        format!("attempt {} in {} by {}: {state}", record.number, record.state, record.agent);
    let mut lines = vec![remark(&head)];
    if entries.len() == ENTRIES {
        lines.push(remark(&format!("older entries: ostwin attempt show {id}")));
    }
    lines.extend(entries.iter().rev().flat_map(|entry| view::transcript::entry(entry, false)));
    Ok(lines)
}

fn remark(remark: &str) -> Line {
    Line::new().with(Style::Dim, text::one_line(remark))
}
