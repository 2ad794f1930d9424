//! The room's contract, `config.json`: what the epic said, and null where it said nothing.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EpicId, PlanId, RoleRef, RoomId, SkillName};
use crate::json::{Extra, Version};
use crate::plan::{self, Criterion, Entry, Epic, Priority};
use crate::time::Timestamp;

/// The contract of one room. Resolved values and their sources are in each `attempt.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Contract")]
pub struct Contract {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// The room.
    pub room_id: RoomId,
    /// The epic or task that it is for.
    pub task_ref: EpicId,
    /// The plan of the epic.
    pub plan_id: PlanId,
    /// The epics that must have passed before it starts.
    #[serde(default)]
    pub depends_on: Vec<EpicId>,
    /// When the room was made.
    pub created_at: Timestamp,
    /// Where sessions work.
    pub working_dir: PathBuf,
    /// What is to be done, and by whom.
    pub assignment: Assignment,
    /// By what it is judged.
    #[serde(default)]
    pub goals: Goals,
    /// Limits that the epic sets itself.
    #[serde(default)]
    pub constraints: Constraints,
    /// The model that the epic names.
    #[serde(default)]
    pub model: Option<String>,
    /// The agent that the epic names.
    #[serde(default)]
    pub agent: Option<String>,
    /// Whether sessions get no MCP servers.
    #[serde(default)]
    pub no_mcp: bool,
    /// Skills that the epic names.
    #[serde(default)]
    pub skill_refs: Vec<SkillName>,
    /// When it starts relative to others that could start too.
    #[serde(default)]
    pub priority: Priority,
    /// Whether it never runs beside another epic of its plan.
    #[serde(default)]
    pub serialize: bool,
    /// SHA-256 of the epic's content, by which a resumed run sees what was edited.
    #[serde(default)]
    pub epic_sha256: Option<String>,
    /// In the room of a plan's review: SHA-256 of the text under review, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_sha256: Option<String>,
    /// Whether the rehearsal agent works here instead of a model.
    #[serde(default)]
    pub rehearsed: bool,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Contract);

/// What is to be done, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    /// One line.
    pub title: String,
    /// The epic's description, verbatim.
    #[serde(default)]
    pub description: String,
    /// What is to be reached, in a sentence or a few.
    #[serde(default)]
    pub objective: Option<String>,
    /// The role that works.
    pub assigned_role: RoleRef,
    /// Every role, the one that works first, then the reviewers in order.
    pub candidate_roles: Vec<RoleRef>,
    /// Whether it is an epic or a loose task.
    #[serde(rename = "type", default)]
    pub entry: Entry,
}

/// One criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Goal {
    /// `DOD-n`, `AC-n`, `QR-n` or `GOAL-1`: what a verdict answers by.
    pub id: String,
    /// Markdown.
    pub text: String,
}

/// The criteria by which the work is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Goals {
    /// When the work is done.
    #[serde(default)]
    pub definition_of_done: Vec<Goal>,
    /// What the result must do.
    #[serde(default)]
    pub acceptance_criteria: Vec<Goal>,
    /// What holds for every epic of the plan or project.
    #[serde(default)]
    pub quality_requirements: Vec<Goal>,
}

impl Goals {
    /// Every criterion, in the order in which a verdict is asked for them.
    pub fn all(&self) -> impl Iterator<Item = &Goal> {
        self.definition_of_done
            .iter()
            .chain(&self.acceptance_criteria)
            .chain(&self.quality_requirements)
    }
}

/// Limits that the epic sets itself; null where it sets none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Constraints {
    /// How many rejections and failed attempts are answered by another try.
    #[serde(default)]
    pub max_retries: Option<u32>,
    /// Longest time of one attempt, in seconds.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Pause before a retry, in seconds.
    #[serde(default)]
    pub retry_delay_seconds: Option<u64>,
    /// Most tokens that the epic may use.
    #[serde(default)]
    pub budget_tokens_max: Option<u64>,
    /// Most money that the epic may cost, in US dollars.
    #[serde(default)]
    pub budget_cost_max_usd: Option<f64>,
}

impl Contract {
    /// The contract that `epic` of plan `plan_id` makes. `roles` are the roles that take part, the
    /// one that works first; `working_dir` is where sessions work unless the epic says another.
    pub fn of_epic(
        epic: &Epic,
        plan_id: &PlanId,
        room_id: RoomId,
        roles: &[RoleRef],
        working_dir: PathBuf,
        created_at: Timestamp,
    ) -> Option<Self> {
        let assigned_role = roles.first()?.clone();
        let goals = |criteria: &[Criterion]| {
            criteria
                .iter()
                .map(|criterion| Goal { id: criterion.id.clone(), text: criterion.text.clone() })
                .collect::<Vec<_>>()
        };
        let mut acceptance_criteria = goals(&epic.acceptance_criteria);
        let definition_of_done = goals(&epic.definition_of_done);
        if acceptance_criteria.is_empty() && definition_of_done.is_empty() {
            let text = epic.objective.clone().unwrap_or_else(|| epic.title.clone());
            acceptance_criteria.push(Goal { id: "GOAL-1".to_owned(), text });
        }
        let working_dir = match &epic.working_dir {
            Some(dir) => working_dir.join(dir),
            None => working_dir,
        };
        Some(Self {
            schema_version: Version::default(),
            room_id,
            task_ref: epic.id.clone(),
            plan_id: plan_id.clone(),
            depends_on: epic.depends_on.clone(),
            created_at,
            working_dir,
            assignment: Assignment {
                title: epic.title.clone(),
                description: epic.description.clone(),
                objective: epic.objective.clone(),
                assigned_role,
                candidate_roles: roles.to_vec(),
                entry: epic.entry,
            },
            goals: Goals {
                definition_of_done,
                acceptance_criteria,
                quality_requirements: Vec::new(),
            },
            constraints: Constraints {
                max_retries: epic.max_retries,
                timeout_seconds: epic.timeout,
                retry_delay_seconds: epic.retry_delay,
                budget_tokens_max: epic.budget_tokens,
                budget_cost_max_usd: epic.budget_usd,
            },
            model: epic.model.clone(),
            agent: epic.agent.clone(),
            no_mcp: epic.no_mcp.unwrap_or(false),
            skill_refs: epic.skill_refs.clone(),
            priority: epic.priority.unwrap_or_default(),
            serialize: epic.serialize.unwrap_or(false),
            epic_sha256: Some(plan::epic_hash(epic)),
            plan_sha256: None,
            rehearsed: false,
            extra: Extra::new(),
        })
    }
}
