//! What every attempt of a run shares, and how a session is made ready.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::config::{Config, REHEARSAL, Settings, WatchMode};
use ostwin_core::env;
use ostwin_core::ids::{RoleName, RoleRef, RunId};
use ostwin_core::layout::Layout;
use ostwin_core::plan::Plan;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::registry::Registry;
use ostwin_core::room::{Attempt, Contract, Room};
use ostwin_runner::acp::{Allow, McpServer, Open};
use ostwin_runner::agents::{EnvironmentPolicy, Programs, session_environment};
use ostwin_runner::guardian::{GuardianProgram, SlotLimit, Start};
use ostwin_runner::prompt;
use ostwin_runner::session::{Retries, SessionSpec};
use serde_json::Value;
use tokio::time::Instant;

use crate::engine::ROOM_LIMIT;
use crate::error::EngineError;
use crate::run::RunOptions;

/// How long a turn may go on after its signal was posted.
const FINISH_GRACE: Duration = Duration::from_secs(5);
/// How long an agent may take to answer a cancel.
const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// How long an agent may take for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of an agent's standard error is kept.
const STDERR_MAX_BYTES: u64 = 4 << 20;
/// How much of a session's transcript is kept.
const TRANSCRIPT_MAX_BYTES: u64 = 32 << 20;

/// What every attempt of a run shares.
pub(crate) struct Shared {
    project: Project,
    settings: Settings,
    registry: Registry,
    run_id: RunId,
    guardian: GuardianProgram,
    goal: Option<String>,
    programs: Programs,
    plan_title: String,
}

/// What was settled for one attempt before it was opened.
#[derive(Clone)]
pub(crate) struct Settled {
    agent: String,
    model: Option<String>,
    timeout: Duration,
}

impl Settled {
    pub(crate) fn agent(&self) -> &str {
        &self.agent
    }
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
    pub(crate) fn is_rehearsed(&self) -> bool {
        self.agent == REHEARSAL
    }
    pub(crate) fn provenance(&self) -> Value {
        Value::Null
    }
}

/// A session that can be started.
pub(crate) struct Prepared {
    argv: Vec<String>,
    env: std::collections::BTreeMap<String, String>,
    cwd: PathBuf,
    servers: Vec<McpServer>,
    prompt: String,
}

