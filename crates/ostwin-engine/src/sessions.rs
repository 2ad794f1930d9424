//! What every attempt of a run shares, and what a session is started with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::budget;
use ostwin_core::config::{Config, PlanReview, REHEARSAL, Settings, WatchMode};
use ostwin_core::ids::{EpicId, RoleName, RoleRef, RunId};
use ostwin_core::layout::Layout;
use ostwin_core::lifecycle::{Machine, StateKind};
use ostwin_core::plan::Plan;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_core::redact::Redactor;
use ostwin_core::registry::Registry;
use ostwin_core::room::{Attempt, Contract, Room};
use ostwin_runner::acp::{Open, PermissionPolicy};
use ostwin_runner::agents::{EnvironmentPolicy, session_environment};
use ostwin_runner::guardian::{Redact, SlotLimit, Start};
use ostwin_runner::prepare::{
    AttemptFacts, Host, Occasion, PlanFacts, PrepareError, PreparedSession, Settled, check,
    prepare_session, settle,
};
use ostwin_runner::roles::{RolePlaces, list_roles};
use ostwin_runner::session::{Retries, SessionSpec};
use serde_json::json;
use tokio::time::Instant;

use crate::alerts::AlertCommand;
use crate::budget::Meter;
use crate::error::EngineError;
use crate::gates;
use crate::run::RunOptions;
use crate::waiting::Patience;
use crate::world::World;

/// The limit that every session counts against.
pub(crate) const ROOM_LIMIT: &str = "rooms";
/// How long a turn may go on after its signal was posted.
const FINISH_GRACE: Duration = Duration::from_secs(5);
/// How long an agent may take to answer a cancel.
const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// How long an agent may take for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a guardian waits for the session's lock, which nobody else should hold.
const SESSION_LOCK_WAIT: Duration = Duration::from_secs(5);
/// How much of an agent's standard error is kept.
const STDERR_MAX_BYTES: u64 = 4 << 20;
/// How much of a session's transcript is kept.
const TRANSCRIPT_MAX_BYTES: u64 = 32 << 20;

/// What every attempt of a run shares.
pub(crate) struct Shared {
    project: Project,
    settings: Settings,
    places: RolePlaces,
    host: Host,
    facts: PlanFacts,
    capabilities: BTreeMap<EpicId, Vec<String>>,
    run_id: RunId,
    world: Arc<dyn World>,
    meter: Meter,
}

impl Shared {
    pub(crate) fn new(
        project: &Project,
        plan: &StoredPlan,
        parsed: &Plan,
        options: &RunOptions,
        world: Arc<dyn World>,
        run_id: RunId,
    ) -> Result<Self, EngineError> {
        let host = world.host();
        let caps = budget::caps_of_plan(&plan.paths, &options.settings.config)?;
        let places = RolePlaces::of(project.layout(), None, host.home.as_deref())
            .map_err(|error| EngineError::Prepare(error.into()))?;
        let capabilities =
            parsed.epics.iter().map(|epic| (epic.id.clone(), epic.capabilities.clone())).collect();
        Ok(Self {
            project: project.clone(),
            settings: options.settings.clone(),
            places,
            host,
            facts: PlanFacts::of(parsed, &plan.paths.plan()),
            capabilities,
            run_id,
            world,
            meter: Meter::new(caps),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.settings.config
    }

    /// Where the roles of the project are.
    pub(crate) fn places(&self) -> &RolePlaces {
        &self.places
    }

    fn registry(&self) -> &Registry {
        &self.places.registry.1
    }

    pub(crate) fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// What the run has used of its budgets.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// How long people are waited for.
    pub(crate) fn patience(&self) -> Patience {
        let Config { live_wait_seconds, ask_timeout_seconds, .. } = *self.config();
        Patience {
            live: Duration::from_secs(live_wait_seconds),
            ask: Duration::from_secs(ask_timeout_seconds),
        }
    }

    /// What is there beside the project's files.
    pub(crate) fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    pub(crate) fn kill_grace(&self) -> Duration {
        Duration::from_secs(self.config().kill_grace_seconds)
    }

    /// Whether the plan's own agent is the rehearsal agent.
    pub(crate) fn is_rehearsed(&self) -> bool {
        self.config().default_agent.as_deref() == Some(REHEARSAL)
    }

    /// Whether a plan whose review holds is approved without asking anybody.
    pub(crate) fn approves(&self) -> bool {
        approves(self.config())
    }

    /// The roles that an epic can name, each with what it is for.
    pub(crate) fn roles(&self) -> Vec<(String, String)> {
        let described = |name: &RoleName| {
            let entry = self.registry().role(name);
            entry.map(|entry| entry.description.clone()).unwrap_or_default()
        };
        list_roles(&self.places)
            .into_iter()
            .map(|role| (role.name.to_string(), described(&role.name)))
            .collect()
    }

    pub(crate) fn watch_mode(&self) -> ostwin_watch::Mode {
        match self.config().watch {
            WatchMode::Auto => ostwin_watch::Mode::Auto,
            WatchMode::Poll => ostwin_watch::Mode::Poll,
        }
    }

    /// The environment of the engine, of which sessions and gates get what is allowed.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.host.environment.clone()
    }

    /// What must not be recorded.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.project.store().redactor
    }

