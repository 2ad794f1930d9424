//! `mcp`: the tool servers of sessions, and whether they answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ostwin_core::config::Settings;
use ostwin_core::env;
use ostwin_core::ids::{RoleRef, RoomId};
use ostwin_core::programs::Programs;
use ostwin_core::project::Project;
use ostwin_core::redact::{Redactor, Secrets};
use ostwin_core::room::Room;
use ostwin_runner::acp::McpServer;
use ostwin_runner::agents::{EnvironmentPolicy, session_environment};
use ostwin_runner::mcp::{
    self, Entry, OwnQuestion, ProbeError, Server, ServerFilter, Servers, SessionServers,
};
use ostwin_runner::prepare::Host;
use ostwin_runner::roles::{RolePlaces, Wanted, find_role};
use ostwin_service::{Exit, Explain, Failure};

use crate::args::{McpCommand, McpListArgs, McpTestArgs};
use crate::context::{Context, here};
use crate::out::remark;
use crate::view::mcp::{self as view, Listed, State, Tested, Tier};
use crate::view::text;

mod edit;

pub(crate) fn run(context: &Context, command: &McpCommand) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    match command {
        McpCommand::List(args) => list(context, &project, &settings, args),
        McpCommand::Test(args) => test(context, &project, &settings, args),
        McpCommand::Add(args) => edit::add(context, &project, args),
        McpCommand::Remove { name, user } => edit::remove(context, &project, name, *user),
    }
}

/// Everything that names servers, merged.
pub(super) struct Named {
    pub(super) host: Host,
    room: Option<Room>,
    pub(super) merged: Servers,
}

impl Named {
    pub(super) fn read(
        context: &Context,
        project: &Project,
        room: Option<&RoomId>,
    ) -> anyhow::Result<Self> {
        let host = Host::of_this_process().with_vaults(super::vault::read(context, project)?);
        let room = room.map(|id| Room::open(project, id)).transpose().exit(Exit::Usage)?;
        let paths = room.as_ref().map(Room::paths);
        let (merged, warnings) =
            mcp::read_tiers(host.config_dir.as_deref(), project.layout(), paths)
                .exit(Exit::Usage)?;
        for warning in &warnings {
            remark(&format!("warning: {}", text::one_line(warning)));
        }
        Ok(Self { host, room, merged })
    }

    /// Every server, and whether a session with this filter and these own servers gets it.
    pub(super) fn listed(
        &self,
        project: &Project,
        filter: &ServerFilter,
        own_names: &[&str],
    ) -> Vec<Listed> {
        let seen = |name: &str| own_names.contains(&name);
        let mut listed: Vec<Listed> =
            mcp::OWN.into_iter().map(|name| own(name, &self.host.programs, seen(name))).collect();
        for (name, slot) in &self.merged {
            let hidden =
                filter.no_mcp || filter.refs.as_ref().is_some_and(|refs| !refs.contains(name));
            let (kind, command) = match slot.entry.as_ref().map(|entry| &entry.server) {
                Some(Server::Local { command, .. }) => ("local", command.join(" ")),
                Some(Server::Remote { url, .. }) => ("remote", url.clone()),
                None => ("", String::new()),
            };
            let program = match slot.entry.as_ref().map(|entry| &entry.server) {
                Some(Server::Local { command, .. }) => {
                    command.first().and_then(|program| self.host.programs.find(program))
                }
                _ => None,
            };
            let state = match &slot.entry {
                None => State::Removed,
                Some(_) if mcp::OWN.contains(&name.as_str()) => State::PassedOver,
                Some(entry) if !entry.enabled => State::Disabled,
                Some(_) if hidden => State::NotForRole,
                Some(_) if kind == "local" && program.is_none() => State::NoProgram,
                Some(_) if kind == "remote" => State::WhereAgentCan,
                Some(_) => State::Enabled,
            };
            listed.push(Listed {
                name: name.clone(),
                tier: self.tier(project, &slot.source),
                source: Some(slot.source.clone()),
                kind,
                state,
                command: project.store().redactor.text(&command).into_owned(),
                program,
            });
        }
        listed
    }

