//! One agent under supervision: a single-threaded loop over `poll`.
//!
//! What to do next is a pure step over facts (`phase`); the loop gathers the
//! facts, moves bytes and carries the step out. It never blocks on
//! one peer: an agent that reads nothing, an engine that reads nothing and an
//! agent that never stops writing are all just descriptors that are not ready.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};

use super::phase::{Facts, Phase};
use super::protocol::{Cause, Ended, Start, StartFailure};
use super::relay::{Buffer, Flow};
use super::signals::Signals;
use super::stderr_log::StderrLog;
use crate::process::{self, ExitStatus, MARK_VARIABLE, ProcessId, Sweep, SweepReport};

/// A running agent and everything the guardian keeps about it.
#[derive(Debug)]
pub(super) struct Session {
    agent: ProcessId,
    mark: String,
    grace: Duration,
    signals: Signals,
    lifeline: bool,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    to_agent: Buffer,
    to_engine: Buffer,
    /// The engine still reads.
    engine_reads: bool,
    log: StderrLog,
    status: Option<ExitStatus>,
    alone: bool,
    sweeper: Option<Sweeper>,
    report: SweepReport,
}

/// The thread that sweeps, and the descriptor that becomes readable at its end.
#[derive(Debug)]
struct Sweeper {
    thread: JoinHandle<SweepReport>,
    done: UnixStream,
}

impl Session {
    /// Starts the agent. `pending` is input for it that arrived with the request.
    pub(super) fn start(start: &Start, pending: &[u8]) -> Result<Self, StartFailure> {
        let io = |error: std::io::Error| StartFailure::Io(error.to_string());
        if !start.cwd.is_dir() {
            return Err(StartFailure::NotFound(format!(
                "the working directory `{}` is not a directory",
                start.cwd.display()
            )));
        }
        let redactor =
            start.redact.redactor().map_err(|error| StartFailure::Io(error.to_string()))?;
        let log = StderrLog::open(&start.stderr_log, start.stderr_max_bytes, &redactor)
            .map_err(|error| StartFailure::Io(format!("{error}: {}", error.source)))?;
        let signals = Signals::register().map_err(io)?;
        adopt_orphans().map_err(io)?;
        let mut env = start.env.clone();
        env.insert(MARK_VARIABLE.to_owned(), start.attempt.clone());
        let mut command =
            process::agent_command(&start.argv, &start.cwd, &env).ok_or_else(|| {
                StartFailure::NotFound("the agent's command line is empty".to_owned())
            })?;
        let mut child = command.spawn().map_err(|error| spawn_failure(&start.argv, &error))?;
        let pid = child.id();
        let session = Self {
            agent: ProcessId::of(pid).unwrap_or(ProcessId { pid, start_time: 0 }),
            mark: start.attempt.clone(),
            grace: Duration::from_secs(start.grace_seconds),
            signals,
            lifeline: true,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            to_agent: Buffer::new(pending),
            to_engine: Buffer::new(&[]),
            engine_reads: true,
            log,
            status: None,
            alone: false,
            sweeper: None,
            report: SweepReport::default(),
        };
        Ok(session)
    }

    /// The agent's process.
    pub(super) fn agent(&self) -> ProcessId {
        self.agent
    }

    /// Relays until the session is over and nothing of it is left.
    pub(super) fn run(mut self) -> std::io::Result<Ended> {
        self.set_nonblocking()?;
        let mut phase = Phase::Relay;
        let mut cause = Cause::Exited;
        while phase != Phase::Done {
            self.reap()?;
            let facts = self.facts();
            let next = phase.next(facts, Instant::now());
            if next != phase {
                match phase {
                    Phase::Relay => cause = facts.cause(),
                    Phase::Settle { .. } => cause = facts.cause_after_settling(cause),
                    _ => {}
                }
                self.enter(next)?;
                phase = next;
                continue;
            }
            self.pump(phase.wakes_at())?;
        }
        Ok(Ended {
            status: self.status.unwrap_or_default(),
            cause,
            swept: self.report.found.len(),
            killed: self.report.killed.len(),
            survivors: self.report.survivors.len(),
            stderr_dropped_bytes: self.log.finish(),
        })
    }

