//! The terminal and the files, and what comes from them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use crossterm::event::{Event as Input, KeyEvent};
use ostwin_core::config::Config;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_service::{Exit, Explain};
use ostwin_watch::Changed;
use ratatui::DefaultTerminal;
use ratatui::layout::Rect;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::draw::{Parts, Seen, draw};
use super::screen::{Pane, Screen, Wish};
use super::tail::tail;
use crate::live::{Feed, GATHER, Source, TICK};
use crate::out::Out;
use crate::view::line::Line;

/// What the view hears.
enum Message {
    Key(KeyEvent),
    Changed(Changed),
    /// The terminal has another size.
    Resized,
    /// Asked to end, with this code.
    End(Exit),
}

/// Shows the plan until somebody leaves.
pub(crate) fn run(
    out: Out,
    project: &Project,
    plan: &StoredPlan,
    config: &Config,
) -> anyhow::Result<Exit> {
    let (sender, messages) = channel();
    let changes = sender.clone();
    let feed = Feed::start(project, plan, config, Source::File, move |changed| {
        // After the end nobody listens, and nothing is lost.
        drop(changes.send(Message::Changed(changed)));
    })?;
    listen(sender)?;
    let terminal = ratatui::try_init().exit(Exit::Environment)?;
    let top = Top {
        out,
        project,
        feed,
        terminal,
        screen: Screen::default(),
        raw: Vec::new(),
        lines: Vec::new(),
    };
    let ended = top.run(&messages);
    ratatui::try_restore().exit(Exit::Environment)?;
    ended
}

/// Hears keys and signals, each on a thread of its own, until the process ends.
fn listen(sender: Sender<Message>) -> anyhow::Result<()> {
    let keys = sender.clone();
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        loop {
            let message = match crossterm::event::read() {
                Ok(Input::Key(key)) => Message::Key(key),
                Ok(Input::Resize(..)) => Message::Resized,
                Ok(_) => continue,
                // The terminal is gone.
                Err(_) => Message::End(Exit::Environment),
            };
            let over = matches!(message, Message::End(_));
            if keys.send(message).is_err() || over {
                break;
            }
        }
    })?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).exit(Exit::Environment)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let exit = if signal == SIGINT { Exit::Interrupted } else { Exit::Terminated };
            // After the end there is nobody to tell.
            drop(sender.send(Message::End(exit)));
        }
    })?;
    Ok(())
}

struct Top<'a> {
    out: Out,
    project: &'a Project,
    feed: Feed,
    terminal: DefaultTerminal,
    screen: Screen,
    /// The pane as it was read.
    raw: Vec<Line>,
    /// The pane, folded to the terminal's width.
    lines: Vec<Line>,
}

/// What is to be done before the next message is waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    look: bool,
    read: bool,
    fold: bool,
}

impl Top<'_> {
    fn run(mut self, messages: &Receiver<Message>) -> anyhow::Result<Exit> {
        let mut due = Due { read: true, ..Due::default() };
        loop {
            self.catch_up(due)?;
            self.draw()?;
            due = Due::default();
            let Some(first) = self.wait(messages) else {
                self.feed.tick();
                due = Due { look: true, read: self.screen.pane == Pane::Session, fold: false };
                continue;
            };
            let until = Instant::now() + GATHER;
            let mut next = Some(first);
            while let Some(message) = next.take() {
                match message {
                    Message::End(exit) => return Ok(exit),
                    Message::Resized => due.fold = true,
                    Message::Changed(changed) => self.note(&changed, &mut due)?,
                    Message::Key(key) => {
                        match self.press(key)? {
                            Wish::Leave => return Ok(Exit::Ok),
                            Wish::Read => due.read = true,
                            Wish::Draw | Wish::None => {}
                        }
                        // A key is answered at once.
                        break;
                    }
                }
                let left = until.saturating_duration_since(Instant::now());
                next = messages.recv_timeout(left).ok();
            }
        }
    }

    /// The next message; `None` when only time went by.
    fn wait(&self, messages: &Receiver<Message>) -> Option<Message> {
        if !self.feed.has_clocks() {
            return Some(messages.recv().unwrap_or(Message::End(Exit::Ok)));
        }
        match messages.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::End(Exit::Ok)),
        }
    }

    fn note(&mut self, changed: &Changed, due: &mut Due) -> anyhow::Result<()> {
        due.look |= self.feed.note(changed)?;
        let chosen = self.feed.board().rows.get(self.screen.chosen);
        due.read |= match changed {
            Changed::RoomChannel(room) | Changed::RoomAudit(room) => {
                chosen.is_some_and(|row| row.room.as_ref() == Some(room))
            }
            Changed::PlanEvents(_) => self.screen.pane == Pane::Events,
            Changed::PlanDag(_) | Changed::Rescan => true,
            _ => false,
        };
        Ok(())
    }

    fn press(&mut self, key: KeyEvent) -> anyhow::Result<Wish> {
        let epics = self.feed.board().rows.len();
        let page = self.parts()?.page();
        Ok(self.screen.press(key, epics, page, self.lines.len()))
    }

    fn parts(&self) -> anyhow::Result<Parts> {
        let area = Rect::from((ratatui::layout::Position::ORIGIN, self.terminal.size()?));
        Ok(Parts::of(area, self.feed.board().rows.len(), self.screen.only_pane))
    }

    fn catch_up(&mut self, due: Due) -> anyhow::Result<()> {
        if due.look {
            self.feed.look()?;
            let last = self.feed.board().rows.len().saturating_sub(1);
            self.screen.chosen = self.screen.chosen.min(last);
        }
        if due.read {
            self.raw = match (self.screen.pane, self.feed.board().rows.get(self.screen.chosen)) {
                (Pane::Events, _) => self.feed.log().iter().cloned().collect(),
                (pane, Some(row)) => tail(self.project, row, pane),
                (_, None) => Vec::new(),
            };
        }
        if due.read || due.fold {
            let width = usize::from(self.terminal.size()?.width);
            self.lines = self.raw.iter().cloned().flat_map(|line| line.fold(width)).collect();
            self.screen.back = self.screen.back.min(self.lines.len());
        }
        Ok(())
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let seen = Seen {
            board: self.feed.board(),
            screen: &self.screen,
            lines: &self.lines,
            unicode: self.out.look().unicode,
            color: self.out.color,
        };
        self.terminal.draw(|frame| draw(frame, &seen))?;
        Ok(())
    }
}
