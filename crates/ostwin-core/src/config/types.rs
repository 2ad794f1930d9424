//! Every setting, with its meaning and its shipped value.
//!
//! This is the one place that knows them: the check of keys and types, the reference page, the
//! names of environment variables and the JSON Schema are all derived from these types, whose
//! shipped values are their `Default`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agents::{AgentSpec, shipped_agents};
use super::approvals::Approvals;
use crate::ids::{RoleName, SkillName};
use crate::json::Version;
use crate::lifecycle::ReviewRestart;
use crate::store::Durability;

/// The settings of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Version of this file's schema.
    pub schema_version: Version<1>,
    /// The agent program that sessions use: a key of `agents`. Nothing is shipped here, because a
    /// program that spends money is chosen by a person.
    pub default_agent: Option<String>,
    /// The model, passed to the agent where its protocol has a place for it.
    pub default_model: Option<String>,
    /// Known agent programs by name.
    pub agents: BTreeMap<String, AgentSpec>,
    /// Sessions at once, for the whole project.
    pub max_concurrent_rooms: u32,
    /// Rejections and failed attempts of a room that are answered by another try; 0 means none.
    pub max_retries: u32,
    /// How often a room may go to triage before it has failed.
    pub max_triages: u32,
    /// Interrupted attempts in a row that cost no retry.
    pub max_interruptions: u32,
    /// Tries inside one attempt against transient trouble of the model's service.
    pub agent_retries: u32,
    /// Seconds that one attempt may take.
    pub timeout_seconds: u64,
    /// Seconds before a retry.
    pub retry_delay_seconds: u64,
    /// Seconds between SIGTERM and SIGKILL.
    pub kill_grace_seconds: u64,
    /// Seconds that triage may take before people are alerted.
    pub triage_timeout_seconds: u64,
    /// Seconds that a session is kept while a person has a question or a permission to answer.
    pub live_wait_seconds: u64,
    /// Seconds after which a question or a permission without an answer is denied.
    pub ask_timeout_seconds: u64,
    /// Tokens that a plan may use; nothing new starts beyond.
    pub budget_tokens: Option<u64>,
    /// US dollars that a plan may cost; nothing new starts beyond.
    pub budget_usd: Option<f64>,
    /// Seconds that running sessions may go on once a budget is used up.
    pub budget_grace_seconds: u64,
    /// Whether a plan with a budget may use an agent that reports no usage.
    pub budget_unmetered: bool,
    /// Milliseconds that a lock is waited for before the answer is `busy`.
    pub lock_timeout_ms: u64,
    /// When a write counts as done: once it is on the disk, or once the system has it.
    pub durability: Durability,
    /// How file changes are noticed.
    pub watch: WatchMode,
    /// Whether a plan is reviewed before its epics start, and who approves.
    pub plan_review: PlanReview,
    /// Where the work goes once a reviewer's rejection was fixed.
    pub review_restart: ReviewRestart,
    /// Whether a role that no tier knows is made from the epic's description.
    pub dynamic_roles: bool,
    /// Requirements that every epic gets, besides its own, as `QR-n`.
    pub quality_requirements: Vec<String>,
    /// Skills that every session gets, besides those of its role and its room. Each place that
    /// sets it adds to the others.
    pub skill_refs: Vec<SkillName>,
    /// Overrides per role, and per instance of a role.
    pub roles: BTreeMap<RoleName, RoleSettings>,
    /// What agents may do without asking.
    pub approvals: Approvals,
    /// Regular expressions whose matches are replaced in everything that is recorded.
    pub redact: Vec<String>,
    /// A command that gets each alert as JSON on its standard input: program and arguments.
    pub on_event: Option<Vec<String>>,
    /// Room channels.
    pub channel: ChannelSettings,
    /// The shared memory.
    pub memory: MemorySettings,
    /// Skills.
    pub skills: SkillSettings,
    /// The dashboard.
    pub dashboard: DashboardSettings,
    /// The chat bots by platform: `discord`, `telegram`, `slack`.
    pub bots: BTreeMap<String, BotSettings>,
    /// What `gc` removes by age.
    pub retention: RetentionSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema_version: Version::default(),
            default_agent: None,
            default_model: None,
            agents: shipped_agents(),
            max_concurrent_rooms: 50,
            max_retries: 3,
            max_triages: 1,
            max_interruptions: 3,
            agent_retries: 5,
            timeout_seconds: 900,
            retry_delay_seconds: 0,
            kill_grace_seconds: 10,
            triage_timeout_seconds: 300,
            live_wait_seconds: 45,
            ask_timeout_seconds: 86_400,
            budget_tokens: None,
            budget_usd: None,
            budget_grace_seconds: 120,
            budget_unmetered: false,
            lock_timeout_ms: 5000,
            durability: Durability::Sync,
            watch: WatchMode::Auto,
            plan_review: PlanReview::SHIPPED,
            review_restart: ReviewRestart::Stage,
            dynamic_roles: true,
            quality_requirements: Vec::new(),
            skill_refs: Vec::new(),
            roles: BTreeMap::new(),
            approvals: Approvals::default(),
            redact: Vec::new(),
            on_event: None,
            channel: ChannelSettings::default(),
            memory: MemorySettings::default(),
            skills: SkillSettings::default(),
            dashboard: DashboardSettings::default(),
            bots: BTreeMap::new(),
            retention: RetentionSettings::default(),
        }
    }
}

