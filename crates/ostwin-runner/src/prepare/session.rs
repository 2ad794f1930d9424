//! From a room and its settings to a session that can be started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostwin_core::config::{AgentHome, Protocol, Settings};
use ostwin_core::env;
use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::{AttemptId, PlanId, RoleRef, StateName};
use ostwin_core::layout::{AttemptPaths, Layout};
use ostwin_core::plan::{ParseOptions, Plan, parse_bytes};
use ostwin_core::plans;
use ostwin_core::plans::sha256;
use ostwin_core::project::Project;
use ostwin_core::redact::Redactor;
use ostwin_core::roles::ToolLists;
use ostwin_core::roles::tools::is_named;
use ostwin_core::room::{Attempt, Contract, Manifest, Room};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use ostwin_core::vault::Vaults;
use ostwin_skills::stage::Staging;
use serde_json::{Value, json};

use super::error::PrepareError;
use super::skills::{SettledSkills, SkillQuestion, settle_skills};
use super::{inputs, interrupted, secrets, servers};
use crate::acp::{McpServer, SessionTools};
use crate::agents::{EnvironmentPolicy, Programs, fixed_environment, session_environment};
use crate::command;
use crate::mcp::{SessionServers, Wanted};
use crate::prompt::{self, Prompt, Text, Tools};
use crate::resolve::{self, Directives, MCP_CONFIG, Question, ResolveError, SessionSettings};
use crate::roles::{
    self, ResolvedRole, RolePlaces, RoleTier, create_dynamic_role, find_role, role_hashes,
};

/// The program that posts for a session and speaks for programs without a protocol.
const OSTWIN: &str = "ostwin";

/// The machine and the user: what is the same for every session of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// Where programs are.
    pub programs: Programs,
    /// The environment that sessions get a part of.
    pub environment: Vec<(String, String)>,
    /// The user's home, with roles of their own.
    pub home: Option<PathBuf>,
    /// The user's settings folder, with MCP servers of their own.
    pub config_dir: Option<PathBuf>,
    /// The secrets that placeholders may stand for.
    pub vaults: Vaults,
}

impl Host {
    /// The host of this process.
    pub fn of_this_process() -> Self {
        Self {
            programs: Programs::of_this_process(),
            environment: env::vars(),
            home: env::home(),
            config_dir: env::config_dir(),
            vaults: Vaults::default(),
        }
    }

    /// This host with these secrets.
    #[must_use]
    pub fn with_vaults(self, vaults: Vaults) -> Self {
        Self { vaults, ..self }
    }

    /// What a placeholder stands for.
    pub fn value(&self, wanted: Wanted<'_>) -> Option<String> {
        match wanted {
            Wanted::Variable(name) => {
                self.environment.iter().find(|(given, _)| given == name).map(|(_, v)| v.clone())
            }
            Wanted::Secret { server, key } => self.vaults.get(server, key).map(str::to_owned),
        }
    }
}

/// For which role in which room a session is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The room.
    pub room: &'a Room,
    /// Its contract.
    pub contract: &'a Contract,
    /// The role, with instance.
    pub role: &'a RoleRef,
    /// The capabilities that the epic asks for, should no tier know the role.
    pub capabilities: &'a [String],
    /// The settings in force, the plan's, the environment's and the flags' included.
    pub settings: &'a Settings,
    /// The machine and the user.
    pub host: &'a Host,
}

impl Occasion<'_> {
    pub(super) fn layout(&self) -> &Layout {
        self.room.project().layout()
    }

    /// Where the session works.
    pub(super) fn working_dir(&self) -> PathBuf {
        self.layout().root().join(&self.contract.working_dir)
    }
}

/// What a session would run with.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Who it is.
    pub role: ResolvedRole,
    /// What it runs with, each value with its source.
    pub settings: SessionSettings,
    /// The skills it gets, each with who asked for it.
    pub skills: SettledSkills,
}

