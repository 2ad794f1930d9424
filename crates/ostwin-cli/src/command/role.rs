//! `role`: which roles there are, new ones, and whether they are in order.

use std::path::Path;

use ostwin_core::config::Settings;
use ostwin_core::env;
use ostwin_core::ids::RoleName;
use ostwin_core::project::Project;
use ostwin_runner::mcp;
use ostwin_runner::roles::{
    self, Nameable, RoleError, RoleFinding, RolePlaces, RoleSeverity, Wanted, find_role,
};
use ostwin_service::{Exit, Explain, Failure};
use ostwin_skills::tiers::{Catalog, Places};
use serde_json::json;

use crate::args::{RoleCommand, RoleNewArgs};
use crate::context::Context;
use crate::out::remark;
use crate::view::figures::plural;
use crate::view::role as view;

mod draft;

pub(crate) fn run(context: &Context, command: &RoleCommand) -> anyhow::Result<Exit> {
    match command {
        RoleCommand::List { all } => list(context, *all),
        RoleCommand::New(args) => new(context, args),
        RoleCommand::Clone { from, name } => clone(context, from, name),
        RoleCommand::Check { name } => check(context, name.as_ref()),
    }
}

fn places(project: &Project) -> anyhow::Result<RolePlaces> {
    RolePlaces::of(project.layout(), None, env::home().as_deref()).exit(Exit::Usage)
}

fn list(context: &Context, all: bool) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let places = places(&project)?;
    let mut listed = roles::every_role(&places);
    listed.retain(|role| all || !role.shadowed);
    let listed: Vec<view::Listed> = listed
        .into_iter()
        .map(|role| view::Listed::of(roles::read_listed(&role, &places), role))
        .collect();
    if context.out.json {
        context.out.json(&listed)?;
    } else {
        let root = project.layout().root();
        context.out.text(&view::list(&listed, root, context.out.width()))?;
    }
    Ok(Exit::Ok)
}

fn new(context: &Context, args: &RoleNewArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let name = &args.name;
    refuse_existing(&places(&project)?, name)?;
    let description = args.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let capabilities: Vec<String> = args
        .capabilities
        .iter()
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let wanted = Wanted { name, capabilities: &capabilities, description };
    let (spec, template) = roles::role_template(&wanted);
    let prompt = if args.draft {
        match draft::prompt(context, &settings, args, &wanted)? {
            Ok(prompt) => prompt,
            Err(exit) => return Ok(exit),
        }
    } else {
        template
    };
    let dir = roles::new_role(project.layout(), project.store(), name, &spec, &prompt)
        .map_err(|error| explained(&error))?;
    if args.draft && !context.out.json {
        context.out.text(&crate::view::text::block(&prompt))?;
    }
    told(context, &project, name, &dir)
}

fn clone(context: &Context, from: &RoleName, name: &RoleName) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let places = places(&project)?;
    if from != name {
        refuse_existing(&places, name)?;
    }
    let wanted = Wanted { name: from, capabilities: &[], description: None };
    let found = find_role(&wanted, &places, false).exit(Exit::Usage)?;
    let dir = roles::clone_role(project.layout(), project.store(), &found, name)
        .map_err(|error| explained(&error))?;
    told(context, &project, name, &dir)
}

/// A new role must not hide one that sessions use: only a copy of a role under its own name may.
fn refuse_existing(places: &RolePlaces, name: &RoleName) -> anyhow::Result<()> {
    let listed = roles::list_roles(places);
    let Some(known) = listed.into_iter().find(|role| role.name == *name) else { return Ok(()) };
    let tier = known.tier.as_str();
    let text = format!("there is a role `{name}` in the {tier} tier, `{}`", known.dir.display());
    let hint = format!(
        "choose another name, or copy it into the project to edit it: `ostwin role clone {name} {name}`"
    );
    Err(Failure::new(Exit::Usage, text).hint(hint).into())
}

fn told(context: &Context, project: &Project, name: &RoleName, dir: &Path) -> anyhow::Result<Exit> {
    if context.out.json {
        let registry = project.layout().registry();
        context.out.json(&json!({ "role": name, "dir": dir, "registry": registry }))?;
    } else {
        remark(&format!("role `{name}` is in `{}`, and in the registry", dir.display()));
        remark(&format!("read and edit it there; `ostwin role check {name}` checks it"));
    }
    Ok(Exit::Ok)
}

fn explained(error: &RoleError) -> anyhow::Error {
    let exit = match error {
        RoleError::Fs(_) | RoleError::Lock(_) => Exit::Environment,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.to_string()).into()
}

fn check(context: &Context, name: Option<&RoleName>) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let places = places(&project)?;
    let mut listed = roles::every_role(&places);
    match name {
        None => listed.retain(|role| !role.shadowed),
        Some(name) => {
            if !listed.iter().any(|role| role.name == *name) {
                let wanted = Wanted { name, capabilities: &[], description: None };
                find_role(&wanted, &places, false).exit(Exit::Usage)?;
            }
            listed.retain(|role| role.name == *name);
        }
    }
    let findings = findings(&project, &settings, &places, &listed)?;
    let errors = findings.iter().filter(|one| one.severity == RoleSeverity::Error).count();
    if context.out.json {
        context.out.json(&json!({ "checked": listed, "findings": findings }))?;
    } else {
        context.out.lines(&view::findings(&findings, project.layout().root()))?;
        let roles = plural(listed.len(), "role");
        remark(&match (errors, findings.len()) {
            (_, 0) => format!("{roles} checked: in order"),
            (0, all) => format!("{roles} checked: {}", plural(all, "warning")),
            (errors, all) => format!(
                "{roles} checked: {}, {}",
                plural(errors, "error"),
                plural(all - errors, "warning")
            ),
        });
    }
    Ok(if errors > 0 { Exit::Usage } else { Exit::Ok })
}

fn findings(
    project: &Project,
    settings: &Settings,
    places: &RolePlaces,
    listed: &[roles::RoleListing],
) -> anyhow::Result<Vec<RoleFinding>> {
    let home = env::home();
    let layout = project.layout();
    let (servers, _) =
        mcp::read_tiers(env::config_dir().as_deref(), layout, None).exit(Exit::Usage)?;
    let mut findings = Vec::new();
    for role in listed {
        let skills =
            Catalog::discover(&Places::of_session(layout, None, &role.name, home.as_deref()));
        let agents = &settings.config.agents;
        let known = Nameable { agents, skills: &skills, servers: &servers };
        findings.extend(roles::check_role(role, places, &known));
    }
    Ok(findings)
}
