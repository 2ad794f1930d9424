//! Agent programs: what the runner needs to know of one, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An agent program.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AgentSpec {
    /// How sessions talk to it.
    pub protocol: Protocol,
    /// Program and arguments; no shell is involved. `{mcp_config}` stands for the path of a file with
    /// the session's MCP servers, for programs that take them so: it has their secrets, is the
    /// user's alone, and is gone with the session.
    pub command: Vec<String>,
    /// Variables with fixed values.
    pub env: BTreeMap<String, String>,
    /// Variables of the user's environment that are passed on.
    pub env_allow: Vec<String>,
    /// The folder, relative to the project, in which the program looks for skills by itself.
    pub skills_dir: Option<String>,
    /// Sessions of this program at once, for the whole project; null for no limit of its own.
    pub max_sessions: Option<u32>,
    /// Which home directory a session has.
    pub home: AgentHome,
    /// What a program of protocol `command` writes to its standard output.
    pub output: CommandOutput,
    /// It does not report what it uses: a plan with a budget refuses it.
    pub unmetered: bool,
}

/// How sessions talk to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// By the Agent Client Protocol on standard input and output.
    #[default]
    Acp,
    /// The prompt on standard input, then its end; messages by `ostwin room post` or MCP.
    Command,
}

/// Which home directory a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentHome {
    /// The user's own, with the program's accounts and keys.
    #[default]
    User,
    /// An empty one per session.
    Session,
}

/// What a program writes to its standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutput {
    /// Text for the transcript.
    #[default]
    Text,
    /// JSON lines, of which a last one `{"signal":..,"body":..}` is posted for it.
    Jsonl,
}

/// The name of the agent that plays a script instead of running a model.
pub const REHEARSAL: &str = "rehearsal";

/// A program that is preconfigured: name, command, variables passed on, its folder of skills.
type Shipped =
    (&'static str, &'static [&'static str], &'static [&'static str], Option<&'static str>);

/// Programs that report no usage.
const UNMETERED: [&str; 2] = ["codex", "qwen"];

const AGENTS_SKILLS: Option<&str> = Some(".agents/skills");

const SHIPPED: [Shipped; 9] = [
    (
        "opencode",
        // It waits out a rate limit in silence, and tells only its log.
        &["opencode", "acp", "--print-logs", "--log-level", "ERROR"],
        &[
            "OPENCODE_CONFIG",
            "OPENCODE_CONFIG_CONTENT",
            "OPENCODE_API_KEY",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GEMINI_API_KEY",
            "OPENROUTER_API_KEY",
        ],
        AGENTS_SKILLS,
    ),
    (
        "claude",
        &["claude-agent-acp"],
        &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_MODEL",
            "CLAUDE_CODE_OAUTH_TOKEN",
        ],
        Some(".claude/skills"),
    ),
    (
        "codex",
        &["codex-acp"],
        &["OPENAI_API_KEY", "CODEX_API_KEY", "OPENAI_BASE_URL"],
        AGENTS_SKILLS,
    ),
    (
        "gemini",
        &["gemini", "--acp"],
        &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL"],
        AGENTS_SKILLS,
    ),
    (
        "goose",
        &["goose", "acp"],
        &[
            "GOOSE_PROVIDER",
            "GOOSE_MODEL",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GOOGLE_API_KEY",
            "OPENROUTER_API_KEY",
        ],
        None,
    ),
    (
        "copilot",
        // It ignores the servers that a session names and reads them from a file.
        &["copilot", "--acp", "--additional-mcp-config", "@{mcp_config}"],
        &[
            "COPILOT_GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_TOKEN",
            "COPILOT_PROVIDER_BASE_URL",
            "COPILOT_OFFLINE",
        ],
        AGENTS_SKILLS,
    ),
    (
        "qwen",
        &["qwen", "--acp"],
        &["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "DASHSCOPE_API_KEY"],
        AGENTS_SKILLS,
    ),
    ("cursor", &["cursor-agent", "acp"], &["CURSOR_API_KEY"], None),
    (REHEARSAL, &["ostwin-rehearsal"], &["OSTWIN_REHEARSAL_SCRIPT", "OSTWIN_REHEARSAL_PACE"], None),
];

/// What a preconfigured program needs in its environment, with the value.
fn needed(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        // In a folder that it was not told to trust, it starts no tool server and says nothing.
        // Who has a plan run in a folder lets agents work there.
        "gemini" => Some(("GEMINI_CLI_TRUST_WORKSPACE", "true")),
        _ => None,
    }
}

/// How a preconfigured program is installed; `None` for one that a person has named.
pub fn how_to_install(agent: &str) -> Option<&'static str> {
    Some(match agent {
        "opencode" => "npm install -g opencode-ai",
        "claude" => "npm install -g @zed-industries/claude-agent-acp",
        "codex" => "npm install -g @zed-industries/codex-acp",
        "gemini" => "npm install -g @google/gemini-cli",
        "goose" => "see https://block.github.io/goose",
        "copilot" => "npm install -g @github/copilot",
        "qwen" => "npm install -g @qwen-code/qwen-code",
        "cursor" => "see https://cursor.com/cli",
        REHEARSAL => "comes with ostwin: cargo build --bin ostwin-rehearsal",
        _ => return None,
    })
}

/// The preconfigured agent programs.
pub(super) fn shipped_agents() -> BTreeMap<String, AgentSpec> {
    let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
    SHIPPED
        .iter()
        .map(|(name, command, env_allow, skills_dir)| {
            let spec = AgentSpec {
                command: owned(command),
                env: needed(name)
                    .into_iter()
                    .map(|(variable, value)| (variable.to_owned(), value.to_owned()))
                    .collect(),
                env_allow: owned(env_allow),
                skills_dir: skills_dir.map(str::to_owned),
                unmetered: UNMETERED.contains(name),
                ..AgentSpec::default()
            };
            ((*name).to_owned(), spec)
        })
        .collect()
}
