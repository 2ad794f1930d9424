//! `ostwin __session`: the handshake, and the locks held around a session.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ostwin_core::fs as files;
use ostwin_core::lock::{self, LockError};

use super::protocol::{
    MAX_LINE_BYTES, Reply, Report, Request, Reserve, SlotLimit, Start, StartFailure,
};
use super::{relay, supervise};

/// The guardian's whole life. Speaks with the engine on standard input and
/// output and returns once nothing of the session is left. Meant to be all that
/// a process does: it makes the process a session leader and a subreaper.
///
/// Returns failure only if the engine did not speak the protocol or the
/// system failed in the middle of a session; a failed start is a reply.
pub fn main() -> ExitCode {
    // Out of the reach of the engine's terminal. It fails only for one that
    // already leads a group, which is out of reach too.
    let _ = rustix::process::setsid();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Why a guardian gave up before its session had an end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the engine's request is not understood: {0}")]
    Request(String),
    #[error("standard input or output failed: {0}")]
    Stdio(#[from] std::io::Error),
    #[error("a slot cannot be locked: {0}")]
    Slot(#[from] LockError),
    #[error("the session's event loop failed: {0}")]
    Loop(String),
}

fn run() -> Result<(), Broken> {
    let mut line = LineReader::default();
    let reserve = match line.next()? {
        None => return Ok(()),
        Some(Request::Reserve(reserve)) => reserve,
        Some(Request::Start(_)) => return Err(Broken::Request("start before reserve".to_owned())),
    };
    let slots = narrowest_first(reserve);
    match with_slots(&slots, &mut || in_slots(&mut line))? {
        Held::Ran(outcome) => {
            wake_waiters(&slots);
            outcome
        }
        Held::Full(dir) => Ok(say(&Reply::Full { dir })?),
    }
}

/// The order in which slots are taken. A session that fails on a narrow limit
/// has then not taken, even for a moment, a slot of a wider one, on which
/// another engine would have gone to sleep for nothing.
fn narrowest_first(reserve: Reserve) -> Vec<SlotLimit> {
    let mut slots = reserve.slots;
    slots.sort_by_key(|limit| limit.max);
    slots
}

/// What came of the wish for slots.
#[derive(Debug)]
enum Held<R> {
    /// All slots were held while this came out.
    Ran(R),
    /// This limit has no free slot.
    Full(PathBuf),
}

/// Runs `inside` while holding one slot of each limit.
///
/// The search starts at a slot that differs between processes, so that many
/// guardians at once don't all try the same files in the same order.
fn with_slots<R>(
    limits: &[SlotLimit],
    inside: &mut dyn FnMut() -> R,
) -> Result<Held<R>, LockError> {
    let Some((limit, rest)) = limits.split_first() else { return Ok(Held::Ran(inside())) };
    let first = std::process::id() % limit.max.max(1);
    for slot in (first..limit.max).chain(0..first) {
        let file = limit.dir.join(slot.to_string());
        match lock::exclusive(&file, Duration::ZERO, || with_slots(rest, &mut *inside)) {
            Ok(outcome) => return outcome,
            Err(LockError::Busy { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Held::Full(limit.dir.clone()))
}

/// Other engines watch the limits' folders for a free slot. Called once the
/// locks are gone.
fn wake_waiters(slots: &[SlotLimit]) {
    for limit in slots {
        // A folder that is gone has no watchers.
        let _ = files::touch(&limit.dir);
    }
}

/// The part of a guardian's life in which it holds its slots.
fn in_slots(line: &mut LineReader) -> Result<(), Broken> {
    say(&Reply::Reserved {})?;
    let start = match line.next()? {
        None => return Ok(()),
        Some(Request::Start(start)) => start,
        Some(Request::Reserve(_)) => return Err(Broken::Request("reserve twice".to_owned())),
    };
    let patience = Duration::from_millis(start.session_lock_wait_ms);
    let ended = lock::exclusive(&start.session_lock, patience, || session(&start, line));
    match ended {
        Ok(outcome) => outcome,
        Err(error) => Ok(say(&Reply::Failed(lock_failure(&error)))?),
    }
}

fn lock_failure(error: &LockError) -> StartFailure {
    match error {
        LockError::Busy { .. } => {
            StartFailure::Busy(format!("{error}: another guardian still runs this attempt"))
        }
        LockError::Io { source, .. } => StartFailure::Io(format!("{error}: {source}")),
    }
}

/// Whether the engine is gone already.
fn is_lifeline_closed() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = rustix::stdio::stdin();
    let mut lifeline = [PollFd::new(&stdin, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // A failed look is as good as none: the event loop looks again.
    poll(&mut lifeline, Some(&at_once)).is_ok()
        && lifeline[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// The session itself: start, relay until the end, report. Called with
/// `session.lock` held.
fn session(start: &Start, line: &mut LineReader) -> Result<(), Broken> {
    // An engine that starts later waits for `session.lock` before it takes the
    // session for ended. So once the lock is held it is safe to start, unless
    // the engine that asked was gone before: then the later one may have looked
    // when there was no lock yet.
    if is_lifeline_closed() {
        return Ok(());
    }
    let session = match supervise::Session::start(start, &line.rest()) {
        Ok(session) => session,
        Err(failure) => return Ok(say(&Reply::Failed(failure))?),
    };
    // If the engine is gone already, the loop sees the closed lifeline next.
    let _ = say(&Reply::Started(session.agent()));
    let ended = session.run().map_err(|error| Broken::Loop(error.to_string()))?;
    let mut report = serde_json::to_vec(&Report::Ended(ended)).map_err(std::io::Error::from)?;
    report.push(b'\n');
    // The engine may be gone; then nobody waits for this.
    let _ = std::io::stderr().write_all(&report);
    Ok(())
}

fn say(reply: &Reply) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(reply)?;
    text.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&text)?;
    stdout.flush()
}

fn complain(error: &Broken) {
    // Standard error is a pipe to the engine; a closed one has no reader.
    let _ = writeln!(std::io::stderr(), "guardian: {error}");
}

/// Reads the engine's lines without losing what follows the last one.
#[derive(Debug, Default)]
struct LineReader {
    pending: Vec<u8>,
}

impl LineReader {
    /// The next request, or `None` if the engine closed the lifeline first.
    fn next(&mut self) -> Result<Option<Request>, Broken> {
        let mut searched = 0;
        let end = loop {
            let unsearched = &self.pending[searched..];
            if let Some(found) = unsearched.iter().position(|byte| *byte == b'\n') {
                break searched + found;
            }
            searched = self.pending.len();
            if searched > MAX_LINE_BYTES {
                return Err(Broken::Request(format!("longer than {MAX_LINE_BYTES} bytes")));
            }
            let mut chunk = [0; relay::CAPACITY / 4];
            // Not through `std::io::stdin`, whose own buffer would keep bytes
            // that are meant for the agent.
            let count = rustix::io::read(rustix::stdio::stdin(), &mut chunk)
                .map_err(std::io::Error::from)?;
            if count == 0 {
                return Ok(None);
            }
            self.pending.extend_from_slice(&chunk[..count]);
        };
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        // The text of the error may quote the request, which holds secrets.
        serde_json::from_slice(&line).map(Some).map_err(|error| {
            Broken::Request(format!("line {}, column {}", error.line(), error.column()))
        })
    }

    /// What the engine sent after the last line: already the agent's input.
    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(dir: &std::path::Path, max: u32) -> SlotLimit {
        SlotLimit { dir: dir.to_owned(), max }
    }

    #[test]
    fn each_limit_gives_as_many_slots_as_it_has() {
        let project = tempfile::tempdir().unwrap();
        let agent = tempfile::tempdir().unwrap();
        let wide = limit(project.path(), 3);
        let narrow = limit(agent.path(), 2);
        let both = [wide.clone(), narrow];
        let outcome = with_slots(&both, &mut || {
            with_slots(&both, &mut || {
                let third = with_slots(&both, &mut || unreachable!("three of two")).unwrap();
                let elsewhere = with_slots(std::slice::from_ref(&wide), &mut || "in").unwrap();
                (third, elsewhere)
            })
            .unwrap()
        });
        let Held::Ran(Held::Ran((third, elsewhere))) = outcome.unwrap() else {
            panic!("two of two must fit")
        };
        let third: Held<()> = third;
        assert!(matches!(third, Held::Full(dir) if dir == agent.path()));
        assert!(
            matches!(elsewhere, Held::Ran("in")),
            "the refused session must have given its slot of the wide limit back"
        );
    }

    #[test]
    fn a_limit_of_none_is_always_full() {
        let dir = tempfile::tempdir().unwrap();
        let outcome = with_slots(&[limit(dir.path(), 0)], &mut || ()).unwrap();
        assert!(matches!(outcome, Held::Full(_)));
    }

    #[test]
    fn a_slot_folder_that_is_missing_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let outcome = with_slots(&[limit(&gone, 1)], &mut || ());
        assert!(matches!(outcome, Err(LockError::Io { .. })));
    }
}
