//! Arguments about what runs: rooms, sessions, messages.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ostwin_core::ids::{EpicId, MessageId, RoleRef, RoomId, SignalName, StateName};

/// Show the epics of a plan: state, role, progress, tokens, cost
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin status                 the project's plan
  ostwin status shop-3fa9c1     that plan
  ostwin status --watch         follow it
  ostwin status --json          for programs")]
pub(crate) struct StatusArgs {
    /// The plan: an id, or the file it came from [default: the one that runs, else the newest]
    pub(crate) plan: Option<String>,
    /// Follow it until it ends or Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,
}

/// Look at a plan full-screen: its epics, and what is said and done in each
///
/// It only looks, and runs on when the plan ends. The keys are on the screen; `?` explains them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin top                   the plan that runs, else the newest
  ostwin top shop-3fa9c1       this plan")]
pub(crate) struct TopArgs {
    /// The plan: an id, or the file it came from [default: the one that runs, else the newest]
    pub(crate) plan: Option<String>,
}

/// Show what the agents in the rooms say to each other
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin logs                          all rooms, merged by time
  ostwin logs room-003 -f              one room, and follow it
  ostwin logs --type fail              every rejection
  ostwin logs --from qa --last 5       the newest five of a role")]
pub(crate) struct LogsArgs {
    /// The room [default: all rooms]
    pub(crate) room: Option<RoomId>,
    /// Go on with new messages as they come
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only messages of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<SignalName>,
    /// Only messages from this role
    #[arg(long, value_name = "ROLE")]
    pub(crate) from: Option<RoleRef>,
    /// Only the newest so many [default: 200, and 20 with --follow]
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// Only rooms of this plan
    #[arg(long, value_name = "PLAN", conflicts_with = "room")]
    pub(crate) plan: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttemptCommand {
    /// Show one session: who, how it ended, and its transcript
    #[command(after_help = "\
Examples:
  ostwin attempt show room-003            its last attempt
  ostwin attempt show room-003 2          its second one
  ostwin attempt show room-003 --prompt   what the agent was told")]
    Show {
        /// The room
        room: RoomId,
        /// The attempt's number [default: the last]
        number: Option<u32>,
        /// Print the prompt instead of the transcript
        #[arg(long)]
        prompt: bool,
        /// Whole tool inputs and outputs, and thoughts
        #[arg(long)]
        full: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoomCommand {
    New(RoomNewArgs),
    /// List the rooms of the project
    #[command(after_help = "\
Examples:
  ostwin room list
  ostwin room list --plan shop-3fa9c1")]
    List {
        /// Only rooms of this plan
        #[arg(long, value_name = "PLAN")]
        plan: Option<String>,
    },
    /// Show one room: contract, state, ways out, attempts, criteria, last verdict
    #[command(after_help = "\
Examples:
  ostwin room show room-003
  ostwin room show room-003 --lifecycle           its machine, drawn
  ostwin room show room-003 --lifecycle=mermaid   for Mermaid")]
    Show {
        /// The room
        room: RoomId,
        /// Show its lifecycle instead: every state, and where each signal leads
        #[arg(
            long,
            value_enum,
            value_name = "FORMAT",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "text"
        )]
        lifecycle: Option<LifecycleFormat>,
    },
    /// Answer a question that a session asks you
    #[command(after_help = "\
Examples:
  ostwin room answer room-003 \"UTC, everywhere\"
  ostwin room answer room-003 --question msg-01J... -      reads standard input")]
    Answer {
        /// The room
        room: RoomId,
        /// The answer, in Markdown; `-` reads it from standard input
        text: String,
        /// The question, if several wait
        #[arg(long, value_name = "MSG")]
        question: Option<MessageId>,
    },
    /// Give a session the permission that it asks for
    #[command(after_help = "\
Examples:
  ostwin room approve room-003
  ostwin room approve room-003 msg-01J... --note \"this once\"")]
    Approve(RoomReplyArgs),
    /// Refuse a session the permission that it asks for
    #[command(after_help = "\
Examples:
  ostwin room deny room-003
  ostwin room deny room-003 --note \"use the test database\"")]
    Deny(RoomReplyArgs),
    /// Set a value for the sessions of one room, above what its epic, roles and settings say
    #[command(after_help = "\
Examples:
  ostwin room set room-003 budget_tokens 400000
  ostwin room set room-003 agent opencode
  ostwin room set room-003 model null          takes it back")]
    Set {
        /// The room
        room: RoomId,
        /// agent, model, timeout_seconds, budget_tokens or budget_usd
        key: String,
        /// The value; null takes it back
        value: String,
    },
    SetStatus(RoomSetStatusArgs),
    Post(RoomPostArgs),
    /// Pack a finished room into one compressed file
    ///
    /// The archive holds everything. What sessions left and the artifacts leave the room; its
    /// contract, audit, channel and the records of its attempts stay, so that every view goes on to
    /// show it.
    #[command(after_help = "\
Examples:
  ostwin room archive room-003
  ostwin room archive room-003 --restore   puts back what left it")]
    Archive {
        /// The room
        room: RoomId,
        /// Unpack it again
        #[arg(long)]
        restore: bool,
    },
}

