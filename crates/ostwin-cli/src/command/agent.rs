//! `agent`: the agent programs of the settings, and whether they answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ostwin_core::config::{AgentSpec, Config, Protocol, how_to_install};
use ostwin_core::env;
use ostwin_core::json::nearest;
use ostwin_core::programs::Programs;
use ostwin_core::vault::Vaults;
use ostwin_runner::acp::AgentInfo;
use ostwin_runner::agents::{HandshakeError, Trial, handshake, list_agents, program_version};
use ostwin_runner::guardian::GuardianProgram;
use ostwin_service::{Exit, Failure};
use serde::Serialize;

use crate::args::{AgentCommand, AgentTestArgs};
use crate::context::{Context, here};
use crate::out::remark;
use crate::view::{table, text};

/// How long a program may take to say its version.
const VERSION_PATIENCE: Duration = Duration::from_secs(10);

/// How much of an agent's complaint is shown.
const MAX_COMPLAINT_BYTES: u64 = 64 << 10;

mod by_hand;
mod tail;

pub(super) use tail::Tail;

pub(crate) fn run(context: &Context, command: &AgentCommand) -> anyhow::Result<Exit> {
    let config = match context.project_if_any()? {
        Some((_, settings)) => settings.config,
        None => context.settings(None, Vec::new())?.config,
    };
    match command {
        AgentCommand::List => list(context, &config),
        AgentCommand::Test(args) => test(context, &config, args),
        AgentCommand::Run(args) => by_hand::run(context, args),
    }
}

/// One agent, as the list shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    default: bool,
    protocol: Protocol,
    command: Vec<String>,
    program: Option<PathBuf>,
    version: Option<String>,
    install: Option<&'static str>,
}

