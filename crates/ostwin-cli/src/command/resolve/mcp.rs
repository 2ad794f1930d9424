//! `resolve mcp`: the tool servers and tools of a session, and what was left out by whom.

use ostwin_core::config::Settings;
use ostwin_core::ids::{RoleRef, RoomId};
use ostwin_core::project::Project;
use ostwin_runner::mcp::{OwnQuestion, ServerFilter, resolve};
use ostwin_service::{Exit, Explain};
use serde_json::{Map, Value, json};

use super::super::mcp::{Named, chain};
use super::{Asked, outside_of_rooms, warn};
use crate::context::Context;
use crate::out::remark;
use crate::view::mcp::{self as view, Listed, State};
use crate::view::{session, table};

/// The settings that decide which servers and tools a session sees.
const KEYS: [&str; 4] = ["no_mcp", "mcp_refs", "allowed_tools", "denied_tools"];

pub(super) fn mcp(
    context: &Context,
    project: &Project,
    settings: &Settings,
    role: &RoleRef,
    room: Option<&RoomId>,
) -> anyhow::Result<Exit> {
    let (found, resolved, has_skills) = match room {
        Some(room) => {
            let settled = Asked::read(context, project, settings, room)?.settle(role)?;
            let has_skills = settled.skills.may_install || !settled.skills.given.is_empty();
            (settled.role, settled.settings, has_skills)
        }
        None => {
            let (found, resolved) = outside_of_rooms(project, settings, role)?;
            (found, resolved.exit(Exit::Usage)?, true)
        }
    };
    let filter = resolved.server_filter();
    let capabilities = &found.spec.capabilities;
    let own = OwnQuestion { filter: &filter, capabilities, skills: has_skills }.names();
    let named = Named::read(context, project, room)?;
    let listed = named.listed(project, &filter, &own);
    let looked = listed.into_iter().map(|listed| looked_at(&named, listed)).collect::<Vec<_>>();

    let all = serde_json::to_value(&resolved)?;
    let known = |key: &&str| Some(((*key).to_owned(), all.get(*key)?.clone()));
    let rules = Value::Object(KEYS.iter().filter_map(known).collect::<Map<String, Value>>());
    if context.out.json {
        let servers = looked.iter().map(Looked::to_json).collect::<Result<Vec<_>, _>>()?;
        context.out.json(&json!({
            "role": role, "room": room, "servers": servers, "rules": rules,
        }))?;
    } else {
        let servers: Vec<Listed> = looked.iter().map(|one| one.listed.clone()).collect();
        context.out.text(&view::list(&servers, project.layout().root(), context.out.width()))?;
        let head = ["rule", "value", "from"];
        let rows = session::settings(&rules);
        context.out.text(&format!("\n{}", table::table(&head, &rows, context.out.width())))?;
        for one in &looked {
            if let Some(problem) = &one.problem {
                remark(&format!("problem: {problem}"));
            }
        }
    }
    for name in filter.refs.iter().flatten() {
        if !looked.iter().any(|one| one.listed.name == *name && one.listed.state != State::Removed)
        {
            remark(&format!(
                "problem: the role wants the MCP server `{name}`, which no tier has; a session of it \
                 does not start"
            ));
        }
    }
    warn(&found.warnings);
    Ok(Exit::Ok)
}

/// A server, with what of its entry may be shown, or why no session could be given it.
struct Looked {
    listed: Listed,
    entry: Value,
    problem: Option<String>,
}

impl Looked {
    fn to_json(&self) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(&self.listed)?;
        value["entry"] = self.entry.clone();
        value["problem"] = json!(self.problem);
        Ok(value)
    }
}

fn looked_at(named: &Named, listed: Listed) -> Looked {
    let given = matches!(listed.state, State::Enabled | State::WhereAgentCan | State::NoProgram);
    if listed.source.is_none() || !given {
        return Looked { listed, entry: Value::Null, problem: None };
    }
    let only = ServerFilter { no_mcp: false, refs: Some(vec![listed.name.clone()]) };
    // What is shown holds placeholders, so that it is the same whatever they stand for.
    let shown = resolve(Vec::new(), &named.merged, &only, &|_| Some("https://value".to_owned()));
    let entry = shown.map(|shown| shown.record["mcpServers"][&listed.name].clone());
    let real = resolve(Vec::new(), &named.merged, &only, &|wanted| named.host.value(wanted));
    let problem = real.err().map(|error| chain(&error));
    Looked { listed, entry: entry.unwrap_or_default(), problem }
}
