//! The thread that keeps the view current.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ostwin_core::board::{Board, Loader, PlanState};
use ostwin_core::config::{Config, WatchMode};
use ostwin_core::events::Event;
use ostwin_core::jsonl::Follower;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_watch::{Changed, Mode, Options, Watcher};

use super::frame;
use super::painter::Painter;
use crate::out::Out;
use crate::view;
use crate::view::line::{Line, Style};
use crate::view::text;

/// Changes are gathered for so long before the view is drawn again.
const GATHER: Duration = Duration::from_millis(80);
/// While something runs its clocks move on.
const TICK: Duration = Duration::from_secs(1);

/// What the view hears.
#[derive(Debug)]
pub(crate) enum Message {
    /// Something was recorded.
    Event(Box<Event>),
    /// Something that is worth a line in the log.
    Notice(String),
    /// A file may have changed.
    Changed(Changed),
    /// The terminal has another size.
    Resized,
    /// Draw a last time and end.
    End,
}

/// Where the log's events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the engine in this process, as messages.
    Messages,
    /// From the plan's events, as they are written.
    File,
}

/// A running view.
#[derive(Debug)]
pub(crate) struct Show {
    sender: Sender<Message>,
    thread: JoinHandle<anyhow::Result<Option<Board>>>,
}

impl Show {
    /// Starts the view of a plan. It ends by itself once nothing can happen any more, if `source`
    /// is the file.
    pub(crate) fn start(
        out: Out,
        project: &Project,
        plan: &StoredPlan,
        config: &Config,
        source: Source,
    ) -> anyhow::Result<Self> {
        let (sender, receiver) = channel();
        let changes = sender.clone();
        let mode = match config.watch {
            WatchMode::Auto => Mode::Auto,
            WatchMode::Poll => Mode::Poll,
        };
        let options = Options { mode, ..Options::default() };
        let watcher = Watcher::start(project.layout(), options, move |changed| {
            // After the end nobody listens, and nothing is lost.
            let _ = changes.send(Message::Changed(changed));
        })?;
        watcher.watch_plan(&plan.meta.plan_id)?;
        let end = std::fs::metadata(plan.paths.events()).map_or(0, |metadata| metadata.len());
        let view = View {
            out,
            loader: Loader::new(project, plan, config),
            watcher,
            events: (source == Source::File).then(|| Follower::new(&plan.paths.events(), end)),
            log: VecDeque::new(),
            painter: Painter::new(out.color),
            board: None,
        };
        let thread = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || view.run(&receiver))?;
        Ok(Self { sender, thread })
    }

    /// Where messages to the view go.
    pub(crate) fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }

    /// Ends the view after a last frame, which stays, and gives the last board.
    pub(crate) fn end(self) -> anyhow::Result<Option<Board>> {
        let _ = self.sender.send(Message::End);
        self.wait()
    }

    /// Waits until the view ends by itself or by a message.
    pub(crate) fn wait(self) -> anyhow::Result<Option<Board>> {
        self.thread.join().map_err(|_| anyhow::anyhow!("the view died"))?
    }
}

/// The state of the view.
struct View {
    out: Out,
    loader: Loader,
    watcher: Watcher,
    events: Option<Follower>,
    log: VecDeque<Line>,
    painter: Painter,
    board: Option<Board>,
}

impl View {
    fn run(mut self, messages: &Receiver<Message>) -> anyhow::Result<Option<Board>> {
        self.look()?;
        loop {
            self.draw()?;
            let (ended, changed) = self.gather(messages)?;
            if changed || ended {
                self.look()?;
            }
            let over = self.events.is_some()
                && self.board.as_ref().is_some_and(|board| {
                    let alive = board.engine.as_ref().is_some_and(|engine| engine.alive);
                    !alive && is_over(board)
                });
            if ended || over {
                self.draw_last()?;
                return Ok(self.board);
            }
        }
    }

