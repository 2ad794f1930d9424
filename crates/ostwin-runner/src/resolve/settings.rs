//! The settings of one session.

use ostwin_core::config::{
    AgentSpec, Approvals, CommandOutput, InstanceSettings, Protocol, REHEARSAL, RoleSettings,
    Settings,
};
use ostwin_core::ids::RoleRef;
use ostwin_core::json::nearest;
use ostwin_core::roles::ToolLists;
use ostwin_core::room::{Contract, RoomSettings};
use serde::Serialize;

use super::error::ResolveError;
use super::order::{Resolved, Says, Source, SourceKind, first, settle};
use crate::agents::{FoundAgent, Programs, list_agents};
use crate::mcp::ServerFilter;
use crate::roles::ResolvedRole;

/// What stands in an agent's command for the path of the file with the session's MCP servers.
pub(crate) const MCP_CONFIG: &str = "{mcp_config}";

/// What an epic or a room says about its sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directives {
    /// The agent program: a key of `agents`.
    pub agent: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Seconds that one attempt may take.
    pub timeout_seconds: Option<u64>,
    /// Rejections and failed attempts that are answered by another try.
    pub max_retries: Option<u32>,
    /// Seconds before a retry.
    pub retry_delay_seconds: Option<u64>,
    /// Whether sessions get no MCP servers.
    pub no_mcp: Option<bool>,
    /// Tokens that the room may use.
    pub budget_tokens: Option<u64>,
    /// US dollars that the room may cost.
    pub budget_usd: Option<f64>,
}

impl Directives {
    /// What a person set for a room.
    pub fn of_room(settings: &RoomSettings) -> Self {
        Self {
            agent: settings.agent.clone(),
            model: settings.model.clone(),
            timeout_seconds: settings.timeout_seconds,
            budget_tokens: settings.budget_tokens,
            budget_usd: settings.budget_usd,
            ..Self::default()
        }
    }

    /// What the epic of a room says.
    pub fn of_epic(contract: &Contract) -> Self {
        let constraints = &contract.constraints;
        Self {
            agent: contract.agent.clone(),
            model: contract.model.clone(),
            timeout_seconds: constraints.timeout_seconds,
            max_retries: constraints.max_retries,
            retry_delay_seconds: constraints.retry_delay_seconds,
            // A contract holds no more than yes: an epic cannot force servers on a role.
            no_mcp: contract.no_mcp.then_some(true),
            budget_tokens: constraints.budget_tokens_max,
            budget_usd: constraints.budget_cost_max_usd,
        }
    }
}

/// Everything that decides about one session's settings.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The role that works, with instance.
    pub role: &'a RoleRef,
    /// What its tiers say.
    pub resolved: &'a ResolvedRole,
    /// What was set for the room.
    pub room: &'a Directives,
    /// What the epic says.
    pub epic: &'a Directives,
    /// The room's contract, as a place to name.
    pub contract: &'a str,
    /// The settings in force, flags and environment included.
    pub settings: &'a Settings,
}

/// What one session runs with, each value with its source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionSettings {
    /// The agent: a key of `agents`.
    pub agent: Resolved<String>,
    /// Program and arguments.
    pub agent_command: Resolved<Vec<String>>,
    /// The agent's whole entry.
    #[serde(skip)]
    pub agent_spec: AgentSpec,
    /// The model, passed to the agent where its protocol has a place for it.
    pub model: Resolved<Option<String>>,
    /// The sampling temperature, where the agent has a place for it.
    pub temperature: Resolved<Option<f64>>,
    /// Longest answer in tokens, where the agent has a place for it.
    pub max_tokens: Resolved<Option<u64>>,
    /// Seconds that one attempt may take.
    pub timeout_seconds: Resolved<u64>,
    /// Rejections and failed attempts that are answered by another try.
    pub max_retries: Resolved<u32>,
    /// Seconds before a retry.
    pub retry_delay_seconds: Resolved<u64>,
    /// Tries inside one attempt against transient trouble of the model's service.
    pub agent_retries: Resolved<u32>,
    /// Seconds between SIGTERM and SIGKILL.
    pub kill_grace_seconds: Resolved<u64>,
    /// Tokens that the room may use.
    pub budget_tokens: Resolved<Option<u64>>,
    /// US dollars that the room may cost.
    pub budget_usd: Resolved<Option<f64>>,
    /// Whether the session gets no MCP servers.
    pub no_mcp: Resolved<bool>,
    /// MCP servers that it may see besides the own ones; none means all.
    pub mcp_refs: Resolved<Option<Vec<String>>>,
    /// Tools that it may call; none means all.
    pub allowed_tools: Resolved<Option<Vec<String>>>,
    /// Tools that it may not call.
    pub denied_tools: Resolved<Vec<String>>,
    /// Further variables of the user's environment that it may see.
    pub env_allow: Resolved<Vec<String>>,
    /// What the agent may do without asking.
    pub approval: Resolved<Approvals>,
}

