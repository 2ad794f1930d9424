//! Which agent programs of the settings are on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use ostwin_core::config::AgentSpec;
use ostwin_core::programs::Programs;
use serde::Serialize;

use crate::process::async_command;

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

/// What a program says to `--version`, in one line; `None` if it says nothing within `patience`.
pub async fn program_version(program: &std::path::Path, patience: Duration) -> Option<String> {
    let mut asked = async_command(program);
    asked.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(patience, asked.output()).await.ok()?.ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| !line.trim().is_empty())?;
    const MOST_CHARS: usize = 80;
    output.status.success().then(|| line.trim().chars().take(MOST_CHARS).collect())
}