    /// The command that is told of the plan's alerts, if the settings name one.
    pub(crate) fn alert_command(&self, plan: &StoredPlan) -> Option<AlertCommand> {
        let argv = self.config().on_event.clone()?;
        let root = self.project.layout().root();
        Some(AlertCommand {
            argv,
            cwd: root.to_owned(),
            env: session_environment(
                self.environment(),
                &EnvironmentPolicy { tmp: std::env::temp_dir(), ..EnvironmentPolicy::default() },
            ),
            plan: json!({
                "plan_id": plan.meta.plan_id,
                "title": plan.meta.title,
                "project": root,
            }),
            paths: plan.paths.clone(),
            redact: Redact::like(self.redactor()),
        })
    }

    /// The names of all limits that a session of this run can count against.
    pub(crate) fn limit_names(&self) -> Vec<String> {
        let agents = self.config().agents.iter().filter(|(_, agent)| agent.max_sessions.is_some());
        let of_agents = agents.map(|(name, _)| agent_limit(name));
        std::iter::once(ROOM_LIMIT.to_owned()).chain(of_agents).collect()
    }

    /// The limits that a session with these settings counts against.
    pub(crate) fn slots(&self, layout: &Layout, settled: &Settled) -> Vec<SlotLimit> {
        let rooms =
            SlotLimit { dir: layout.slots(ROOM_LIMIT), max: self.config().max_concurrent_rooms };
        let agent = settled.settings.agent_spec.max_sessions.map(|max| SlotLimit {
            dir: layout.slots(&agent_limit(&settled.settings.agent.value)),
            max,
        });
        std::iter::once(rooms).chain(agent).collect()
    }

    /// Settles role, agent and limits for every session that the room's machine can open, so that
    /// what is missing is known before anything starts.
    pub(crate) fn check(
        &self,
        epic: &EpicId,
        room: &Room,
        contract: &Contract,
        machine: &Machine,
    ) -> Result<(), EngineError> {
        let mut roles: Vec<RoleRef> = machine
            .states
            .iter()
            .filter(|(_, state)| state.kind.has_session())
            .map(|(_, state)| role_of(state.role.as_ref(), contract))
            .collect();
        roles.sort();
        roles.dedup();
        for role in roles {
            let settled = check(&self.occasion(room, contract, &role)).map_err(|source| {
                EngineError::Resolve { epic: epic.clone(), source: Box::new(source) }
            })?;
            if let Some(problem) = gates::problem(&settled.role.spec.quality_gates) {
                return Err(EngineError::Unsupported(format!("{epic}, {role}: {problem}")));
            }
        }
        Ok(())
    }

