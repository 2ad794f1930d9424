//! The canonical form of a plan.
//!
//! It is plain Markdown that reads back as the same value. Free text is written as it is; where it
//! would be read as something else in its place (a paragraph that looks like a directive, a fence
//! that is never closed), it goes into a fence with the info string `verbatim`, which stands for
//! its content. Whether that is needed is found out by reading the form back.

use super::config;
use super::keys::Key;
use super::parse::{ParseOptions, parse};
use super::tasks;
use super::text::VERBATIM;
use super::value::{Criterion, Entry, Epic, LifecycleSource, Plan, Task};
use crate::ids::EpicId;

/// The canonical form of `plan`. Formatting what it reads back as gives the same text.
pub fn format(plan: &Plan) -> String {
    let mut parts = vec![title(plan)];
    parts.push(settings(plan));
    if let Some(goal) = &plan.goal {
        parts.push(outside(goal, "## Goal\n\n", "verbatim", |plan| plan.goal.clone()));
    }
    if !plan.notes.is_empty() {
        let notes = |plan: &Plan| Some(plan.notes.clone());
        parts.push(outside(&plan.notes, "", "verbatim notes", notes));
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

/// Text outside of epics, in a fence if it does not read back as itself.
fn outside(text: &str, head: &str, info: &str, field: impl Fn(&Plan) -> Option<String>) -> String {
    let plain = format!("{head}{text}");
    let probe = format!("# Plan: x\n\n{plain}\n\n## EPIC-1: x\n");
    let read = parse(&probe, &ParseOptions::default()).plan;
    let is_same = field(&read).as_deref() == Some(text)
        && read.epics.len() == 1
        && read.config.is_empty()
        && read.title.as_deref() == Some("x")
        && (head.is_empty() || read.notes.is_empty())
        && (!head.is_empty() || read.goal.is_none());
    if is_same { plain } else { format!("{head}{}", fenced(text, info)) }
}

/// One epic in canonical form, without a line end behind it.
pub(super) fn epic(epic: &Epic) -> String {
    let plain = write_epic(epic, false);
    // What comes behind must not be swallowed either.
    let probe = format!("{plain}\n\n## EPIC-: x\n\n## EPIC-1: x\n\n{}", definition_of_done("x"));
    let read = parse(&probe, &ParseOptions::default()).plan;
    let mut expected = epic.clone();
    expected.span = super::Span::default();
    expected.spans = super::EpicSpans::default();
    let plan = read.without_spans();
    let is_same = plan.epics.len() == 2
        && plan.epics.first() == Some(&expected)
        && plan.epics.get(1).is_some_and(|last| last.definition_of_done.len() == 1);
    if is_same { plain } else { write_epic(epic, true) }
}

fn definition_of_done(text: &str) -> String {
    format!("### Definition of Done\n\n- [ ] {text}\n")
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
    for (key, text) in [(Key::Objective, &epic.objective), (Key::KeyFiles, &epic.key_files)] {
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
    section(key, items.collect())
}

fn task_list(all: &[Task], verbatim: bool) -> String {
    section(
        Key::Tasks,
        all.iter().map(|task| item(&tasks::write(task), task.checked, verbatim)).collect(),
    )
}

fn section(key: Key, items: Vec<String>) -> String {
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
