//! What a skill must fulfil to be given to a session.

use std::collections::BTreeSet;

use ostwin_core::ids::RoleName;

use super::outcome::Reason;
use crate::format::{Skill, TrustLevel};

/// What a session is, as far as skills care.
#[derive(Clone, Copy, Debug)]
pub struct Gates<'a> {
    /// Its role.
    pub role: &'a RoleName,
    /// The operating system, as Rust names it.
    pub platform: &'a str,
    /// The MCP servers that it has.
    pub servers: &'a BTreeSet<String>,
    /// Whether experimental skills are used.
    pub allow_experimental: bool,
}

impl Gates<'_> {
    /// The first gate that a skill does not pass although it is named. Its `applicable_roles` are
    /// none: they say whom it is offered to, and who names it knows better.
    pub fn refuse(&self, skill: &Skill) -> Option<Reason> {
        if !skill.enabled {
            return Some(Reason::NotEnabled);
        }
        if !skill.platform.is_empty() && !skill.platform.iter().any(|name| name == self.platform) {
            let (platform, here) = (skill.platform.clone(), self.platform.to_owned());
            return Some(Reason::Platform { platform, here });
        }
        if skill.trust_level == TrustLevel::Experimental && !self.allow_experimental {
            return Some(Reason::Experimental);
        }
        let missing = skill.requires_mcp.iter().find(|server| !self.servers.contains(*server));
        missing.map(|server| Reason::NoServer { server: server.clone() })
    }

    /// The first gate that a skill does not pass which nobody named: one that lies in a folder, or
    /// is found by a search.
    pub fn refuse_unnamed(&self, skill: &Skill) -> Option<Reason> {
        self.refuse(skill).or_else(|| {
            let for_others = !skill.is_for(self.role);
            for_others.then(|| Reason::OtherRoles { roles: skill.applicable_roles.clone() })
        })
    }
}
