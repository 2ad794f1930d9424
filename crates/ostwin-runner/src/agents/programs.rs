//! Which agent programs of the settings are on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::config::AgentSpec;
use ostwin_core::programs::Programs;
use serde::Serialize;

/// An agent of the settings and whether its program is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundAgent {
    /// Its name in the settings.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Where the program is; none if it was not found.
    pub program: Option<PathBuf>,
}

/// Every agent of the settings, by name, with its program where there is one.
pub fn list_agents(agents: &BTreeMap<String, AgentSpec>, programs: &Programs) -> Vec<FoundAgent> {
    agents
        .iter()
        .map(|(name, agent)| FoundAgent {
            name: name.clone(),
            command: agent.command.clone(),
            program: agent.command.first().and_then(|program| programs.find(program)),
        })
        .collect()
}