    /// Which tier a file belongs to.
    fn tier(&self, project: &Project, source: &Path) -> Tier {
        if *source == project.layout().mcp_config() {
            Tier::Project
        } else if self.room.as_ref().is_some_and(|room| room.paths().mcp() == *source) {
            Tier::Room
        } else {
            Tier::User
        }
    }
}

fn list(
    context: &Context,
    project: &Project,
    settings: &Settings,
    args: &McpListArgs,
) -> anyhow::Result<Exit> {
    let named = Named::read(context, project, args.room.as_ref())?;
    let (filter, own_names) = match &args.role {
        Some(role) => seen_by(project, settings, &named, role)?,
        None => (ServerFilter::default(), mcp::OWN.to_vec()),
    };
    let listed = named.listed(project, &filter, &own_names);
    if context.out.json {
        context.out.json(&listed)?;
    } else {
        context.out.text(&view::list(&listed, project.layout().root(), context.out.width()))?;
    }
    Ok(Exit::Ok)
}

fn own(name: &str, programs: &Programs, seen: bool) -> Listed {
    let command = mcp::own_program(name);
    let program = programs.find(&command);
    let state = match &program {
        _ if !seen => State::NotForRole,
        Some(_) => State::Enabled,
        None => State::NoProgram,
    };
    let tier = Tier::Own;
    Listed { name: name.to_owned(), tier, source: None, kind: "local", state, command, program }
}

/// Which servers a role sees, and which own ones its sessions get where there are skills.
fn seen_by(
    project: &Project,
    settings: &Settings,
    named: &Named,
    role: &RoleRef,
) -> anyhow::Result<(ServerFilter, Vec<&'static str>)> {
    let room = named.room.as_ref().map(Room::paths);
    let places =
        RolePlaces::of(project.layout(), room, named.host.home.as_deref()).exit(Exit::Usage)?;
    let wanted = Wanted { name: &role.role, capabilities: &[], description: None };
    let found = find_role(&wanted, &places, settings.config.dynamic_roles).exit(Exit::Usage)?;
    let of_epic = match &named.room {
        Some(room) => room.contract()?.no_mcp,
        None => false,
    };
    let no_mcp = found.spec.no_mcp || of_epic;
    let filter = ServerFilter { no_mcp, refs: found.spec.mcp_refs.clone() };
    let capabilities = &found.spec.capabilities;
    let own = OwnQuestion { filter: &filter, capabilities, skills: true }.names();
    Ok((filter, own))
}

/// One server to be tried, or why it cannot be.
type Candidate = (String, Result<SessionServers, mcp::McpError>);

