//! Entries of the shared memory, for reading.

use std::fmt::Write;

use ostwin_core::ids::MemoryId;
use ostwin_core::ledger::{Entry, Kind};
use ostwin_memory::{Explain, Hit};
use serde_json::{Value, json};

use super::line::{Line, Style};
use super::{figures, table, text};

/// A hit: its score and summary, where it is from, and how the score came about if that is known.
pub(crate) fn hit(hit: &Hit, width: Option<usize>) -> Vec<Line> {
    let Hit { entry, score, explain } = hit;
    let summary = text::one_line(&entry.summary);
    let mut head = Line::new()
        .with(Style::Dim, format!("{score:<8.4}"))
        .with(style_of(entry.kind), text::fill(entry.kind.as_str(), 11))
        .with(Style::Plain, summary);
    let mut about = Line::from("        ").with(Style::Dim, provenance(entry));
    if let Some(width) = width {
        head = head.cut(width);
        about = about.cut(width);
    }
    let mut lines = vec![head, about];
    if let Some(explain) = explain {
        lines.push(Line::from("        ").with(Style::Dim, parts(explain)));
    }
    lines
}

/// The same for programs.
pub(crate) fn hit_json(hit: &Hit) -> Value {
    let mut value = json!({ "score": hit.score, "entry": hit.entry });
    if let Some(explain) = &hit.explain {
        value["explain"] = json!(explain);
    }
    value
}

/// One entry in a table: when, which, what, who, where, about what, and its start.
pub(crate) fn row(entry: &Entry) -> Vec<String> {
    vec![
        figures::moment(entry.ts),
        entry.id.to_string(),
        entry.kind.as_str().to_owned(),
        entry.author_role.to_string(),
        entry.room_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        entry.reference.clone().unwrap_or_default(),
        entry.summary.clone(),
    ]
}

/// One entry in full.
pub(crate) fn whole(entry: &Entry, replaced_by: Option<&MemoryId>) -> String {
    let optional = |value: Option<String>| value.unwrap_or_default();
    let mut out = table::pairs(&[
        ("id", entry.id.to_string()),
        ("kind", entry.kind.as_str().to_owned()),
        ("published", figures::moment(entry.ts)),
        ("author", entry.author_role.to_string()),
        ("room", optional(entry.room_id.as_ref().map(ToString::to_string))),
        ("plan", optional(entry.plan_id.as_ref().map(ToString::to_string))),
        ("ref", optional(entry.reference.clone())),
        ("tags", entry.tags.join(", ")),
        ("supersedes", optional(entry.supersedes.as_ref().map(ToString::to_string))),
        ("superseded by", optional(replaced_by.map(ToString::to_string))),
    ]);
    for part in [Some(&entry.summary), entry.detail.as_ref()].into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(out, "\n{}\n", text::block(part.trim()));
    }
    out
}

/// The heading of a kind's entries in a document.
pub(crate) fn heading(kind: Kind) -> String {
    let title = match kind {
        Kind::Decision => "Decisions",
        Kind::Interface => "Interfaces",
        Kind::Convention => "Conventions",
        Kind::Warning => "Warnings",
        Kind::Artifact => "Artifacts",
        Kind::Code => "Code",
    };
    format!("\n## {title}\n")
}

/// One entry in a document: an item of a list, its further lines indented below it.
pub(crate) fn markdown(entry: &Entry) -> String {
    let mut item = entry.summary.trim().to_owned();
    let _ = write!(item, "\n\n({})", provenance(entry));
    if let Some(detail) = &entry.detail {
        let _ = write!(item, "\n\n{}", detail.trim());
    }
    let mut out = String::from("\n- ");
    let item = text::block(&item);
    for (at, line) in item.lines().enumerate() {
        let indent = if at == 0 || line.is_empty() { "" } else { "  " };
        let _ = writeln!(out, "{indent}{line}");
    }
    out
}