/// A reply to a request for a permission.
#[derive(Debug, Args)]
pub(crate) struct RoomReplyArgs {
    /// The room
    pub(crate) room: RoomId,
    /// The request, if several wait
    #[arg(value_name = "MSG")]
    pub(crate) request: Option<MessageId>,
    /// Why, or what to mind; the session reads it
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

/// How a room's lifecycle is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LifecycleFormat {
    /// For people
    Text,
    /// For Mermaid
    Mermaid,
    /// lifecycle.json
    Json,
}

/// Make a room by hand, for an epic of a plan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin room new --plan shop-3fa9c1 --epic EPIC-004")]
pub(crate) struct RoomNewArgs {
    /// The plan
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: String,
    /// The epic or task
    #[arg(long, value_name = "EPIC")]
    pub(crate) epic: EpicId,
}

/// Move a room to a state by your word
///
/// While an engine drives the plan it is asked; otherwise it is done at once. A running attempt is
/// ended first. A finished room can be reopened.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin room set-status room-003 fixing --reason \"local time is meant\"
  ostwin room set-status room-003 passed --force --reason \"checked by hand\"")]
pub(crate) struct RoomSetStatusArgs {
    /// The room
    pub(crate) room: RoomId,
    /// The state
    pub(crate) state: StateName,
    /// Why, in one sentence; kept in the room's audit
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Also where the room's machine draws no such way
    #[arg(long)]
    pub(crate) force: bool,
}

/// Post a message to a room
///
/// From a shell it is a message of a person, which agents read and which moves nothing, except for
/// the answer to a room that waits for one: `fix`, `redesign`, `replan`, `reject` where it is
/// escalated or a triage runs, `unblock` where it is blocked. Inside an attempt it is the attempt's
/// own message, with the same checks as its tool server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostwin room post room-003 --body \"Use the ledger of EPIC-001\"
  ostwin room post room-003 --type answer --to engineer --body-file answer.md
  ostwin room post room-003 --type fix --body \"Round half up\"
  ostwin room post --type done --body \"It is done\"    inside an attempt")]
pub(crate) struct RoomPostArgs {
    /// The room [default inside an attempt: its own]
    #[arg(env = ostwin_core::env::ROOM, hide_env_values = true)]
    pub(crate) room: RoomId,
    /// The type of the message
    #[arg(long = "type", value_name = "TYPE", default_value = "note")]
    pub(crate) kind: SignalName,
    /// Who is meant [default: the role that works in the room's state]
    #[arg(long, value_name = "ROLE")]
    pub(crate) to: Option<RoleRef>,
    /// What it is about, such as an epic
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The text, in Markdown; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", required_unless_present = "body_file")]
    pub(crate) body: Option<String>,
    /// A file with the text
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) body_file: Option<PathBuf>,
    /// The structured part, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResolveCommand {
    /// Which role a session would have: its files, its settings, its agent and model
    #[command(after_help = "\
Examples:
  ostwin resolve role --role engineer
  ostwin resolve role --role qa --room room-003")]
    Role {
        /// The role, with its instance if it has one
        #[arg(long)]
        role: RoleRef,
        /// For this room
        #[arg(long)]
        room: Option<RoomId>,
    },
    /// Which skills a session would get, and who asked for each
    ///
    /// Beside them, every skill that was asked for and is left out, with the reason. Agent programs
    /// that read a folder of skills by themselves see all that lies there, whatever is said here.
    #[command(after_help = "\
Examples:
  ostwin resolve skills --role engineer
  ostwin resolve skills --role qa --room room-003
  ostwin resolve skills --role qa --json")]
    Skills {
        /// The role, with its instance if it has one
        #[arg(long)]
        role: RoleRef,
        /// For this room
        #[arg(long)]
        room: Option<RoomId>,
    },
    /// Which tool servers and tools a session would get, and what was left out by whom
    #[command(after_help = "\
Examples:
  ostwin resolve mcp --role engineer
  ostwin resolve mcp --role qa --room room-003
  ostwin resolve mcp --role qa --json    with each server's entry, secrets masked")]
    Mcp {
        /// The role, with its instance if it has one
        #[arg(long)]
        role: RoleRef,
        /// For this room
        #[arg(long)]
        room: Option<RoomId>,
    },
    /// Which agent, model and limits a session would get, each with its source
    #[command(after_help = "\
Examples:
  ostwin resolve model --role engineer
  ostwin resolve model --role qa --room room-003")]
    Model {
        /// The role, with its instance if it has one
        #[arg(long)]
        role: RoleRef,
        /// For this room
        #[arg(long)]
        room: Option<RoomId>,
    },
    /// Which prompt a session would get, with the size of each section
    #[command(after_help = "\
Examples:
  ostwin resolve prompt --room room-003     of the role that works now
  ostwin resolve prompt --room room-003 --role qa
  ostwin resolve prompt --room room-003 --text       the prompt itself")]
    Prompt {
        /// The role, with its instance if it has one [default: the one of the room's state]
        #[arg(long)]
        role: Option<RoleRef>,
        /// The room
        #[arg(long)]
        room: RoomId,
        /// Print the prompt itself
        #[arg(long, alias = "full")]
        text: bool,
    },
}
