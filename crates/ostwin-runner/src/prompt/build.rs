//! From the input to the prompt: which sections there are, in which order, and what each may cost.

use std::fmt::Write as _;

use serde::Serialize;

use super::contract;
use super::fit::{Fitted, Keep, Priority, Section, fit};
use super::foreign::{inside_item, tame};
use super::input::{Criterion, Interrupted, PromptInput, SkillLine, Standing, Text};
use super::texts;

/// Most bytes of a prompt, unless it is told otherwise.
pub const DEFAULT_BUDGET: usize = 96 * 1024;

const KIB: usize = 1024;
/// Longest description of a skill in its index, in characters.
const MAX_SKILL_CHARS: usize = 300;
/// The source of a section whose words are the program's own.
const OWN: &str = "built in";

/// A prompt and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What the agent is told.
    pub text: String,
    /// The sections, in their order.
    pub sections: Vec<SectionReport>,
}

/// What became of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionReport {
    /// Its name.
    pub id: &'static str,
    /// Where its text comes from.
    pub source: String,
    /// How long it is kept when the prompt is too long; a section without one is never cut.
    pub priority: Option<u8>,
    /// Most bytes of its text; none for a section that is never cut.
    pub budget: Option<usize>,
    /// Its length in the prompt, heading included.
    pub bytes: usize,
    /// Whether a part of it is missing.
    pub cut: bool,
}

/// Builds the prompt with at most `budget` bytes. Only a contract that is longer than that makes
/// the prompt longer, because it is never cut.
///
/// # Errors
/// The contract cannot be JSON, which no value of these types leads to.
pub fn build(input: &PromptInput, budget: usize) -> Result<Prompt, serde_json::Error> {
    let sections = sections(input)?;
    let fitted = fit(&sections, budget);
    let mut text: String = fitted.iter().map(|section| section.text.as_str()).collect();
    text.truncate(text.trim_end().len());
    text.push('\n');
    let sections = sections.into_iter().zip(fitted).map(report).collect();
    Ok(Prompt { text, sections })
}

fn report((section, fitted): (Section, Fitted)) -> SectionReport {
    let (priority, budget) = match section.priority {
        Priority::Rank(rank) => (Some(rank), Some(section.budget)),
        Priority::Pinned => (None, None),
    };
    SectionReport {
        id: section.id,
        source: section.source,
        priority,
        budget,
        bytes: fitted.text.len(),
        cut: fitted.cut,
    }
}

/// The sections that this input has, in the order in which they are read.
fn sections(input: &PromptInput) -> Result<Vec<Section>, serde_json::Error> {
    let from = |id, heading, rank, budget, text: &Text| {
        section(id, heading, rank, budget, &text.source, tame(&text.body))
    };
    let listed = |id, heading, rank, criteria: &[Criterion]| {
        section(id, heading, rank, 12 * KIB, &input.criteria_source, criteria_list(criteria))
    };
    let all = [
        input
            .answers
            .as_ref()
            .map(|text| from("answers", "What you asked, and the answer", 92, 24 * KIB, text)),
        Some(identity(input)),
        Some(section("rules", "Rules of this room", 95, 8 * KIB, OWN, texts::ROOM_RULES.into())),
        input.brief.as_ref().map(|text| from("task", "The task", 85, 32 * KIB, text)),
        Some(listed("definition_of_done", "Definition of Done", 88, &input.definition_of_done)),
        Some(listed("acceptance_criteria", "Acceptance Criteria", 88, &input.acceptance_criteria)),
        Some(listed(
            "quality_requirements",
            "Quality requirements",
            88,
            &input.quality_requirements,
        )),
        input.plan_goal.as_ref().map(|t| from("plan_goal", "What the plan is for", 40, 8 * KIB, t)),
        input
            .digest
            .as_ref()
            .map(|text| from("predecessors", "What others left for this task", 50, 12 * KIB, text)),
        input
            .message
            .as_ref()
            .map(|t| from("message", "The message that this session answers", 80, 24 * KIB, t)),
        input
            .findings
            .as_ref()
            .map(|text| from("findings", "Open findings of the last review", 78, 16 * KIB, text)),
        input.interrupted.as_ref().map(resumed),
        input.channel.as_ref().map(|text| Section {
            keep: Keep::Tail,
            ..from("channel", "The room's latest messages", 20, 12 * KIB, text)
        }),
        Some(section("skills", "Skills", 60, 6 * KIB, "resolved skills", skills(input))),
        Some(section("tools", "Tools", 65, 6 * KIB, "the session's MCP servers", tools(input))),
        Some(Section {
            priority: Priority::Pinned,
            ..section(
                "verdict_contract",
                "How this session ends: the verdict contract",
                0,
                0,
                OWN,
                contract::section(input)?,
            )
        }),
    ];
    Ok(all.into_iter().flatten().filter(|section| !section.body.is_empty()).collect())
}