fn test(
    context: &Context,
    project: &Project,
    settings: &Settings,
    args: &McpTestArgs,
) -> anyhow::Result<Exit> {
    let named = Named::read(context, project, args.room.as_ref())?;
    let candidates = candidates(project, &named, args.name.as_deref())?;
    let patience = Duration::from_secs(args.timeout);
    let tmp = project.layout().cache();
    let environment = environment(settings, &named.host, &tmp);
    let cwd = here()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start an event loop")
        .exit(Exit::Environment)?;
    let redactor = &project.store().redactor;
    let mut tested: Vec<Tested> = Vec::new();
    for (name, resolved) in candidates {
        let began = Instant::now();
        let outcome = match resolved {
            Err(error) => Err((Exit::Environment, chain(&error))),
            Ok(servers) => match servers.local.first() {
                None => Err((
                    Exit::Usage,
                    "it is reached over the network: a session's agent does that by itself, and \
                     there is nothing to start here"
                        .to_owned(),
                )),
                Some(server) => {
                    let redactor = redactor.with(&of_entry(server));
                    let probed = runtime.block_on(mcp::probe(server, &environment, &cwd, patience));
                    probed.map_err(|error| (exit_of(&error), redacted(&redactor, &error)))
                }
            },
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tested.push(Tested { name, outcome, took_ms });
    }
    if context.out.json {
        context.out.json(&tested.iter().map(Tested::to_json).collect::<Vec<_>>())?;
    } else {
        let whole = args.name.is_some();
        context.out.text(&view::tested(&tested, whole, context.out.width()))?;
    }
    let failures = tested.iter().filter_map(|tested| tested.outcome.as_ref().err());
    // One that cannot even be started says more about the machine than one that answers badly.
    Ok(failures.map(|(exit, _)| *exit).max_by_key(|exit| exit.code()).unwrap_or(Exit::Ok))
}

/// The servers that are meant, each settled by itself so that one that cannot be does not hide the
/// others.
fn candidates(
    project: &Project,
    named: &Named,
    wanted: Option<&str>,
) -> anyhow::Result<Vec<Candidate>> {
    let enabled = |name: &str| {
        let slot = named.merged.get(name)?;
        slot.entry.as_ref().filter(|entry| entry.enabled)
    };
    let others = named.merged.keys().map(String::as_str).filter(|name| !mcp::OWN.contains(name));
    let known: Vec<&str> = mcp::OWN.into_iter().chain(others).collect();
    let meant: Vec<&str> = match wanted {
        None => known
            .iter()
            .copied()
            .filter(|name| mcp::OWN.contains(name) || enabled(name).is_some_and(is_local))
            .collect(),
        Some(name) if known.contains(&name) => vec![name],
        Some(name) => {
            let text = format!("no tier has the MCP server `{name}`");
            let hint = format!("there is: {}", known.join(", "));
            return Err(Failure::new(Exit::Usage, text).hint(hint).into());
        }
    };
    let mut candidates = Vec::new();
    for name in meant {
        if mcp::OWN.contains(&name) {
            let servers = SessionServers {
                local: vec![own_server(project, named, name)],
                ..Default::default()
            };
            candidates.push((name.to_owned(), Ok(servers)));
            continue;
        }
        if enabled(name).is_none() {
            let text = format!("the MCP server `{name}` is disabled or removed");
            let hint = "`ostwin mcp list` says by which file";
            return Err(Failure::new(Exit::Usage, text).hint(hint).into());
        }
        let filter = ServerFilter { no_mcp: false, refs: Some(vec![name.to_owned()]) };
        let resolved =
            mcp::resolve(Vec::new(), &named.merged, &filter, &|wanted| named.host.value(wanted));
        candidates.push((name.to_owned(), resolved));
    }
    Ok(candidates)
}

/// Whether the agent starts it.
fn is_local(entry: &Entry) -> bool {
    matches!(entry.server, Server::Local { .. })
}

/// An own server without a session: a person's client, which may name any room.
fn own_server(project: &Project, named: &Named, name: &str) -> McpServer {
    let program = mcp::own_program(name);
    let command = named.host.programs.find(&program).unwrap_or_else(|| PathBuf::from(program));
    let root = project.layout().root().display().to_string();
    McpServer {
        name: name.to_owned(),
        command,
        args: vec!["--project".to_owned(), root],
        env: Vec::new(),
    }
}

/// The environment of a session of the default agent, without the mark of an attempt: there is
/// none.
fn environment(settings: &Settings, host: &Host, tmp: &Path) -> BTreeMap<String, String> {
    let config = &settings.config;
    let agent = config.default_agent.as_ref().and_then(|name| config.agents.get(name));
    let policy = EnvironmentPolicy {
        tmp: tmp.to_owned(),
        allow: agent.map(|agent| agent.env_allow.clone()).unwrap_or_default(),
        fixed: agent.map(|agent| agent.env.clone()).unwrap_or_default(),
        ..EnvironmentPolicy::default()
    };
    let mut variables = session_environment(host.environment.iter().cloned(), &policy);
    for name in [env::ATTEMPT, env::ROLE, "TMPDIR"] {
        variables.remove(name);
    }
    variables
}

/// The secrets in a server's own entry.
fn of_entry(server: &McpServer) -> Secrets {
    Secrets::of(server.env.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn redacted(redactor: &Redactor, error: &ProbeError) -> String {
    redactor.text(&chain(error)).into_owned()
}

fn exit_of(error: &ProbeError) -> Exit {
    match error {
        ProbeError::Start { .. } => Exit::Environment,
        ProbeError::Ended { .. } | ProbeError::Silent { .. } | ProbeError::Broken { .. } => {
            Exit::NotPassed
        }
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