impl SessionSettings {
    /// What is set of the settings that few agents have a place for, by name.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let temperature = self.temperature.value.map(|value| value.to_string());
        let max_tokens = self.max_tokens.value.map(|value| value.to_string());
        let all = [("temperature", temperature), ("max_tokens", max_tokens)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Which MCP servers it may see.
    pub fn server_filter(&self) -> ServerFilter {
        ServerFilter { no_mcp: !self.takes_servers(), refs: self.mcp_refs.value.clone() }
    }

    /// Which tools it may call.
    pub fn tool_lists(&self) -> ToolLists {
        let (allowed, denied) = (self.allowed_tools.value.clone(), self.denied_tools.value.clone());
        ToolLists { allowed, denied }
    }

    /// These settings, if a session with them can end.
    fn checked(self) -> Result<Self, ResolveError> {
        match self.tool_lists().denies_the_needed() {
            None => Ok(self),
            Some(tool) => Err(ResolveError::NeededTool {
                tool: tool.to_owned(),
                by: self.denied_tools.source,
            }),
        }
    }

    /// Whether the last line that the agent's program prints is posted for it.
    pub fn answers_by_line(&self) -> bool {
        self.agent_spec.protocol == Protocol::Command
            && self.agent_spec.output == CommandOutput::Jsonl
    }

    /// Whether the agent's program takes its MCP servers from a file.
    pub fn reads_mcp_file(&self) -> bool {
        self.agent_command.value.iter().any(|word| word.contains(MCP_CONFIG))
    }

    /// Whether the session can use MCP servers: a program that speaks no protocol knows of them only
    /// by that file.
    pub fn takes_servers(&self) -> bool {
        let told = self.agent_spec.protocol == Protocol::Acp || self.reads_mcp_file();
        told && !self.no_mcp.value
    }

    /// Whether the rehearsal agent works instead of a model.
    pub fn is_rehearsed(&self) -> bool {
        self.agent.value == REHEARSAL
    }
}

/// The sources that stand between the settings and the environment, for one role.
struct Between<'a> {
    question: &'a Question<'a>,
    role: Option<&'a RoleSettings>,
    instance: Option<&'a InstanceSettings>,
}

/// One value from the settings of a role and of its instance, whose types differ only in name.
macro_rules! overrides {
    ($between:expr, $field:ident) => {
        [
            $between.instance_says($between.instance.and_then(|said| said.$field.clone())),
            $between
                .role_says(stringify!($field), $between.role.and_then(|said| said.$field.clone())),
        ]
    };
}

impl<'a> Between<'a> {
    fn of(question: &'a Question<'a>) -> Self {
        let role = question.settings.config.roles.get(&question.role.role);
        let instance = question.role.instance.as_ref();
        let instance = instance.and_then(|instance| role?.instances.get(instance));
        Self { question, role, instance }
    }

    fn room<T>(&self, value: Option<T>) -> Says<T> {
        (value, Source::at(SourceKind::Room, self.question.contract))
    }

    fn epic<T>(&self, value: Option<T>) -> Says<T> {
        (value, Source::at(SourceKind::Epic, self.question.contract))
    }

