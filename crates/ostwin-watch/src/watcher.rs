//! The watcher: owns the system's watches and the thread that reports.
//!
//! `notify` 8.2 asks the kernel for `IN_OPEN` too and has no setting against it, so each open of a
//! file in a watched folder wakes *its* thread for a moment. Such events end there, in
//! [`WatchSet::meaning`](crate::watch_set::WatchSet::meaning); neither the reporting thread nor the
//! sink ever hears of them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::{AttemptPaths, Layout};

use crate::shared::{Shared, lock};
use crate::stamp::Stamp;
use crate::watch_set::Folder;
use crate::{Changed, Mode, Options, PollReason, WatchMode, unreported};

/// Why something is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The folder does not exist.
    #[error("cannot watch `{}`: it does not exist", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be resolved.
    #[error("cannot watch `{}`", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Events were asked for and cannot be had.
    #[error("cannot watch `{}` by events: {reason}", path.display())]
    NoEvents {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: PollReason,
    },
    /// The watcher's thread cannot be started.
    #[error("cannot start the thread that watches files")]
    Thread(#[source] io::Error),
}

/// Result of watching something.
pub type Result<T, E = WatchError> = std::result::Result<T, E>;

/// Watches files of one project until it is dropped.
///
/// Read a file after it has been put under watch, never before: then no change falls between.
/// All methods can be called from any thread, and again for what is watched already.
pub struct Watcher {
    layout: Layout,
    mode: Mode,
    shared: Arc<Shared>,
    /// The system's watches; `None` when polling.
    system: Mutex<Option<RecommendedWatcher>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("root", &self.layout.root())
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

impl Watcher {
    /// Starts to watch a project; at first only its settings, role registry and ledger.
    ///
    /// `sink` is called on the watcher's own thread, once per change. It should only pass the
    /// change on, and must not wait for whoever drops the watcher.
    ///
    /// # Errors
    /// The project does not exist, the thread cannot be started, or events were demanded and
    /// cannot be had.
    pub fn start(
        layout: &Layout,
        options: Options,
        sink: impl FnMut(Changed) + Send + 'static,
    ) -> Result<Self> {
        // Reported paths must be the same as those we compare with.
        let root = std::fs::canonicalize(layout.root())
            .map_err(|source| unwatched(layout.root(), source))?;
        let layout = Layout::new(root);
        let shared = Arc::new(Shared::new(&layout, options));
        let system = start_system(&layout, options.mode, &shared)?;
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.report(sink)
            })
            .map_err(WatchError::Thread)?;
        let watcher = Self {
            layout,
            mode: options.mode,
            shared,
            system: Mutex::new(system),
            thread: Some(thread),
        };
        watcher.watch(&Folder::Project)?;
        Ok(watcher)
    }

    /// How changes are learned at this moment. Events can turn into polling when a watch cannot
    /// be made; that is logged as a warning and followed by [`Changed::Rescan`].
    pub fn mode(&self) -> WatchMode {
        self.shared.lock().mode.clone()
    }

    /// Watches which rooms there are.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_rooms_folder(&self) -> Result<()> {
        self.watch(&Folder::Rooms)
    }

    /// Watches the files of a room, without those of its attempts.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_room(&self, room: &RoomId) -> Result<()> {
        self.watch(&Folder::Room(room.clone()))
    }

    /// Stops watching a room.
    pub fn unwatch_room(&self, room: &RoomId) {
        self.unwatch(&Folder::Room(room.clone()));
    }

    /// Watches what the session of an attempt says: its record and its transcript.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_attempt(&self, room: &RoomId, attempt: &AttemptPaths) -> Result<()> {
        self.watch(&self.folder_of(room, attempt))
    }

    /// Stops watching an attempt.
    pub fn unwatch_attempt(&self, room: &RoomId, attempt: &AttemptPaths) {
        self.unwatch(&self.folder_of(room, attempt));
    }

    /// The attempt below the root that is watched, which has no link in it.
    fn folder_of(&self, room: &RoomId, attempt: &AttemptPaths) -> Folder {
        let name = attempt.dir().file_name().unwrap_or_default();
        Folder::Attempt(room.clone(), self.layout.room(room).attempts().join(name))
    }

    /// Watches which plans there are.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_plans_folder(&self) -> Result<()> {
        self.watch(&Folder::Plans)
    }

    /// Watches the files of a plan.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_plan(&self, plan: &PlanId) -> Result<()> {
        self.watch(&Folder::Plan(plan.clone()))
    }

    /// Stops watching a plan.
    pub fn unwatch_plan(&self, plan: &PlanId) {
        self.unwatch(&Folder::Plan(plan.clone()));
    }

    /// Watches for released slots of a limit. Its folder must exist.
    ///
    /// # Errors
    /// See [`WatchError`].
    pub fn watch_slots(&self, limit: &str) -> Result<()> {
        self.watch(&Folder::Slots(limit.to_owned()))
    }

    /// Compares size, time and identity of the channels and audits of these rooms with what they
    /// were at the last report, and returns those of which a change was never reported: the net
    /// under the events. A change in this very moment may be both returned here and reported.
    pub fn net_check<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomId>) -> Vec<Changed> {
        let mut missed = Vec::new();
        for room in rooms {
            let files = self.layout.room(room);
            for (path, changed) in [
                (files.channel(), Changed::RoomChannel(room.clone())),
                (files.audit(), Changed::RoomAudit(room.clone())),
            ] {
                let seen = Stamp::of(&path);
                let mut state = self.shared.lock();
                // A change that waits to be reported is not missed; without an earlier look there
                // is nothing to compare with.
                if state.pending.contains(&changed) || !state.stamps.contains_key(&path) {
                    continue;
                }
                if state.stamps.insert(path, seen) != Some(seen) {
                    missed.push(changed);
                }
            }
        }
        missed
    }

    fn watch(&self, folder: &Folder) -> Result<()> {
        let path = folder.path(&self.layout);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(unwatched(&path, io::ErrorKind::NotADirectory.into())),
            Err(source) => return Err(unwatched(&path, source)),
        }
        // Known before it is watched, so that its first event has a meaning.
        Arc::make_mut(&mut self.shared.lock().set).insert(folder.clone());
        if let Err(reason) = self.watch_by_events(&path) {
            if self.mode == Mode::Events {
                Arc::make_mut(&mut self.shared.lock().set).remove(folder);
                return Err(WatchError::NoEvents { path, reason });
            }
            self.turn_to_polling(reason);
        }
        self.shared.take_stamps();
        Ok(())
    }

    /// Asks the system to report changes of the entries of `path`. Without effect when polling.
    fn watch_by_events(&self, path: &Path) -> Result<(), PollReason> {
        // The shared state is not locked here: the system's thread, which answers, may need it.
        let mut system = lock(&self.system);
        let Some(watches) = system.as_mut() else { return Ok(()) };
        watches.watch(path, RecursiveMode::NonRecursive).map_err(|error| PollReason::from(&error))
    }

    fn turn_to_polling(&self, reason: PollReason) {
        tracing::warn!("watching by polling: {reason}");
        // Dropped before the state is locked, for the same reason as above.
        drop(lock(&self.system).take());
        self.shared.lock().mode = WatchMode::Polling { reason };
        // Whoever looks because of the rescan looks later than we do.
        self.shared.take_stamps();
        self.shared.lock().pending.insert(Changed::Rescan);
        self.shared.wake.notify_one();
    }

    fn unwatch(&self, folder: &Folder) {
        let path = folder.path(&self.layout);
        let mut state = self.shared.lock();
        let was_watched = Arc::make_mut(&mut state.set).remove(folder);
        state.stamps.retain(|file, _| !file.starts_with(&path));
        drop(state);
        if was_watched && let Some(watches) = lock(&self.system).as_mut() {
            // The watch is gone already if the folder is.
            if let Err(error) = watches.unwatch(&path) {
                tracing::debug!(path = %path.display(), %error, "not watched any more");
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(lock(&self.system).take());
        self.shared.lock().stopped = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the sink of file changes panicked");
        }
    }
}

/// Starts the system's watcher, or says in the shared state why the files are polled instead.
fn start_system(
    layout: &Layout,
    mode: Mode,
    shared: &Arc<Shared>,
) -> Result<Option<RecommendedWatcher>> {
    let handler = {
        let shared = Arc::clone(shared);
        move |event: notify::Result<notify::Event>| shared.receive(event)
    };
    let reason = match mode {
        Mode::Poll => PollReason::Asked,
        Mode::Auto | Mode::Events => match (unreported(layout.root()), mode) {
            (Some(kind), Mode::Auto) => PollReason::FileSystem(kind),
            _ => match notify::recommended_watcher(handler) {
                Ok(system) => return Ok(Some(system)),
                Err(error) => PollReason::from(&error),
            },
        },
    };
    if mode == Mode::Events {
        return Err(WatchError::NoEvents { path: layout.agents(), reason });
    }
    shared.lock().mode = WatchMode::Polling { reason };
    Ok(None)
}

fn unwatched(path: &Path, source: io::Error) -> WatchError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => WatchError::Missing { path },
        _ => WatchError::Io { path, source },
    }
}

#[cfg(test)]
mod tests;