    fn set_nonblocking(&self) -> std::io::Result<()> {
        let standard = [rustix::stdio::stdin(), rustix::stdio::stdout()];
        let own = [
            self.stdin.as_ref().map(AsFd::as_fd),
            self.stdout.as_ref().map(AsFd::as_fd),
            self.stderr.as_ref().map(AsFd::as_fd),
        ];
        for fd in standard.into_iter().chain(own.into_iter().flatten()) {
            let flags = rustix::fs::fcntl_getfl(fd)?;
            rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
        }
        Ok(())
    }

    fn facts(&self) -> Facts {
        Facts {
            lifeline: self.lifeline,
            asked: self.signals.end.load(Ordering::Relaxed),
            hurry: self.signals.hurry.load(Ordering::Relaxed),
            output: self.stdout.is_some(),
            agent_ended: self.status.is_some(),
            alone: self.alone,
            swept: self.sweeper.as_ref().is_some_and(|sweeper| sweeper.thread.is_finished()),
            drained: self.stdout.is_none() && self.stderr.is_none() && self.to_engine.is_empty(),
        }
    }

    /// Carries out what entering a phase means.
    fn enter(&mut self, phase: Phase) -> std::io::Result<()> {
        match phase {
            Phase::Settle { .. } => {
                self.stdin = None;
                self.to_agent.clear();
            }
            Phase::Sweep => {
                self.stdin = None;
                self.to_agent.clear();
                self.sweeper = Some(self.start_sweeper()?);
            }
            Phase::Drain { .. } => {
                if let Some(sweeper) = self.sweeper.take() {
                    self.report = sweeper
                        .thread
                        .join()
                        .map_err(|_| std::io::Error::other("the sweep came to a sudden end"))?;
                }
                if self.status.is_none() {
                    // Where the process table can't be read, this is the kill.
                    signal_group(self.agent.pid, Signal::KILL);
                }
            }
            Phase::Relay | Phase::Done => {}
        }
        Ok(())
    }