    fn instance_says<T>(&self, value: Option<T>) -> Says<T> {
        (value, Source::at(SourceKind::RoleInstance, format!("roles.{}", self.instance_key())))
    }

    fn instance_key(&self) -> String {
        let RoleRef { role, instance } = self.question.role;
        match instance {
            Some(instance) => format!("{role}.instances.{instance}"),
            None => role.to_string(),
        }
    }

    fn role_says<T>(&self, field: &str, value: Option<T>) -> Says<T> {
        let key = format!("roles.{}.{field}", self.question.role.role);
        (value, Source::at(SourceKind::Role, key))
    }

    fn role_file<T>(&self, value: Option<T>) -> Says<T> {
        let place = self.question.resolved.dir.display().to_string();
        (value, Source::at(SourceKind::RoleFile, place))
    }

    fn registry<T>(&self, value: Option<T>) -> Says<T> {
        let place = self.question.resolved.registry.display().to_string();
        (value, Source::at(SourceKind::Registry, place))
    }
}

/// How many rejections and failed attempts are answered by another try, as the role that works
/// has it.
pub fn max_retries(question: &Question<'_>) -> Resolved<u32> {
    let between = Between::of(question);
    let [instance, role] = overrides!(between, max_retries);
    settle(
        question.settings,
        "max_retries",
        question.settings.config.max_retries,
        [
            between.room(question.room.max_retries),
            between.epic(question.epic.max_retries),
            instance,
            role,
            between.role_file(question.resolved.spec.max_retries),
        ],
    )
}