    pub(crate) fn settle(
        &self,
        room: &Room,
        contract: &Contract,
        role: &RoleRef,
    ) -> Result<Settled, PrepareError> {
        settle(&self.occasion(room, contract, role))
    }

    /// Gathers what the session of an opened attempt needs, and writes what belongs to the attempt.
    pub(crate) fn prepare(
        &self,
        room: &Room,
        contract: &Contract,
        attempt: &Attempt,
        settled: &Settled,
    ) -> Result<PreparedSession, PrepareError> {
        let occasion = self.occasion(room, contract, &attempt.record.role);
        let facts = AttemptFacts::from(attempt);
        let prepared = prepare_session(&occasion, settled, &facts, &self.facts)?;
        prepared.write(self.project.store())?;
        for warning in &prepared.warnings {
            tracing::warn!(room = %room.id(), attempt = %attempt.record.id, "{warning}");
        }
        Ok(prepared)
    }

    fn occasion<'a>(
        &'a self,
        room: &'a Room,
        contract: &'a Contract,
        role: &'a RoleRef,
    ) -> Occasion<'a> {
        let capabilities = self.capabilities.get(&contract.task_ref);
        Occasion {
            room,
            contract,
            role,
            capabilities: capabilities.map_or(&[], Vec::as_slice),
            settings: &self.settings,
            host: &self.host,
        }
    }

    /// What the runner is told of the session.
    pub(crate) fn spec(
        &self,
        settled: &Settled,
        attempt: &Attempt,
        prepared: PreparedSession,
        deadline: Instant,
        policy: Arc<dyn PermissionPolicy>,
    ) -> SessionSpec {
        SessionSpec {
            start: Start {
                argv: prepared.argv,
                cwd: prepared.cwd.clone(),
                env: prepared.env,
                attempt: attempt.record.id.to_string(),
                session_lock: attempt.paths.session_lock(),
                session_lock_wait_ms: millis(SESSION_LOCK_WAIT),
                stderr_log: attempt.paths.stderr(),
                stderr_max_bytes: STDERR_MAX_BYTES,
                grace_seconds: settled.settings.kill_grace_seconds.value,
                redact: Redact::like(&prepared.redactor),
            },
            open: Open {
                cwd: prepared.cwd,
                mcp_servers: prepared.servers.local,
                remote_servers: prepared.servers.remote,
                resume: prepared.resume,
                model: prepared.model,
                options: prepared.options,
                handshake_timeout: HANDSHAKE_TIMEOUT,
                client_version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            earlier_cost_usd: prepared.earlier_cost_usd,
            prompt: prepared.prompt.text,
            transcript: attempt.paths.transcript(),
            transcript_max_bytes: TRANSCRIPT_MAX_BYTES,
            redactor: prepared.redactor,
            policy,
            retries: Retries::up_to(settled.settings.agent_retries.value),
            deadline,
            finish_grace: FINISH_GRACE,
            cancel_grace: CANCEL_GRACE,
            clock: self.project.store().clock.clone(),
        }
    }
}

/// Whether these settings have a plan whose review holds approved without asking anybody.
pub(crate) fn approves(config: &Config) -> bool {
    config.plan_review != PlanReview::Human
}

/// The role of a state: its own, else the one that works on the epic.
pub(crate) fn role_of(role: Option<&RoleRef>, contract: &Contract) -> RoleRef {
    role.unwrap_or(&contract.assignment.assigned_role).clone()
}

/// Whether a state waits for the engine to start the epic.
pub(crate) fn waits_to_start(machine: &Machine, state: &ostwin_core::ids::StateName) -> bool {
    machine.state(state).is_some_and(|state| {
        state.kind == StateKind::Wait
            && state.signals.contains_key(ostwin_core::lifecycle::names::READY)
    })
}

fn agent_limit(agent: &str) -> String {
    format!("agent-{agent}")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