/// How file changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchMode {
    /// By events of the file system where they can be trusted, else by polling.
    #[default]
    Auto,
    /// By looking every two seconds.
    Poll,
}

/// Whether a plan is reviewed before its epics start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanReview {
    /// Not at all: the plan is the graph.
    Off,
    /// A review that approves this very plan opens the gate.
    Auto,
    /// A person opens the gate.
    Human,
}

impl PlanReview {
    /// The shipped value: what nobody has read does not start.
    pub const SHIPPED: Self = Self::Auto;
}

/// Writes a struct of overrides for a role, with further fields at its end. A role and its
/// instances take the same ones, but only a role has instances.
macro_rules! role_overrides {
    ($(#[$doc:meta])* $name:ident { $($further:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $name {
            /// The agent program: a key of `agents`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub agent: Option<String>,
            /// The model.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub model: Option<String>,
            /// The sampling temperature, where the agent has a place for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub temperature: Option<f64>,
            /// Longest answer in tokens, where the agent has a place for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub max_tokens: Option<u64>,
            /// Seconds that one attempt may take.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub timeout_seconds: Option<u64>,
            /// Rejections and failed attempts that are answered by another try.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub max_retries: Option<u32>,
            /// Tokens that a room of this role may use.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub budget_tokens: Option<u64>,
            /// US dollars that a room of this role may cost.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub budget_usd: Option<f64>,
            /// Skills to add.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub skill_refs: Option<Vec<SkillName>>,
            /// Skills to leave out.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub disabled_skills: Option<Vec<SkillName>>,
            /// MCP servers that a session may see.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub mcp_refs: Option<Vec<String>>,
            /// Whether sessions get no MCP servers at all.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub no_mcp: Option<bool>,
            /// Tools that a session may call; all, if not set.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub allowed_tools: Option<Vec<String>>,
            /// Tools that a session may not call.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub denied_tools: Option<Vec<String>>,
            /// Further environment variables that a session may see.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub env_allow: Option<Vec<String>>,
            /// What the agent may do without asking.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub approval: Option<Approvals>,
            $($further)*
        }
    };
}

role_overrides! {
    /// Overrides for one role.
    RoleSettings {
        /// Named sets of further overrides: `fe` is used by `engineer:fe`.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub instances: BTreeMap<RoleName, InstanceSettings>,
    }
}

role_overrides! {
    /// Overrides for one instance of a role.
    InstanceSettings {}
}

/// Settings of room channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChannelSettings {
    /// Longest body of a message in bytes; a longer one is refused, never cut.
    pub max_message_bytes: u64,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self { max_message_bytes: 65_536 }
    }
}

/// Settings of the shared memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MemorySettings {
    /// What turns text into vectors for the search by meaning.
    pub embedding: EmbeddingSettings,
    /// Hours after which an entry of each kind counts half.
    pub half_life_hours: HalfLives,
}

/// What turns text into vectors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EmbeddingSettings {
    /// Where vectors come from.
    pub kind: EmbeddingKind,
    /// Folder of a static model, for `static`.
    pub path: Option<String>,
    /// Base address of a service with `/v1/embeddings`, for `endpoint`.
    pub url: Option<String>,
    /// Name of the model, for `endpoint`.
    pub model: Option<String>,
}

/// Where vectors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingKind {
    /// From the `ostwin-embedder` process, if it is there.
    #[default]
    Embedder,
    /// From a static model on disk.
    Static,
    /// From a service.
    Endpoint,
    /// From nowhere: search is by words alone.
    None,
}

