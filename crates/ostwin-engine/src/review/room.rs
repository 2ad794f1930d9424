//! The room in which a plan is reviewed: made once, and given the text anew when it changes.

use ostwin_core::config::{PlanReview, known_keys};
use ostwin_core::dag::{self, Dag, Stage};
use ostwin_core::fs;
use ostwin_core::ids::{EpicId, RoleRef, RoomId};
use ostwin_core::json::{Extra, Version};
use ostwin_core::lifecycle::{StateKind, names};
use ostwin_core::plan::{self, Entry, ParseOptions, Priority};
use ostwin_core::plan_review::{self, Closed, Gate};
use ostwin_core::room::{self, Assignment, Constraints, Contract, Goals, NewRoom, Room, Why};

use super::brief::{Review, brief};
use super::machine::machine;
use crate::error::EngineError;
use crate::rooms::{Making, Rooms};

/// Gives the planning graph of the plan, with the room of its review. A review of another text, or
/// one whose approval does not hold any more, begins again; with `again` also one that has ended.
///
/// # Errors
/// A file failed.
pub(crate) fn ensure(
    making: &Making<'_>,
    again: bool,
    roles: Vec<(String, String)>,
) -> Result<Rooms, EngineError> {
    let Making { project, stored, .. } = making;
    let id = &stored.meta.plan_id;
    room::remove_unfinished(project, id)?;
    let new = new_room(making, roles)?;
    let mut made = Vec::new();
    let room = match plan_review::room_of(project, id)? {
        None => {
            let room = room::create(project, new)?;
            made.push((EpicId::plan_review(), room.id().clone()));
            room
        }
        Some((room, contract)) => {
            if let Some(reason) = reason_to_begin_again(making, &room, &contract, again)? {
                crate::recovery::recover(&room, making.left, making.kill_grace())?;
                room::rewrite(&room, &new, &Why::engine("plan-review", reason))?;
            }
            room
        }
    };
    let dag = planning_dag(making, room.id().clone())?;
    // A plan that has begun keeps the graph of its rooms until its revision is applied.
    if stored.dag()?.is_none() {
        fs::replace_json(&stored.paths.dag(), &dag, project.store().durability)?;
    }
    Ok(Rooms { dag, made })
}

fn reason_to_begin_again(
    making: &Making<'_>,
    room: &Room,
    contract: &Contract,
    again: bool,
) -> Result<Option<&'static str>, EngineError> {
    if contract.plan_sha256.as_deref() != Some(making.text.sha256.as_str()) {
        return Ok(Some("the plan was changed"));
    }
    let standing = room.standing()?;
    if standing.kind() != StateKind::Terminal {
        return Ok(None);
    }
    if again {
        return Ok(Some("asked for again"));
    }
    let passed = standing.state.as_str() == names::PASSED;
    // By the strictest rule: what `off` lets through is no approval.
    let gate = plan_review::gate(making.project, making.stored, PlanReview::Human)?;
    Ok(match gate {
        Gate::Closed(Closed::Changed { .. }) => Some("what was approved was changed"),
        Gate::Closed(_) if passed => Some("nobody has approved the plan by its text"),
        _ => None,
    })
}

fn reviewer(making: &Making<'_>) -> Result<RoleRef, EngineError> {
    match &making.registry().assignment_rules.design_role {
        Some(role) => Ok(RoleRef::from(role.clone())),
        None => RoleRef::new("architect").map_err(|error| EngineError::Bug(error.to_string())),
    }
}

fn new_room(making: &Making<'_>, roles: Vec<(String, String)>) -> Result<NewRoom, EngineError> {
    let Making { project, stored, plan, .. } = making;
    let reviewer = reviewer(making)?;
    let text = String::from_utf8_lossy(&making.text.bytes);
    let options = ParseOptions {
        known_config_keys: Some(known_keys()),
        known_roles: Some(roles.iter().map(|(name, _)| name.clone()).collect()),
        dynamic_roles: making.config().dynamic_roles,
        registry: Some(making.registry().clone()),
    };
    let parsed = plan::parse_bytes(&making.text.bytes, &options);
    let file = stored.paths.plan().display().to_string();
    let contract = Contract {
        schema_version: Version::default(),
        room_id: RoomId::numbered(1),
        task_ref: EpicId::plan_review(),
        plan_id: stored.meta.plan_id.clone(),
        depends_on: Vec::new(),
        created_at: project.store().now(),
        working_dir: project.layout().root().to_owned(),
        assignment: Assignment {
            title: "Review of the plan".to_owned(),
            description: String::new(),
            objective: plan.goal.clone(),
            assigned_role: reviewer.clone(),
            candidate_roles: vec![reviewer.clone()],
            entry: Entry::Task,
        },
        goals: Goals::default(),
        constraints: Constraints::default(),
        model: None,
        agent: None,
        no_mcp: false,
        skill_refs: Vec::new(),
        priority: Priority::Normal,
        serialize: false,
        epic_sha256: None,
        plan_sha256: Some(making.text.sha256.clone()),
        rehearsed: making.rehearsed,
        extra: Extra::new(),
    };
    let max_retries = making.max_retries(&reviewer, &[], None)?;
    Ok(NewRoom {
        brief: brief(&Review {
            diagnostics: plan::render(&parsed.diagnostics, &file, &text),
            file,
            text: &text,
            sha256: &making.text.sha256,
            roles,
            only_goal: plan.epics.is_empty(),
            rehearsed: making.rehearsed,
        }),
        tasks: String::new(),
        machine: machine(&reviewer, max_retries)?,
        actor: "engine".to_owned(),
        contract,
    })
}

/// The graph before the approval: no epic has a room yet.
fn planning_dag(making: &Making<'_>, room: RoomId) -> Result<Dag, EngineError> {
    let Making { project, stored, plan, .. } = making;
    let options = dag::BuildOptions {
        stage: Stage::Planning,
        plan_review: true,
        plan_review_room: Some(room),
        plan_review_roles: vec![reviewer(making)?],
        default_timeout_seconds: making.config().timeout_seconds,
        ..dag::BuildOptions::new(
            stored.meta.plan_id.clone(),
            making.text.sha256.clone(),
            project.store().now(),
        )
    };
    dag::build(plan, &options).map_err(|error| EngineError::Plan {
        plan: stored.meta.plan_id.clone(),
        problem: error.to_string(),
    })
}