impl Settled {
    /// Where every value came from, for the attempt's record.
    ///
    /// # Errors
    /// A value has no JSON form, which no setting leads to.
    pub fn provenance(&self) -> Result<Value, serde_json::Error> {
        let role = &self.role;
        Ok(json!({
            "role": {
                "name": role.name,
                "tier": role.tier,
                "dir": role.dir,
                "prompt_file": role.prompt_file,
                "stands_in": role.stands_in,
            },
            "settings": serde_json::to_value(&self.settings)?,
            "skills": serde_json::to_value(&self.skills)?,
        }))
    }
}

/// Settles role, agent, model, limits and skills of a session, before an attempt is opened for it.
///
/// # Errors
/// The role, the agent or a skill that is named does not exist, or a file about them is broken.
pub fn settle(occasion: &Occasion<'_>) -> Result<Settled, PrepareError> {
    let Occasion { room, contract, role, host, settings, .. } = *occasion;
    let places = RolePlaces::of(occasion.layout(), Some(room.paths()), host.home.as_deref())?;
    let wanted = roles::Wanted {
        name: &role.role,
        capabilities: occasion.capabilities,
        description: contract.assignment.objective.as_deref(),
    };
    let resolved = find_role(&wanted, &places, settings.config.dynamic_roles)?;
    let question = Question {
        role,
        resolved: &resolved,
        room: &Directives::of_room(&room.settings()?),
        epic: &Directives::of_epic(contract),
        contract: &room.paths().config().display().to_string(),
        settings,
    };
    let config_file = occasion.layout().config().display().to_string();
    let session = resolve::resolve(&question, &host.programs, &config_file)?;
    let skills = settle_skills(&SkillQuestion {
        layout: occasion.layout(),
        room: Some(room.paths()),
        epic: Some((&contract.skill_refs, question.contract)),
        role,
        resolved: &resolved,
        settings,
        filter: &session.server_filter(),
        host,
    })?;
    Ok(Settled { role: resolved, settings: session, skills })
}

/// Settles what a session would run, and looks whether what it is started with can be filled in: so
/// that a key that nobody has set stops a run before anything starts, and not every session of it.
///
/// # Errors
/// See [`settle`]; or a placeholder has no value.
pub fn check(occasion: &Occasion<'_>) -> Result<Settled, PrepareError> {
    let settled = settle(occasion)?;
    let SessionSettings { agent, agent_spec, .. } = &settled.settings;
    fixed_environment(&agent.value, agent_spec, &|wanted| occasion.host.value(wanted))?;
    servers::check(occasion, &settled)?;
    Ok(settled)
}

/// What a prompt says about the whole plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// Its title.
    pub title: Option<String>,
    /// What it is for.
    pub goal: Option<Text>,
}

impl PlanFacts {
    /// The facts of a plan that was read from `file`.
    pub fn of(plan: &Plan, file: &Path) -> Self {
        let goal = plan.goal.as_ref().filter(|goal| !goal.trim().is_empty());
        let source = format!("`{}`", file.display());
        Self { title: plan.title.clone(), goal: goal.map(|goal| Text::new(goal, source)) }
    }

    /// Reads the plan of this id.
    ///
    /// # Errors
    /// There is no such plan, or it cannot be read.
    pub fn read(project: &Project, plan: &PlanId) -> Result<Self, PrepareError> {
        let stored = plans::open(project, plan)?;
        let parsed = parse_bytes(&stored.text()?, &ParseOptions::default());
        Ok(Self::of(&parsed.plan, &stored.paths.plan()))
    }
}

/// The attempt that a session is for.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptFacts {
    /// Its id.
    pub id: AttemptId,
    /// Its number in the room.
    pub number: u32,
    /// Who works, with instance.
    pub role: RoleRef,
    /// The state that it works in.
    pub state: StateName,
    /// When it ends; none for a preview.
    pub deadline: Option<Timestamp>,
    /// Its files.
    pub paths: AttemptPaths,
}

