//! The encoder's process: a line in, a line out, and never a wait without an end.
//!
//! Two threads stand between the process and whoever asks, one for each pipe, so that a process
//! that neither reads nor writes costs a deadline and not more. The process is reaped by the one
//! that sees its output end, so that one which ended by itself leaves no zombie behind.

use std::fmt::{self, Display};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ostwin_core::embedding::PROGRAM;

use super::connect::Launch;

/// The longest answer, in bytes: as many long vectors as one request can ask for.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// Why there is no line.
#[derive(Debug)]
pub(super) enum Lost {
    /// The process has ended, and how.
    Ended(String),
    /// It said nothing for this long, and was killed.
    Silent(Duration),
}

impl Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(how) => write!(out, "`{PROGRAM}` ended ({how})"),
            Self::Silent(patience) => {
                write!(out, "`{PROGRAM}` said nothing for {} s", patience.as_secs_f32())
            }
        }
    }
}

/// A running encoder.
#[derive(Debug)]
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    requests: Sender<Vec<u8>>,
    lines: Receiver<Vec<u8>>,
}

impl Process {
    /// Starts the program.
    ///
    /// # Errors
    /// It cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one process that this crate owns, and the crate that owns all others stands \
                  above it"
    )]
    pub(super) fn start(launch: &Launch) -> io::Result<Self> {
        let mut child = Command::new(&launch.program)
            .args(&launch.args)
            .current_dir("/")
            // One search must not take the whole machine.
            .env("RAYON_NUM_THREADS", "1")
            .env("TOKENIZERS_PARALLELISM", "false")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What goes wrong comes as an answer.
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let child = Arc::new(Mutex::new(child));
        let (Some(input), Some(output)) = pipes else {
            end(&child);
            return Err(io::Error::other("it was started without pipes"));
        };
        let (requests, to_write) = channel();
        let (to_read, lines) = sync_channel(1);
        let reaper = Arc::clone(&child);
        let threads = thread_named("embedder-in", move || write_requests(input, &to_write))
            .and_then(|()| {
                thread_named("embedder-out", move || {
                    read_lines(output, &to_read);
                    end(&reaper);
                })
            });
        if let Err(error) = threads {
            end(&child);
            return Err(error);
        }
        Ok(Self { child, requests, lines })
    }

    /// Sends a line.
    pub(super) fn send(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        // Whoever waits for the answer hears that the process has ended.
        drop(self.requests.send(line));
    }

    /// The next line it says.
    ///
    /// # Errors
    /// It ended, or it said nothing for `patience` and was killed.
    pub(super) fn receive(&self, patience: Duration) -> Result<Vec<u8>, Lost> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                end(&self.child);
                Err(Lost::Silent(patience))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Lost::Ended(end(&self.child))),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&self.child);
    }
}

fn thread_named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Writes until nobody asks any more; its end closes the process's input.
fn write_requests(mut input: ChildStdin, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if input.write_all(&request).is_err() {
            return;
        }
    }
}

/// Passes lines on until there are none, or nobody wants them; a line without an end is none.
fn read_lines(output: ChildStdout, lines: &SyncSender<Vec<u8>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(MAX_ANSWER_BYTES).read_until(b'\n', &mut line);
        if read.is_err() || line.pop() != Some(b'\n') || lines.send(line).is_err() {
            return;
        }
    }
}

/// Kills the process, if it still runs, and reaps it; says how it ended.
fn end(child: &Mutex<Child>) -> String {
    let mut child = lock(child);
    // A killed process has no way to stay, and one that was reaped is not killed again.
    drop(child.kill());
    child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Process {
        let launch = Launch { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
        Process::start(&launch).unwrap()
    }

    fn text(line: Result<Vec<u8>, Lost>) -> String {
        String::from_utf8(line.unwrap()).unwrap()
    }

    fn is_there(pid: &str) -> bool {
        Path::new("/proc").join(pid).exists()
    }

    #[test]
    fn a_line_in_and_a_line_out() {
        let process = shell("while read line; do echo \"got $line\"; done");
        for word in ["one", "two"] {
            process.send(word.as_bytes().to_vec());
            assert_eq!(text(process.receive(LONG)), format!("got {word}"));
        }
    }

    #[test]
    fn one_that_ended_is_reaped_and_says_how() {
        let process = shell("echo $$; exit 3");
        let pid = text(process.receive(LONG));
        let lost = process.receive(LONG).unwrap_err();
        assert_eq!(lost.to_string(), "`ostwin-embedder` ended (exit status: 3)");
        assert!(!is_there(&pid), "{pid} is still there");
        process.send(b"more".to_vec());
        assert!(matches!(process.receive(LONG), Err(Lost::Ended(_))));
    }

    #[test]
    fn one_that_is_silent_is_killed_and_reaped() {
        let process = shell("echo $$; exec sleep 1000");
        let pid = text(process.receive(LONG));
        // More than a pipe holds: nobody reads it, and nobody waits for it either.
        process.send(vec![b'x'; 1_000_000]);
        let lost = process.receive(Duration::from_millis(1)).unwrap_err();
        assert_eq!(lost.to_string(), "`ostwin-embedder` said nothing for 0.001 s");
        assert!(!is_there(&pid), "{pid} is still there");
    }

    #[test]
    fn one_that_nobody_holds_any_more_is_killed_and_reaped() {
        let process = shell("echo $$; exec sleep 1000");
        let pid = text(process.receive(LONG));
        drop(process);
        assert!(!is_there(&pid), "{pid} is still there");
    }

    #[test]
    fn half_a_line_is_none() {
        let process = shell("printf half");
        assert!(matches!(process.receive(LONG), Err(Lost::Ended(_))));
    }
}
