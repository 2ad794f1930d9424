//! A message of a room's channel, for reading.

use ostwin_core::channel::Message;
use ostwin_core::ids::RoomId;
use ostwin_core::room::Verdict;

use super::figures;
use super::line::{Line, Style};
use super::text;

/// The message: a line that says who, what and when, then its text, then its verdict.
pub(crate) fn message(room: &RoomId, message: &Message) -> Vec<Line> {
    let mut lines = vec![head(room, message)];
    let body = text::block(message.body.trim());
    lines.extend(body.lines().map(|line| Line::from(format!("    {line}"))));
    if let Some(verdict) = verdict(message) {
        lines.extend(criteria(&verdict, "    "));
    }
    lines
}

/// Who, what and when.
fn head(room: &RoomId, message: &Message) -> Line {
    let mut line = Line::new()
        .with(Style::Dim, figures::clock(message.ts))
        .with(Style::Plain, format!(" {room} "))
        .with(Style::Dim, format!("#{} ", message.seq))
        .with(Style::Bold, message.from.to_string())
        .with(Style::Dim, " → ")
        .with(Style::Plain, message.to.to_string())
        .with(Style::Plain, "  ")
        .with(style_of(message.kind.as_str()), message.kind.to_string());
    if let Some(reference) = &message.reference {
        line.push(Style::Dim, format!("  {}", text::one_line(reference)));
    }
    if message.is_rehearsed() {
        line.push(Style::Magenta, "  rehearsed");
    }
    line
}

/// The colour of a message's type.
pub(crate) fn style_of(kind: &str) -> Style {
    match kind {
        "pass" | "done" | "signoff" => Style::Green,
        "fail" | "error" | "reject" => Style::Red,
        "escalate" | "question" | "approval-request" => Style::BoldYellow,
        "fix" | "redesign" | "replan" => Style::Yellow,
        _ => Style::Blue,
    }
}

/// The verdict in a reviewer's message.
pub(crate) fn verdict(message: &Message) -> Option<Verdict> {
    let verdict: Verdict = serde_json::from_value(message.data.clone()?).ok()?;
    (!verdict.criteria.is_empty()).then_some(verdict)
}

/// One line per criterion, with its evidence.
pub(crate) fn criteria(verdict: &Verdict, indent: &str) -> Vec<Line> {
    let line = |answer: &ostwin_core::room::Answer| {
        let (style, word) =
            if answer.met { (Style::Green, "met  ") } else { (Style::Red, "unmet") };
        Line::from(indent)
            .with(style, word)
            .with(Style::Plain, format!(" {}", text::one_line(&answer.id)))
            .with(Style::Dim, format!("  {}", text::one_line(&answer.evidence)))
    };
    verdict.criteria.iter().map(line).collect()
}