/// Settles everything that one session runs with. `programs` is only asked for the list in the
/// error when no agent is named.
///
/// # Errors
/// No agent is named anywhere, the name is none of the settings', or a tool is denied that every
/// session needs.
pub fn resolve(
    question: &Question<'_>,
    programs: &Programs,
    config_file: &str,
) -> Result<SessionSettings, ResolveError> {
    let Question { resolved, room, epic, settings, .. } = *question;
    let (spec, config) = (&resolved.spec, &settings.config);
    let between = Between::of(question);

    let agent = agent(question, &between, programs, config_file)?;
    let Some(agent_spec) = config.agents.get(&agent.value).cloned() else {
        let known: Vec<String> = config.agents.keys().cloned().collect();
        let near = nearest(&agent.value, known.iter().map(String::as_str)).map(str::to_owned);
        let Resolved { value: name, source: by } = agent;
        return Err(ResolveError::UnknownAgent { name, by, near, known });
    };
    let command_key = format!("agents.{}.command", agent.value);
    let [instance_model, role_model] = overrides!(between, model);
    let [instance_timeout, role_timeout] = overrides!(between, timeout_seconds);
    let [instance_tokens, role_tokens] = overrides!(between, budget_tokens);
    let [instance_usd, role_usd] = overrides!(between, budget_usd);
    let [instance_approval, role_approval] = overrides!(between, approval);
    let plain = |key: &str| Source::from(settings.provenance(key));
    let some = |(value, source): Says<_>| (value.map(Some), source);
    let some_f64 = |(value, source): Says<f64>| (value.map(Some), source);
    let some_text = |(value, source): Says<String>| (value.map(Some), source);

    let session = SessionSettings {
        agent_command: Resolved { value: agent_spec.command.clone(), source: plain(&command_key) },
        agent,
        agent_spec,
        model: settle(
            settings,
            "default_model",
            config.default_model.clone(),
            [
                between.room(room.model.clone()),
                between.epic(epic.model.clone()),
                instance_model,
                role_model,
                between.role_file(spec.model.clone()),
            ]
            .map(some_text),
        )
        .or_weak(between.registry(resolved.registry_model.clone().map(Some))),
        temperature: first(
            overrides!(between, temperature)
                .into_iter()
                .chain([between.role_file(spec.temperature)])
                .map(some_f64),
            None,
        ),
        max_tokens: first(
            overrides!(between, max_tokens)
                .into_iter()
                .chain([between.role_file(spec.max_tokens)])
                .map(some),
            None,
        ),
        timeout_seconds: settle(
            settings,
            "timeout_seconds",
            config.timeout_seconds,
            [
                between.room(room.timeout_seconds),
                between.epic(epic.timeout_seconds),
                instance_timeout,
                role_timeout,
                between.role_file(spec.timeout_seconds),
            ],
        ),
        max_retries: max_retries(question),
        retry_delay_seconds: settle(
            settings,
            "retry_delay_seconds",
            config.retry_delay_seconds,
            [between.room(room.retry_delay_seconds), between.epic(epic.retry_delay_seconds)],
        ),
        agent_retries: Resolved { value: config.agent_retries, source: plain("agent_retries") },
        kill_grace_seconds: Resolved {
            value: config.kill_grace_seconds,
            source: plain("kill_grace_seconds"),
        },
        budget_tokens: first(
            [
                between.room(room.budget_tokens),
                between.epic(epic.budget_tokens),
                instance_tokens,
                role_tokens,
            ]
            .map(some),
            None,
        ),
        budget_usd: first(
            [between.room(room.budget_usd), between.epic(epic.budget_usd), instance_usd, role_usd]
                .map(some_f64),
            None,
        ),
        no_mcp: first(
            [between.room(room.no_mcp), between.epic(epic.no_mcp)]
                .into_iter()
                .chain(overrides!(between, no_mcp))
                .chain([between.role_file(spec.no_mcp.then_some(true))]),
            false,
        ),
        mcp_refs: first(
            overrides!(between, mcp_refs)
                .into_iter()
                .chain([between.role_file(spec.mcp_refs.clone())])
                .map(|(value, source)| (value.map(Some), source)),
            None,
        ),
        allowed_tools: first(
            overrides!(between, allowed_tools)
                .into_iter()
                .chain([between.role_file(spec.allowed_tools.clone())])
                .map(|(value, source)| (value.map(Some), source)),
            None,
        ),
        denied_tools: first(
            overrides!(between, denied_tools)
                .into_iter()
                .chain([between.role_file(filled(&spec.denied_tools))]),
            Vec::new(),
        ),
        env_allow: first(
            overrides!(between, env_allow)
                .into_iter()
                .chain([between.role_file(filled(&spec.env_allow))]),
            Vec::new(),
        ),
        approval: settle(
            settings,
            "approvals",
            config.approvals.clone(),
            [instance_approval, role_approval, between.role_file(spec.approval.clone())],
        ),
    };
    session.checked()
}

fn agent(
    question: &Question<'_>,
    between: &Between<'_>,
    programs: &Programs,
    config_file: &str,
) -> Result<Resolved<String>, ResolveError> {
    let [instance, role] = overrides!(between, agent);
    let config = &question.settings.config;
    let settled = settle(
        question.settings,
        "default_agent",
        config.default_agent.clone(),
        [
            between.room(question.room.agent.clone()),
            between.epic(question.epic.agent.clone()),
            instance,
            role,
            between.role_file(question.resolved.spec.agent.clone()),
        ]
        .map(|(value, source)| (value.map(Some), source)),
    );
    match settled {
        Resolved { value: Some(value), source } => Ok(Resolved { value, source }),
        Resolved { value: None, .. } => {
            let found: Vec<String> = list_agents(&config.agents, programs)
                .into_iter()
                .filter(|agent| agent.program.is_some())
                .map(|FoundAgent { name, .. }| name)
                .collect();
            // The rehearsal agent is only ever used when a person names it.
            let proposed = found.iter().find(|name| *name != REHEARSAL);
            let proposed = proposed.map_or("NAME", String::as_str);
            Err(ResolveError::NoAgent {
                role: question.role.to_string(),
                line: format!("`\"default_agent\": \"{proposed}\"`"),
                found,
                place: config_file.to_owned(),
            })
        }
    }
}

/// A list that says something: an empty one is what `role.json` has when it says nothing.
fn filled(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}
