//! The agent programs of the settings: which are here, and whether one answers.

use std::time::Duration;

use axum::http::StatusCode;
use ostwin_core::config::{Protocol, how_to_install};
use ostwin_core::json::nearest;
use ostwin_core::programs::Programs;
use ostwin_runner::agents::{FoundAgent, list_agents, program_version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::named::NameInPath;
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, page, post};
use crate::sibling::ostwin;

/// How long a program may take to say its version.
const VERSION: Duration = Duration::from_secs(5);
/// How long a test may take: shorter than a request may.
const TRIAL: Duration = Duration::from_secs(50);
/// How long the agent itself may take of that.
const PATIENCE: &str = "40";

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/agents", "The agent programs of the settings, and which are here", agents),
        post("/api/agents/{name}/test", "Starts an agent program and greets it", 200, test)
            .or(&[504]),
    ]
}

/// An agent program.
#[derive(Debug, Serialize, JsonSchema)]
struct AgentItem {
    /// Its name.
    name: String,
    /// Whether sessions get it that name no other.
    default: bool,
    /// How it is spoken to.
    protocol: Protocol,
    /// Its command.
    command: Vec<String>,
    /// Whether its program is here.
    found: bool,
    /// Where its program is.
    program: Option<String>,
    /// What it says its version is.
    version: Option<String>,
    /// How it is installed, if that is known.
    install: Option<&'static str>,
}

fn agents(call: &Call, _: Nothing, _: Nothing) -> Result<Page<AgentItem>, Problem> {
    let config = call.one()?.current().settings.config;
    let found = list_agents(&config.agents, &Programs::of_this_process());
    let items = versions(&found).into_iter().zip(found).map(|(version, agent)| AgentItem {
        default: config.default_agent.as_ref() == Some(&agent.name),
        protocol: config.agents.get(&agent.name).map(|spec| spec.protocol).unwrap_or_default(),
        found: agent.program.is_some(),
        program: agent.program.map(|program| program.display().to_string()),
        install: how_to_install(&agent.name),
        command: agent.command,
        name: agent.name,
        version,
    });
    Ok(page(items.collect()))
}

/// What each program says its version is, asked at once: the slowest decides how long that takes.
fn versions(agents: &[FoundAgent]) -> Vec<Option<String>> {
    let asked = agents.iter().map(|agent| async move {
        let program = agent.program.as_deref()?;
        program_version(program, VERSION).await
    });
    // On a thread that may block, inside the server's runtime.
    Handle::current().block_on(futures::future::join_all(asked))
}

/// How an agent program answered.
#[derive(Debug, Serialize, JsonSchema)]
struct AgentTest {
    /// Its name.
    agent: String,
    /// Whether it can be used, as far as a greeting tells.
    ok: bool,
    /// What it calls itself, with its version.
    says: Option<String>,
    /// Whether it can go on with a session; null if it was not asked.
    can_resume: Option<bool>,
    /// The models that it offers.
    models: Vec<String>,
    /// Milliseconds until it had answered; null if it was not started, for it speaks no protocol.
    took_ms: Option<u64>,
    /// Why it is of no use.
    error: Option<String>,
}

/// What the command line tells of a test.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    says: Says,
    can_resume: Option<bool>,
    models: Vec<String>,
    took_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Says {
    name: Option<String>,
    version: Option<String>,
}

fn test(call: &Call, path: NameInPath, _: Nothing) -> Result<AgentTest, Problem> {
    let served = call.one()?;
    let name = path.plain()?;
    let config = served.current().settings.config;
    if !config.agents.contains_key(name) {
        let near = nearest(name, config.agents.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        return Err(Problem::not_found(format!("no agent is called `{name}`{near}")));
    }
    // The command line does it, as it does for a person: what it starts ends with it.
    let told = ostwin(served, &["agent", "test", name, "--timeout", PATIENCE], TRIAL);
    let failed = |error: String| AgentTest {
        agent: name.to_owned(),
        ok: false,
        says: None,
        can_resume: None,
        models: Vec::new(),
        took_ms: None,
        error: Some(error),
    };
    match told {
        Ok(told) => {
            let told: Told =
                serde_json::from_value(told).map_err(|error| Problem::internal(&error))?;
            let says: Vec<String> = [told.says.name, told.says.version]
                .into_iter()
                .flatten()
                .filter(|word| !word.is_empty())
                .collect();
            Ok(AgentTest {
                agent: name.to_owned(),
                ok: true,
                says: Some(says.join(" ")).filter(|says| !says.is_empty()),
                can_resume: told.can_resume,
                models: told.models,
                took_ms: told.took_ms,
                error: None,
            })
        }
        // That the agent is of no use is an answer.
        Err(problem) if problem.status() == StatusCode::CONFLICT => {
            Ok(failed(problem.detail().to_owned()))
        }
        Err(problem) => Err(problem),
    }
}
