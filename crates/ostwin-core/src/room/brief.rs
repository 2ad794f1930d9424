//! `brief.md` and `tasks.md`: the epic as the people and agents in the room read it.

use std::fmt::Write;

use super::contract::{Contract, Goal};
use crate::plan::Epic;

/// The brief of a room: everything the epic said, under plain headings.
pub fn brief(epic: &Epic, contract: &Contract) -> String {
    let mut text = format!("# {}: {}\n", epic.id, epic.title);
    if contract.rehearsed {
        text.push_str("\n> rehearsed: the rehearsal agent works here, not a model.\n");
    }
    section(&mut text, "Objective", epic.objective.as_deref());
    section(&mut text, "Description", Some(epic.description.as_str()));
    section(&mut text, "Key files", epic.key_files.as_deref());
    criteria(&mut text, "Definition of Done", &contract.goals.definition_of_done);
    criteria(&mut text, "Acceptance Criteria", &contract.goals.acceptance_criteria);
    criteria(&mut text, "Quality requirements", &contract.goals.quality_requirements);
    text
}

/// The tasks of the epic as a check list; empty if it names none.
pub fn tasks(epic: &Epic) -> String {
    let mut text = String::new();
    for task in &epic.tasks {
        let mark = if task.checked { 'x' } else { ' ' };
        let _ = write!(text, "- [{mark}] ");
        if let Some(id) = &task.id {
            let _ = write!(text, "{id} ");
        }
        if let Some(role) = &task.role {
            let _ = write!(text, "[{role}] ");
        }
        let _ = write!(text, "**{}**", task.title.trim_end_matches('.'));
        if !task.text.trim().is_empty() {
            let _ = write!(text, " {}", task.text.trim().replace('\n', "\n  "));
        }
        for (word, ids) in [("requires", &task.requires), ("unlocks", &task.unlocks)] {
            if !ids.is_empty() {
                let _ = write!(text, " | {word}: {}", ids.join(", "));
            }
        }
        text.push('\n');
    }
    text
}

fn section(text: &mut String, heading: &str, body: Option<&str>) {
    if let Some(body) = body.map(str::trim).filter(|body| !body.is_empty()) {
        let _ = write!(text, "\n## {heading}\n\n{body}\n");
    }
}

fn criteria(text: &mut String, heading: &str, goals: &[Goal]) {
    if goals.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {heading}\n\n");
    for goal in goals {
        let _ = writeln!(text, "- **{}** {}", goal.id, goal.text.trim().replace('\n', "\n  "));
    }
}