impl From<&Attempt> for AttemptFacts {
    fn from(attempt: &Attempt) -> Self {
        let record = &attempt.record;
        Self {
            id: record.id.clone(),
            number: record.number,
            role: record.role.clone(),
            state: record.state.clone(),
            deadline: Some(record.deadline_at),
            paths: attempt.paths.clone(),
        }
    }
}

impl AttemptFacts {
    /// What the next attempt of a role in a state would be, for people who want to see its prompt.
    /// Its id is a placeholder that no real attempt has.
    ///
    /// # Errors
    /// The room's attempts cannot be read.
    pub fn preview(room: &Room, role: &RoleRef, state: &StateName) -> Result<Self, PrepareError> {
        let number = room.last_attempt()?.map_or(1, |attempt| attempt.record.number + 1);
        Ok(Self {
            id: AttemptId::generate(Timestamp::from_millis(0), 0),
            number,
            role: role.clone(),
            state: state.clone(),
            deadline: None,
            paths: room.paths().attempt(number, state, role),
        })
    }
}

/// A session that can be started.
#[derive(Clone, PartialEq)]
pub struct PreparedSession {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it works.
    pub cwd: PathBuf,
    /// Its MCP servers.
    pub servers: SessionServers,
    /// The tools that it may call.
    pub tools: SessionTools,
    /// The model to select, where the agent offers a choice.
    pub model: Option<String>,
    /// Further settings by name, where the agent offers an option of that name.
    pub options: Vec<(&'static str, String)>,
    /// The agent's own session to go on with, where it can load one.
    pub resume: Option<String>,
    /// What that session has cost by the records of earlier attempts, in US dollars.
    pub earlier_cost_usd: f64,
    /// What it is told.
    pub prompt: Prompt,
    /// What is odd.
    pub warnings: Vec<String>,
    /// What must not get into any record of the session: its secrets, and what is configured.
    pub redactor: Redactor,
    /// The skills to copy into the attempt.
    staging: Staging,
    attempt: AttemptPaths,
    /// A home of its own, if it has one.
    home: Option<PathBuf>,
    /// Whether its program takes the servers from a file.
    private_mcp: bool,
    /// The hashes of its role's files.
    role_files: BTreeMap<String, String>,
    /// A role that was made for it, to be kept in the project.
    made_role: Option<ResolvedRole>,
    layout: Layout,
}

impl std::fmt::Debug for PreparedSession {
    /// Without the environment and the prompt, which may hold secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PreparedSession")
            .field("argv", &self.argv)
            .field("cwd", &self.cwd)
            .field("attempt", &self.attempt.dir())
            .finish_non_exhaustive()
    }
}

impl PreparedSession {
    /// The servers that the agent starts.
    pub fn mcp_servers(&self) -> &[McpServer] {
        &self.servers.local
    }

    /// Writes what belongs to the attempt: `prompt.md` and `mcp.json` without secrets, the
    /// session's own folders, its skills; and the role, if one was made.
    ///
    /// # Errors
    /// A file or folder cannot be written.
    pub fn write(&self, store: &Store) -> Result<(), PrepareError> {
        for dir in [Some(&self.attempt.tmp()), self.home.as_ref()].into_iter().flatten() {
            fs::create_dirs(dir)?;
        }
        fs::replace_hint(&self.attempt.prompt(), self.prompt_file().as_bytes())?;
        fs::replace_hint(&self.attempt.mcp(), &self.mcp_file()?)?;
        if self.private_mcp {
            let servers = self.servers.in_full();
            let path = self.attempt.private_mcp();
            let bytes =
                fs::json_bytes(&servers).map_err(|error| FsError::new("write", &path, error))?;
            fs::replace_private(&path, &bytes, Durability::Os)?;
        }
        self.staging.write(&self.attempt.skills())?;
        if let Some(role) = &self.made_role {
            create_dynamic_role(&self.layout, store, &role.spec, &role.prompt, &role.name)?;
        }
        Ok(())
    }
}

