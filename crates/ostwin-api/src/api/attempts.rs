//! Attempts: what a session was given, what it said, what it used.

use std::ops::ControlFlow;

use ostwin_core::fs;
use ostwin_core::ids::{AttemptId, RoleRef, RoomId, StateName};
use ostwin_core::jsonl;
use ostwin_core::room::{Attempt, AttemptRecord, Usage};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get};

/// Lines of a transcript in one answer, unless asked for another number.
const LINES: usize = 500;
/// Most lines in one answer.
const MOST_LINES: usize = 2_000;
/// Most bytes of lines in one answer.
const MOST_BYTES: usize = 2 << 20;
/// Longest prompt and list of servers that are read.
const MAX_TEXT_BYTES: u64 = 8 << 20;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/rooms/{id}/attempts/{n}", "One attempt: record, prompt, tool servers", attempt),
        get(
            "/api/rooms/{id}/attempts/{n}/transcript",
            "What the agent said and did, oldest first",
            transcript,
        ),
    ]
}

/// An attempt in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AttemptShort {
    /// Its number in the room.
    number: u32,
    /// Its id.
    id: AttemptId,
    /// The state that it works in.
    state: StateName,
    /// Who works.
    role: RoleRef,
    /// The agent program.
    agent: String,
    /// The model, if one was asked for.
    model: Option<String>,
    /// When it was opened.
    started_at: Timestamp,
    /// When it was closed; null while it is open.
    ended_at: Option<Timestamp>,
    /// A signal that is posted later is refused.
    deadline_at: Timestamp,
    /// How it ended; null while it is open.
    outcome: Option<String>,
    /// Why it ended as it did.
    reason: Option<String>,
    /// Tokens that it reported; null if it did not.
    tokens: Option<u64>,
    /// US dollars that it reported; null if it did not.
    cost_usd: Option<f64>,
    /// Whether the rehearsal agent works here instead of a model.
    rehearsed: bool,
}

/// An attempt in short.
pub(super) fn short(record: &AttemptRecord) -> AttemptShort {
    AttemptShort {
        number: record.number,
        id: record.id.clone(),
        state: record.state.clone(),
        role: record.role.clone(),
        agent: record.agent.clone(),
        model: record.model.clone(),
        started_at: record.opened_at,
        ended_at: record.closed_at,
        deadline_at: record.deadline_at,
        outcome: record.outcome.as_ref().map(ToString::to_string),
        reason: record.reason.clone(),
        tokens: record.usage.as_ref().map(Usage::total),
        cost_usd: record.cost_usd,
        rehearsed: record.rehearsed,
    }
}

/// An attempt in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct AttemptPath {
    /// The room.
    id: RoomId,
    /// The attempt's number in the room.
    n: u32,
}

/// One attempt.
#[derive(Debug, Serialize, JsonSchema)]
struct AttemptStory {
    /// Its record.
    record: AttemptRecord,
    /// The prompt as it was sent; null if the session was never made.
    prompt: Option<String>,
    /// The tool servers of the session, secrets masked.
    mcp: Option<Value>,
    /// The length of its transcript.
    transcript_bytes: u64,
}

fn find(call: &Call, path: &AttemptPath) -> Result<Attempt, Problem> {
    let (_, room) = call.room(&path.id)?;
    let found = room.attempts()?.into_iter().find(|attempt| attempt.record.number == path.n);
    found.ok_or_else(|| Problem::not_found(format!("room `{}` has no attempt {}", path.id, path.n)))
}

fn attempt(call: &Call, path: AttemptPath, _: Nothing) -> Result<AttemptStory, Problem> {
    let Attempt { paths, record } = find(call, &path)?;
    let text = |path: &std::path::Path| fs::read_optional(path, MAX_TEXT_BYTES);
    let prompt = text(&paths.prompt())?.map(|text| String::from_utf8_lossy(&text).into_owned());
    // It is shown as far as it can be read.
    let mcp = text(&paths.mcp())?.and_then(|text| serde_json::from_slice(&text).ok());
    let transcript_bytes =
        std::fs::metadata(paths.transcript()).map_or(0, |metadata| metadata.len());
    Ok(AttemptStory { record, prompt, mcp, transcript_bytes })
}

/// Which lines are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct TranscriptQuery {
    /// Only lines behind this cursor; from the beginning if left out.
    after: Option<u64>,
    /// At most so many; 500 if left out, 2000 at most.
    limit: Option<usize>,
}

/// A part of a transcript.
#[derive(Debug, Serialize, JsonSchema)]
struct Transcript {
    /// The lines, oldest first.
    items: Vec<TranscriptLine>,
    /// What `after` has to be for what follows, now or later.
    next_cursor: Option<String>,
    /// Whether there is more at this moment.
    more: bool,
}

/// A line of a transcript.
#[derive(Debug, Serialize, JsonSchema)]
struct TranscriptLine {
    /// Where it ends in the file: the cursor behind it.
    seq: u64,
    /// What the agent said or did.
    event: Value,
}

fn transcript(
    call: &Call,
    path: AttemptPath,
    query: TranscriptQuery,
) -> Result<Transcript, Problem> {
    let Attempt { paths, .. } = find(call, &path)?;
    let limit = query.limit.unwrap_or(LINES).clamp(1, MOST_LINES);
    let start = query.after.unwrap_or(0);
    let mut items: Vec<TranscriptLine> = Vec::new();
    let (mut bytes, mut more) = (0, false);
    let mut ends = start;
    let scanned = jsonl::scan::<Value>(&paths.transcript(), start, |offset, event| {
        // The line before ends where this one begins.
        if let Some(last) = items.last_mut() {
            last.seq = offset;
        }
        ends = offset;
        bytes += event.to_string().len();
        more = items.len() == limit || bytes > MOST_BYTES && !items.is_empty();
        if more {
            return ControlFlow::Break(());
        }
        items.push(TranscriptLine { seq: offset, event });
        ControlFlow::Continue(())
    })?;
    if !more {
        ends = scanned.offset;
        if let Some(last) = items.last_mut() {
            last.seq = ends;
        }
    }
    Ok(Transcript { items, next_cursor: Some(ends.to_string()), more })
}