fn section(
    id: &'static str,
    heading: &'static str,
    rank: u8,
    budget: usize,
    source: &str,
    body: String,
) -> Section {
    let (source, priority) = (source.to_owned(), Priority::Rank(rank));
    Section { id, heading, source, priority, budget, keep: Keep::Head, body }
}

fn identity(input: &PromptInput) -> Section {
    // The paragraph in between ends the list, whatever the role's text begins with.
    let (who, role) = (who(&input.standing), tame(&input.identity.body));
    let body = format!("{who}\n\nYour role, in its own words:\n\n{role}");
    section("identity", "Who you are", 90, 24 * KIB, &input.identity.source, body)
}

fn who(standing: &Standing) -> String {
    let mut text = format!(
        "You are `{}` in the war-room `{}` of a team of agents that carries out a plan.\n\n- Task: \
         {}",
        standing.role,
        standing.room,
        one_line(&standing.reference)
    );
    if !standing.title.is_empty() {
        let _ = write!(text, ", \"{}\"", one_line(&standing.title));
    }
    if let Some(plan) = &standing.plan {
        let _ = write!(text, "\n- Plan: `{plan}`");
        if let Some(title) = &standing.plan_title {
            let _ = write!(text, ", \"{}\"", one_line(title));
        }
    }
    let _ = write!(
        text,
        "\n- State: `{}` ({}), attempt {}\n- Working directory: `{}`",
        standing.state,
        standing.state_kind,
        standing.attempt_number,
        one_line(&standing.working_dir)
    );
    if let Some(deadline) = standing.deadline {
        let _ = write!(text, "\n- Deadline: {deadline}; the session is ended then, as it is");
    }
    text
}

/// A value of the plan that must not begin a line of its own.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn criteria_list(criteria: &[Criterion]) -> String {
    let mut list = String::new();
    for criterion in criteria {
        let (id, text) = (one_line(&criterion.id), tame(&criterion.text));
        let _ = if text.contains('\n') {
            // A block of its own, so that it means here what it means alone.
            writeln!(list, "- **{id}**:\n\n{}", inside_item(&text))
        } else {
            writeln!(list, "- **{id}**: {text}")
        };
    }
    list.truncate(list.trim_end().len());
    list
}

fn resumed(earlier: &Interrupted) -> Section {
    let mut text = format!(
        "{}\n\n- Attempt {}: {}",
        if earlier.cut_off { texts::RESUMED_OPENING } else { texts::RETRIED_OPENING },
        earlier.number,
        one_line(&earlier.outcome)
    );
    if let Some(progress) = &earlier.progress {
        let _ = write!(text, "\n- Last progress: {}", one_line(progress));
    }
    if !earlier.did.is_empty() {
        text.push_str("\n- What it did, oldest first:");
        for line in &earlier.did {
            let _ = write!(text, "\n  - {}", one_line(line));
        }
    }
    section("resumed", "Go on from here", 70, 8 * KIB, &earlier.source, tame(&text))
}

fn skills(input: &PromptInput) -> String {
    if input.skills.is_empty() {
        return String::new();
    }
    let mut text = if input.tools.iter().any(|tool| tool.name == texts::SKILLS_TOOLS[0].0) {
        texts::SKILLS_BY_TOOL.to_owned()
    } else {
        format!("{} `{}`.", texts::SKILLS_BY_FILE, one_line(&input.skills_dir))
    };
    text.push('\n');
    for SkillLine { name, description } in &input.skills {
        let _ = write!(text, "\n- `{}`: {}", one_line(name), shortened(&one_line(description)));
    }
    text
}

/// A description as one line of the index, cut at a word.
fn shortened(description: &str) -> String {
    if description.chars().count() <= MAX_SKILL_CHARS {
        return description.to_owned();
    }
    let head: String = description.chars().take(MAX_SKILL_CHARS).collect();
    let end = head.rfind(' ').unwrap_or(head.len());
    format!("{} ...", head.get(..end).unwrap_or(&head))
}

fn tools(input: &PromptInput) -> String {
    if !input.has_servers() {
        return texts::NO_TOOLS.to_owned();
    }
    let mut text = texts::TOOLS_OPENING.to_owned();
    let mut server = "";
    for tool in &input.tools {
        if tool.server != server {
            server = &tool.server;
            let _ = write!(text, "\n\nServer `{server}`:\n");
        }
        let _ = write!(text, "\n- `{}`: {}", tool.name, tool.purpose);
    }
    if !input.other_servers.is_empty() {
        let names: Vec<String> =
            input.other_servers.iter().map(|name| format!("`{}`", one_line(name))).collect();
        let _ = write!(text, "\n\nFurther servers of this session: {}.", names.join(", "));
    }
    text
}
