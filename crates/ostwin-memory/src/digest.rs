//! The digest: a handful of entries as Markdown for an agent's prompt, within a budget.

use std::fmt::Write;

use ostwin_core::ids::MemoryId;
use ostwin_core::ledger::{Entry, Kind};

/// Entries as Markdown, and what did not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The Markdown; empty if there was nothing to show.
    pub markdown: String,
    /// The entries in it, best first.
    pub shown: Vec<MemoryId>,
    /// How many entries did not fit.
    pub left_out: usize,
}

/// Tells `entries`, given best first, as Markdown: grouped by kind, each with its id, at most
/// `max_entries` of them in at most `max_bytes` of UTF-8. An entry that no longer fits is left out
/// and smaller ones behind it still get their chance; nothing is ever cut in half.
pub fn digest<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    max_entries: usize,
    max_bytes: usize,
) -> Digest {
    let mut digest = Digest::default();
    let mut groups: Vec<(Kind, String)> = Vec::new();
    let mut used = 0;
    for entry in entries {
        let line = item(entry);
        let group = groups.iter().position(|(kind, _)| *kind == entry.kind);
        let heading = if group.is_none() { heading(entry.kind) } else { String::new() };
        let bytes = heading.len() + line.len();
        if digest.shown.len() == max_entries || used + bytes > max_bytes {
            digest.left_out += 1;
            continue;
        }
        used += bytes;
        match group {
            Some(group) => groups[group].1.push_str(&line),
            None => groups.push((entry.kind, heading + &line)),
        }
        digest.shown.push(entry.id.clone());
    }
    groups.sort_by_key(|(kind, _)| Kind::ALL.iter().position(|known| known == kind));
    digest.markdown = groups.into_iter().map(|(_, group)| group).collect();
    digest
}

fn heading(kind: Kind) -> String {
    let title = match kind {
        Kind::Decision => "Decisions",
        Kind::Interface => "Interfaces",
        Kind::Convention => "Conventions",
        Kind::Warning => "Warnings",
        Kind::Artifact => "Artifacts",
        Kind::Code => "Code",
    };
    format!("## {title}\n\n")
}

/// One entry as a list item. Lines behind the first are indented, so that a heading inside an
/// entry stays inside its item.
fn item(entry: &Entry) -> String {
    let mut text = String::from("- ");
    let mut lines = entry.summary.trim().lines();
    text.push_str(lines.next().unwrap_or_default());
    for line in lines {
        text.push_str(if line.is_empty() { "\n" } else { "\n  " });
        text.push_str(line);
    }
    let mut about = vec![entry.author_role.to_string()];
    about.extend(entry.room_id.as_ref().map(ToString::to_string));
    about.extend(entry.reference.clone());
    if !entry.tags.is_empty() {
        about.push(format!("tags {}", entry.tags.join(", ")));
    }
    if let Some(detail) = &entry.detail {
        about.push(format!("{} bytes of detail", detail.len()));
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n  (`{}`: {})", entry.id, about.join("; "));
    text.push('\n');
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use ostwin_core::ids::RoomId;
    use ostwin_core::time::Timestamp;

    use super::*;

    pub(crate) fn entry(number: u64, kind: Kind, summary: &str, tags: &[&str]) -> Entry {
        let ts = Timestamp::from_millis(i64::try_from(number).unwrap());
        Entry {
            v: Default::default(),
            id: MemoryId::generate(ts, u128::from(number)),
            seq: number,
            ts,
            kind,
            room_id: Some(RoomId::numbered(1)),
            plan_id: None,
            author_role: "architect".parse().unwrap(),
            reference: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            summary: summary.to_owned(),
            detail: None,
            supersedes: None,
            key: None,
        }
    }

    #[test]
    fn entries_are_grouped_by_kind_in_a_fixed_order() {
        let mut code = entry(1, Kind::Code, "fn total() -> Cents\n\n# not a heading", &["cart"]);
        code.reference = Some("EPIC-001".into());
        code.detail = Some("x".repeat(12));
        let entries = [
            code,
            entry(2, Kind::Decision, "Prices are integers of cents.", &[]),
            entry(3, Kind::Decision, "No floats.", &[]),
        ];
        let digest = digest(&entries, 10, 10_000);
        insta::assert_snapshot!(digest.markdown, @"
        ## Decisions

        - Prices are integers of cents.
          (`mem-00000000020000000000000002`: architect; room-001)

        - No floats.
          (`mem-00000000030000000000000003`: architect; room-001)

        ## Code

        - fn total() -> Cents

          # not a heading
          (`mem-00000000010000000000000001`: architect; room-001; EPIC-001; tags cart; 12 bytes of detail)
        ");
        assert_eq!((digest.shown.len(), digest.left_out), (3, 0));
    }

    #[test]
    fn the_budget_holds_and_small_entries_fill_the_rest() {
        let entries = [
            entry(1, Kind::Warning, "first", &[]),
            entry(2, Kind::Warning, &"long ".repeat(200), &[]),
            entry(3, Kind::Warning, "third", &[]),
            entry(4, Kind::Warning, "fourth", &[]),
        ];
        let digest = digest(&entries, 2, 250);
        assert!(digest.markdown.len() <= 250, "{}", digest.markdown.len());
        let shown: Vec<_> = [&entries[0], &entries[2]].map(|entry| entry.id.clone()).into();
        assert_eq!((digest.shown, digest.left_out), (shown, 2));
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(digest(&[], 5, 100), Digest::default());
    }
}
