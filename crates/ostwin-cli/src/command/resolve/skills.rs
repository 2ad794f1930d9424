//! `resolve skills`: which skills a session would get, and who asked for each.

use ostwin_core::config::{AgentSpec, Settings};
use ostwin_core::env;
use ostwin_core::ids::RoleRef;
use ostwin_core::project::Project;
use ostwin_runner::mcp::ServerFilter;
use ostwin_runner::prepare::{Host, SettledSkills, SkillQuestion, settle_skills};
use ostwin_runner::roles::{RolePlaces, Wanted, find_role};
use ostwin_service::{Exit, Explain};
use serde_json::json;

use super::{Asked, warn};
use crate::context::Context;
use crate::out::remark;
use crate::view::{session as view, table};

/// Of a role outside of any room.
pub(super) fn of_role(
    context: &Context,
    project: &Project,
    settings: &Settings,
    role: &RoleRef,
) -> anyhow::Result<Exit> {
    let layout = project.layout();
    let places = RolePlaces::of(layout, None, env::home().as_deref()).exit(Exit::Usage)?;
    let wanted = Wanted { name: &role.role, capabilities: &[], description: None };
    let resolved = find_role(&wanted, &places, settings.config.dynamic_roles).exit(Exit::Usage)?;
    let said = settings.config.roles.get(&role.role);
    let spec = &resolved.spec;
    let filter = ServerFilter {
        no_mcp: said.and_then(|said| said.no_mcp).unwrap_or(spec.no_mcp),
        refs: said.and_then(|said| said.mcp_refs.clone()).or_else(|| spec.mcp_refs.clone()),
    };
    let skills = settle_skills(&SkillQuestion {
        layout,
        room: None,
        epic: None,
        role,
        resolved: &resolved,
        settings,
        filter: &filter,
        host: &Host::of_this_process(),
    });
    let agent = said.and_then(|said| said.agent.clone()).or_else(|| spec.agent.clone());
    let agent = agent.or_else(|| settings.config.default_agent.clone());
    let agent = agent.as_ref().and_then(|name| Some((name, settings.config.agents.get(name)?)));
    show(context, role, &skills.exit(Exit::Usage)?, agent)
}

/// Of a session in a room.
pub(super) fn of_session(context: &Context, asked: &Asked, role: &RoleRef) -> anyhow::Result<Exit> {
    let settled = asked.settle(role)?;
    let agent = (&settled.settings.agent.value, &settled.settings.agent_spec);
    show(context, role, &settled.skills, Some(agent))
}

fn show(
    context: &Context,
    role: &RoleRef,
    skills: &SettledSkills,
    agent: Option<(&String, &AgentSpec)>,
) -> anyhow::Result<Exit> {
    if context.out.json {
        context.out.json(&json!({
            "role": role,
            "skills": skills.given,
            "left_out": skills.left_out,
            "searched": skills.searched,
            "reads_by_itself": agent.and_then(|(_, spec)| spec.skills_dir.as_ref()),
        }))?;
    } else {
        let width = context.out.width();
        if skills.given.is_empty() {
            context.out.text(&format!("`{role}` gets no skills\n"))?;
        } else {
            let head = ["skill", "tier", "asked for by", "folder"];
            let rows = view::skills(&skills.given, &role.role);
            context.out.text(&table::table(&head, &rows, width))?;
        }
        if !skills.left_out.is_empty() {
            let rows = view::left_out(&skills.left_out);
            let table = table::table(&["left out", "asked for by", "because"], &rows, width);
            context.out.text(&format!("\n{table}"))?;
        }
    }
    if let Some((name, dir)) =
        agent.and_then(|(name, spec)| Some((name, spec.skills_dir.as_ref()?)))
    {
        // It is an option of that program, which nobody here can take away.
        remark(&format!(
            "the program of `{name}` also reads `{dir}` by itself: for what lies there, roles and \
             `disabled_skills` are advice to it"
        ));
    }
    warn(&skills.warnings);
    Ok(Exit::Ok)
}
