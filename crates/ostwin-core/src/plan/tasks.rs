//! Tasks: `TASK-001: T`, and `TASK-001 — [role] **T.** text | requires: X | unlocks: Y`.

use super::header;
use super::text::tidy;
use super::value::Task;
use crate::ids::RoleRef;

/// Reads a task from its text, which starts behind the marker and the check box.
pub(super) fn read(text: &str, checked: bool) -> Task {
    let mut task = Task { checked, ..Task::default() };
    let mut lines = Vec::new();
    let mut in_first_paragraph = true;
    for line in text.lines() {
        in_first_paragraph &= !line.trim().is_empty();
        let kept = if in_first_paragraph { take_relations(line, &mut task) } else { line };
        lines.push(kept);
    }
    let first = lines.first().copied().unwrap_or("").trim();
    let mut head = match header::task_header(first) {
        Some(found) => {
            task.id = Some(found.id);
            found.rest
        }
        None => first,
    };
    if let Some((role, rest)) = leading_role(head) {
        task.role = Some(role);
        head = rest;
    }
    let behind = match bold_title(head) {
        Some((title, behind)) => {
            title.clone_into(&mut task.title);
            behind
        }
        None => {
            head.clone_into(&mut task.title);
            ""
        }
    };
    let mut body = vec![behind];
    body.extend(lines.get(1..).unwrap_or(&[]));
    tidy(&body.join("\n")).trim().clone_into(&mut task.text);
    task
}

/// Takes `| requires: X | unlocks: Y` off the end of a line.
fn take_relations<'a>(line: &'a str, task: &mut Task) -> &'a str {
    let mut kept = line;
    while let Some((before, last)) = kept.rsplit_once('|') {
        let Some((name, value)) = last.split_once(':') else { break };
        let list = match name.trim().trim_matches('*').to_ascii_lowercase().as_str() {
            "requires" | "depends_on" => &mut task.requires,
            "unlocks" => &mut task.unlocks,
            _ => break,
        };
        let words = value.split(',').map(|word| word.trim().trim_matches(['`', '[', ']']).trim());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("none"))
            .map(str::to_owned)
            .collect();
        list.splice(0..0, words);
        kept = before;
    }
    if kept.len() < line.len() { kept.trim_end() } else { line }
}

/// `[role]` at the start.
fn leading_role(text: &str) -> Option<(RoleRef, &str)> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    // `[text](link)` is a link.
    if rest.starts_with(['(', '[']) {
        return None;
    }
    let role = RoleRef::new(inner.trim().trim_start_matches('@')).ok()?;
    Some((role, rest.trim_start()))
}

/// `**Title.**` at the start, without its full stop.
fn bold_title(text: &str) -> Option<(&str, &str)> {
    let (title, rest) = text.strip_prefix("**")?.split_once("**")?;
    let title = title.trim();
    let title = title.strip_suffix(['.', ':']).unwrap_or(title).trim_end();
    (!title.is_empty()).then_some((title, rest.trim()))
}

/// The canonical text of a task, behind the check box.
pub(super) fn write(task: &Task) -> String {
    let mut text = String::new();
    if let Some(id) = &task.id {
        text.push_str(id.as_str());
        text.push_str(" — ");
    }
    if let Some(role) = &task.role {
        text.push_str(&format!("[{role}] "));
    }
    let is_bold = !task.title.contains("**") && !task.title.is_empty();
    let (same_line, further) = if is_bold {
        text.push_str(&format!("**{}.**", task.title));
        match task.text.split_once('\n') {
            Some((first, further)) => (first, further),
            None => (task.text.as_str(), ""),
        }
    } else {
        text.push_str(&task.title);
        ("", task.text.as_str())
    };
    if !same_line.is_empty() {
        text.push(' ');
        text.push_str(same_line);
    }
    for (name, words) in [("requires", &task.requires), ("unlocks", &task.unlocks)] {
        if !words.is_empty() {
            text.push_str(&format!(" | {name}: {}", words.join(", ")));
        }
    }
    if !further.is_empty() {
        text.push_str(if is_bold { "\n" } else { "\n\n" });
        text.push_str(further);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EpicId;

    #[test]
    fn both_forms_are_read() {
        let full = read(
            "TASK-001 — [engineer:fe] **Build it.** With care. | requires: TASK-000, API | unlocks: TASK-002",
            false,
        );
        assert_eq!(
            full,
            Task {
                id: Some(EpicId::new("TASK-001").unwrap()),
                title: "Build it".to_owned(),
                text: "With care.".to_owned(),
                role: Some(RoleRef::new("engineer:fe").unwrap()),
                requires: vec!["TASK-000".to_owned(), "API".to_owned()],
                unlocks: vec!["TASK-002".to_owned()],
                checked: false,
            }
        );
        let short = read("TASK-002: Build it", true);
        assert_eq!((short.title.as_str(), short.checked), ("Build it", true));
        let bold = read("**TASK-003**: Build it", false);
        assert_eq!(bold.id, Some(EpicId::new("TASK-003").unwrap()));
        assert_eq!(bold.title, "Build it");
    }

    #[test]
    fn the_canonical_text_reads_back() {
        for text in [
            "TASK-001 — [engineer] **Build it.** With care. | requires: A | unlocks: B",
            "TASK-001: Build | it",
            "no id\nbut more\n\n| requires: not this",
            "**Title: with.** a\nb | unlocks: c",
            "a **b** c\n  d",
            "[link](to) x",
            "",
        ] {
            let task = read(text, false);
            assert_eq!(read(&write(&task), false), task, "{text:?} -> {:?}", write(&task));
        }
    }
}
