//! What a watcher, its reporting thread and the system's thread share: the watch set, the changes
//! that wait to be reported, and how the files looked last.
//!
//! The reporting thread sleeps without a timer while nothing has changed. The first change of a
//! burst starts a short window in which further changes are gathered, so that the several events
//! of one write are reported once. When polling, the same thread looks at the files at each
//! interval.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ostwin_core::layout::Layout;

use crate::stamp::Stamp;
use crate::watch_set::WatchSet;
use crate::{Changed, Options, WatchMode};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is complete at each step, so a panic elsewhere harms nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the watcher, its thread and the system's thread share.
pub(crate) struct Shared {
    options: Options,
    state: Mutex<State>,
    /// Signalled when there is something to do for the thread.
    pub(crate) wake: Condvar,
}

pub(crate) struct State {
    pub(crate) mode: WatchMode,
    pub(crate) set: Arc<WatchSet>,
    /// What has changed and is not reported yet.
    pub(crate) pending: BTreeSet<Changed>,
    /// The files as they were when they were last reported or first watched: all named files when
    /// polling, channels and audits otherwise.
    pub(crate) stamps: HashMap<PathBuf, Stamp>,
    pub(crate) stopped: bool,
}

impl Shared {
    pub(crate) fn new(layout: &Layout, options: Options) -> Self {
        let state = State {
            mode: WatchMode::Events,
            set: Arc::new(WatchSet::new(layout.clone())),
            pending: BTreeSet::new(),
            stamps: HashMap::new(),
            stopped: false,
        };
        Self { options, state: Mutex::new(state), wake: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes an event of the system, on the system's thread.
    pub(crate) fn receive(&self, event: notify::Result<notify::Event>) {
        let mut state = self.lock();
        let changes = match event {
            Ok(event) => state.set.meaning(&event),
            Err(error) => {
                tracing::warn!(%error, "events may be lost");
                vec![Changed::Rescan]
            }
        };
        if changes.is_empty() {
            return;
        }
        // Only the first change of a burst needs to wake the thread.
        let first = state.pending.is_empty();
        state.pending.extend(changes);
        drop(state);
        if first {
            self.wake.notify_one();
        }
    }

    /// Remembers how the files look now, those that are compared and were not looked at before.
    pub(crate) fn take_stamps(&self) {
        let mut state = self.lock();
        let set = Arc::clone(&state.set);
        let polling = state.mode != WatchMode::Events;
        for (path, changed) in set.named() {
            if (polling || is_netted(changed)) && !state.stamps.contains_key(path) {
                state.stamps.insert(path.to_owned(), Stamp::of(path));
            }
        }
    }

    /// The thread: waits, gathers, reports, until the watcher is dropped.
    pub(crate) fn report(&self, mut sink: impl FnMut(Changed)) {
        while let Some(changes) = self.next() {
            for changed in changes {
                sink(changed);
            }
        }
    }

    /// Waits for the next changes to report; `None` when the watcher is dropped.
    pub(crate) fn next(&self) -> Option<BTreeSet<Changed>> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if !state.pending.is_empty() {
                break;
            }
            if state.mode == WatchMode::Events {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let until = Instant::now() + self.options.poll_interval;
                state = self.wait_until(state, until, |state| !state.pending.is_empty());
                if !state.stopped && state.pending.is_empty() {
                    drop(state);
                    let changes = self.poll();
                    state = self.lock();
                    state.pending.extend(changes);
                }
            }
        }
        let until = Instant::now() + self.options.coalesce;
        state = self.wait_until(state, until, |_| false);
        let changes = std::mem::take(&mut state.pending);
        // Looked at before the report: what is written later counts as a new change.
        let set = Arc::clone(&state.set);
        for (path, changed) in set.named() {
            if is_netted(changed) && changes.contains(changed) {
                state.stamps.insert(path.to_owned(), Stamp::of(path));
            }
        }
        (!state.stopped).then_some(changes)
    }

    fn wait_until<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        until: Instant,
        enough: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        while !state.stopped && !enough(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.wake.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Looks at every named file, without holding the lock, for the file system may be slow.
    fn poll(&self) -> BTreeSet<Changed> {
        let set = Arc::clone(&self.lock().set);
        let looks: Vec<(&Path, &Changed, Stamp)> =
            set.named().map(|(path, changed)| (path, changed, Stamp::of(path))).collect();
        let mut state = self.lock();
        let mut changes = BTreeSet::new();
        for (path, changed, stamp) in looks {
            match state.stamps.get_mut(path) {
                Some(known) if *known == stamp => {}
                Some(known) => {
                    *known = stamp;
                    changes.insert(changed.clone());
                }
                // Not watched any more.
                None => {}
            }
        }
        changes
    }
}

/// Whether the net under the events covers this file.
fn is_netted(changed: &Changed) -> bool {
    matches!(changed, Changed::RoomChannel(_) | Changed::RoomAudit(_))
}
