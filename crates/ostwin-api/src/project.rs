//! A project that is served: its settings as they are now, its views, and the threads that keep
//! them current.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use ostwin_core::board;
use ostwin_core::config::{self, LoadError, Places, Settings, WatchMode};
use ostwin_core::env;
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::Layout;
use ostwin_core::plans::{self, sha256};
use ostwin_core::project::Project;
use ostwin_core::redact::{PatternError, Secrets};
use ostwin_core::room::{OpenQuestions, Question, Room, RoomError};
use ostwin_core::vault::{Keys, Vaults};
use ostwin_memory::{Catalogue, MemoryError};
use ostwin_watch::{Changed, Mode, WatchError, Watcher};

use crate::http::Problem;
use crate::live::{Boards, Follow, Hub, Note, Outlets, Tail, View, Views};

/// How long a request waits for the boards to take note of what it changed.
const REFRESH: Duration = Duration::from_secs(2);
/// Characters of the hash of a project's path that its key is.
const KEY: usize = 8;

/// Why a project cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Its settings are wrong.
    #[error(transparent)]
    Settings(#[from] LoadError),
    /// A pattern of its `redact` is wrong.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Its files cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A thread cannot be started.
    #[error("cannot start a thread for the project")]
    Thread(#[source] std::io::Error),
}

/// A project and its settings, as they were read last.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) project: Project,
    pub(crate) settings: Settings,
}

impl Current {
    /// Reads the settings, and what must not be recorded.
    pub(crate) fn read(layout: &Layout) -> Result<Self, ProjectError> {
        let loaded = config::load(&Places::of_process(Some(layout)), Vec::new())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Self::with(layout, loaded.settings)
    }

    /// The project by these settings.
    pub(crate) fn with(layout: &Layout, settings: Settings) -> Result<Self, ProjectError> {
        let keys = Keys::of_this_process();
        let (vaults, problems) = Vaults::readable(layout, env::config_dir().as_deref(), &keys);
        for problem in problems.into_iter().filter(|problem| !problem.is_locked()) {
            tracing::warn!("{problem}");
        }
        let secrets = Secrets::of_this_process().and(&vaults.secrets());
        let project = Project::configured(layout.clone(), &settings.config, secrets)?;
        Ok(Self { project, settings })
    }
}

