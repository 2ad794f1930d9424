//! `agent run`: one session in a room, by hand.

use ostwin_core::config::Layer;
use ostwin_core::ids::EpicId;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Room};
use ostwin_engine::{OneSession, Scope};
use ostwin_service::{Exit, Explain, Failure};

use super::super::{drive, review};
use crate::args::AgentRunArgs;
use crate::context::{Context, stored_plan};

pub(super) fn run(context: &Context, args: &AgentRunArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let (plan, room) = meant(&project, args)?;
    let contract = room.contract()?;
    let id = &plan.meta.plan_id;
    if contract.task_ref.is_plan_review() {
        let text = format!("`{}` is the review of plan `{id}`", room.id());
        return Err(Failure::new(Exit::Usage, text)
            .hint(format!("`ostwin plan review {id}` runs it"))
            .into());
    }
    let text = ostwin_engine::gated_text(&project, &plan, &settings).map_err(drive::explained)?;
    let (_, settings) =
        review::settings_of(context, &project, &plan, &settings, &text, flags(args)?)?;
    let one = OneSession { room: room.id().clone(), role: args.role.clone() };
    drive::drive(context, &project, &plan, settings, false, Scope::Session(one))
}

/// The room that is meant, and its plan.
fn meant(project: &Project, args: &AgentRunArgs) -> anyhow::Result<(StoredPlan, Room)> {
    if let Some(id) = &args.room {
        let room = Room::open(project, id).exit(Exit::Usage)?;
        let contract = room.contract()?;
        if let Some(epic) = args.reference.as_ref().filter(|epic| **epic != contract.task_ref) {
            let text = format!("`{id}` is the room of {}, not of {epic}", contract.task_ref);
            return Err(Failure::new(Exit::Usage, text).into());
        }
        return Ok((plans::open(project, &contract.plan_id).exit(Exit::Usage)?, room));
    }
    let plan = stored_plan(project, args.plan.as_deref())?;
    let rooms = room::of_plan(project, &plan.meta.plan_id)?;
    let known: Vec<String> =
        rooms.iter().map(|(_, contract)| contract.task_ref.to_string()).collect();
    let is_meant = |epic: &EpicId| args.reference.as_ref() == Some(epic);
    match rooms.into_iter().find(|(_, contract)| is_meant(&contract.task_ref)) {
        Some((room, _)) => Ok((plan, room)),
        None => {
            let id = &plan.meta.plan_id;
            let epic = args.reference.as_ref().map(ToString::to_string).unwrap_or_default();
            let text = format!("plan `{id}` has no room for {epic}");
            let hint = match known.is_empty() {
                true => format!(
                    "its rooms are made by `ostwin run {id}`, or one by one by `ostwin room new`"
                ),
                false => format!("there are rooms for {}", known.join(", ")),
            };
            Err(Failure::new(Exit::Usage, text).hint(hint).into())
        }
    }
}

fn flags(args: &AgentRunArgs) -> anyhow::Result<Layer> {
    let flags = [
        ("--agent", "default_agent", args.agent.as_deref()),
        ("--model", "default_model", args.model.as_deref()),
    ];
    let mut layer = Layer::default();
    for (flag, key, value) in flags {
        let Some(value) = value else { continue };
        layer = layer.with_flag(flag, key, value).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::new(Exit::Usage, lines.join("\n"))
        })?;
    }
    Ok(layer)
}
