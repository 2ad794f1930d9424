//! The own servers: which of them a session gets, and what binds them to it.
//!
//! Each is a process per session and a list of tools that the model pays for, so a session gets
//! `skills` only if there is a skill to read or it may install some, and `dashboard` only if its
//! role looks after more than its own room, or names it.

use std::path::{Path, PathBuf};

use ostwin_core::ids::{AttemptId, PlanId, RoleRef, RoomId};
use ostwin_core::roles::ToolLists;

use super::servers::ServerFilter;
use crate::acp::McpServer;

/// The name of the server through which a session speaks in its room.
pub const WARROOM: &str = "warroom";
/// The name of the server of the shared memory.
pub const MEMORY: &str = "memory";
/// The name of the server of skills.
pub const SKILLS: &str = "skills";
/// The name of the server that shows plans and rooms.
pub const DASHBOARD: &str = "dashboard";

/// Every own server. No other server can have one of these names.
pub const OWN: [&str; 4] = [WARROOM, MEMORY, SKILLS, DASHBOARD];

/// What a role can do that looks after more than its own room.
const OVERSEEING: [&str; 3] = ["orchestration", "plan-review", "reporting"];

/// What decides which own servers a session gets.
#[derive(Clone, Copy, Debug)]
pub struct OwnQuestion<'a> {
    /// Which servers it may see.
    pub filter: &'a ServerFilter,
    /// What its role can do.
    pub capabilities: &'a [String],
    /// Whether it has a skill to read, or may install some.
    pub skills: bool,
}

impl OwnQuestion<'_> {
    /// The names of its own servers, in their order.
    pub fn names(&self) -> Vec<&'static str> {
        OWN.into_iter().filter(|name| self.has(name)).collect()
    }

    fn has(&self, name: &str) -> bool {
        let Self { filter, capabilities, skills } = *self;
        if filter.no_mcp {
            return false;
        }
        let named = |names: &Vec<String>| names.iter().any(|wanted| wanted == name);
        match (name, &filter.refs) {
            (WARROOM | MEMORY, _) => true,
            (_, Some(refs)) => named(refs),
            (SKILLS, None) => skills,
            (_, None) => capabilities.iter().any(|can| OVERSEEING.contains(&can.as_str())),
        }
    }
}

/// The program of an own server.
pub fn own_program(name: &str) -> String {
    format!("ostwin-mcp-{name}")
}

/// Whether a session cannot do its work without this own server.
pub fn is_essential(name: &str) -> bool {
    matches!(name, WARROOM | MEMORY)
}

/// What an own server is bound to: who speaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The project's root.
    pub project: PathBuf,
    /// The room.
    pub room: RoomId,
    /// The role, with instance.
    pub role: RoleRef,
    /// The attempt.
    pub attempt: AttemptId,
    /// The plan of the room.
    pub plan: Option<PlanId>,
    /// Which tools the session may call.
    pub tools: ToolLists,
}

impl Binding {
    /// The arguments that fix it.
    pub(super) fn args(&self) -> Vec<String> {
        let mut args = vec![
            "--project".to_owned(),
            self.project.to_string_lossy().into_owned(),
            "--room".to_owned(),
            self.room.to_string(),
            "--role".to_owned(),
            self.role.to_string(),
            "--attempt".to_owned(),
            self.attempt.to_string(),
        ];
        if let Some(plan) = &self.plan {
            args.extend(["--plan".to_owned(), plan.to_string()]);
        }
        if let Some(allowed) = &self.tools.allowed {
            args.extend(["--allowed-tools".to_owned(), allowed.join(",")]);
        }
        if !self.tools.denied.is_empty() {
            args.extend(["--denied-tools".to_owned(), self.tools.denied.join(",")]);
        }
        args
    }

    /// An own server of this name, bound by its command line.
    pub fn server(&self, name: &str, program: &Path) -> McpServer {
        McpServer {
            name: name.to_owned(),
            command: program.to_owned(),
            args: self.args(),
            env: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_gets_what_it_has_a_use_for() {
        let names = |refs: Option<&[&str]>, capabilities: &[&str], skills| {
            let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let filter = ServerFilter { no_mcp: false, refs: refs.map(list) };
            let capabilities: Vec<String> = list(capabilities);
            OwnQuestion { filter: &filter, capabilities: &capabilities, skills }.names()
        };
        assert_eq!(names(None, &["testing"], false), [WARROOM, MEMORY]);
        assert_eq!(names(None, &["testing"], true), [WARROOM, MEMORY, SKILLS]);
        assert_eq!(names(None, &["reporting"], true), OWN);
        assert_eq!(names(Some(&[]), &["reporting"], true), [WARROOM, MEMORY]);
        assert_eq!(names(Some(&["db", "dashboard"]), &[], true), [WARROOM, MEMORY, DASHBOARD]);
        assert_eq!(names(Some(&["skills"]), &[], false), [WARROOM, MEMORY, SKILLS]);
        let filter = ServerFilter { no_mcp: true, refs: None };
        let none = OwnQuestion { filter: &filter, capabilities: &[], skills: true };
        assert_eq!(none.names(), Vec::<&str>::new());
    }
}
