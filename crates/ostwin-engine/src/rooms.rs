//! The rooms of a plan: made once, in wave order, before the first session; found again after
//! a crash by plan and epic.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ostwin_core::config::{Config, Settings};
use ostwin_core::dag::{self, Dag, Stage};
use ostwin_core::env::crash_point;
use ostwin_core::fs;
use ostwin_core::ids::{EpicId, RoleName, RoleRef, RoomId};
use ostwin_core::lifecycle::{self, Machine, TriageMode};
use ostwin_core::plan::{self, Cast, Casting, Epic, LifecycleSource, Plan};
use ostwin_core::plan_review::{self, Text};
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::registry::{AssignmentRules, Registry};
use ostwin_core::room::{self, Contract, Goal, NewRoom, Room};
use ostwin_runner::resolve::{self, Directives, Question};
use ostwin_runner::roles::{ResolvedRole, RoleError, RolePlaces, Wanted, find_role};

use crate::error::EngineError;
use crate::review;
use crate::world::LeftBehind;

/// What the making of rooms needs to know beside the plan.
pub(crate) struct Making<'a> {
    pub(crate) project: &'a Project,
    pub(crate) stored: &'a StoredPlan,
    /// The text that the plan runs by.
    pub(crate) text: &'a Text,
    /// What that text says.
    pub(crate) plan: &'a Plan,
    pub(crate) settings: &'a Settings,
    /// Where the roles of the project are.
    pub(crate) places: &'a RolePlaces,
    pub(crate) rehearsed: bool,
    /// What earlier engines may have left running.
    pub(crate) left: &'a dyn LeftBehind,
}

/// A plan whose rooms are all there.
pub(crate) struct Rooms {
    pub(crate) dag: Dag,
    /// The rooms that were made just now, in wave order.
    pub(crate) made: Vec<(EpicId, RoomId)>,
}

impl Making<'_> {
    pub(crate) fn config(&self) -> &Config {
        &self.settings.config
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.places.registry.1
    }

    /// The role as some tier knows it, or as it is made for an epic.
    fn role(&self, name: &RoleName, capabilities: &[String]) -> Result<ResolvedRole, RoleError> {
        let wanted = Wanted { name, capabilities, description: None };
        find_role(&wanted, self.places, self.config().dynamic_roles)
    }

    /// How many retries a room has whose work this role does.
    pub(crate) fn max_retries(
        &self,
        role: &RoleRef,
        capabilities: &[String],
        of_epic: Option<u32>,
    ) -> Result<u32, EngineError> {
        let resolved = self
            .role(&role.role, capabilities)
            .map_err(|error| EngineError::Prepare(error.into()))?;
        let settled = resolve::max_retries(&Question {
            role,
            resolved: &resolved,
            room: &Directives::default(),
            epic: &Directives { max_retries: of_epic, ..Directives::default() },
            contract: "",
            settings: self.settings,
        });
        Ok(settled.value)
    }

    /// How long processes have to end.
    pub(crate) fn kill_grace(&self) -> Duration {
        Duration::from_secs(self.config().kill_grace_seconds)
    }
}

/// Gives the running graph of the plan. Where there is none yet, or one of another text, the rooms
/// are made, changed and cancelled by the text that runs now; the graph is written last, so a graph
/// of this text says that every room is as it should be.
///
/// # Errors
/// A machine is not sound or a question about begun epics is open (then nothing has changed), or a
/// file failed.
pub(crate) fn ensure(making: &Making<'_>) -> Result<Rooms, EngineError> {
    let Making { project, stored, text, plan, .. } = making;
    if let Some(dag) = stored.dag()?.filter(|dag| dag.plan_sha256 == text.sha256) {
        return Ok(Rooms { dag, made: Vec::new() });
    }
    let review = match plan_review::room_of(project, &stored.meta.plan_id)? {
        // Without an approval the gate is open because nobody asked for a review.
        Some((room, contract)) => plan_review::approval_of(&room)?.map(|_| contract),
        None => None,
    };
    let options = dag::BuildOptions {
        stage: Stage::Solid,
        plan_review: review.is_some(),
        plan_review_roles: review
            .map(|contract| contract.assignment.candidate_roles)
            .unwrap_or_default(),
        default_timeout_seconds: making.config().timeout_seconds,
        ..dag::BuildOptions::new(
            stored.meta.plan_id.clone(),
            text.sha256.clone(),
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
    for work in review::work(project, stored, plan)? {
        review::apply(making, &work)?;
        crash_point("revision_applied");
    }
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
    Ok(room::create(making.project, new_room(making, epic, roles, machine, first, actor)?)?)
}

/// What the room of one epic is made of.
///
/// # Errors
/// Nobody works on the epic.
pub(crate) fn new_room(
    making: &Making<'_>,
    epic: &Epic,
    roles: &[RoleRef],
    machine: &Machine,
    first: RoomId,
    actor: &str,
) -> Result<NewRoom, EngineError> {
    let Making { project, stored, rehearsed, .. } = making;
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
    for (number, text) in making.config().quality_requirements.iter().enumerate() {
        let id = format!("QR-{}", number + 1);
        contract.goals.quality_requirements.push(Goal { id, text: text.clone() });
    }
    Ok(NewRoom {
        brief: room::brief(epic, &contract),
        tasks: room::tasks(epic),
        machine: machine.clone(),
        actor: actor.to_owned(),
        contract,
    })
}

/// The roles that take part in an epic, and its machine: the one that the plan spells out, else one
/// made from the stages that it names.
pub(crate) fn machine(
    making: &Making<'_>,
    epic: &Epic,
) -> Result<(Vec<RoleRef>, Machine), EngineError> {
    let config = making.config();
    let casting = Casting {
        registry: making.registry(),
        review_restart: config.review_restart,
        triage: triage_mode(&making.registry().assignment_rules),
        max_retries: config.max_retries,
        max_triages: config.max_triages,
    };
    let Cast { roles, mut machine } = plan::cast(epic, &casting).map_err(|error| {
        EngineError::MachineShape { epic: epic.id.clone(), problem: error.to_string() }
    })?;
    let is_spelled_out = matches!(epic.lifecycle, Some(LifecycleSource::Machine(_)));
    if let (false, Some(worker)) = (is_spelled_out, roles.first()) {
        machine.max_retries = making.max_retries(worker, &epic.capabilities, epic.max_retries)?;
    }
    let role_exists = |role: &RoleName| making.role(role, &epic.capabilities).is_ok();
    lifecycle::check(&machine, &role_exists)
        .map_err(|problems| EngineError::Machine { epic: epic.id.clone(), problems })?;
    Ok((roles, machine))
}

/// A session of the role that the registry names decides about a stuck room; without such a role, a
/// person does.
fn triage_mode(rules: &AssignmentRules) -> TriageMode {
    match &rules.orchestration_role {
        Some(role) => TriageMode::Session(RoleRef::from(role.clone())),
        None => TriageMode::Person,
    }
}
