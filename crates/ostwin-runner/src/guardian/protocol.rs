//! What engine and guardian say to each other: one JSON line each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostwin_core::redact::{PatternError, Redactor, Secrets};
use serde::{Deserialize, Serialize};

use crate::process::{ExitStatus, ProcessId};

/// The longest line either side accepts during the handshake. A start request
/// carries a whole environment, which the kernel itself bounds at 2 MiB.
pub(super) const MAX_LINE_BYTES: usize = 4 << 20;

/// From the engine to the guardian.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Take one slot of each limit.
    Reserve(Reserve),
    /// Start the agent.
    Start(Start),
}

/// From the guardian to the engine, on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// A slot of every limit is held.
    Reserved {},
    /// No slot is free in this limit; the guardian exits.
    Full {
        /// The limit's folder.
        dir: PathBuf,
    },
    /// The agent runs; what follows is its standard output.
    Started(ProcessId),
    /// The agent does not run; the guardian exits.
    Failed(StartFailure),
}

/// The guardian's last line, on its standard error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The agent has ended, and nothing of it is left.
    Ended(Ended),
}

/// Which slots a session needs before it may start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reserve {
    /// One slot is taken of each.
    pub(super) slots: Vec<SlotLimit>,
}

/// A limit on sessions: a folder in which each slot is a locked file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotLimit {
    /// The limit's folder; it must exist.
    pub dir: PathBuf,
    /// How many sessions may run at once.
    pub max: u32,
}

/// What to start, and how to end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Program and arguments; no shell is involved. The program is looked for
    /// on the `PATH` of `env`.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: PathBuf,
    /// The whole environment of the agent; the mark `OSTWIN_ATTEMPT` is added.
    pub env: BTreeMap<String, String>,
    /// Id of the attempt: the mark by which strays are found.
    pub attempt: String,
    /// `session.lock` of the attempt, held while the session lives.
    pub session_lock: PathBuf,
    /// How long to wait for `session.lock` if another guardian still holds it.
    pub session_lock_wait_ms: u64,
    /// Where the agent's standard error goes.
    pub stderr_log: PathBuf,
    /// How many bytes of it are kept; the rest is counted.
    pub stderr_max_bytes: u64,
    /// Seconds between SIGTERM and SIGKILL.
    pub grace_seconds: u64,
    /// What must not get into the log.
    pub redact: Redact,
}

/// What is replaced in a log, on its way to the process that writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redact {
    secrets: Secrets,
    patterns: Vec<String>,
}

impl Redact {
    /// The same as this redactor does.
    pub fn like(redactor: &Redactor) -> Self {
        Self { secrets: redactor.secrets(), patterns: redactor.patterns().to_vec() }
    }

    /// A redactor that does it.
    ///
    /// # Errors
    /// A pattern is wrong.
    pub fn redactor(&self) -> Result<Redactor, PatternError> {
        Redactor::new(&self.secrets, &self.patterns)
    }
}

/// Why an agent did not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", content = "message", rename_all = "snake_case")]
pub enum StartFailure {
    /// The program or its working directory does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The program may not be executed.
    #[error("{0}")]
    Permission(String),
    /// Another guardian still runs a session of this attempt.
    #[error("{0}")]
    Busy(String),
    /// Anything else that the system refused.
    #[error("{0}")]
    Io(String),
}

/// Why a session came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The agent's process ended by itself.
    Exited,
    /// The agent closed its output and stayed, until the engine ended it.
    OutputClosed,
    /// The engine closed the lifeline, or died.
    Lifeline,
    /// The guardian was asked to by a signal.
    Signalled,
    /// The guardian itself was killed; the engine swept in its place.
    GuardianLost,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How the agent's process ended. Empty if that is not known.
    pub status: ExitStatus,
    /// What brought the end about.
    pub cause: Cause,
    /// Processes that had to be told to end.
    pub swept: usize,
    /// Those among them that had to be killed.
    pub killed: usize,
    /// Those that even SIGKILL did not end.
    pub survivors: usize,
    /// Bytes of standard error that did not fit the log.
    pub stderr_dropped_bytes: u64,
}