    fn start_sweeper(&self) -> std::io::Result<Sweeper> {
        if self.status.is_none() {
            // The group at once, before any look at the process table. The
            // agent is not reaped yet, so its group can't be another's.
            signal_group(self.agent.pid, Signal::TERM);
        }
        let (done, at_end) = UnixStream::pair()?;
        let mark = self.mark.clone();
        let grace = self.grace;
        let hurry = Arc::clone(&self.signals.hurry);
        let thread = std::thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            let report = process::sweep(Sweep {
                mark: Some(&mark),
                descendants_of: Some(ProcessId::current()),
                grace,
                hurry: Some(&hurry),
            });
            drop(at_end);
            report
        })?;
        Ok(Sweeper { thread, done })
    }

    /// Collects ended children, adopted ones included.
    fn reap(&mut self) -> std::io::Result<()> {
        if !self.signals.child.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if u32::try_from(pid.as_raw_nonzero().get()) == Ok(self.agent.pid) {
                        self.status = Some(status.into());
                    }
                }
                Ok(None) => return Ok(()),
                Err(Errno::CHILD) => {
                    self.alone = true;
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for something to happen, at most until `until`, and moves bytes.
    fn pump(&mut self, until: Option<Instant>) -> std::io::Result<()> {
        let timeout = match until {
            None => None,
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                Some(Timespec::try_from(left).map_err(std::io::Error::other)?)
            }
        };
        let ready = {
            let wanted = self.wanted();
            let mut fds: Vec<PollFd<'_>> =
                wanted.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let found = wanted.iter().zip(&fds).map(|((end, ..), fd)| (*end, fd.revents()));
            found.filter(|(_, flags)| !flags.is_empty()).collect::<Vec<_>>()
        };
        for (end, flags) in ready {
            self.serve(end, flags);
        }
        Ok(())
    }

    /// The descriptors that can bring the session forward now.
    fn wanted(&self) -> Vec<(End, BorrowedFd<'_>, PollFlags)> {
        let mut wanted = vec![(End::Signals, self.signals.wake.as_fd(), PollFlags::IN)];
        if self.lifeline {
            // With a full buffer only the close is of interest, which `poll`
            // reports unasked.
            let room = self.to_agent.has_room();
            let flags = if room { PollFlags::IN } else { PollFlags::empty() };
            wanted.push((End::Lifeline, rustix::stdio::stdin(), flags));
        }
        if let Some(stdin) = self.stdin.as_ref().filter(|_| !self.to_agent.is_empty()) {
            wanted.push((End::AgentInput, stdin.as_fd(), PollFlags::OUT));
        }
        if let Some(stdout) = self.stdout.as_ref().filter(|_| self.to_engine.has_room()) {
            wanted.push((End::AgentOutput, stdout.as_fd(), PollFlags::IN));
        }
        if self.engine_reads && !self.to_engine.is_empty() {
            wanted.push((End::EngineOutput, rustix::stdio::stdout(), PollFlags::OUT));
        }
        if let Some(stderr) = &self.stderr {
            wanted.push((End::AgentErrors, stderr.as_fd(), PollFlags::IN));
        }
        if let Some(sweeper) = &self.sweeper {
            wanted.push((End::Sweeper, sweeper.done.as_fd(), PollFlags::IN));
        }
        wanted
    }

    fn serve(&mut self, end: End, flags: PollFlags) {
        match end {
            End::Signals => self.signals.clear_wake(),
            End::Lifeline => {
                let full = !self.to_agent.has_room();
                if full || self.to_agent.fill(rustix::stdio::stdin()) == Flow::Closed {
                    // A full buffer is only served for a hang-up.
                    self.lifeline = full && !flags.intersects(PollFlags::HUP | PollFlags::ERR);
                }
                if self.stdin.is_none() {
                    self.to_agent.clear();
                }
            }
            End::AgentInput => {
                if let Some(stdin) = &self.stdin
                    && self.to_agent.drain(stdin) == Flow::Closed
                {
                    self.stdin = None;
                    self.to_agent.clear();
                }
            }
            End::AgentOutput => {
                if let Some(stdout) = &self.stdout
                    && self.to_engine.fill(stdout) == Flow::Closed
                {
                    self.stdout = None;
                }
                if !self.engine_reads {
                    self.to_engine.clear();
                }
                self.pass_on_end_of_output();
            }
            End::EngineOutput => {
                if self.to_engine.drain(rustix::stdio::stdout()) == Flow::Closed {
                    self.engine_reads = false;
                    self.to_engine.clear();
                }
                self.pass_on_end_of_output();
            }
            End::AgentErrors => {
                let mut chunk = [0; 8 << 10];
                if let Some(stderr) = &self.stderr {
                    match rustix::io::read(stderr, &mut chunk) {
                        Ok(0) => self.stderr = None,
                        Ok(count) => self.log.append(&chunk[..count]),
                        Err(Errno::AGAIN | Errno::INTR) => {}
                        Err(_) => self.stderr = None,
                    }
                }
            }
            End::Sweeper => {
                // Only a wake-up: `facts` asks the thread itself. Until the
                // thread is fully finished this end stays readable.
                std::thread::yield_now();
            }
        }
    }

    /// An agent that closed its output, with everything passed on: the engine
    /// gets to see the same.
    fn pass_on_end_of_output(&mut self) {
        if self.stdout.is_none() && self.to_engine.is_empty() && self.engine_reads {
            self.engine_reads = false;
            if let Ok(null) =
                rustix::fs::open("/dev/null", OFlags::WRONLY, rustix::fs::Mode::empty())
            {
                // Failing leaves the pipe open until the guardian ends.
                let _ = rustix::stdio::dup2_stdout(null);
            }
        }
    }
}

/// The descriptors of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Signals,
    Lifeline,
    AgentInput,
    AgentOutput,
    EngineOutput,
    AgentErrors,
    Sweeper,
}

/// Orphaned descendants become children of this process, instead of init's.
#[cfg(target_os = "linux")]
fn adopt_orphans() -> std::io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Only Linux knows subreapers; elsewhere the process group is all there is.
#[cfg(not(target_os = "linux"))]
fn adopt_orphans() -> std::io::Result<()> {
    Ok(())
}

fn signal_group(leader: u32, signal: Signal) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // A group that is gone already is what was wanted.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

fn spawn_failure(argv: &[String], error: &std::io::Error) -> StartFailure {
    let program = argv.first().map_or("", String::as_str);
    match error.kind() {
        std::io::ErrorKind::NotFound => StartFailure::NotFound(format!(
            "the agent program `{program}` was not found: install it, or name another in `agents`"
        )),
        std::io::ErrorKind::PermissionDenied => StartFailure::Permission(format!(
            "the agent program `{program}` may not be executed: {error}"
        )),
        _ => StartFailure::Io(format!("the agent program `{program}` did not start: {error}")),
    }
}
