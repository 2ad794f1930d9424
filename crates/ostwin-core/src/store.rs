//! How the files of a project are written: durability, patience for locks, the clock, and what must
//! not be in them.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redact::Redactor;
use crate::time::{Clock, Timestamp, system_clock};

/// When an append or a transition counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// After the data has been synced to the disk: it survives a power cut.
    #[default]
    Sync,
    /// After the operating system has it: it survives the death of any process.
    Os,
}

/// How long a lock is waited for before the caller is told that the file is busy.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings with which files are written, shared by everything that writes them.
#[derive(Clone, Debug)]
pub struct Store {
    /// When a write counts as done.
    pub durability: Durability,
    /// How long a lock is waited for.
    pub lock_timeout: Duration,
    /// Where timestamps and the time part of ids come from.
    pub clock: Arc<dyn Clock>,
    /// What is replaced in texts before they are recorded.
    pub redactor: Redactor,
}

impl Store {
    /// A store on the machine's clock that redacts nothing.
    pub fn new(durability: Durability, lock_timeout: Duration) -> Self {
        let redactor = Redactor::default();
        Self { durability, lock_timeout, clock: system_clock(), redactor }
    }

    /// The current time by this store's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new(Durability::default(), DEFAULT_LOCK_TIMEOUT)
    }
}
