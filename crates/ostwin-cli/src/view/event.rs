//! One event of a plan as one line.

use ostwin_core::events::{ControlResult, Event, EventKind};
use ostwin_core::lifecycle::names;
use serde_json::Value;

use super::figures;
use super::line::{Line, Style};
use super::text;

/// The event; `None` for one that another event says better: a move that follows from the end of an
/// attempt, or leads to its beginning.
pub(crate) fn event(event: &Event) -> Option<Line> {
    let mut line = Line::new().with(Style::Dim, format!("{} ", figures::clock(event.ts)));
    if let Some(epic) = &event.epic {
        line.push(Style::Bold, format!("{epic} "));
    }
    said(event, &mut line)?;
    Some(line)
}

fn said(event: &Event, line: &mut Line) -> Option<()> {
    let reason = event.reason.as_deref().map(text::one_line).unwrap_or_default();
    let aside = |line: &mut Line, text: &str| {
        if !text.is_empty() {
            line.push(Style::Dim, format!("  {text}"));
        }
    };
    match event.kind {
        EventKind::Started | EventKind::Resumed => {
            let word = if event.kind == EventKind::Started { "begins" } else { "goes on" };
            line.push(Style::Cyan, format!("the run {word}"));
            if let Some(epics) = field(event, "epics").and_then(Value::as_u64) {
                let epics = figures::plural(usize::try_from(epics).unwrap_or(0), "epic");
                line.push(Style::Dim, format!("  {epics}"));
            }
            if field(event, "rehearsed") == Some(&Value::Bool(true)) {
                line.push(Style::Magenta, "  rehearsed");
            }
        }
        // One for each epic, all at once, says no more than the number of epics.
        EventKind::RoomCreated => return None,
        EventKind::AttemptOpened => {
            line.push(Style::Cyan, words(event, "role"));
            line.push(Style::Plain, format!(" begins attempt {}", words(event, "number")));
            let model = words(event, "model");
            let agent = words(event, "agent");
            let who = if model.is_empty() { agent } else { format!("{agent} {model}") };
            aside(line, &format!("{} by {who}", words(event, "state")));
        }
        EventKind::AttemptClosed => {
            let outcome = words(event, "outcome");
            line.push(Style::Plain, format!("{} ends attempt ", words(event, "role")));
            line.push(Style::Plain, format!("{} ", words(event, "number")));
            line.push(super::message::style_of(&outcome), outcome);
            aside(line, &spent(event));
            aside(line, &reason);
        }
        EventKind::Moved => {
            let to = event.to.as_ref()?;
            let signal = event.signal.as_ref().map(|signal| signal.as_str());
            let said_already = [names::PASSED, names::FAILED_FINAL, names::ESCALATED]
                .contains(&to.as_str())
                || signal.is_some_and(|signal| {
                    [names::READY, names::DONE, names::PASS, names::FAIL].contains(&signal)
                });
            if said_already {
                return None;
            }
            let from = event.from.as_ref().map(ToString::to_string).unwrap_or_default();
            line.push(Style::Dim, format!("{from} → "));
            line.push(Style::Plain, to.to_string());
            aside(line, &reason);
        }
        EventKind::Passed => line.push(Style::BoldGreen, "passed"),
        EventKind::Failed => {
            line.push(Style::BoldRed, "did not pass");
            aside(line, &reason);
        }
        EventKind::Escalated => {
            line.push(Style::BoldYellow, "needs a person");
            aside(line, &reason);
        }
        EventKind::Warning => line.push(Style::Yellow, format!("warning: {reason}")),
        EventKind::Question => line.push(Style::BoldYellow, reason),
        EventKind::Permission => {
            let denied = field(event, "allowed") == Some(&Value::Bool(false));
            line.push(if denied { Style::Yellow } else { Style::Dim }, reason);
        }
        EventKind::Budget => line.push(Style::Yellow, format!("budget: {reason}")),
        EventKind::Control => {
            let word = match event.result {
                Some(ControlResult::Done) => "a request was carried out",
                Some(ControlResult::Refused) => "a request was refused",
                Some(ControlResult::Void) | None => "a request was void",
            };
            line.push(Style::Yellow, word);
            aside(line, &reason);
        }
        EventKind::Paused | EventKind::Unpaused => {
            let word = if event.kind == EventKind::Paused { "paused" } else { "goes on" };
            let what = if event.epic.is_none() && event.room.is_none() { "the plan " } else { "" };
            line.push(Style::Yellow, format!("{what}{word}"));
            aside(line, &reason);
        }
        EventKind::Stopped => {
            line.push(Style::Yellow, "the run ends");
            aside(line, &reason);
        }
        EventKind::Finished => {
            line.push(Style::Bold, "the plan is finished");
            aside(line, &reason);
        }
    }
    Some(())
}

fn field<'a>(event: &'a Event, name: &str) -> Option<&'a Value> {
    event.data.as_ref()?.get(name)
}

/// A field as words; nothing if it is not there.
fn words(event: &Event, name: &str) -> String {
    match field(event, name) {
        Some(Value::String(text)) => text::one_line(text),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn spent(event: &Event) -> String {
    let tokens = field(event, "tokens").and_then(Value::as_u64).filter(|tokens| *tokens > 0);
    let cost = field(event, "cost_usd").and_then(Value::as_f64);
    let tokens = tokens.map(|tokens| format!("{} tokens", figures::count(tokens)));
    let parts: Vec<String> = tokens.into_iter().chain(cost.map(figures::dollars)).collect();
    parts.join(", ")
}