impl PreparedSession {
    /// What `prompt.md` holds.
    fn prompt_file(&self) -> std::borrow::Cow<'_, str> {
        self.redactor.text(&self.prompt.text)
    }

    /// What `mcp.json` holds.
    fn mcp_file(&self) -> Result<Vec<u8>, FsError> {
        let mut record = self.servers.record.clone();
        self.redactor.in_value(&mut record);
        fs::json_bytes(&record).map_err(|error| FsError::new("write", &self.attempt.mcp(), error))
    }

    /// What the session is made of, once it was written.
    ///
    /// # Errors
    /// A file of the role or of a skill cannot be read.
    pub fn manifest(&self) -> Result<Manifest, PrepareError> {
        Ok(Manifest {
            prompt_sha256: sha256(self.prompt_file().as_bytes()),
            mcp_sha256: sha256(&self.mcp_file()?),
            role_files: self.role_files.clone(),
            skills: self.staging.hashes(&self.attempt.skills())?,
            model: self.model.clone(),
            ..Manifest::default()
        })
    }
}

/// Makes the session of an attempt ready. Everything is read, nothing is written or started.
///
/// # Errors
/// A program, a folder or a file that the session needs is missing or broken.
pub fn prepare_session(
    occasion: &Occasion<'_>,
    settled: &Settled,
    attempt: &AttemptFacts,
    plan: &PlanFacts,
) -> Result<PreparedSession, PrepareError> {
    let cwd = occasion.working_dir();
    if !cwd.is_dir() {
        let room = occasion.room.id().to_string();
        return Err(PrepareError::NoWorkingDir { room, dir: cwd });
    }
    let own_home = settled.settings.agent_spec.home == AgentHome::Session;
    let home = own_home.then(|| attempt.paths.home());
    let env = environment(occasion, settled, attempt, home.as_deref())?;
    let mut servers = servers::of_session(occasion, settled, attempt)?;
    let known = &occasion.room.project().store().redactor;
    let secrets = secrets::of_session(&env, &servers, occasion.host);
    servers.hand(&secrets, known.patterns())?;
    let input = inputs::gather(occasion, settled, attempt, plan, &servers)?;
    let prompt = prompt::build(&input, prompt::DEFAULT_BUDGET).map_err(PrepareError::Prompt)?;
    let staging = Staging::plan(&settled.skills.given)?;
    let mut warnings = settled.role.warnings.clone();
    warnings.extend(settled.skills.warnings.iter().chain(&staging.warnings).cloned());
    warnings.extend(servers.warnings.clone());
    let tools = SessionTools { lists: settled.settings.tool_lists(), servers: servers.names() };
    warnings.extend(tools_of_others(&attempt.role, &tools.lists, &servers));
    let resume = resumable(occasion, settled, attempt)?;
    Ok(PreparedSession {
        argv: argv(occasion.host, settled, attempt)?,
        env,
        redactor: known.with(&secrets),
        cwd,
        tools,
        model: settled.settings.model.value.clone(),
        options: settled.settings.options(),
        earlier_cost_usd: match &resume {
            Some(session) => interrupted::cost_of(occasion.room, session)?,
            None => 0.0,
        },
        resume,
        prompt,
        warnings,
        staging,
        attempt: attempt.paths.clone(),
        home,
        private_mcp: settled.settings.reads_mcp_file(),
        role_files: role_hashes(&settled.role)?,
        made_role: (settled.role.tier == RoleTier::Dynamic).then(|| settled.role.clone()),
        layout: occasion.layout().clone(),
        servers,
    })
}

