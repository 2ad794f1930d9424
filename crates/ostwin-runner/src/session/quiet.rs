//! Agents that hide a refusal.
//!
//! Some programs answer a rate limit by waiting, for an hour if the service says so, and tell
//! nobody: the session looks like one that thinks, and holds its slot. What they do say stands on
//! their standard error. So while a turn is silent, that is looked at, and a limit whose end is
//! known and far ends the turn as if the agent had reported it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::time::Clock;
use tokio::time::MissedTickBehavior;

use super::recorder::Recorder;
use crate::acp::{AcpError, reset, speaks_of_a_limit};

/// How often a turn is looked at, and how long it must have been silent.
const INTERVAL: Duration = Duration::from_secs(10);

/// How much of what was said meanwhile is read: its end.
const MAX_BYTES: u64 = 64 << 10;

/// Watches one session's standard error.
#[derive(Debug)]
pub(super) struct Quiet {
    stderr: PathBuf,
    clock: Arc<dyn Clock>,
    /// So much of it was looked at, or was said while the agent was not silent.
    seen: u64,
}

impl Quiet {
    pub(super) fn new(stderr: &Path, clock: Arc<dyn Clock>) -> Self {
        Self { stderr: stderr.to_owned(), clock, seen: 0 }
    }

    /// Waits for a limit that the agent waits out in silence. A limit that ends within `patience`
    /// is left to it. Dropping the future loses nothing.
    pub(super) async fn limit(&mut self, recorder: &Recorder, patience: Duration) -> AcpError {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = recorder.updates();
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let now_heard = recorder.updates();
            let silent = std::mem::replace(&mut heard, now_heard) == now_heard;
            let said = self.said();
            if silent && let Some(line) = self.limit_in(&said, patience) {
                return AcpError::RateLimited(line);
            }
            if !silent {
                self.seen += u64::try_from(said.len()).unwrap_or(0);
            }
        }
    }

    /// The last line that names a limit with an end that is too far to wait for.
    fn limit_in(&self, said: &str, patience: Duration) -> Option<String> {
        let now = self.clock.now();
        let is_limit = |line: &&str| {
            speaks_of_a_limit(&line.to_ascii_lowercase())
                && reset::reset_in(line, now).is_some_and(|at| at.since(now) > patience)
        };
        let line = said.lines().rev().find(is_limit)?;
        const MOST_CHARS: usize = 500;
        let line: String = line.chars().take(MOST_CHARS).collect();
        Some(format!("it waits in silence; its standard error says: {line}"))
    }

    /// What the agent wrote since, at most its last part. A file that is not there says nothing.
    fn said(&mut self) -> String {
        let read = |seen: u64| -> std::io::Result<(u64, Vec<u8>)> {
            let mut file = File::open(&self.stderr)?;
            let length = file.metadata()?.len();
            let from = seen.max(length.saturating_sub(MAX_BYTES));
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(MAX_BYTES).read_to_end(&mut bytes)?;
            Ok((from, bytes))
        };
        match read(self.seen) {
            Ok((from, bytes)) => {
                self.seen = from;
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostwin_testkit::FakeClock;

    use super::*;

    #[test]
    fn only_a_limit_that_lasts_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr.log");
        let mut quiet = Quiet::new(&path, Arc::new(FakeClock::default()));
        let patience = Duration::from_secs(60);
        let found = |quiet: &mut Quiet| {
            let said = quiet.said();
            quiet.limit_in(&said, patience)
        };
        assert_eq!(found(&mut quiet), None, "there is no file yet");
        for (text, is_found) in [
            ("level=ERROR error=\"Rate limit reached\"\n", false),
            ("level=ERROR error=\"Rate limit reached, try again in 20s\"\n", false),
            ("the file tries again in 2h\n", false),
            ("level=ERROR error=\"Rate limit reached, try again in 2h\"\nbye\n", true),
        ] {
            ostwin_core::fs::replace_hint(&path, text.as_bytes()).unwrap();
            assert_eq!(found(&mut quiet).is_some(), is_found, "{text}");
        }
        quiet.seen = std::fs::metadata(&path).unwrap().len();
        assert_eq!(found(&mut quiet), None, "what was seen is not looked at again");
    }
}
