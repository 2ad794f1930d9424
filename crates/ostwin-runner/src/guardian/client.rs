//! The engine's side of a guardian.
//!
//! Every handle here is safe to drop at any point: with the last writer of the
//! lifeline gone, the guardian ends its session and itself.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::protocol::{
    Cause, Ended, MAX_LINE_BYTES, Reply, Report, Request, Reserve, SlotLimit, Start, StartFailure,
};
use crate::process::{self, ExitStatus, ProcessId, Sweep};

/// How much of a guardian's own standard error is kept: its report, or its complaint.
const MAX_REPORT_BYTES: u64 = 64 << 10;

/// How much longer than the agent's grace a guardian may take to end before it
/// is given up, killed and replaced by a sweep.
const MARGIN: Duration = Duration::from_secs(15);

/// How a guardian is started: normally `ostwin __session`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardianProgram {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables set in addition to the engine's own environment. The agent
    /// gets none of them: its environment is part of [`Start`].
    pub env: Vec<(String, String)>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum GuardianError {
    /// The guardian's own process did not start.
    #[error("the guardian `{}` did not start", program.display())]
    Spawn {
        /// The executable.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The guardian is gone in the middle of the handshake.
    #[error("the guardian ended during the handshake ({status}){complaint}")]
    Gone {
        /// How its process ended.
        status: ExitStatus,
        /// What it said, with a leading separator, or nothing.
        complaint: String,
    },
    /// The guardian answered with something else than was asked.
    #[error("the guardian's answer is not understood: {0}")]
    Protocol(String),
    /// The agent did not start.
    #[error(transparent)]
    Agent(#[from] StartFailure),
}

impl GuardianError {
    /// Whether the guardian was ended by a terminal's signal before it had left
    /// the engine's group: the engine is being interrupted too.
    pub fn is_interrupt(&self) -> bool {
        const SIGHUP: i32 = 1;
        const SIGINT: i32 = 2;
        matches!(self, Self::Gone { status, .. } if matches!(status.signal, Some(SIGHUP | SIGINT)))
    }
}

/// What became of a wish for slots.
#[derive(Debug)]
pub enum Reservation {
    /// The guardian holds them; it waits to be told what to start.
    Granted(Box<Guardian>),
    /// This limit has no free slot. Its folder's time changes when one is freed.
    Full {
        /// The limit's folder.
        dir: PathBuf,
    },
}

/// A guardian whose agent has not been started.
#[derive(Debug)]
pub struct Guardian {
    child: Child,
    lifeline: ChildStdin,
    output: BufReader<ChildStdout>,
    complaints: Complaints,
    slots: Vec<SlotLimit>,
}

impl Guardian {
    /// Starts a guardian and has it take one slot of every limit.
    ///
    /// # Errors
    ///
    /// The guardian did not start, or ended, or spoke something else.
    pub async fn reserve(
        program: &GuardianProgram,
        slots: Vec<SlotLimit>,
    ) -> Result<Reservation, GuardianError> {
        let mut guardian = Self::spawn(program, slots)?;
        let wish = Request::Reserve(Reserve { slots: guardian.slots.clone() });
        match guardian.ask(&wish).await? {
            Reply::Reserved {} => Ok(Reservation::Granted(Box::new(guardian))),
            Reply::Full { dir } => {
                // Reaped here, so that a waiting engine gathers no zombies.
                drop(guardian.lifeline);
                let _ = guardian.child.wait().await;
                Ok(Reservation::Full { dir })
            }
            other => Err(unexpected(&other)),
        }
    }

    fn spawn(program: &GuardianProgram, slots: Vec<SlotLimit>) -> Result<Self, GuardianError> {
        let failed = |source| GuardianError::Spawn { program: program.program.clone(), source };
        let mut child = process::async_command(&program.program)
            .args(&program.args)
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let missing = || failed(std::io::Error::other("a standard stream is missing"));
        let lifeline = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let complaints = Complaints::collect(child.stderr.take().ok_or_else(missing)?);
        Ok(Self { child, lifeline, output, complaints, slots })
    }

    /// Starts the agent.
    ///
    /// # Errors
    ///
    /// [`GuardianError::Agent`] says why the agent itself did not start; the
    /// other kinds are about the guardian. Nothing runs any more in any case.
    pub async fn start(mut self, start: &Start) -> Result<Running, GuardianError> {
        let agent = match self.ask(&Request::Start(start.clone())).await? {
            Reply::Started(agent) => agent,
            Reply::Failed(failure) => {
                drop(self.lifeline);
                let _ = self.child.wait().await;
                return Err(failure.into());
            }
            other => return Err(unexpected(&other)),
        };
        Ok(Running {
            agent,
            child: self.child,
            relay: Some((self.output, self.lifeline)),
            complaints: self.complaints,
            slots: self.slots,
            mark: start.attempt.clone(),
            grace: Duration::from_secs(start.grace_seconds),
        })
    }

    async fn ask(&mut self, request: &Request) -> Result<Reply, GuardianError> {
        let mut text = serde_json::to_vec(request)
            .map_err(|error| GuardianError::Protocol(error.to_string()))?;
        text.push(b'\n');
        // A broken pipe shows as a missing answer just below.
        let _ = self.lifeline.write_all(&text).await;
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64;
        let read = (&mut self.output).take(limit).read_until(b'\n', &mut line).await;
        if read.is_err() || line.last() != Some(&b'\n') {
            return Err(self.gone().await);
        }
        serde_json::from_slice(&line).map_err(|error| GuardianError::Protocol(error.to_string()))
    }

    /// The guardian closed its output: it is ending, and says why.
    async fn gone(&mut self) -> GuardianError {
        let status = self.child.wait().await.map_or_else(|_| ExitStatus::default(), exit_status);
        let said = String::from_utf8_lossy(self.complaints.all().await);
        let complaint = match said.trim() {
            "" => String::new(),
            text => format!(": {text}"),
        };
        GuardianError::Gone { status, complaint }
    }
}

fn unexpected(reply: &Reply) -> GuardianError {
    GuardianError::Protocol(format!("unexpected {reply:?}"))
}

/// An agent that runs under its guardian.
#[derive(Debug)]
pub struct Running {
    agent: ProcessId,
    child: Child,
    relay: Option<(BufReader<ChildStdout>, ChildStdin)>,
    complaints: Complaints,
    slots: Vec<SlotLimit>,
    mark: String,
    grace: Duration,
}

impl Running {
    /// The agent's process.
    pub fn agent(&self) -> ProcessId {
        self.agent
    }

    /// The agent's output to read and input to write, once. The writer is the
    /// lifeline: dropping it ends the session.
    pub fn take_relay(&mut self) -> Option<(BufReader<ChildStdout>, ChildStdin)> {
        self.relay.take()
    }

    /// Waits for the end of the session, however it comes about. Dropping the
    /// future loses nothing; it can be called again.
    pub async fn wait(&mut self) -> Ended {
        let status = self.child.wait().await.map_or_else(|_| ExitStatus::default(), exit_status);
        match report_in(self.complaints.all().await) {
            Some(ended) => ended,
            None => self.stand_in(status).await,
        }
    }

    /// Asks for the orderly end (SIGTERM, the agent's grace, SIGKILL) and waits
    /// for it, even if somebody else still holds the lifeline.
    pub async fn end(&mut self) -> Ended {
        self.relay = None;
        self.signal(Signal::TERM);
        self.wait_within(self.grace + MARGIN).await
    }

    /// Ends the session without grace.
    pub async fn kill(&mut self) -> Ended {
        self.relay = None;
        self.signal(Signal::QUIT);
        self.wait_within(MARGIN).await
    }

    async fn wait_within(&mut self, limit: Duration) -> Ended {
        if let Ok(ended) = tokio::time::timeout(limit, self.wait()).await {
            return ended;
        }
        tracing::warn!(attempt = %self.mark, "the guardian does not end; it is killed");
        // Fails only if it has just ended after all.
        let _ = self.child.start_kill();
        self.wait().await
    }

    fn signal(&self, signal: Signal) {
        // No id: it has ended and was reaped.
        if let Some(guardian) = self.child.id().and_then(ProcessId::of) {
            guardian.signal(signal);
        }
    }

    /// The guardian went without its report: somebody killed it. Its session is
    /// swept here, and whoever waits for its slots is woken.
    async fn stand_in(&mut self, status: ExitStatus) -> Ended {
        let said = String::from_utf8_lossy(self.complaints.all().await).trim().to_owned();
        tracing::warn!(
            attempt = %self.mark, %status, said, "the guardian was lost; its session is swept"
        );
        self.relay = None;
        let mark = self.mark.clone();
        let grace = self.grace;
        let slots = self.slots.clone();
        let swept = tokio::task::spawn_blocking(move || {
            let report = process::sweep(Sweep { mark: Some(&mark), grace, ..Sweep::default() });
            for limit in &slots {
                // A folder that is gone has no watchers.
                let _ = ostwin_core::fs::touch(&limit.dir);
            }
            report
        });
        let report = swept.await.unwrap_or_default();
        Ended {
            status: ExitStatus::default(),
            cause: Cause::GuardianLost,
            swept: report.found.len(),
            killed: report.killed.len(),
            survivors: report.survivors.len(),
            stderr_dropped_bytes: 0,
        }
    }
}

fn exit_status(status: std::process::ExitStatus) -> ExitStatus {
    use std::os::unix::process::ExitStatusExt as _;
    ExitStatus { code: status.code(), signal: status.signal() }
}

/// What a guardian says on its standard error, gathered while it lives.
#[derive(Debug)]
enum Complaints {
    /// A task reads.
    Gathering(JoinHandle<Vec<u8>>),
    /// The guardian has ended.
    Gathered(Vec<u8>),
}

impl Complaints {
    fn collect(stderr: ChildStderr) -> Self {
        Self::Gathering(tokio::spawn(collect(stderr)))
    }

    /// All that was said, once the guardian has ended.
    async fn all(&mut self) -> &[u8] {
        if let Self::Gathering(task) = self {
            *self = Self::Gathered(task.await.unwrap_or_default());
        }
        match self {
            Self::Gathered(said) => said,
            Self::Gathering(_) => &[],
        }
    }
}

/// Reads a guardian's standard error to its end and keeps the last part.
async fn collect(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = vec![0; 4 << 10];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..count]);
        let excess = kept.len().saturating_sub(usize::try_from(MAX_REPORT_BYTES).unwrap_or(0));
        kept.drain(..excess);
    }
    kept
}

/// The report in a guardian's last words.
fn report_in(said: &[u8]) -> Option<Ended> {
    let line = said.split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty())?;
    match serde_json::from_slice(line).ok()? {
        Report::Ended(ended) => Some(ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_the_last_line_whatever_was_said_before() {
        let ended = Ended {
            status: ExitStatus { code: Some(3), signal: None },
            cause: Cause::Exited,
            swept: 1,
            killed: 0,
            survivors: 0,
            stderr_dropped_bytes: 7,
        };
        let mut said = b"a warning\n".to_vec();
        said.extend(serde_json::to_vec(&Report::Ended(ended.clone())).unwrap());
        said.push(b'\n');
        assert_eq!(report_in(&said), Some(ended));
        assert_eq!(report_in(b"a warning\n"), None);
        assert_eq!(report_in(b""), None);
    }
}
