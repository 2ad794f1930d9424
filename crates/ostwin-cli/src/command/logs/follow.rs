//! `logs -f`: waits for messages, and for the end of anyone's interest in them.

use std::sync::mpsc::{Sender, channel};

use ostwin_core::config::{Config, WatchMode};
use ostwin_core::jsonl::Follower;
use ostwin_service::{Exit, Explain};
use ostwin_watch::{Changed, Mode, Options, Watcher};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Followed, Log};

/// Why it is time to do something.
enum Wake {
    Changed(Changed),
    /// Asked to end, with this code.
    End(Exit),
    /// Nobody reads any more, as in `ostwin logs -f | head`.
    Unread,
}

impl Log<'_> {
    /// Shows the newest `last` messages, then every new one until it is ended.
    pub(super) fn follow(&mut self, last: usize, config: &Config) -> anyhow::Result<Exit> {
        let (sender, wakes) = channel();
        listen(sender.clone())?;
        let mode = match config.watch {
            WatchMode::Auto => Mode::Auto,
            WatchMode::Poll => Mode::Poll,
        };
        let options = Options { mode, ..Options::default() };
        let watcher = Watcher::start(self.project.layout(), options, move |changed| {
            // After the end nobody listens.
            drop(sender.send(Wake::Changed(changed)));
        })?;
        // First the watch, then the look: then nothing falls between.
        if self.room.is_none() {
            watcher.watch_rooms_folder()?;
        }
        for room in self.rooms()? {
            watcher.watch_room(room.id())?;
        }
        let newest = self.newest(last)?;
        self.tell(newest.messages)?;
        while let Ok(wake) = wakes.recv() {
            match wake {
                Wake::Changed(Changed::RoomChannel(_)) => {}
                Wake::Changed(Changed::RoomsFolder | Changed::Rescan) => self.meet(&watcher)?,
                Wake::Changed(_) => continue,
                Wake::End(exit) => return Ok(exit),
                Wake::Unread => break,
            }
            let news = self.news()?;
            self.tell(news)?;
        }
        Ok(Exit::Ok)
    }

    /// Follows rooms that appeared, from their first message on.
    fn meet(&mut self, watcher: &Watcher) -> anyhow::Result<()> {
        for room in self.rooms()? {
            watcher.watch_room(room.id())?;
            let start = || Followed { follower: Follower::new(&room.paths().channel(), 0), seq: 0 };
            self.followed.entry(room.id().clone()).or_insert_with(start);
        }
        Ok(())
    }
}

/// Waits for Ctrl-C, for `kill`, and for the reader to go away.
fn listen(sender: Sender<Wake>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).exit(Exit::Environment)?;
    let ends = sender.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let exit = match signals.forever().next() {
            Some(SIGINT) => Exit::Interrupted,
            _ => Exit::Terminated,
        };
        drop(ends.send(Wake::End(exit)));
    })?;
    std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        let stdout = std::io::stdout();
        // Asked for nothing, the kernel still tells of errors: a pipe without a reader is one.
        let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
        if retry_on_intr(|| poll(&mut ends, None)).is_ok() {
            drop(sender.send(Wake::Unread));
        }
    })?;
    Ok(())
}
