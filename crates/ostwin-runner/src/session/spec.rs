//! What a session is told, what it tells, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::redact::Redactor;
use ostwin_core::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::backoff::Retries;
use crate::acp::{AcpError, AgentInfo, Open, PermissionPolicy, StopReason, TokenUsage};
use crate::guardian::{Ended, Start};
use crate::process::ProcessId;

/// Everything one session needs to know.
#[derive(Clone)]
pub struct SessionSpec {
    /// What the guardian starts.
    pub start: Start,
    /// The ACP session to open.
    pub open: Open,
    /// What earlier attempts recorded as the cost of the session that is gone on with, in US
    /// dollars; 0 for a new one.
    pub earlier_cost_usd: f64,
    /// The first prompt.
    pub prompt: String,
    /// `transcript.jsonl` of the attempt.
    pub transcript: PathBuf,
    /// How much it may hold.
    pub transcript_max_bytes: u64,
    /// What must not get into the transcript.
    pub redactor: Redactor,
    /// Who answers permission requests.
    pub policy: Arc<dyn PermissionPolicy>,
    /// How the model service's troubles are retried.
    pub retries: Retries,
    /// When the attempt is over at the latest.
    pub deadline: Instant,
    /// How long a turn may go on after its signal was posted.
    pub finish_grace: Duration,
    /// How long the agent may take to end a turn that was cancelled.
    pub cancel_grace: Duration,
    /// The wall clock, for the transcript.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for SessionSpec {
    /// Without the environment and the prompt, which may hold secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SessionSpec")
            .field("attempt", &self.start.attempt)
            .field("argv", &self.start.argv)
            .field("cwd", &self.start.cwd)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// From the engine to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The attempt's signal is in the channel: finish.
    Signalled,
    /// The turn ended without a signal: ask once more with this text.
    Nudge(String),
    /// Nothing more is wanted: end.
    Finish,
    /// End early: the agent is asked to stop, then its processes are ended.
    Cancel {
        /// Why, for the transcript.
        reason: String,
    },
    /// The deadline is now this; one in the past ends the session.
    Deadline(Instant),
    /// End at once, without grace.
    Kill,
}

/// From a session to the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The agent's process runs.
    Started {
        /// Which one it is.
        agent: ProcessId,
    },
    /// The ACP session is open and is about to be prompted.
    Opened(AgentInfo),
    /// A turn ended by itself. The session waits for `Nudge`, `Signalled` or
    /// `Finish`.
    TurnEnded {
        /// The number of the turn, from 1.
        turn: u32,
        /// Why it ended.
        stop_reason: StopReason,
    },
    /// The model service refused; the prompt is repeated after the wait.
    Retrying {
        /// The number of the repetition, from 1.
        number: u32,
        /// How long it waits first.
        wait: Duration,
        /// What the agent said.
        error: String,
    },
    /// Tokens and cost so far.
    Usage(UsageTotals),
}

/// What a session has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageTotals {
    /// Tokens of all turns.
    pub tokens: TokenUsage,
    /// Cost in US dollars, if the agent tells.
    pub cost_usd: Option<f64>,
    /// The agent reported tokens or cost at all.
    pub metered: bool,
    /// Turns that ended in order: after each of them an agent can tell what it used.
    pub turns: u32,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The engine wanted it to: its signal was seen, or nothing more is wanted.
    Finished {
        /// Because of a signal.
        signalled: bool,
    },
    /// The deadline passed.
    Deadline,
    /// The engine ended it early.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The engine is being interrupted, and its terminal took the guardian with it.
    Interrupted,
    /// The agent or its guardian did not start.
    SpawnFailed {
        /// What was wrong, and what to do.
        message: String,
    },
    /// The agent failed.
    Failed(AcpError),
}

impl Outcome {
    /// The word under which `attempt.json` knows it. What [`Outcome::Finished`]
    /// means is for the engine to say, which knows the signal: without one it is
    /// `no-signal`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Finished { signalled: true } => "signalled",
            Self::Finished { signalled: false } => "no-signal",
            Self::Deadline => "timeout",
            Self::Cancelled { .. } => "cancelled",
            Self::Interrupted => "interrupted",
            Self::SpawnFailed { .. } => "spawn-failed",
            Self::Failed(AcpError::Auth(_)) => "auth",
            Self::Failed(AcpError::RateLimited(_)) => "rate-limited",
            Self::Failed(_) => "agent-error",
        }
    }

    /// More about it, in words.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Finished { .. } | Self::Deadline | Self::Interrupted => None,
            Self::Cancelled { reason } => Some(reason.clone()),
            Self::SpawnFailed { message } => Some(message.clone()),
            Self::Failed(error) => Some(error.to_string()),
        }
    }
}

/// How long the parts of a session took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// From the order to start until the agent's process ran, in milliseconds.
    pub start_ms: u64,
    /// From then until the ACP session was open.
    pub open_ms: u64,
    /// All turns together, with the waits for retries.
    pub turns_ms: u64,
    /// From the decision to end until the last process was gone.
    pub end_ms: u64,
}

/// How a session ended. Nothing of it runs any more.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionEnd {
    /// Why it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: UsageTotals,
    /// How its processes ended; `None` if there were none.
    pub exit: Option<Ended>,
    /// How long its parts took.
    pub durations: Durations,
    /// What is known about the agent, if the session was opened.
    pub agent: Option<AgentInfo>,
    /// Turns that were begun.
    pub turns: u32,
    /// Prompts that were repeated.
    pub retries: u32,
    /// When the model's service goes on, if it refused and said so.
    pub resume_at: Option<Timestamp>,
}
