//! `resolve`: what a session would get, each value with its source.

use ostwin_core::config::Settings;
use ostwin_core::env;
use ostwin_core::ids::{RoleRef, RoomId, StateName};
use ostwin_core::plans;
use ostwin_core::project::Project;
use ostwin_core::room::{Contract, Room, Standing};
use ostwin_runner::agents::Programs;
use ostwin_runner::prepare::{
    AttemptFacts, Host, Occasion, PlanFacts, PrepareError, Settled, prepare_session, settle,
};
use ostwin_runner::resolve::{Directives, Question, ResolveError, SessionSettings, resolve};
use ostwin_runner::roles::{ResolvedRole, RolePlaces, Wanted, find_role};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use super::plan_text::{PlanText, options_of};
use super::run::plan_layers;
use crate::args::ResolveCommand;
use crate::context::Context;
use crate::out::remark;
use crate::view::{session as view, table, text};

mod mcp;
mod model;
mod skills;

pub(crate) fn run(context: &Context, command: &ResolveCommand) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    match command {
        ResolveCommand::Role { role, room: None } => of_role(context, &project, &settings, role),
        ResolveCommand::Role { role, room: Some(room) } => {
            let settled = Asked::read(context, &project, &settings, room)?.settle(role)?;
            show_role(context, &settled.role, &serde_json::to_value(&settled.settings)?)
        }
        ResolveCommand::Skills { role, room: None } => {
            skills::of_role(context, &project, &settings, role)
        }
        ResolveCommand::Skills { role, room: Some(room) } => {
            skills::of_session(context, &Asked::read(context, &project, &settings, room)?, role)
        }
        ResolveCommand::Mcp { role, room } => {
            mcp::mcp(context, &project, &settings, role, room.as_ref())
        }
        ResolveCommand::Model { role, room } => {
            model::model(context, &project, &settings, role, room.as_ref())
        }
        ResolveCommand::Prompt { role, room, text } => {
            let asked = Asked::read(context, &project, &settings, room)?;
            prompt(context, &asked, role.as_ref(), *text)
        }
    }
}

/// A role outside of any room, and what a session of it would run with; or why it would run with
/// nothing.
fn outside_of_rooms(
    project: &Project,
    settings: &Settings,
    role: &RoleRef,
) -> anyhow::Result<(ResolvedRole, Result<SessionSettings, ResolveError>)> {
    let home = env::home();
    let places = RolePlaces::of(project.layout(), None, home.as_deref()).exit(Exit::Usage)?;
    let wanted = Wanted { name: &role.role, capabilities: &[], description: None };
    let found = find_role(&wanted, &places, settings.config.dynamic_roles).exit(Exit::Usage)?;
    let nothing = Directives::default();
    let question = Question {
        role,
        resolved: &found,
        room: &nothing,
        epic: &nothing,
        contract: "no room",
        settings,
    };
    let config_file = project.layout().config().display().to_string();
    let resolved = resolve(&question, &Programs::of_this_process(), &config_file);
    Ok((found, resolved))
}

fn of_role(
    context: &Context,
    project: &Project,
    settings: &Settings,
    role: &RoleRef,
) -> anyhow::Result<Exit> {
    let (found, resolved) = outside_of_rooms(project, settings, role)?;
    match resolved {
        Ok(resolved) => show_role(context, &found, &serde_json::to_value(&resolved)?),
        Err(error @ ResolveError::NoAgent { .. }) => {
            // The role itself is there, and is what was asked for first.
            show_role(context, &found, &Value::Null)?;
            Err(error).exit(Exit::Usage)
        }
        Err(error) => Err(error).exit(Exit::Usage),
    }
}

fn show_role(context: &Context, role: &ResolvedRole, settings: &Value) -> anyhow::Result<Exit> {
    if context.out.json {
        context.out.json(&json!({"role": role, "settings": settings}))?;
    } else {
        context.out.text(&table::pairs(&view::role(role)))?;
        let rows = view::settings(settings);
        if !rows.is_empty() {
            let head = ["setting", "value", "from"];
            let settings = table::table(&head, &rows, context.out.width());
            context.out.text(&format!("\n{settings}"))?;
        }
    }
    warn(&role.warnings);
    Ok(Exit::Ok)
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        remark(&format!("warning: {}", text::one_line(warning)));
    }
}

/// A room that is asked about, with everything that decides about its sessions, as an engine would
/// read it.
struct Asked {
    room: Room,
    contract: Contract,
    standing: Standing,
    /// With those of the plan.
    settings: Settings,
    plan: PlanFacts,
    /// What the epic asks of its roles.
    capabilities: Vec<String>,
    host: Host,
}