impl Shared {
    pub(crate) fn new(
        project: &Project,
        plan: &StoredPlan,
        parsed: &Plan,
        options: &RunOptions,
        run_id: RunId,
    ) -> Result<Self, EngineError> {
        let program = match &options.guardian {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(EngineError::NoExecutable)?,
        };
        let registry = serde_json::from_str(include_str!("../../../.agents/registry.json"))
            .map_err(|e| EngineError::Bug(e.to_string()))?;
        Ok(Self {
            project: project.clone(),
            settings: options.settings.clone(),
            registry,
            run_id,
            guardian: GuardianProgram {
                program,
                args: vec!["__session".to_owned()],
                env: Vec::new(),
            },
            goal: parsed.goal.clone(),
            programs: Programs::of_this_process(),
            plan_title: plan.meta.title.clone(),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.settings.config
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn run_id(&self) -> &RunId {
        &self.run_id
    }

    pub(crate) fn guardian(&self) -> &GuardianProgram {
        &self.guardian
    }

    pub(crate) fn kill_grace(&self) -> Duration {
        Duration::from_secs(self.config().kill_grace_seconds)
    }

    /// Whether the plan's own agent is the rehearsal agent.
    pub(crate) fn is_rehearsed(&self) -> bool {
        self.config().default_agent.as_deref() == Some(REHEARSAL)
    }

    pub(crate) fn role_exists(&self, _role: &RoleName) -> bool {
        true
    }

    pub(crate) fn watch_mode(&self) -> ostwin_watch::Mode {
        match self.config().watch {
            WatchMode::Poll => ostwin_watch::Mode::Poll,
            _ => ostwin_watch::Mode::Auto,
        }
    }

    /// Every limit that a session counts against, and how many sessions it allows.
    pub(crate) fn limits(&self) -> Vec<(String, u32)> {
        vec![(ROOM_LIMIT.to_owned(), self.config().max_concurrent_rooms)]
    }

    pub(crate) fn slots(&self, layout: &Layout) -> Vec<SlotLimit> {
        self.limits()
            .into_iter()
            .map(|(limit, max)| SlotLimit { dir: layout.slots(&limit), max })
            .collect()
    }

    pub(crate) fn settle(
        &self,
        _room: &Room,
        contract: &Contract,
        _role: &RoleRef,
    ) -> Result<Settled, EngineError> {
        Ok(Settled {
            agent: self.config().default_agent.clone().unwrap_or_default(),
            model: None,
            timeout: Duration::from_secs(
                contract.constraints.timeout_seconds.unwrap_or(self.config().timeout_seconds),
            ),
        })
    }

    pub(crate) fn prepare(
        &self,
        room: &Room,
        contract: &Contract,
        attempt: &Attempt,
        settled: &Settled,
    ) -> Result<Prepared, EngineError> {
        let record = &attempt.record;
        let machine = room.machine()?;
        let criteria = |goals: &[ostwin_core::room::Goal]| {
            goals
                .iter()
                .map(|g| prompt::Criterion { id: g.id.clone(), text: g.text.clone() })
                .collect::<Vec<_>>()
        };
        let signals = machine
            .allowed_agent_signals(&record.state)
            .into_iter()
            .map(|name| prompt::SignalChoice { name, targets: vec![] })
            .collect();
        let input = prompt::PromptInput {
            standing: prompt::Standing {
                room: room.id().clone(),
                reference: contract.task_ref.to_string(),
                title: contract.assignment.title.clone(),
                plan: Some(contract.plan_id.clone()),
                plan_title: Some(self.plan_title.clone()),
                role: record.role.clone(),
                state: record.state.clone(),
                state_kind: machine
                    .kind(&record.state)
                    .unwrap_or(ostwin_core::lifecycle::StateKind::Work),
                attempt: record.id.clone(),
                attempt_number: record.number,
                deadline: Some(record.deadline_at),
                working_dir: contract.working_dir.display().to_string(),
            },
            identity: prompt::Text::new("role", "x"),
            brief: Some(prompt::Text::new(room.brief()?, "brief.md")),
            definition_of_done: criteria(&contract.goals.definition_of_done),
            acceptance_criteria: criteria(&contract.goals.acceptance_criteria),
            quality_requirements: criteria(&contract.goals.quality_requirements),
            criteria_source: "config.json".into(),
            plan_goal: self.goal.clone().map(|g| prompt::Text::new(g, "PLAN.md")),
            digest: None,
            message: None,
            findings: None,
            interrupted: None,
            channel: None,
            skills: vec![],
            tools: vec![],
            other_servers: vec![],
            signals,
        };
        let text = prompt::build(&input, prompt::DEFAULT_BUDGET)
            .map_err(|e| EngineError::Bug(e.to_string()))?
            .text;
        ostwin_core::fs::replace_hint(&attempt.paths.prompt(), text.as_bytes())?;
        let spec = self
            .config()
            .agents
            .get(&settled.agent)
            .ok_or_else(|| EngineError::Bug("no agent".into()))?;
        let mut argv = spec.command.clone();
        if let Some(p) = argv.first().and_then(|n| self.programs.find(n)) {
            argv[0] = p.display().to_string();
        }
        let env = session_environment(
            env::vars(),
            &EnvironmentPolicy {
                session_home: None,
                tmp: attempt.paths.tmp(),
                attempt: record.id.to_string(),
                role: record.role.to_string(),
                allow: spec.env_allow.clone(),
                fixed: spec.env.clone(),
                room: Default::default(),
            },
        );
        let args: Vec<String> = [
            "--project",
            &room.project().layout().root().display().to_string(),
            "--room",
            room.id().as_str(),
            "--role",
            &record.role.to_string(),
            "--attempt",
            record.id.as_str(),
            "--plan",
            contract.plan_id.as_str(),
        ]
        .iter()
        .map(|s| s.to_string())
        .collect();
        let servers = ["warroom", "memory"]
            .iter()
            .filter_map(|n| {
                Some(McpServer {
                    name: n.to_string(),
                    command: self.programs.find(&format!("ostwin-mcp-{n}"))?,
                    args: args.clone(),
                    env: vec![],
                })
            })
            .collect();
        Ok(Prepared { argv, env, cwd: contract.working_dir.clone(), servers, prompt: text })
    }

    pub(crate) fn spec(
        &self,
        settled: &Settled,
        attempt: &Attempt,
        prepared: Prepared,
        deadline: Instant,
    ) -> SessionSpec {
        SessionSpec {
            start: Start {
                argv: prepared.argv,
                cwd: prepared.cwd.clone(),
                env: prepared.env,
                attempt: attempt.record.id.to_string(),
                session_lock: attempt.paths.session_lock(),
                session_lock_wait_ms: 5_000,
                stderr_log: attempt.paths.stderr(),
                stderr_max_bytes: STDERR_MAX_BYTES,
                grace_seconds: self.config().kill_grace_seconds,
            },
            open: Open {
                cwd: prepared.cwd,
                mcp_servers: prepared.servers,
                resume: None,
                model: settled.model.clone(),
                handshake_timeout: HANDSHAKE_TIMEOUT,
                client_version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            prompt: prepared.prompt,
            transcript: attempt.paths.transcript(),
            transcript_max_bytes: TRANSCRIPT_MAX_BYTES,
            policy: Arc::new(Allow),
            retries: Retries::up_to(self.config().agent_retries),
            deadline,
            finish_grace: FINISH_GRACE,
            cancel_grace: CANCEL_GRACE,
            clock: self.project.store().clock.clone(),
        }
    }
}
