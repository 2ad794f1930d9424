//! The rooms of a plan: made once, in wave order, before the first session; found again after
//! a crash by plan and epic.

use std::collections::BTreeMap;
use std::path::Path;

use ostwin_core::config::Config;
use ostwin_core::dag::{self, Dag, Stage};
use ostwin_core::fs;
use ostwin_core::ids::{EpicId, RoleRef, RoomId};
use ostwin_core::lifecycle::{self, GenerateOptions, Machine, TriageMode};
use ostwin_core::plan::{Epic, LifecycleSource, Plan};
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::registry::Registry;
use ostwin_core::room::{self, Contract, Goal, NewRoom, Room};

use crate::error::EngineError;

/// What the making of rooms needs to know beside the plan.
pub(crate) struct Making<'a> {
    pub(crate) project: &'a Project,
    pub(crate) stored: &'a StoredPlan,
    pub(crate) plan: &'a Plan,
    pub(crate) config: &'a Config,
    pub(crate) registry: &'a Registry,
    pub(crate) rehearsed: bool,
    /// Whether some tier knows a role, or makes it.
    pub(crate) role_exists: &'a dyn Fn(&ostwin_core::ids::RoleName) -> bool,
}

/// A plan whose rooms are all there.
pub(crate) struct Rooms {
    pub(crate) dag: Dag,
    /// The rooms that were made just now, in wave order.
    pub(crate) made: Vec<(EpicId, RoomId)>,
}

/// Gives the running graph of the plan; makes the rooms that are missing if there is none yet.
/// The graph is written last, so its presence says that every room is there.
///
/// # Errors
/// A machine is not sound (then nothing is made), or a file failed.
pub(crate) fn ensure(making: &Making<'_>) -> Result<Rooms, EngineError> {
    if let Some(dag) = making.stored.dag()? {
        return Ok(Rooms { dag, made: Vec::new() });
    }
    let Making { project, stored, plan, config, .. } = making;
    let options = dag::BuildOptions {
        stage: Stage::Solid,
        default_timeout_seconds: config.timeout_seconds,
        ..dag::BuildOptions::new(
            stored.meta.plan_id.clone(),
            stored.meta.source_sha256.clone(),
            project.store().now(),
        )
    };
    let dag = dag::build(plan, &options).map_err(|error| EngineError::Plan {
        plan: stored.meta.plan_id.clone(),
        problem: error.to_string(),
    })?;
    // Every machine is checked before the first room is made.
    let machines: BTreeMap<&EpicId, (Vec<RoleRef>, Machine)> = plan
        .epics
        .iter()
        .map(|epic| Ok((&epic.id, machine(making, epic)?)))
        .collect::<Result<_, EngineError>>()?;

    room::remove_unfinished(project, &stored.meta.plan_id)?;
    let mut rooms: BTreeMap<EpicId, RoomId> = room::of_plan(project, &stored.meta.plan_id)?
        .into_iter()
        .map(|(room, contract)| (contract.task_ref, room.id().clone()))
        .collect();
    let mut made = Vec::new();
    let mut next = RoomId::numbered(1);
    for epic in dag.waves.iter().flatten().filter_map(|id| plan.epic(id)) {
        if rooms.contains_key(&epic.id) {
            continue;
        }
        let Some((roles, machine)) = machines.get(&epic.id) else { continue };
        let room = make(making, epic, roles, machine, next, "engine")?;
        next = RoomId::numbered(room.id().number() + 1);
        made.push((epic.id.clone(), room.id().clone()));
        rooms.insert(epic.id.clone(), room.id().clone());
    }
    let dag = dag.with_rooms(&rooms).map_err(|error| EngineError::Dag {
        dag: stored.paths.dag(),
        problem: error.to_string(),
    })?;
    fs::replace_json(&stored.paths.dag(), &dag, project.store().durability)?;
    Ok(Rooms { dag, made })
}

/// Makes the room of one epic, with the first free number from `first` on.
///
/// # Errors
/// Nobody works on the epic, or a file failed.
pub(crate) fn make(
    making: &Making<'_>,
    epic: &Epic,
    roles: &[RoleRef],
    machine: &Machine,
    first: RoomId,
    actor: &str,
) -> Result<Room, EngineError> {
    let Making { project, stored, config, rehearsed, .. } = making;
    let root: &Path = project.layout().root();
    let contract = Contract::of_epic(
        epic,
        &stored.meta.plan_id,
        first,
        roles,
        root.to_owned(),
        project.store().now(),
    );
    let Some(mut contract) = contract else {
        return Err(EngineError::NoRole { epic: epic.id.clone() });
    };
    contract.rehearsed = *rehearsed;
    for (number, text) in config.quality_requirements.iter().enumerate() {
        let id = format!("QR-{}", number + 1);
        contract.goals.quality_requirements.push(Goal { id, text: text.clone() });
    }
    Ok(room::create(
        project,
        NewRoom {
            brief: room::brief(epic, &contract),
            tasks: room::tasks(epic),
            machine: machine.clone(),
            actor: actor.to_owned(),
            contract,
        },
    )?)
}

/// The roles that take part in an epic, and its machine: the one that the plan gives, else one
/// made from the roles.
pub(crate) fn machine(
    making: &Making<'_>,
    epic: &Epic,
) -> Result<(Vec<RoleRef>, Machine), EngineError> {
    let rules = &making.registry.assignment_rules;
    let roles = if epic.roles.is_empty() {
        vec![RoleRef::from(rules.default_role.clone())]
    } else {
        epic.roles.clone()
    };
    let config = making.config;
    let max_retries = epic.max_retries.unwrap_or_else(|| {
        let of_role = roles.first().and_then(|role| config.roles.get(&role.role));
        of_role.and_then(|role| role.max_retries).unwrap_or(config.max_retries)
    });
    let machine = match &epic.lifecycle {
        Some(LifecycleSource::Machine(value)) => {
            let mut machine: Machine = serde_json::from_value(value.clone()).map_err(|error| {
                EngineError::MachineShape { epic: epic.id.clone(), problem: error.to_string() }
            })?;
            if let Some(max_retries) = epic.max_retries {
                machine.max_retries = max_retries;
            }
            machine
        }
        Some(LifecycleSource::Drawing(_)) | None => {
            let options = GenerateOptions {
                default_role: RoleRef::from(rules.default_role.clone()),
                review_role: rules.review_role.clone().map(RoleRef::from),
                skip_review: epic.skip_review.unwrap_or(false),
                review_restart: config.review_restart,
                triage: TriageMode::Person,
                max_retries,
                max_triages: config.max_triages,
            };
            lifecycle::generate(&roles, &options).map_err(|error| EngineError::MachineShape {
                epic: epic.id.clone(),
                problem: error.to_string(),
            })?
        }
    };
    let machine = machine.normalise();
    lifecycle::check(&machine, making.role_exists)
        .map_err(|problems| EngineError::Machine { epic: epic.id.clone(), problems })?;
    Ok((roles, machine))
}
