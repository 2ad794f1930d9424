//! The canonical form of a plan.
//!
//! It is plain Markdown that reads back as the same value. Free text is written as it is; where it
//! would be read as something else in its place (a paragraph that looks like a directive, a fence
//! that is never closed), it goes into a fence with the info string `verbatim`, which stands for
//! its content. Whether that is needed is found out by reading the form back.

use super::config;
use super::keys::Key;
use super::parse;
use super::tasks;
use super::text::VERBATIM;
use super::value::{Criterion, Entry, Epic, LifecycleSource, Plan, Task};
use crate::ids::EpicId;

/// The canonical form of `plan`. Formatting what it reads back as gives the same text.
pub fn format(plan: &Plan) -> String {
    let mut parts = vec![title(plan)];
    parts.push(settings(plan));
    if let Some(goal) = &plan.goal {
        parts.push(self::goal(goal));
    }
    if !plan.notes.is_empty() {
        parts.push(notes(&plan.notes));
    }
    parts.extend(plan.epics.iter().map(epic));
    parts.retain(|part| !part.is_empty());
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

fn title(plan: &Plan) -> String {
    match &plan.title {
        Some(title) => heading("# Plan: ", title),
        // The first level-1 heading would be read as the title.
        None if !plan.notes.is_empty() => "# Plan:".to_owned(),
        None => String::new(),
    }
}

/// A heading; a row of `#` at its end needs a closing one behind it.
fn heading(start: &str, title: &str) -> String {
    let close = if title.ends_with('#') { " #" } else { "" };
    format!("{start}{title}{close}").trim_end().to_owned()
}

fn settings(plan: &Plan) -> String {
    if plan.config.is_empty() {
        return String::new();
    }
    let mut text = String::from("## Config\n");
    for (key, value) in &plan.config {
        let is_plain = config::key_name(key) == *key
            && key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.len() <= 40
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let key = if is_plain { key.clone() } else { serde_json::Value::from(&**key).to_string() };
        text.push_str(&format!("\n- {key}: {}", config::write_scalar(value)));
    }
    text
}

/// The goal, in a fence if it does not read back as itself.
fn goal(text: &str) -> String {
    let plain = format!("## Goal\n\n{text}");
    let read = parse::read(&format!("# Plan: x\n\n{plain}\n\n{LAST_EPIC}")).0;
    let expected = Plan { goal: Some(text.to_owned()), ..bare(&read) };
    if is_read_as(&read, &expected) {
        plain
    } else {
        format!("## Goal\n\n{}", fenced(text, VERBATIM))
    }
}

/// What stands outside of everything, in a fence if it does not read back as itself.
fn notes(text: &str) -> String {
    let read = parse::read(&format!("# Plan: x\n\n## Goal\n\ny\n\n{text}\n\n{LAST_EPIC}")).0;
    let expected = Plan { goal: Some("y".to_owned()), notes: text.to_owned(), ..bare(&read) };
    if is_read_as(&read, &expected) { text.to_owned() } else { fenced(text, "verbatim notes") }
}

/// What comes behind a text and must not be swallowed by it.
const LAST_EPIC: &str = "## EPIC-1: x\n\n### Definition of Done\n\n- [ ] x\n";

/// A plan of one epic, as it must be read behind a text that keeps to itself.
fn bare(read: &Plan) -> Plan {
    Plan { title: Some("x".to_owned()), epics: read.epics.clone(), ..Plan::default() }
}

fn is_read_as(read: &Plan, expected: &Plan) -> bool {
    let [last] = read.epics.as_slice() else { return false };
    read == expected && last.definition_of_done.len() == 1
}

/// One epic in canonical form, without a line end behind it.
pub(super) fn epic(epic: &Epic) -> String {
    let plain = write_epic(epic, false);
    let read = parse::read(&format!("{plain}\n\n{LAST_EPIC}")).0.without_spans();
    let mut expected = epic.clone();
    expected.span = super::Span::default();
    expected.spans = super::EpicSpans::default();
    let is_same = match read.epics.as_slice() {
        [first, last] => *first == expected && last.definition_of_done.len() == 1,
        _ => false,
    };
    if is_same { plain } else { write_epic(epic, true) }
}

fn write_epic(epic: &Epic, verbatim: bool) -> String {
    let mut parts = Vec::new();
    let start = match epic.entry {
        Entry::Epic | Entry::Task if epic.title.is_empty() => format!("## {}", epic.id),
        Entry::Epic | Entry::Task => format!("## {}: ", epic.id),
    };
    parts.push(heading(&start, &epic.title));
    parts.push(directives(epic, verbatim));
    parts.push(if verbatim && !epic.description.is_empty() {
        fenced(&epic.description, VERBATIM)
    } else {
        epic.description.clone()
    });
    parts.push(criteria(Key::DefinitionOfDone, &epic.definition_of_done, verbatim));
    parts.push(criteria(Key::AcceptanceCriteria, &epic.acceptance_criteria, verbatim));
    parts.push(task_list(&epic.tasks, verbatim));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn directives(epic: &Epic, verbatim: bool) -> String {
    let mut lines = Vec::new();
    let mut add = |key: Key, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("- {}: {value}", key.name()));
        }
    };
    let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(", "));
    let ids: Vec<&str> = epic.depends_on.iter().map(EpicId::as_str).collect();
    add(Key::DependsOn, (!ids.is_empty()).then(|| format!("[{}]", ids.join(", "))));
    add(Key::Roles, list(epic.roles.iter().map(ToString::to_string).collect()));
    add(Key::Priority, epic.priority.map(|priority| priority.to_string()));
    add(Key::Timeout, epic.timeout.map(|seconds| seconds.to_string()));
    add(Key::MaxRetries, epic.max_retries.map(|count| count.to_string()));
    add(Key::RetryDelay, epic.retry_delay.map(|seconds| seconds.to_string()));
    add(Key::Model, epic.model.as_deref().map(word));
    add(Key::Agent, epic.agent.as_deref().map(word));
    add(Key::NoMcp, epic.no_mcp.map(|flag| flag.to_string()));
    add(Key::SkillRefs, list(epic.skill_refs.iter().map(ToString::to_string).collect()));
    add(Key::WorkingDir, epic.working_dir.as_deref().map(word));
    let stages = (!epic.pipeline.is_empty()).then(|| epic.pipeline.join(" -> "));
    add(Key::Pipeline, stages);
    add(Key::Capabilities, list(epic.capabilities.clone()));
    add(Key::SkipReview, epic.skip_review.map(|flag| flag.to_string()));
    add(Key::Serialize, epic.serialize.map(|flag| flag.to_string()));
    add(Key::BudgetTokens, epic.budget_tokens.map(|tokens| tokens.to_string()));
    add(Key::BudgetUsd, epic.budget_usd.map(|dollars| dollars.to_string()));
    for (key, text) in [(Key::Objective, &epic.objective), (Key::Files, &epic.key_files)] {
        if let Some(text) = text {
            lines.push(text_directive(key, text, verbatim));
        }
    }
    match &epic.lifecycle {
        Some(LifecycleSource::Machine(machine)) => {
            // A value that was read from JSON has a JSON form.
            let json = serde_json::to_string_pretty(machine).unwrap_or_default();
            lines.push(format!("- Lifecycle:\n\n{}", indented(&fenced(&json, "json"))));
        }
        Some(LifecycleSource::Drawing(drawing)) => {
            lines.push(format!("- Lifecycle:\n\n{}", indented(&fenced(drawing, "text"))));
        }
        None => {}
    }
    lines.join("\n")
}

