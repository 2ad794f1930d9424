//! A chore: a command that is run to its end beside the sessions, such as a quality gate.
//!
//! It runs under a guardian like a session, so nothing of it outlives the engine, and within a limit
//! of time. Of what it says the last part is kept. It owns nothing: who wants a chore keeps what
//! came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use crate::guardian::{Guardian, GuardianError, GuardianProgram, Redact, Reservation, Start};
use crate::process::ExitStatus;

/// How much of what a chore says is kept: the end of it.
pub const MAX_OUTPUT_BYTES: usize = 256 << 10;

/// How long a guardian waits for the chore's lock, which only one of an engine that has just died
/// can hold.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// The lines by which a shell gives a program its input. A guardian's own input is its lifeline, so
/// the program would never see the end of it.
const WITHOUT_INPUT: &str = r#"exec "$@" </dev/null 2>&1"#;
const WITH_ONE_LINE: &str = r#"IFS= read -r line; printf '%s\n' "$line" | "$@" 2>&1"#;

/// A command and what it may use.
#[derive(Clone, Debug)]
pub struct Chore {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its whole input, in one line; nothing if not set.
    pub input: Option<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its whole environment, beside the mark.
    pub env: BTreeMap<String, String>,
    /// By what its processes are found should the guardian be killed. Not that of a session, which
    /// would be ended with it.
    pub mark: String,
    /// Held while it runs.
    pub lock: PathBuf,
    /// Where its guardian's shell complains.
    pub stderr: PathBuf,
    /// How long it may take.
    pub limit: Duration,
    /// How long a process of it may take to end when it is told to.
    pub grace: Duration,
    /// What must not get into a log.
    pub redact: Redact,
}

/// What came of a chore. Nothing of it runs any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoreEnd {
    /// How its process ended; `None` if its time was up.
    pub status: Option<ExitStatus>,
    /// The end of what it said, on both streams.
    pub output: Vec<u8>,
    /// How much it said before that.
    pub dropped_bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl ChoreEnd {
    /// Whether it ended by itself, in time, with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.code == Some(0))
    }
}

/// Runs a chore to its end. Dropping the future ends it, without anybody waiting for that.
///
/// # Errors
/// Its guardian or the shell did not start. A program that does not exist is no error here: the
/// shell says so and exits with 127.
pub async fn run(program: &GuardianProgram, chore: Chore) -> Result<ChoreEnd, GuardianError> {
    let began = Instant::now();
    let guardian = match Guardian::reserve(program, Vec::new()).await? {
        Reservation::Granted(guardian) => guardian,
        Reservation::Full { dir } => {
            let text = format!("a chore needs no slot, and `{}` has none", dir.display());
            return Err(GuardianError::Protocol(text));
        }
    };
    let shell = if chore.input.is_some() { WITH_ONE_LINE } else { WITHOUT_INPUT };
    let argv = ["sh", "-c", shell, "sh"].map(str::to_owned).into_iter().chain(chore.argv);
    let start = Start {
        argv: argv.collect(),
        cwd: chore.cwd,
        env: chore.env,
        attempt: chore.mark,
        session_lock: chore.lock,
        session_lock_wait_ms: u64::try_from(LOCK_WAIT.as_millis()).unwrap_or(u64::MAX),
        stderr_log: chore.stderr,
        stderr_max_bytes: MAX_OUTPUT_BYTES as u64,
        grace_seconds: chore.grace.as_secs(),
        redact: chore.redact,
    };
    let mut running = guardian.start(&start).await?;
    let mut kept = Tail::default();
    // The writer is the lifeline: it stays open until the chore has ended.
    let mut relay = running.take_relay();
    let ended = timeout(chore.limit, async {
        if let Some((reader, writer)) = &mut relay {
            if let Some(line) = &chore.input {
                // A program that does not want its input may be gone already.
                let _ = writer.write_all(format!("{line}\n").as_bytes()).await;
                let _ = writer.flush().await;
            }
            let mut chunk = vec![0; 16 << 10];
            while let Ok(count @ 1..) = reader.read(&mut chunk).await {
                kept.add(&chunk[..count]);
            }
        }
        running.wait().await
    })
    .await;
    let status = match ended {
        Ok(ended) => Some(ended.status),
        Err(_) => {
            drop(relay);
            running.end().await;
            None
        }
    };
    Ok(ChoreEnd { status, output: kept.bytes, dropped_bytes: kept.dropped, took: began.elapsed() })
}

/// The end of what is said.
#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    dropped: u64,
}

impl Tail {
    fn add(&mut self, more: &[u8]) {
        self.bytes.extend_from_slice(more);
        // Not at every byte: twice the limit is held for a while.
        if self.bytes.len() > 2 * MAX_OUTPUT_BYTES {
            let excess = self.bytes.len() - MAX_OUTPUT_BYTES;
            self.bytes.drain(..excess);
            self.dropped += excess as u64;
        }
    }
}
