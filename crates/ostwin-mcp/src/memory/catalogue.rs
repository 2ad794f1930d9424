//! The search index of the ledger, kept up to date from where it was read last.

use std::sync::{Mutex, MutexGuard};

use ostwin_core::jsonl::{Follower, JsonlError};
use ostwin_core::ledger::{Entry, Ledger};
use ostwin_memory::Index;

/// Lines that are taken in one look at the file.
const LINES_PER_LOOK: usize = 10_000;

/// The index and how far the ledger is in it.
#[derive(Debug)]
pub(super) struct Catalogue {
    ledger: Ledger,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    follower: Follower,
    index: Index,
    skipped: usize,
}

impl State {
    fn new(ledger: &Ledger) -> Self {
        let follower = Follower::new(ledger.path(), 0);
        Self { follower, index: Index::default(), skipped: 0 }
    }
}

impl Catalogue {
    /// The catalogue of a ledger; nothing is read yet.
    pub(super) fn new(ledger: Ledger) -> Self {
        let state = Mutex::new(State::new(&ledger));
        Self { ledger, state }
    }

    /// Asks the index as of now. `ask` also gets how many lines of the ledger cannot be read.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn ask<R>(&self, ask: impl FnOnce(&Index, usize) -> R) -> Result<R, JsonlError> {
        let mut state = self.lock();
        loop {
            let batch = state.follower.poll::<Entry>(LINES_PER_LOOK)?;
            if batch.restarted {
                // Another file is there: what was read of the old one is void.
                state.index = Index::default();
                state.skipped = 0;
            }
            state.skipped += batch.skipped;
            for entry in batch.lines {
                state.index.add(entry);
            }
            if !batch.more {
                return Ok(ask(&state.index, state.skipped));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // A call died over the index: what it left is not to be trusted.
            self.state.clear_poison();
            let mut state = poisoned.into_inner();
            *state = State::new(&self.ledger);
            state
        })
    }
}
