//! A message of a room's channel, for reading.

use ostwin_core::channel::Message;
use ostwin_core::ids::RoomId;
use ostwin_core::room::{Answer, Verdict};

use super::figures;
use super::line::{Line, Style};
use super::text;

/// The message: a line that says who, what and when, then its text, then its verdict.
pub(crate) fn message(room: &RoomId, message: &Message) -> Vec<Line> {
    let mut lines = vec![head(room, message)];
    let body = text::block(message.body.trim());
    lines.extend(body.lines().map(|line| Line::from(format!("    {line}"))));
    if let Some(verdict) = verdict(message) {
        lines.extend(judged(&verdict));
    }
    lines
}

/// Each criterion that is not met with its evidence, then those that are, in one line.
fn judged(verdict: &Verdict) -> Vec<Line> {
    let (met, unmet): (Vec<&Answer>, Vec<&Answer>) =
        verdict.criteria.iter().partition(|answer| answer.met);
    let mut lines: Vec<Line> = unmet.into_iter().map(|found| answer(found, "    ")).collect();
    if !met.is_empty() {
        let ids: Vec<String> = met.into_iter().map(|answer| text::one_line(&answer.id)).collect();
        let line = Line::from("    ").with(Style::Green, "met  ");
        lines.push(line.with(Style::Plain, format!(" {}", ids.join(", "))));
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
    verdict.criteria.iter().map(|found| answer(found, indent)).collect()
}

fn answer(answer: &Answer, indent: &str) -> Line {
    let (style, word) = if answer.met { (Style::Green, "met  ") } else { (Style::Red, "unmet") };
    Line::from(indent)
        .with(style, word)
        .with(Style::Plain, format!(" {}", text::one_line(&answer.id)))
        .with(Style::Dim, format!("  {}", text::one_line(&answer.evidence)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::line;

    #[test]
    fn a_rejection_shows_what_is_missing_and_hides_what_commands_a_terminal() {
        let posted: Message = serde_json::from_value(serde_json::json!({
            "v": 1, "id": "msg-01ARZ3NDEKTSV4RRFFQ69G5FAV", "seq": 4,
            "ts": "2026-01-31T08:15:30.250Z", "from": "qa", "to": "engineer", "type": "fail",
            "ref": "EPIC-001", "body": "One criterion is open.\n\n\u{1b}[2Jsee below\n",
            "data": {"verdict": "fail", "summary": "open", "rehearsed": true, "criteria": [
                {"id": "DOD-1", "met": true, "evidence": "cargo test"},
                {"id": "AC-1", "met": false, "evidence": "src/a.rs:3\nreturns local time"},
                {"id": "AC-2", "met": true, "evidence": "seen"},
            ]},
        }))
        .unwrap();
        let lines = message(&RoomId::numbered(1), &posted);
        insta::assert_snapshot!(line::render(&lines, false), @r"
        08:15:30 room-001 #4 qa → engineer  fail  EPIC-001  rehearsed
            One criterion is open.

            �[2Jsee below
            unmet AC-1  src/a.rs:3 returns local time
            met   DOD-1, AC-2
        ");
    }
}
