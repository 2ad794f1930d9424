//! One ACP session and what it remembers between turns.

use std::sync::Arc;

use agent_client_protocol::v1::schema::SessionId;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::compose::Finding;
use crate::prompt::{Contract, Task};
use crate::script::{Cue, Script};
use crate::tools::Servers;

/// A session. Its turns come one after another.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) servers: Servers,
    pub(crate) part: Mutex<Option<Part>>,
    /// The token of the turn that runs, if one does.
    pub(crate) turn: std::sync::Mutex<CancellationToken>,
}

/// The part that the session plays, known since its first prompt.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) contract: Contract,
    pub(crate) task: Task,
    pub(crate) cue: Cue,
    /// The step that comes next. A later turn goes on from here.
    pub(crate) next: usize,
    /// Prompts that were refused by the step that comes next.
    pub(crate) refused: u32,
    /// What the latest `fix` message asks for.
    pub(crate) fix: Option<String>,
    /// What an inspection found.
    pub(crate) findings: Vec<Finding>,
    /// The arguments of the signal that was posted.
    pub(crate) posted: Option<Value>,
    /// Nothing makes this session end its turn.
    pub(crate) stubborn: bool,
}

impl Session {
    pub(crate) fn new(id: SessionId, servers: Servers) -> Arc<Self> {
        Arc::new(Self {
            id,
            servers,
            part: Mutex::new(None),
            turn: std::sync::Mutex::new(CancellationToken::new()),
        })
    }

    /// A token for a turn that begins.
    pub(crate) fn begin_turn(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.turn_token().clone_from(&token);
        token
    }

    /// Ends the turn that runs.
    pub(crate) fn cancel(&self) {
        self.turn_token().cancel();
    }

    fn turn_token(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Part {
    /// The part that `prompt` asks for, or `None` if it asks for none: a prompt
    /// without a contract, such as a nudge, or one that no rule fits.
    pub(crate) fn cast(script: &Script, prompt: &str) -> Option<Self> {
        let contract = Contract::find(prompt)?;
        let cue = script.cue(&contract)?;
        Some(Self {
            contract,
            task: Task::find(prompt),
            cue,
            next: 0,
            refused: 0,
            fix: None,
            findings: Vec::new(),
            posted: None,
            stubborn: false,
        })
    }
}
