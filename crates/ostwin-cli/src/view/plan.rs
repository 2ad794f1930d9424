//! A plan in words, and plans in a list.

use ostwin_core::board::{Board, BoardError};
use ostwin_core::plan::{Criterion, Epic, ParsedPlan, flow};
use ostwin_core::plans::StoredPlan;
use ostwin_core::registry::Registry;
use serde_json::{Value, json};

use super::line::{Line, Style};
use super::text;

/// The plan as it was understood.
pub(crate) fn plan(parsed: &ParsedPlan, registry: Option<&Registry>) -> Vec<Line> {
    let plan = &parsed.plan;
    let title = plan.title.as_deref().unwrap_or("(no title)");
    let mut lines = vec![Line::new().with(Style::Bold, text::one_line(title))];
    if let Some(goal) = &plan.goal {
        lines.push(Line::new());
        lines.extend(text::block(goal).lines().map(Line::from));
    }
    if !plan.config.is_empty() {
        lines.push(Line::new());
        for (key, value) in &plan.config {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            lines.push(
                Line::new()
                    .with(Style::Dim, format!("{}: ", text::one_line(key)))
                    .with(Style::Plain, text::one_line(&value)),
            );
        }
    }
    for epic in &plan.epics {
        lines.push(Line::new());
        lines.extend(epic_lines(epic, registry));
    }
    lines
}

fn epic_lines(epic: &Epic, registry: Option<&Registry>) -> Vec<Line> {
    let mut lines = vec![
        Line::new()
            .with(Style::Bold, epic.id.to_string())
            .with(Style::Plain, format!("  {}", text::one_line(&epic.title))),
    ];
    let joined = |items: Vec<String>| items.join(", ");
    let facts = [
        ("roles", joined(epic.roles.iter().map(ToString::to_string).collect())),
        ("stages", stages(epic, registry)),
        ("after", joined(epic.depends_on.iter().map(ToString::to_string).collect())),
        ("priority", epic.priority.map(|priority| priority.to_string()).unwrap_or_default()),
        ("files", epic.key_file_list().join(", ")),
        ("tasks", if epic.tasks.is_empty() { String::new() } else { epic.tasks.len().to_string() }),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        lines.push(
            Line::from("  ")
                .with(Style::Dim, text::fill(name, 9))
                .with(Style::Plain, text::one_line(&value)),
        );
    }
    lines.extend(criteria(&epic.definition_of_done));
    lines.extend(criteria(&epic.acceptance_criteria));
    lines
}

/// Who works and who reviews, in order. What can't be understood is told by `plan check`.
fn stages(epic: &Epic, registry: Option<&Registry>) -> String {
    // Who reviews is not known outside of a project.
    let Some(registry) = registry else { return String::new() };
    match flow(epic, Some(registry)) {
        Ok(Some(flow)) => {
            let stages: Vec<_> = flow
                .stages()
                .iter()
                .map(|stage| format!("{} ({})", stage.state, stage.role))
                .collect();
            stages.join(" → ")
        }
        Ok(None) => "a lifecycle of its own".to_owned(),
        Err(_) => String::new(),
    }
}

fn criteria(criteria: &[Criterion]) -> impl Iterator<Item = Line> + '_ {
    criteria.iter().map(|criterion| {
        Line::from("  ")
            .with(Style::Cyan, text::fill(&criterion.id, 9))
            .with(Style::Plain, text::one_line(&criterion.text))
    })
}

/// A plan in the list.
pub(crate) fn list_row(board: &Result<Board, BoardError>, plan: &StoredPlan) -> Vec<String> {
    let meta = &plan.meta;
    let (state, passed) = match board {
        Ok(board) => (
            board.state.words().to_owned(),
            format!("{}/{}", board.counts.passed, board.counts.total),
        ),
        Err(_) => ("damaged".to_owned(), String::new()),
    };
    let title =
        if meta.rehearsed { format!("{} (rehearsed)", meta.title) } else { meta.title.clone() };
    let source = meta.source_path.display().to_string();
    vec![meta.plan_id.to_string(), state, passed, title, source]
}

/// A plan in the list, for programs.
pub(crate) fn listed(board: &Result<Board, BoardError>, plan: &StoredPlan) -> Value {
    let mut value = json!({ "plan": plan.meta });
    match board {
        Ok(board) => {
            value["state"] = json!(board.state);
            value["progress_percent"] = json!(board.progress_percent);
            value["counts"] = json!(board.counts);
        }
        Err(error) => value["error"] = json!(error.to_string()),
    }
    value
}