/// A warning if the role's lists are about tools of servers that do not keep them back themselves.
fn tools_of_others(role: &RoleRef, lists: &ToolLists, servers: &SessionServers) -> Option<String> {
    let is_own = |entry: &String| {
        let named = |(server, tools): (&str, Tools)| {
            tools.iter().any(|(tool, _)| is_named(entry, server, tool))
        };
        prompt::OWN_TOOLS.into_iter().any(named)
    };
    let about_others = lists.allowed.is_some() || !lists.denied.iter().all(is_own);
    if servers.sources.is_empty() || !about_others {
        return None;
    }
    let others: Vec<String> = servers.sources.keys().map(|name| format!("`{name}`")).collect();
    Some(format!(
        "`allowed_tools` and `denied_tools` of the role `{role}` hold for the own servers; a tool of \
         {} is kept back only if the agent asks for a permission before it calls it",
        others.join(", ")
    ))
}

fn argv(
    host: &Host,
    settled: &Settled,
    attempt: &AttemptFacts,
) -> Result<Vec<String>, PrepareError> {
    let mcp = attempt.paths.private_mcp().display().to_string();
    let mut argv: Vec<String> = settled
        .settings
        .agent_command
        .value
        .iter()
        .map(|word| word.replace(MCP_CONFIG, &mcp))
        .collect();
    if let Some(program) = argv.first_mut() {
        let found = host.programs.find(program).ok_or_else(|| ResolveError::NoProgram {
            agent: settled.settings.agent.value.clone(),
            program: program.clone(),
        })?;
        *program = found.display().to_string();
    }
    let agent = &settled.settings.agent_spec;
    match agent.protocol {
        Protocol::Acp => Ok(argv),
        Protocol::Command => {
            let ostwin = host
                .programs
                .find(OSTWIN)
                .ok_or_else(|| PrepareError::NoServer { program: OSTWIN.to_owned() })?;
            Ok(command::argv(&ostwin.display().to_string(), agent.output, argv))
        }
    }
}

fn environment(
    occasion: &Occasion<'_>,
    settled: &Settled,
    attempt: &AttemptFacts,
    home: Option<&Path>,
) -> Result<BTreeMap<String, String>, PrepareError> {
    let settings = &settled.settings;
    let agent = &settings.agent_spec;
    let allow = agent.env_allow.iter().chain(&settings.env_allow.value).cloned().collect();
    let by_command = agent.protocol == Protocol::Command || !settings.takes_servers();
    let policy = EnvironmentPolicy {
        session_home: home.map(Path::to_owned),
        tmp: attempt.paths.tmp(),
        attempt: attempt.id.to_string(),
        role: attempt.role.to_string(),
        allow,
        fixed: fixed_environment(&settings.agent.value, agent, &|wanted| {
            occasion.host.value(wanted)
        })?,
        room: if by_command { command_line(occasion) } else { BTreeMap::new() },
    };
    Ok(session_environment(occasion.host.environment.iter().cloned(), &policy))
}

/// What a session without servers needs to post by the command line.
fn command_line(occasion: &Occasion<'_>) -> BTreeMap<String, String> {
    let program = occasion.host.programs.find(OSTWIN);
    let bin = program.map(|program| ("OSTWIN_BIN".to_owned(), program.display().to_string()));
    let project = occasion.layout().root().display().to_string();
    bin.into_iter()
        .chain([
            (env::PROJECT.to_owned(), project),
            ("OSTWIN_ROOM".to_owned(), occasion.room.id().to_string()),
        ])
        .collect()
}

/// The agent's session of the attempt before, if that was cut off and the same agent works on.
fn resumable(
    occasion: &Occasion<'_>,
    settled: &Settled,
    attempt: &AttemptFacts,
) -> Result<Option<String>, PrepareError> {
    let earlier = interrupted::earlier_attempt(occasion.room, attempt)?;
    Ok(earlier
        .filter(interrupted::was_cut_off)
        .filter(|earlier| earlier.record.agent == settled.settings.agent.value)
        .and_then(|earlier| earlier.record.agent_session))
}