fn list(context: &Context, config: &Config) -> anyhow::Result<Exit> {
    let found = list_agents(&config.agents, &Programs::of_this_process());
    let runtime = runtime()?;
    let listed: Vec<Listed> = found
        .into_iter()
        .map(|agent| {
            let program = agent.program.as_deref();
            let version = program
                .and_then(|program| runtime.block_on(program_version(program, VERSION_PATIENCE)));
            Listed {
                default: config.default_agent.as_ref() == Some(&agent.name),
                protocol: config.agents.get(&agent.name).map(|a| a.protocol).unwrap_or_default(),
                install: how_to_install(&agent.name),
                command: agent.command,
                program: agent.program,
                version,
                name: agent.name,
            }
        })
        .collect();
    if context.out.json {
        context.out.json(&listed)?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    let head = ["agent", "here", "version", "program, or how to install it"];
    context.out.text(&table::table(&head, &rows, context.out.width()))?;
    if config.default_agent.is_none() {
        remark("no default agent is set: `ostwin config set default_agent NAME` names one");
    }
    Ok(Exit::Ok)
}

fn row(agent: &Listed) -> Vec<String> {
    let name = if agent.default { format!("{} (default)", agent.name) } else { agent.name.clone() };
    let here = if agent.program.is_some() { "yes" } else { "no" };
    let place = match (&agent.program, agent.install) {
        (Some(program), _) => program.display().to_string(),
        (None, Some(install)) => install.to_owned(),
        (None, None) => format!("set `agents.{}.command`", agent.name),
    };
    vec![name, here.to_owned(), agent.version.clone().unwrap_or_default(), place]
}

fn test(context: &Context, config: &Config, args: &AgentTestArgs) -> anyhow::Result<Exit> {
    let name = args.name.as_ref().or(config.default_agent.as_ref()).ok_or_else(|| {
        Failure::new(Exit::Usage, "no agent is named, and there is no default agent")
            .hint("`ostwin agent list` lists them")
    })?;
    let Some(agent) = config.agents.get(name) else {
        let near = nearest(name, config.agents.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let text = format!("no agent is called `{name}`{near}");
        return Err(Failure::new(Exit::Usage, text).hint("`ostwin agent list` lists them").into());
    };
    let programs = Programs::of_this_process();
    if agent.protocol == Protocol::Command {
        return command(context, name, agent, &programs);
    }
    let dir = tempfile::tempdir().context("cannot make a temporary folder")?;
    let guardian = GuardianProgram {
        program: std::env::current_exe().context("cannot find the running executable")?,
        args: vec!["__session".to_owned()],
        env: Vec::new(),
    };
    let environment = env::vars();
    let vaults = match context.project_if_any()? {
        Some((project, _)) => super::vault::read(context, &project)?,
        None => Vaults::default(),
    };
    let cwd = here()?;
    let trial = Trial {
        guardian: &guardian,
        name,
        agent,
        programs: &programs,
        environment: &environment,
        vaults: &vaults,
        dir: dir.path(),
        cwd: &cwd,
        patience: Duration::from_secs(args.timeout),
    };
    let began = Instant::now();
    match runtime()?.block_on(handshake(trial)) {
        Ok(info) => shown(context, name, &info, began.elapsed()),
        Err(error) => Err(explained(name, &error, dir.path())),
    }
}

/// A program without a protocol is found or not; there is nothing to say to it without a prompt.
fn command(
    context: &Context,
    name: &str,
    agent: &AgentSpec,
    programs: &Programs,
) -> anyhow::Result<Exit> {
    let program = agent.command.first().cloned().unwrap_or_default();
    let Some(found) = programs.find(&program) else {
        return Err(explained(name, &HandshakeError::NoProgram(program), Path::new("")));
    };
    if context.out.json {
        context.out.json(&serde_json::json!({ "agent": name, "program": found }))?;
    } else {
        let found = found.display();
        remark(&format!("`{name}` is `{found}`; it speaks no protocol, so it was not started"));
    }
    Ok(Exit::Ok)
}

fn shown(context: &Context, name: &str, info: &AgentInfo, took: Duration) -> anyhow::Result<Exit> {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if context.out.json {
        context.out.json(&serde_json::json!({
            "agent": name,
            "says": { "name": info.name, "version": info.version },
            "can_resume": info.can_resume,
            "models": info.models,
            "took_ms": millis,
        }))?;
        return Ok(Exit::Ok);
    }
    let yes = |can: bool| if can { "yes" } else { "no" }.to_owned();
    let says = [info.name.as_deref(), info.version.as_deref()];
    let says: Vec<&str> = says.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    context.out.text(&table::pairs(&[
        ("agent", name.to_owned()),
        ("says it is", text::one_line(&says.join(" "))),
        ("handshake", format!("{:.1} s", took.as_secs_f64())),
        ("goes on with a session", yes(info.can_resume)),
        ("models", text::one_line(&info.models.join(", "))),
    ]))?;
    Ok(Exit::Ok)
}

fn explained(name: &str, error: &HandshakeError, dir: &Path) -> anyhow::Error {
    let exit = match error {
        HandshakeError::NoCommand | HandshakeError::Env(_) => Exit::Usage,
        HandshakeError::NoProgram(_) | HandshakeError::Start(_) => Exit::Environment,
        HandshakeError::Speech(_) => Exit::NotPassed,
    };
    let text = match (error, std::error::Error::source(error)) {
        (HandshakeError::Env(problem), Some(cause)) => format!("{problem}: {cause}"),
        _ => format!("agent `{name}`: {error}"),
    };
    let mut failure = Failure::new(exit, text);
    let complaint = ostwin_core::fs::read_optional(&dir.join("stderr.log"), MAX_COMPLAINT_BYTES);
    let complaint = complaint.ok().flatten().unwrap_or_default();
    let complaint = String::from_utf8_lossy(&complaint);
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
    match (last, how_to_install(name)) {
        (Some(last), _) => failure = failure.hint(format!("it said: {}", text::one_line(last))),
        (None, Some(install)) => failure = failure.hint(install),
        (None, None) => failure = failure.hint(format!("see `agents.{name}` in the settings")),
    }
    failure.into()
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}
