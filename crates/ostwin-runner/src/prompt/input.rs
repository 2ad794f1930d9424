//! What a prompt is made from: plain values that somebody else has read.

use ostwin_core::ids::{AttemptId, PlanId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::StateKind;
use ostwin_core::time::Timestamp;
use ostwin_skills::resolve::ResolvedSkill;
use serde::{Deserialize, Serialize};

/// Markdown that somebody else wrote, and where it can be read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The Markdown.
    pub body: String,
    /// The file or the tool that has it.
    pub source: String,
}

impl Text {
    /// A text with its source.
    pub fn new(body: impl Into<String>, source: impl Into<String>) -> Self {
        Self { body: body.into(), source: source.into() }
    }
}

/// Who the session is, in which room and attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The room.
    pub room: RoomId,
    /// The epic or task of the room, as the plan names it.
    pub reference: String,
    /// The epic's title.
    pub title: String,
    /// The plan, if the room belongs to one.
    pub plan: Option<PlanId>,
    /// The plan's title.
    pub plan_title: Option<String>,
    /// The role of the session, with its instance.
    pub role: RoleRef,
    /// The state of the room that the session is for.
    pub state: StateName,
    /// What kind of state that is.
    pub state_kind: StateKind,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its number in the room, counted from 1.
    pub attempt_number: u32,
    /// When the session is ended, whatever it is doing.
    pub deadline: Option<Timestamp>,
    /// Where the session works.
    pub working_dir: String,
}

/// One criterion of the room's contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Its id: `DOD-1`, `AC-2`, `QR-1`.
    pub id: String,
    /// What has to hold, in Markdown.
    pub text: String,
}

/// A signal that the session may end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalChoice {
    /// Its name, which is also the type of the message.
    pub name: SignalName,
    /// The states that it can lead to.
    pub targets: Vec<String>,
}

/// What is known of an earlier attempt at the same work that ended without a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interrupted {
    /// Its number in the room.
    pub number: u32,
    /// Whether it was ended from outside; else it failed by itself.
    pub cut_off: bool,
    /// How it ended, in a word or a sentence.
    pub outcome: String,
    /// The last progress that it reported, such as `60 %: routes answer`.
    pub progress: Option<String>,
    /// What it did, oldest first, one line each.
    pub did: Vec<String>,
    /// Where its whole record is.
    pub source: String,
}

/// One skill in the index of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillLine {
    /// The skill's name.
    pub name: String,
    /// What it is for, in one line.
    pub description: String,
}

/// The index of the skills that a session gets.
pub fn skill_lines(skills: &[ResolvedSkill]) -> Vec<SkillLine> {
    let line = |skill: &ResolvedSkill| SkillLine {
        name: skill.name.to_string(),
        description: skill.description.clone(),
    };
    skills.iter().map(line).collect()
}

/// One tool of a server that the session gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolLine {
    /// The server's name.
    pub server: String,
    /// The tool's plain name, without any prefix.
    pub name: String,
    /// What it is for, in one line.
    pub purpose: String,
}

/// Everything that a prompt is made from. Where a text is missing, its section is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptInput {
    /// Who the session is.
    pub standing: Standing,
    /// What an attempt before this one asked a person, with the answers.
    pub answers: Option<Text>,
    /// Who the role is: its `ROLE.md` without front matter.
    pub identity: Text,
    /// The room's brief.
    pub brief: Option<Text>,
    /// The criteria that say when the work is done.
    pub definition_of_done: Vec<Criterion>,
    /// The criteria by which the work is accepted.
    pub acceptance_criteria: Vec<Criterion>,
    /// The criteria that the plan or the project sets for every epic.
    pub quality_requirements: Vec<Criterion>,
    /// Of the review of a plan: SHA-256 of the text under review, in hex.
    pub plan_sha256: Option<String>,
    /// Where the criteria are kept.
    pub criteria_source: String,
    /// What the whole plan is for.
    pub plan_goal: Option<Text>,
    /// What the epics that this one depends on left, and what the shared memory knows.
    pub digest: Option<Text>,
    /// The latest `task` or `fix` message to this role.
    pub message: Option<Text>,
    /// What the last review found and nobody has answered yet.
    pub findings: Option<Text>,
    /// The attempt that this one goes on from.
    pub interrupted: Option<Interrupted>,
    /// The newest part of the channel, oldest message first.
    pub channel: Option<Text>,
    /// The skills of the session.
    pub skills: Vec<SkillLine>,
    /// The folder of the copies of those skills.
    pub skills_dir: String,
    /// The tools of the session; empty if it has no MCP servers.
    pub tools: Vec<ToolLine>,
    /// The servers of the session whose tools are not known before it starts.
    pub other_servers: Vec<String>,
    /// Whether the last line that the program prints is posted for it.
    pub last_line: bool,
    /// What the session may end with, in the order of the room's machine.
    pub signals: Vec<SignalChoice>,
}

impl PromptInput {
    /// Every criterion, in the order of the sections.
    pub fn criteria(&self) -> impl Iterator<Item = &Criterion> {
        self.definition_of_done
            .iter()
            .chain(&self.acceptance_criteria)
            .chain(&self.quality_requirements)
    }

    /// Whether the session has any MCP server.
    pub(super) fn has_servers(&self) -> bool {
        !self.tools.is_empty() || !self.other_servers.is_empty()
    }
}
