//! The thread that keeps the view current.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ostwin_core::board::Board;
use ostwin_core::config::Config;
use ostwin_core::events::Event;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_watch::Changed;

use super::feed::{Feed, Source};
use super::frame;
use super::painter::Painter;
use crate::out::Out;
use crate::view;
use crate::view::line::{Line, Style};
use crate::view::text;

/// Changes are gathered for so long before the view is drawn again.
pub(crate) const GATHER: Duration = Duration::from_millis(80);
/// While something runs its clocks move on.
pub(crate) const TICK: Duration = Duration::from_secs(1);

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

/// A running view.
#[derive(Debug)]
pub(crate) struct Show {
    sender: Sender<Message>,
    thread: JoinHandle<anyhow::Result<Board>>,
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
        let feed = Feed::start(project, plan, config, source, move |changed| {
            // After the end nobody listens, and nothing is lost.
            let _ = changes.send(Message::Changed(changed));
        })?;
        let ends = source == Source::File;
        let view = View { out, feed, ends, painter: Painter::new(out.color) };
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
    pub(crate) fn end(self) -> anyhow::Result<Board> {
        let _ = self.sender.send(Message::End);
        self.wait()
    }

    /// Waits until the view ends by itself or by a message.
    pub(crate) fn wait(self) -> anyhow::Result<Board> {
        self.thread.join().map_err(|_| anyhow::anyhow!("the view died"))?
    }
}

/// The state of the view.
struct View {
    out: Out,
    feed: Feed,
    /// Whether it ends by itself with the plan.
    ends: bool,
    painter: Painter,
}

impl View {
    fn run(mut self, messages: &Receiver<Message>) -> anyhow::Result<Board> {
        loop {
            self.draw()?;
            let (ended, changed) = self.gather(messages)?;
            if changed || ended {
                self.feed.look()?;
            }
            if ended || (self.ends && self.feed.is_over()) {
                self.draw_last()?;
                return Ok(self.feed.board().clone());
            }
        }
    }

    /// Waits for the first message, and a moment longer for those that come with it. Returns
    /// whether that is the end, and whether the files are to be looked at.
    fn gather(&mut self, messages: &Receiver<Message>) -> anyhow::Result<(bool, bool)> {
        let first = if self.feed.has_clocks() {
            match messages.recv_timeout(TICK) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::End),
            }
        } else {
            Some(messages.recv().unwrap_or(Message::End))
        };
        let Some(first) = first else {
            self.feed.tick();
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
                    changed = true;
                    self.feed.event(&event);
                }
                Message::Notice(notice) => {
                    let line = Line::new().with(Style::Yellow, text::one_line(&notice));
                    self.feed.push(Some(line));
                }
                Message::Changed(what) => changed |= self.feed.note(&what)?,
            }
            let left = until.saturating_duration_since(Instant::now());
            next = messages.recv_timeout(left).ok();
        }
        Ok((false, changed))
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        let mut look = self.out.look();
        // The last column stays free: some terminals wrap after it.
        look.width = columns.saturating_sub(1);
        let (board, log) = (self.feed.board(), self.feed.log());
        let frame = frame::running(board, log, look, lines.saturating_sub(1));
        Ok(self.painter.draw(&frame, columns, lines)?)
    }

    /// The frame that stays: every epic, however many there are.
    fn draw_last(&mut self) -> anyhow::Result<()> {
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        let mut look = self.out.look();
        look.width = columns.saturating_sub(1);
        let board = self.feed.board();
        let mut frame = view::board::headline(board, look);
        frame.push(Line::new());
        frame.extend(view::board::rows(board, look, |_| true));
        Ok(self.painter.draw(&frame, columns, lines)?)
    }
}
