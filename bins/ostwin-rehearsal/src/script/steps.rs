//! What a session can do, step by step.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step. Texts may hold `{ref}`, `{title}`, `{objective}`, `{role}`,
/// `{room}`, `{state}`, `{attempt}` and `{attempt_number}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Step {
    /// Say something.
    Say(Text),
    /// Reason about something.
    Think(Text),
    /// Show a plan of the steps to come, made from the brief.
    Plan,
    /// Wait so many milliseconds at the script's pace.
    Wait(Wait),
    /// Wait until a file is there, whatever the script's pace: for a moment that somebody else
    /// decides.
    AwaitFile(AwaitFile),
    /// Ask the shared memory for what concerns this task.
    Recall,
    /// Load the first skill of the prompt's index, if there is one.
    LoadSkill,
    /// Publish an entry in the shared memory.
    Remember(Memory),
    /// Read the room's messages, and the latest `fix` among them.
    ReadChannel,
    /// Report progress.
    Progress(Progress),
    /// Write the deliverable that the brief asks for, by what this role makes.
    Deliver,
    /// Write one artifact.
    Artifact(Artifact),
    /// Look through the artifacts for an answer to each criterion.
    Inspect,
    /// Post a message that is no signal.
    Post(Post),
    /// Ask the client for a permission, and say what was answered.
    AskPermission(Permission),
    /// Ask a person by the tool `ask_human`, and say what was answered.
    AskHuman(Human),
    /// Post the session's signal.
    Verdict,
    /// Post the signal that was posted before once more.
    VerdictAgain,
    /// End this process all of a sudden.
    Crash(Crash),
    /// Do nothing more, and don't answer.
    Hang(Hang),
    /// End the turn without a signal.
    Silence(Silence),
    /// Speak as somebody else, or for another attempt, through a copy of the
    /// war-room server with other arguments.
    Impersonate(Impersonate),
    /// Wait for the end of the attempt, and post the signal after it.
    Late(Late),
    /// Write far too much.
    Flood(Flood),
    /// Start a process that leaves the session and ignores SIGTERM.
    Fork(Fork),
    /// Refuse the prompt as a model service does that is asked too often.
    RateLimit(RateLimit),
    /// Refuse the prompt until somebody logs in.
    AuthRequired,
    /// Refuse the prompt with an error of the agent's own.
    AgentError(Text),
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    /// The text.
    pub(crate) text: String,
}

/// A wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// Milliseconds.
    pub(crate) ms: u64,
}

/// A wait for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AwaitFile {
    /// Its path: absolute, or below the working directory.
    pub(crate) path: PathBuf,
}

/// An entry for the shared memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    /// Its kind: `artifact`, `decision`, `interface`, `convention`, `warning` or `code`.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) summary: String,
    /// Tags, beside `rehearsed`.
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

/// A report of progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// 0 to 100.
    pub(crate) percent: u8,
    /// What is done or being done.
    pub(crate) message: String,
}

/// A file below `artifacts/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    /// Its path below `artifacts/`.
    pub(crate) path: String,
    /// Its text. A line that says it was rehearsed comes before it.
    pub(crate) content: String,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Post {
    /// Who is meant: a role, `engine` or `human`.
    #[serde(default = "engine")]
    pub(crate) to: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Its text.
    pub(crate) body: String,
}

/// A request for permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permission {
    /// What is to be permitted.
    pub(crate) title: String,
    /// The shell command that would be run.
    #[serde(default)]
    pub(crate) command: Option<String>,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Human {
    /// The question.
    pub(crate) question: String,
    /// How long it waits, in seconds; as the project says if left out.
    #[serde(default)]
    pub(crate) timeout_seconds: Option<u64>,
}

/// A sudden end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Crash {
    /// The exit code; without one the process is killed by SIGKILL.
    pub(crate) exit_code: Option<u8>,
}

/// Standing still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Hang {
    /// Also ignore SIGTERM, a cancelled turn and the end of input.
    pub(crate) stubborn: bool,
}

/// Ending without a signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Silence {
    /// What happens when the client asks again.
    pub(crate) nudge: Nudge,
}

/// The answer to a nudge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Nudge {
    /// Go on with the next step.
    #[default]
    Answer,
    /// End the turn again.
    Ignore,
}

/// Speaking as somebody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Impersonate {
    /// The role to speak as.
    pub(crate) role: Option<String>,
    /// The attempt to speak for.
    pub(crate) attempt: Option<String>,
    /// The signal to post; without one, the first of the contract.
    pub(crate) signal: Option<String>,
    /// A status to set instead, such as `passed`.
    pub(crate) status: Option<String>,
}

/// Speaking after the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Late {
    /// Wait so long instead of waiting for SIGTERM, in milliseconds of real time.
    pub(crate) after_ms: Option<u64>,
}

/// Writing too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flood {
    /// Where to.
    pub(crate) to: FloodTo,
    /// How many MiB.
    pub(crate) mib: u32,
}

/// What is flooded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FloodTo {
    /// Protocol updates.
    Updates,
    /// One line on standard output that doesn't end.
    Line,
    /// Lines on standard output that are no messages.
    Noise,
    /// Standard error.
    Stderr,
}

/// A process that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fork {
    /// How long it lives if nobody ends it, in seconds.
    pub(crate) seconds: u64,
    /// It keeps the mark by which strays are found.
    pub(crate) keep_mark: bool,
    /// It holds this program's standard output open.
    pub(crate) hold_output: bool,
}

impl Default for Fork {
    fn default() -> Self {
        Self { seconds: 600, keep_mark: true, hold_output: false }
    }
}

/// A busy model service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateLimit {
    /// How many prompts in a row are refused.
    pub(crate) times: u32,
    /// In how many seconds the service says that it goes on; it says nothing if left out.
    #[serde(default)]
    pub(crate) resets_in_seconds: Option<u64>,
}

fn engine() -> String {
    "engine".to_owned()
}