/// A word whose own quotes would be taken off is quoted once more.
fn word(text: &str) -> String {
    let is_bare = super::directives::unquoted(text) == text;
    if is_bare { text.to_owned() } else { format!("\"{text}\"") }
}

fn text_directive(key: Key, text: &str, verbatim: bool) -> String {
    let name = key.name();
    if verbatim {
        return format!("- {name}:\n\n{}", indented(&fenced(text, VERBATIM)));
    }
    if text.contains('\n') {
        format!("- {name}:\n{}", indented(text))
    } else {
        format!("- {name}: {text}")
    }
}

fn criteria(key: Key, criteria: &[Criterion], verbatim: bool) -> String {
    let items = criteria.iter().map(|criterion| item(&criterion.text, criterion.checked, verbatim));
    section(key, &items.collect::<Vec<_>>())
}

fn task_list(all: &[Task], verbatim: bool) -> String {
    let items = all.iter().map(|task| item(&tasks::write(task), task.checked, verbatim));
    section(Key::Tasks, &items.collect::<Vec<_>>())
}

fn section(key: Key, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    format!("### {}\n\n{}", key.name(), items.join("\n"))
}

fn item(text: &str, checked: bool, verbatim: bool) -> String {
    if verbatim {
        let info = if checked { "verbatim checked" } else { VERBATIM };
        return indented(&fenced(text, info)).replacen("  ", "- ", 1);
    }
    let mark = if checked { 'x' } else { ' ' };
    indented(&format!("- [{mark}] {text}")).replacen("  ", "", 1)
}

/// Every line but blank ones two columns further in.
fn indented(text: &str) -> String {
    let lines = text.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("  {line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A fence around a text, longer than any row of backticks in it.
fn fenced(text: &str, info: &str) -> String {
    let mut longest = 0;
    let mut row = 0;
    for c in text.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{info}\n{text}\n{fence}")
}
