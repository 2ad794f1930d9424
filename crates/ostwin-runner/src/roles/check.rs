//! Whether a role is in order: what it says can be read, and what it names is there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::config::AgentSpec;
use ostwin_core::ids::RoleName;
use ostwin_core::json::nearest;
use ostwin_core::layout::RolePaths;
use ostwin_core::roles::tools::is_named;
use ostwin_core::roles::{ToolList, ToolLists};
use ostwin_skills::tiers::{Catalog, Hit};
use serde::Serialize;

use super::discover::{RolePlaces, RoleTier};
use super::listing::{RoleListing, read_listed};
use crate::mcp::{OWN, Servers};
use crate::prompt::{OWN_TOOLS, Tools};
use crate::resolve::NEEDED_TOOL;

/// What a role may name.
#[derive(Clone, Copy, Debug)]
pub struct Nameable<'a> {
    /// The agent programs of the settings.
    pub agents: &'a BTreeMap<String, AgentSpec>,
    /// The skills that a session of the role can find.
    pub skills: &'a Catalog,
    /// The MCP servers of the tiers.
    pub servers: &'a Servers,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSeverity {
    /// A session of the role cannot be had.
    Error,
    /// It was probably meant otherwise.
    Warning,
}

/// Something about a role that is not in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleFinding {
    /// The role.
    pub role: RoleName,
    /// Where it is.
    pub tier: RoleTier,
    /// The file that says so.
    pub file: PathBuf,
    /// How bad it is.
    pub severity: RoleSeverity,
    /// What it is, and what to do.
    pub problem: String,
}

/// Everything that is not in order about a role, errors and oddities in the order of its file.
pub fn check_role(
    listing: &RoleListing,
    places: &RolePlaces,
    known: &Nameable<'_>,
) -> Vec<RoleFinding> {
    let file = RolePaths::at(&listing.dir).settings();
    let finding = |severity, problem: String| RoleFinding {
        role: listing.name.clone(),
        tier: listing.tier,
        file: file.clone(),
        severity,
        problem,
    };
    let read = match read_listed(listing, places) {
        Ok(read) => read,
        Err(error) => return vec![finding(RoleSeverity::Error, error.to_string())],
    };
    let mut findings: Vec<RoleFinding> =
        read.warnings.into_iter().map(|text| finding(RoleSeverity::Warning, text)).collect();
    let spec = &read.spec;
    if let Some(agent) = spec.agent.as_ref().filter(|agent| !known.agents.contains_key(*agent)) {
        let near = nearest(agent, known.agents.keys().map(String::as_str));
        let text = format!(
            "`agent`: the settings have no agent `{agent}`{}; `ostwin agent list` lists them",
            perhaps(near)
        );
        findings.push(finding(RoleSeverity::Error, text));
    }
    for name in &spec.skill_refs {
        let text = match known.skills.find(name) {
            Some(Hit::Skill(_)) => continue,
            Some(Hit::Broken(broken)) => format!(
                "`skill_refs`: the skill `{name}` in `{}` cannot be read: {}",
                broken.path.display(),
                broken.problem
            ),
            None => format!(
                "`skill_refs`: no tier has the skill `{name}`{}; `ostwin skills install` gets one",
                perhaps(known.skills.nearest(name.as_str()))
            ),
        };
        findings.push(finding(RoleSeverity::Error, text));
    }
    for name in &spec.disabled_skills {
        if known.skills.find(name).is_none() {
            let near = perhaps(known.skills.nearest(name.as_str()));
            let text = format!("`disabled_skills`: no tier has the skill `{name}`{near}");
            findings.push(finding(RoleSeverity::Warning, text));
        }
    }
    let there = known.servers.iter().filter(|(_, slot)| slot.entry.is_some());
    let servers: Vec<&str> = OWN.into_iter().chain(there.map(|(name, _)| name.as_str())).collect();
    for name in spec.mcp_refs.iter().flatten() {
        if !servers.contains(&name.as_str()) {
            let text = format!(
                "`mcp_refs`: no tier has the MCP server `{name}`{}; `ostwin mcp add {name}` adds it",
                perhaps(nearest(name, servers.iter().copied()))
            );
            findings.push(finding(RoleSeverity::Error, text));
        }
    }
    let lists = ToolLists { allowed: None, denied: spec.denied_tools.clone() };
    if let Some(tool) = lists.denies_the_needed() {
        let text = format!("`denied_tools` names `{tool}`: {NEEDED_TOOL}");
        findings.push(finding(RoleSeverity::Error, text));
    }
    let of = |list| move |name: &String| (list, name.clone());
    let allowed = spec.allowed_tools.iter().flatten().map(of(ToolList::Allowed));
    for (list, name) in allowed.chain(spec.denied_tools.iter().map(of(ToolList::Denied))) {
        // Another server may have a tool of any name.
        let near = nearest_tool(&name).filter(|_| known.servers.is_empty());
        if let Some(near) = near {
            let text = format!("`{list}`: no tool is called `{name}` (did you mean `{near}`?)");
            findings.push(finding(RoleSeverity::Warning, text));
        }
    }
    findings
}

/// The tool of an own server whose name is nearly this, and not this.
fn nearest_tool(name: &str) -> Option<&'static str> {
    let of =
        |(server, tools): (&'static str, Tools)| tools.iter().map(move |(name, _)| (server, *name));
    let tools = || OWN_TOOLS.into_iter().flat_map(of);
    if tools().any(|(server, tool)| is_named(name, server, tool)) {
        return None;
    }
    nearest(name, tools().map(|(_, tool)| tool))
}

fn perhaps(near: Option<&str>) -> String {
    near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}
