//! A plan as it changes: its board, kept current from file events, and what happened last.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use ostwin_core::board::{Board, Loader, PlanState};
use ostwin_core::config::{Config, WatchMode};
use ostwin_core::events::Event;
use ostwin_core::jsonl::{self, Follower};
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_watch::{Changed, Mode, Options, Watcher};

use crate::view;
use crate::view::line::Line;

/// Lines of the log that are kept.
const LOG_LINES: usize = 200;

/// Where the log's events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the engine in this process, as messages.
    Messages,
    /// From the plan's events, as they are written.
    File,
}

/// The board of one plan and the log of what happens to it.
pub(crate) struct Feed {
    loader: Loader,
    watcher: Watcher,
    events: Option<Follower>,
    log: VecDeque<Line>,
    board: Board,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("board", &self.board.plan_id).finish_non_exhaustive()
    }
}

impl Feed {
    /// Begins to watch and looks for the first time. `on_change` is called for every change, which
    /// is then to be given to [`Feed::note`].
    pub(crate) fn start(
        project: &Project,
        plan: &StoredPlan,
        config: &Config,
        source: Source,
        on_change: impl FnMut(Changed) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mode = match config.watch {
            WatchMode::Auto => Mode::Auto,
            WatchMode::Poll => Mode::Poll,
        };
        let options = Options { mode, ..Options::default() };
        let watcher = Watcher::start(project.layout(), options, on_change)?;
        watcher.watch_plan(&plan.meta.plan_id)?;
        let end = std::fs::metadata(plan.paths.events()).map_or(0, |metadata| metadata.len());
        let mut loader = Loader::new(project, plan, config);
        let board = loader.board()?;
        let mut feed = Self {
            loader,
            watcher,
            events: (source == Source::File).then(|| Follower::new(&plan.paths.events(), end)),
            log: VecDeque::new(),
            board,
        };
        if source == Source::File {
            feed.remember(&plan.paths.events(), end)?;
        }
        feed.watch_rooms();
        Ok(feed)
    }

    /// Begins the log with what was recorded last before `end`.
    fn remember(&mut self, events: &Path, end: u64) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        jsonl::scan_back::<Event>(events, |offset, event| {
            lines.extend((offset < end).then(|| view::event::event(&event)).flatten());
            if lines.len() < LOG_LINES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.log.extend(lines.into_iter().rev());
        Ok(())
    }

    /// The board of the last look.
    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// What happened last, oldest first.
    pub(crate) fn log(&self) -> &VecDeque<Line> {
        &self.log
    }

    /// Adds a line to the log.
    pub(crate) fn push(&mut self, line: Option<Line>) {
        self.log.extend(line);
        while self.log.len() > LOG_LINES {
            self.log.pop_front();
        }
    }

    /// Takes note of what the engine in this process recorded.
    pub(crate) fn event(&mut self, event: &Event) {
        if event.room.is_none() {
            self.loader.plan_changed();
        }
        self.push(view::event::event(event));
    }

    /// Takes note of a changed file; whether the board may be another now.
    pub(crate) fn note(&mut self, changed: &Changed) -> anyhow::Result<bool> {
        match changed {
            Changed::RoomChannel(room)
            | Changed::RoomAudit(room)
            | Changed::RoomProgress(room)
            | Changed::RoomStatus(room)
            | Changed::RoomAttempt(room)
            | Changed::RoomOther(room) => self.loader.room_changed(room),
            Changed::PlanDag(_) | Changed::Rescan => self.loader.plan_changed(),
            Changed::PlanEvents(_) => {
                if let Some(events) = &mut self.events {
                    let lines = events.poll::<Event>(LOG_LINES)?.lines;
                    lines.iter().for_each(|event| self.push(view::event::event(event)));
                }
            }
            Changed::EngineFile(_) | Changed::PlanFile(_) => {}
            Changed::Config
            | Changed::Ledger
            | Changed::RoomsFolder
            | Changed::PlansFolder
            | Changed::RoomTranscript(_)
            | Changed::Slots(_)
            | Changed::PlanControl(_) => return Ok(false),
        }
        Ok(true)
    }

    /// Time went by: what running sessions used is in files that are not watched.
    pub(crate) fn tick(&mut self) {
        for row in self.board.rows.iter().filter(|row| row.active) {
            if let Some(room) = &row.room {
                self.loader.room_changed(room);
            }
        }
    }

    /// Reads what may have changed.
    pub(crate) fn look(&mut self) -> anyhow::Result<()> {
        self.board = self.loader.board()?;
        self.watch_rooms();
        Ok(())
    }

    fn watch_rooms(&self) {
        for room in self.loader.rooms() {
            // A room that went away is shown as such.
            let _ = self.watcher.watch_room(room);
        }
    }

    /// Whether something on the board changes with time alone.
    pub(crate) fn has_clocks(&self) -> bool {
        let alive = self.board.engine.as_ref().is_some_and(|engine| engine.alive);
        let counts_down = |word: &str| word.contains(" in ");
        alive && self.board.rows.iter().any(|row| row.active || counts_down(&row.display.word))
    }

    /// Whether nobody drives the plan and nothing can happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        let alive = self.board.engine.as_ref().is_some_and(|engine| engine.alive);
        !alive && matches!(self.board.state, PlanState::Finished | PlanState::Failed)
    }
}
