//! Trying an agent: is it started, and does it speak the protocol?

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostwin_core::config::AgentSpec;
use ostwin_core::programs::Programs;
use ostwin_core::redact::{Redactor, Secrets};
use ostwin_core::vault::Vaults;

use super::environment::{
    AgentEnvError, EnvironmentPolicy, fixed_environment, session_environment,
};
use crate::acp::{AcpError, AgentInfo, Allow, Open, Session, Update, UpdateSink};
use crate::guardian::{Guardian, GuardianError, GuardianProgram, Redact, Reservation, Start};
use crate::mcp::Wanted;
use crate::resolve::MCP_CONFIG;

/// The mark of a trial's processes.
const MARK: &str = "att-handshake";

/// How much of what the agent complains of is kept.
const STDERR_MAX_BYTES: u64 = 64 << 10;

/// Why a trial failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The agent's entry names no program.
    #[error("its entry names no program: set `command`")]
    NoCommand,
    /// The program is not on this machine.
    #[error("its program `{0}` is neither on PATH nor beside this executable")]
    NoProgram(String),
    /// The environment of its entry could not be filled in.
    #[error(transparent)]
    Env(#[from] AgentEnvError),
    /// It, or its guardian, did not start.
    #[error(transparent)]
    Start(#[from] GuardianError),
    /// It did not speak as it should.
    #[error(transparent)]
    Speech(#[from] AcpError),
}

/// What a trial is made with.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// How guardians are started.
    pub guardian: &'a GuardianProgram,
    /// The agent's name.
    pub name: &'a str,
    /// The agent's entry.
    pub agent: &'a AgentSpec,
    /// Where programs are.
    pub programs: &'a Programs,
    /// The user's environment.
    pub environment: &'a [(String, String)],
    /// The secrets that placeholders may stand for.
    pub vaults: &'a Vaults,
    /// An empty folder of its own, for its temporary files and what it says.
    pub dir: &'a Path,
    /// Where it would work.
    pub cwd: &'a Path,
    /// How long each step may take.
    pub patience: Duration,
}

impl Trial<'_> {
    fn value(&self, wanted: Wanted<'_>) -> Option<String> {
        match wanted {
            Wanted::Variable(name) => {
                self.environment.iter().find(|(given, _)| given == name).map(|(_, v)| v.clone())
            }
            Wanted::Secret { server, key } => self.vaults.get(server, key).map(str::to_owned),
        }
    }
}

/// Starts an agent that speaks the protocol as a session would, without servers and without a
/// prompt, opens a session, and ends it. Nothing of it runs any more afterwards.
///
/// # Errors
/// [`HandshakeError`]; what the agent said on its standard error is in `stderr.log` of the folder.
pub async fn handshake(trial: Trial<'_>) -> Result<AgentInfo, HandshakeError> {
    let Trial { agent, dir, cwd, .. } = trial;
    let argv = argv(trial)?;
    let policy = EnvironmentPolicy {
        tmp: dir.to_owned(),
        attempt: MARK.to_owned(),
        role: "engineer".to_owned(),
        allow: agent.env_allow.clone(),
        fixed: fixed_environment(trial.name, agent, &|wanted| trial.value(wanted))?,
        ..EnvironmentPolicy::default()
    };
    let env = session_environment(trial.environment.iter().cloned(), &policy);
    let pairs = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let secrets = Secrets::of(pairs).and(&trial.vaults.secrets());
    let start = Start {
        argv,
        cwd: cwd.to_owned(),
        env,
        attempt: MARK.to_owned(),
        session_lock: dir.join("handshake.lock"),
        session_lock_wait_ms: 0,
        stderr_log: dir.join("stderr.log"),
        stderr_max_bytes: STDERR_MAX_BYTES,
        grace_seconds: 1,
        redact: Redact::like(&Redactor::default().with(&secrets)),
    };
    let Reservation::Granted(guardian) = Guardian::reserve(trial.guardian, Vec::new()).await?
    else {
        return Err(AcpError::Closed.into());
    };
    let mut running = guardian.start(&start).await?;
    let opened = match running.take_relay() {
        Some((reader, writer)) => {
            let open = Open {
                cwd: cwd.to_owned(),
                mcp_servers: Vec::new(),
                remote_servers: Vec::new(),
                resume: None,
                model: None,
                options: Vec::new(),
                handshake_timeout: trial.patience,
                client_version: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let sink = Arc::new(Mutex::new(Deaf));
            Session::open(reader, writer, &open, sink, Arc::new(Allow), |_, _| {}).await
        }
        None => Err(AcpError::Closed),
    };
    let info = match opened {
        Ok(session) => {
            let info = session.info().clone();
            session.close().await;
            Ok(info)
        }
        Err(error) => Err(error),
    };
    let ended = running.end().await;
    info.map_err(|error| match error {
        AcpError::Closed => AcpError::Ended(ended.status).into(),
        error => error.into(),
    })
}

/// The program and its arguments; a file of servers is an empty one.
fn argv(trial: Trial<'_>) -> Result<Vec<String>, HandshakeError> {
    let mut words = trial.agent.command.iter();
    let program = words.next().ok_or(HandshakeError::NoCommand)?;
    let found =
        trial.programs.find(program).ok_or_else(|| HandshakeError::NoProgram(program.clone()))?;
    let servers = trial.dir.join("mcp.json").display().to_string();
    let args = words.map(|word| word.replace(MCP_CONFIG, &servers));
    Ok(std::iter::once(found.display().to_string()).chain(args).collect())
}

/// Hears nothing: a trial has no transcript.
#[derive(Debug)]
struct Deaf;

impl UpdateSink for Deaf {
    fn update(&mut self, _: Update) {}
}