impl Asked {
    fn read(
        context: &Context,
        project: &Project,
        settings: &Settings,
        id: &RoomId,
    ) -> anyhow::Result<Self> {
        let room = Room::open(project, id).exit(Exit::Usage)?;
        let contract = room.contract()?;
        let stored = plans::open(project, &contract.plan_id).exit(Exit::Usage)?;
        let file = stored.paths.plan();
        let name = file.display().to_string();
        let text = PlanText::of(name, stored.text()?, &options_of(project.layout(), settings));
        let plan = &text.parsed.plan;
        let epic = plan.epic(&contract.task_ref);
        Ok(Self {
            standing: room.standing()?,
            settings: context
                .settings(Some(project.layout()), plan_layers(&text, Some(&stored))?)?,
            capabilities: epic.map(|epic| epic.capabilities.clone()).unwrap_or_default(),
            plan: PlanFacts::of(plan, &file),
            host: Host::of_this_process().with_vaults(super::vault::read(context, project)?),
            contract,
            room,
        })
    }

    fn occasion<'a>(&'a self, role: &'a RoleRef) -> Occasion<'a> {
        Occasion {
            room: &self.room,
            contract: &self.contract,
            role,
            capabilities: &self.capabilities,
            settings: &self.settings,
            host: &self.host,
        }
    }

    fn settle(&self, role: &RoleRef) -> anyhow::Result<Settled> {
        settle(&self.occasion(role)).exit(Exit::Usage)
    }

    /// Every state in which a session runs, with its role: the state's own, else the one that works
    /// on the epic.
    fn sessions(&self) -> Vec<(&StateName, &RoleRef)> {
        let assigned = &self.contract.assignment.assigned_role;
        let states = self.standing.machine.states.iter();
        let states = states.filter(|(_, state)| state.kind.has_session());
        states.map(|(name, state)| (name, state.role.as_ref().unwrap_or(assigned))).collect()
    }

    /// The session that is meant: of `wanted`, else of any role; in the room's state, else in the
    /// first that has one.
    fn session(&self, wanted: Option<&RoleRef>) -> anyhow::Result<(&StateName, &RoleRef)> {
        let all = self.sessions();
        let is_meant =
            |(_, role): &(&StateName, &RoleRef)| wanted.is_none_or(|wanted| wanted == *role);
        let now = all.iter().find(|(state, _)| **state == self.standing.state);
        let meant = now.filter(|session| is_meant(session));
        meant.or_else(|| all.iter().find(|session| is_meant(session))).copied().ok_or_else(|| {
            let room = self.room.id();
            let text = match wanted {
                Some(role) => format!("`{role}` works in no state of `{room}`"),
                None => format!("no state of `{room}` has a session"),
            };
            let known: Vec<String> =
                all.iter().map(|(state, role)| format!("{role} in {state}")).collect();
            Failure::new(Exit::Usage, text).hint(format!("there are: {}", known.join(", "))).into()
        })
    }
}

fn prompt(
    context: &Context,
    asked: &Asked,
    role: Option<&RoleRef>,
    whole: bool,
) -> anyhow::Result<Exit> {
    let (state, role) = asked.session(role)?;
    let settled = asked.settle(role)?;
    let attempt = AttemptFacts::preview(&asked.room, role, state)?;
    let prepared = match prepare_session(&asked.occasion(role), &settled, &attempt, &asked.plan) {
        Ok(prepared) => prepared,
        Err(error @ (PrepareError::Resolve(_) | PrepareError::NoServer { .. })) => {
            return Err(error).exit(Exit::Environment);
        }
        Err(error) => return Err(error).exit(Exit::Usage),
    };
    let prompt = &prepared.prompt;
    let room = asked.room.id();
    if context.out.json {
        context.out.json(&json!({
            "room": room, "role": role, "state": state,
            "bytes": prompt.text.len(), "sections": prompt.sections, "text": prompt.text,
        }))?;
    } else if whole {
        context.out.text(&text::block(&prompt.text))?;
    } else {
        let head = ["section", "size", "at most", "priority", "", "source"];
        let rows = view::sections(&prompt.sections);
        let sections = table::table(&head, &rows, context.out.width());
        let total = view::size(prompt.text.len());
        let sum = format!("{total} in all, for `{role}` in `{state}` of `{room}`");
        context.out.text(&format!("{sections}\n{sum}\n"))?;
    }
    warn(&prepared.warnings);
    Ok(Exit::Ok)
}