/// One project of the server.
pub(crate) struct Served {
    /// By what requests name it.
    pub(crate) key: String,
    /// The name of its folder.
    pub(crate) name: String,
    layout: Layout,
    current: Arc<RwLock<Current>>,
    pub(crate) views: Arc<Views>,
    memory: Mutex<Option<Catalogue>>,
    questions: Mutex<HashMap<RoomId, (Duration, OpenQuestions)>>,
    notes: Sender<Note>,
    tail: Sender<Follow>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Served {
    /// Reads a project and begins to follow it.
    pub(crate) fn start(layout: &Layout, hub: &Arc<Hub>) -> Result<Self, ProjectError> {
        let key: String =
            sha256(layout.root().as_os_str().as_encoded_bytes()).chars().take(KEY).collect();
        let name = layout.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let current = Current::read(layout)?;
        let (notes, noted) = mpsc::channel();
        let (tail, followed) = mpsc::channel();
        let shared = Arc::new(RwLock::new(current.clone()));
        let watcher = watcher(layout, &current, &shared, &notes, &tail)?;
        let views = Arc::new(Views::default());
        let out = Outlets {
            hub: Arc::clone(hub),
            views: Arc::clone(&views),
            tail: tail.clone(),
            own: notes.clone(),
        };
        let lines = Tail::new(key.clone(), Arc::clone(hub), &layout.ledger());
        let boards = Boards::start(key.clone(), current, Arc::new(watcher), out);
        let threads = vec![
            thread("tail", move || lines.run(&followed))?,
            thread("boards", move || boards.run(&noted))?,
        ];
        Ok(Self {
            key,
            name,
            layout: layout.clone(),
            current: shared,
            views,
            memory: Mutex::default(),
            questions: Mutex::default(),
            notes,
            tail,
            threads,
        })
    }

    /// The project's root.
    pub(crate) fn root(&self) -> &Path {
        self.layout.root()
    }

    /// The project and its settings now.
    pub(crate) fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The project now.
    pub(crate) fn project(&self) -> Project {
        self.current().project
    }

    /// Reads the settings and secrets again, after something here changed them.
    pub(crate) fn reload(&self) -> Result<(), Problem> {
        let current = Current::read(&self.layout).map_err(|error| Problem::internal(&error))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.notes.send(Note::Settings(Box::new(current)));
        self.refresh(None);
        Ok(())
    }

    /// Asks the catalogue of the shared memory, one question at a time.
    pub(crate) fn ask_memory<R>(
        &self,
        ask: impl FnOnce(&mut Catalogue) -> Result<R, MemoryError>,
    ) -> Result<R, MemoryError> {
        let mut memory = self.memory.lock().unwrap_or_else(|poisoned| {
            // A question died over it: what it left is not to be trusted.
            self.memory.clear_poison();
            let mut memory = poisoned.into_inner();
            *memory = None;
            memory
        });
        let catalogue = memory.get_or_insert_with(|| {
            let Current { project, settings } = self.current();
            Catalogue::new(&project, &settings.config.memory)
        });
        ask(catalogue)
    }

    /// What a room waits for a person to answer. However long its channel is, it is read once.
    pub(crate) fn open_questions(&self, room: &Room) -> Result<Vec<Question>, RoomError> {
        let patience = self.current().settings.config.ask_timeout_seconds;
        let patience = Duration::from_secs(patience);
        let known = || self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        // Not held meanwhile: others ask about other rooms.
        let before = known().remove(room.id()).filter(|(of, _)| *of == patience);
        let (_, mut questions) = before.unwrap_or((patience, OpenQuestions::default()));
        let open = questions.read(room, patience)?;
        known().insert(room.id().clone(), (patience, questions));
        Ok(open)
    }

    /// A plan as it is shown; one that was made a moment ago is read.
    pub(crate) fn view(&self, plan: &PlanId) -> Result<View, Problem> {
        if let Some(view) = self.views.get(plan) {
            return Ok(view);
        }
        let current = self.current();
        let plan = plans::open(&current.project, plan)?;
        let board = board::load(&current.project, &plan, &current.settings.config)?;
        Ok(View { plan, board: Arc::new(board) })
    }

    /// Waits until the views show what was changed before this call, but not for ever.
    pub(crate) fn refresh(&self, changed: Option<Changed>) {
        let (done, is_done) = mpsc::channel();
        if let Some(changed) = changed {
            drop(self.notes.send(Note::Changed(changed)));
        }
        if self.notes.send(Note::Refresh(done)).is_ok() {
            let _ = is_done.recv_timeout(REFRESH);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.notes.send(Note::End));
        drop(self.tail.send(Follow::End));
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the project panicked");
            }
        }
    }
}

fn thread(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, ProjectError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(ProjectError::Thread)
}

/// Passes every change on to both threads, and settings that were read again.
fn watcher(
    layout: &Layout,
    current: &Current,
    shared: &Arc<RwLock<Current>>,
    notes: &Sender<Note>,
    tail: &Sender<Follow>,
) -> Result<Watcher, ProjectError> {
    let mode = match current.settings.config.watch {
        WatchMode::Auto => Mode::Auto,
        WatchMode::Poll => Mode::Poll,
    };
    let options = ostwin_watch::Options { mode, ..ostwin_watch::Options::default() };
    let (notes, tail) = (notes.clone(), tail.clone());
    let (layout, shared) = (layout.clone(), Arc::clone(shared));
    let watcher = Watcher::start(&layout.clone(), options, move |changed| {
        if changed == Changed::Config {
            match Current::read(&layout) {
                Ok(current) => {
                    *shared.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
                    drop(notes.send(Note::Settings(Box::new(current))));
                }
                // What was in force stays so: half a file is no setting.
                Err(error) => tracing::warn!(%error, "the settings cannot be read"),
            }
        }
        drop(tail.send(Follow::Changed(changed.clone())));
        drop(notes.send(Note::Changed(changed)));
    })?;
    Ok(watcher)
}