/// Hours after which an entry of each kind counts half in a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HalfLives {
    /// Conventions.
    pub convention: f64,
    /// Interfaces.
    pub interface: f64,
    /// Decisions.
    pub decision: f64,
    /// Artifacts.
    pub artifact: f64,
    /// Warnings.
    pub warning: f64,
    /// Code.
    pub code: f64,
}

impl Default for HalfLives {
    fn default() -> Self {
        Self {
            convention: 720.0,
            interface: 480.0,
            decision: 336.0,
            artifact: 168.0,
            warning: 168.0,
            code: 72.0,
        }
    }
}

/// Settings of skills.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SkillSettings {
    /// Whether skills of trust level `experimental` are used.
    pub allow_experimental: bool,
    /// What a skill that is named but not found does to a session.
    pub preflight: Preflight,
    /// Address or folder of an index of skills.
    pub registry_url: Option<String>,
    /// Roles whose sessions may install skills.
    pub install_roles: Vec<RoleName>,
}

/// What a missing reference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preflight {
    /// The session does not start.
    #[default]
    Error,
    /// The session starts, and says so.
    Warn,
}

/// Settings of the dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DashboardSettings {
    /// The address it listens on.
    pub bind: String,
    /// The port it listens on.
    pub port: u16,
    /// Further names by which browsers may call it, such as that of a proxy in front of it.
    pub hosts: Vec<String>,
}

impl Default for DashboardSettings {
    fn default() -> Self {
        Self { bind: "127.0.0.1".to_owned(), port: 3366, hosts: Vec::new() }
    }
}

/// Settings of one chat bot. Its tokens are secrets and live in the vault.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BotSettings {
    /// Base address of the platform's service, if it is not the platform's own.
    pub base_url: Option<String>,
}

/// What `gc` removes by age. Channels, audits and the ledger are never removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RetentionSettings {
    /// Days that transcripts of finished rooms are kept; null means for ever.
    pub transcript_days: Option<u32>,
    /// Days that archives of rooms are kept; null means for ever.
    pub archive_days: Option<u32>,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { transcript_days: Some(30), archive_days: None }
    }
}

impl Config {
    /// Values that have the right type and still make no sense: the key, and what it needs to be.
    pub(super) fn out_of_range(&self) -> Vec<(String, &'static str)> {
        let at_least_one = "a number from 1 on";
        let positive = "a number above 0";
        let life = &self.memory.half_life_hours;
        let mut wrong: Vec<(String, &'static str)> = [
            ("max_concurrent_rooms", self.max_concurrent_rooms >= 1, at_least_one),
            ("timeout_seconds", self.timeout_seconds >= 1, at_least_one),
            ("triage_timeout_seconds", self.triage_timeout_seconds >= 1, at_least_one),
            ("ask_timeout_seconds", self.ask_timeout_seconds >= 1, at_least_one),
            ("lock_timeout_ms", self.lock_timeout_ms >= 1, at_least_one),
            ("budget_usd", self.budget_usd.is_none_or(|usd| usd >= 0.0), "0 or a positive number"),
            (
                "channel.max_message_bytes",
                (1..=65_536).contains(&self.channel.max_message_bytes),
                "a number from 1 to 65536",
            ),
            ("memory.half_life_hours.convention", life.convention > 0.0, positive),
            ("memory.half_life_hours.interface", life.interface > 0.0, positive),
            ("memory.half_life_hours.decision", life.decision > 0.0, positive),
            ("memory.half_life_hours.artifact", life.artifact > 0.0, positive),
            ("memory.half_life_hours.warning", life.warning > 0.0, positive),
            ("memory.half_life_hours.code", life.code > 0.0, positive),
            (
                "on_event",
                self.on_event.as_ref().is_none_or(|command| !command.is_empty()),
                "a list that begins with a program, or null",
            ),
        ]
        .into_iter()
        .filter(|(_, fine, _)| !fine)
        .map(|(key, _, expected)| (key.to_owned(), expected))
        .collect();
        for (name, agent) in &self.agents {
            if agent.max_sessions == Some(0) {
                wrong.push((format!("agents.{name}.max_sessions"), at_least_one));
            }
        }
        for (name, role) in &self.roles {
            if role.timeout_seconds == Some(0) {
                wrong.push((format!("roles.{name}.timeout_seconds"), at_least_one));
            }
            for (instance, overrides) in &role.instances {
                if overrides.timeout_seconds == Some(0) {
                    let key = format!("roles.{name}.instances.{instance}.timeout_seconds");
                    wrong.push((key, at_least_one));
                }
            }
        }
        wrong
    }
}