    /// Waits for the first message, and a moment longer for those that come with it. Returns
    /// whether that is the end, and whether the files are to be looked at.
    fn gather(&mut self, messages: &Receiver<Message>) -> anyhow::Result<(bool, bool)> {
        let moves = self.board.as_ref().is_some_and(has_clocks);
        let first = if moves {
            match messages.recv_timeout(TICK) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::End),
            }
        } else {
            Some(messages.recv().unwrap_or(Message::End))
        };
        let Some(first) = first else {
            // What running sessions used is in files that are not watched.
            self.active_rooms_changed();
            return Ok((false, true));
        };
        let mut changed = false;
        let until = Instant::now() + GATHER;
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message {
                Message::End => return Ok((true, true)),
                Message::Resized => {}
                Message::Event(event) => {
                    if event.room.is_none() {
                        self.loader.plan_changed();
                    }
                    changed = true;
                    self.push(view::event::event(&event));
                }
                Message::Notice(notice) => {
                    self.push(Some(Line::new().with(Style::Yellow, text::one_line(&notice))));
                }
                Message::Changed(what) => changed |= self.changed(&what)?,
            }
            let left = until.saturating_duration_since(Instant::now());
            next = messages.recv_timeout(left).ok();
        }
        Ok((false, changed))
    }

    fn push(&mut self, line: Option<Line>) {
        self.log.extend(line);
        while self.log.len() > frame::LOG_LINES {
            self.log.pop_front();
        }
    }

    fn active_rooms_changed(&mut self) {
        for row in self.board.iter().flat_map(|board| &board.rows).filter(|row| row.active) {
            if let Some(room) = &row.room {
                self.loader.room_changed(room);
            }
        }
    }

    /// Takes note of a changed file; whether the board may be another now.
    fn changed(&mut self, changed: &Changed) -> anyhow::Result<bool> {
        match changed {
            Changed::RoomChannel(room)
            | Changed::RoomAudit(room)
            | Changed::RoomProgress(room)
            | Changed::RoomStatus(room)
            | Changed::RoomOther(room) => self.loader.room_changed(room),
            Changed::PlanDag(_) | Changed::Rescan => self.loader.plan_changed(),
            Changed::PlanEvents(_) => {
                if let Some(events) = &mut self.events {
                    let lines = events.poll::<Event>(frame::LOG_LINES)?.lines;
                    lines.iter().for_each(|event| self.push(view::event::event(event)));
                }
            }
            Changed::EngineFile(_) | Changed::PlanFile(_) => {}
            Changed::Config
            | Changed::Ledger
            | Changed::RoomsFolder
            | Changed::Slots(_)
            | Changed::PlanControl(_) => return Ok(false),
        }
        Ok(true)
    }

    /// Reads what may have changed.
    fn look(&mut self) -> anyhow::Result<()> {
        self.board = Some(self.loader.board()?);
        for room in self.loader.rooms() {
            // A room that went away is shown as such.
            let _ = self.watcher.watch_room(room);
        }
        Ok(())
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let Some(board) = &self.board else { return Ok(()) };
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        let mut look = self.out.look();
        // The last column stays free: some terminals wrap after it.
        look.width = columns.saturating_sub(1);
        let frame = frame::running(board, &self.log, look, lines.saturating_sub(1));
        Ok(self.painter.draw(&frame, columns, lines)?)
    }

    /// The frame that stays: every epic, however many there are.
    fn draw_last(&mut self) -> anyhow::Result<()> {
        let Some(board) = &self.board else { return Ok(()) };
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        let mut look = self.out.look();
        look.width = columns.saturating_sub(1);
        let mut frame = view::board::headline(board, look);
        frame.push(Line::new());
        frame.extend(view::board::rows(board, look, |_| true));
        Ok(self.painter.draw(&frame, columns, lines)?)
    }
}

/// Whether something on the board changes with time alone.
fn has_clocks(board: &Board) -> bool {
    let alive = board.engine.as_ref().is_some_and(|engine| engine.alive);
    let counts_down = |word: &str| word.contains(" in ");
    alive && board.rows.iter().any(|row| row.active || counts_down(&row.display.word))
}

/// Whether nothing can happen to the plan any more.
fn is_over(board: &Board) -> bool {
    matches!(board.state, PlanState::Finished | PlanState::Failed)
}
