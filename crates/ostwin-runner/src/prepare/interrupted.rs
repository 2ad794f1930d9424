//! What is known of the attempt before this one, if it was at the same work and left it unfinished.

use std::ops::ControlFlow;

use ostwin_core::jsonl::{self, JsonlError};
use ostwin_core::layout::AttemptPaths;
use ostwin_core::room::{Attempt, Outcome, Room};
use serde::Deserialize;

use super::error::PrepareError;
use super::messages::shortened;
use super::session::AttemptFacts;
use crate::prompt::Interrupted;

/// Most things that are told of what the attempt did.
const MAX_DID: usize = 12;
/// Most lines of a log that are looked at, from its end.
const MAX_LINES: usize = 2_000;

/// The attempt right before `attempt`, if it was at the same work and ended without a signal.
pub(super) fn earlier_attempt(
    room: &Room,
    attempt: &AttemptFacts,
) -> Result<Option<Attempt>, PrepareError> {
    let earlier = room.attempt_before(attempt.number)?;
    Ok(earlier.filter(|earlier| {
        earlier.record.state == attempt.state
            && earlier.record.role == attempt.role
            && earlier.record.outcome.as_ref().is_some_and(|o| !matches!(o, Outcome::Signal(_)))
    }))
}

/// Whether the attempt was cut off from outside, so that its session can be gone on with.
pub(super) fn was_cut_off(earlier: &Attempt) -> bool {
    matches!(earlier.record.outcome, Some(Outcome::Interrupted | Outcome::Waiting))
}

/// What the attempts of `room` have recorded as the cost of an agent's session, in US dollars.
pub(super) fn cost_of(room: &Room, session: &str) -> Result<f64, PrepareError> {
    let attempts = room.attempts()?.into_iter().map(|attempt| attempt.record);
    let of_session = attempts.filter(|record| record.agent_session.as_deref() == Some(session));
    Ok(of_session.filter_map(|record| record.cost_usd).sum())
}

/// What the prompt tells of it.
pub(super) fn told(earlier: &Attempt) -> Result<Interrupted, PrepareError> {
    let record = &earlier.record;
    let outcome = record.outcome.as_ref().map_or_else(String::new, ToString::to_string);
    let reason = record.reason.as_ref().filter(|reason| !reason.is_empty());
    Ok(Interrupted {
        number: record.number,
        cut_off: was_cut_off(earlier),
        outcome: reason.map_or(outcome.clone(), |reason| format!("{outcome}: {reason}")),
        progress: last_progress(&earlier.paths)?,
        did: last_calls(&earlier.paths)?,
        source: format!("`{}`", earlier.paths.dir().display()),
    })
}

/// A line of `tools.jsonl`, as far as it matters here.
#[derive(Deserialize)]
struct Call {
    tool: String,
    outcome: String,
    #[serde(default)]
    arguments: Progress,
}

#[derive(Default, Deserialize)]
struct Progress {
    #[serde(default)]
    percent: Option<f64>,
    #[serde(default)]
    message: Option<serde_json::Value>,
}

/// `progress.json` starts afresh with every attempt; the log of calls still has the last report.
fn last_progress(paths: &AttemptPaths) -> Result<Option<String>, JsonlError> {
    let mut progress = None;
    let mut lines = 0;
    jsonl::scan_back::<Call>(&paths.tools(), |_, call| {
        if call.tool == "report_progress" && call.outcome == "ok" {
            let percent = call.arguments.percent.unwrap_or_default();
            let message = call.arguments.message.as_ref().and_then(|message| message.as_str());
            progress = Some(format!("{percent} %: {}", shortened(message.unwrap_or("?"), 200)));
        }
        stop_after(&mut lines, progress.is_some())
    })?;
    Ok(progress)
}

/// A line of `transcript.jsonl`, as far as it matters here.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: Option<String>,
}

fn last_calls(paths: &AttemptPaths) -> Result<Vec<String>, JsonlError> {
    let mut did = Vec::new();
    let mut lines = 0;
    jsonl::scan_back::<Event>(&paths.transcript(), |_, event| {
        let title = event.title.filter(|_| event.kind == "tool_call");
        did.extend(title.map(|title| shortened(&title, 160)));
        stop_after(&mut lines, did.len() == MAX_DID)
    })?;
    did.reverse();
    Ok(did)
}

fn stop_after(lines: &mut usize, found: bool) -> ControlFlow<()> {
    *lines += 1;
    if found || *lines >= MAX_LINES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