/// Where an entry is from, on one line.
fn provenance(entry: &Entry) -> String {
    let mut about =
        vec![entry.id.to_string(), figures::moment(entry.ts), entry.author_role.to_string()];
    about.extend(entry.room_id.as_ref().map(ToString::to_string));
    about.extend(entry.reference.as_deref().map(text::one_line));
    if !entry.tags.is_empty() {
        about.push(format!("tags {}", text::one_line(&entry.tags.join(", "))));
    }
    about.join("; ")
}

/// How a score came about, on one line.
fn parts(explain: &Explain) -> String {
    let mut parts = Vec::new();
    let rank = |rank: Option<usize>| rank.map_or(String::new(), |rank| format!(" (rank {rank})"));
    if let Some(lexical) = explain.lexical {
        let terms = explain.terms.iter();
        let terms: Vec<String> =
            terms.map(|term| format!("{} {:.2}", text::one_line(&term.term), term.score)).collect();
        let terms =
            if terms.is_empty() { String::new() } else { format!(" = {}", terms.join(" + ")) };
        parts.push(format!("words {lexical:.2}{}{terms}", rank(explain.lexical_rank)));
    }
    parts.extend(explain.share.map(|share| format!("{:.0} % of the question", share * 100.0)));
    if let Some(cosine) = explain.cosine {
        parts.push(format!("meaning {cosine:.2}{}", rank(explain.cosine_rank)));
    }
    parts.extend(explain.rrf.map(|rrf| format!("fused {rrf:.4}")));
    parts.push(format!("worth {:.2} at {:.0} h", explain.decay, explain.age_hours));
    parts.join(", ")
}

fn style_of(kind: Kind) -> Style {
    match kind {
        Kind::Decision => Style::Green,
        Kind::Interface => Style::Cyan,
        Kind::Convention => Style::Blue,
        Kind::Warning => Style::Yellow,
        Kind::Artifact | Kind::Code => Style::Magenta,
    }
}

#[cfg(test)]
mod tests {
    use ostwin_memory::TermScore;

    use super::*;
    use crate::view::line;

    fn entry() -> Entry {
        serde_json::from_value(json!({
            "v": 1, "id": "mem-01ARZ3NDEKTSV4RRFFQ69G5FAV", "seq": 4,
            "ts": "2026-01-31T08:15:30.250Z", "kind": "decision", "room_id": "room-002",
            "author_role": "architect", "ref": "EPIC-002", "tags": ["money", "cart"],
            "summary": "Prices are integers.\n\u{1b}[2JNo floats.", "detail": "Of cents.\n\n# Why",
        }))
        .unwrap()
    }

    #[test]
    fn a_hit_says_where_it_is_from_and_how_it_was_found() {
        let explain = Explain {
            lexical: Some(3.5),
            lexical_rank: Some(1),
            share: Some(0.8),
            terms: vec![
                TermScore { term: "price".into(), score: 2.0 },
                TermScore { term: "integ".into(), score: 1.5 },
            ],
            cosine: Some(0.612),
            cosine_rank: Some(2),
            rrf: Some(0.0325),
            decay: 0.5,
            age_hours: 336.2,
        };
        let hit = Hit { entry: entry(), score: 0.016_26, explain: Some(explain) };
        insta::assert_snapshot!(line::render(&super::hit(&hit, None), false), @r"
        0.0163  decision   Prices are integers. �[2JNo floats.
                mem-01ARZ3NDEKTSV4RRFFQ69G5FAV; 2026-01-31 08:15:30Z; architect; room-002; EPIC-002; tags money, cart
                words 3.50 (rank 1) = price 2.00 + integ 1.50, 80 % of the question, meaning 0.61 (rank 2), fused 0.0325, worth 0.50 at 336 h
        ");
        assert_eq!(super::hit(&hit, Some(20))[0].render(false), "0.0163  decision   …");
    }

    #[test]
    fn a_document_keeps_what_is_inside_an_entry_inside() {
        insta::assert_snapshot!(heading(Kind::Decision) + &markdown(&entry()), @r"

        ## Decisions

        - Prices are integers.
          �[2JNo floats.

          (mem-01ARZ3NDEKTSV4RRFFQ69G5FAV; 2026-01-31 08:15:30Z; architect; room-002; EPIC-002; tags money, cart)

          Of cents.

          # Why
        ");
    }
}
