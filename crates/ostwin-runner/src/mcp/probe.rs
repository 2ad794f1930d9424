//! Trying out one MCP server: start, handshake, list of tools, end.
//!
//! The server is started as an agent would start it, in a process group of its own that is gone
//! when the answer is there. What it prints besides messages is counted, because some agents break
//! on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::service::{ClientInitializeError, QuitReason, RunningService, ServiceError};
use rmcp::{RoleClient, ServiceExt as _};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::acp::McpServer;
use crate::process;

/// How long a server may take to end once its input is closed.
const END_GRACE: Duration = Duration::from_secs(2);
/// How long the end of a process may lag behind the end of its output.
const EXIT_LAG: Duration = Duration::from_secs(2);
/// Longest line that is taken from a server.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// So much of what a server says on its standard error is kept: the end of it.
const MAX_SAID_BYTES: usize = 2_000;
/// So much of a line that is no message is shown.
const MAX_NOISE_CHARS: usize = 120;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// The revision of the protocol that was settled on.
    pub revision: String,
    /// What the server calls itself.
    pub server: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its tools, as it lists them.
    pub tools: Vec<ProbedTool>,
    /// Milliseconds from its start to the end of the handshake.
    pub handshake_ms: u64,
    /// Milliseconds that the list of tools took.
    pub list_ms: u64,
    /// Lines of its output that were no messages of the protocol.
    pub noise_lines: usize,
}

/// A tool as it was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbedTool {
    /// Its name.
    pub name: String,
    /// What it says of itself, the first line.
    pub description: String,
}

/// Why a server is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It did not start.
    #[error("`{}` did not start", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It ended instead of answering.
    #[error("it ended during {step} ({status}){said}")]
    Ended {
        /// What it was asked for.
        step: &'static str,
        /// How it ended.
        status: String,
        /// What else it said, with a leading separator, or nothing.
        said: String,
    },
    /// It did not answer in time.
    #[error("it did not answer {step} within {} s{said}", patience.as_secs_f64())]
    Silent {
        /// What it was asked for.
        step: &'static str,
        /// How long it was waited for.
        patience: Duration,
        /// What else it said, with a leading separator, or nothing.
        said: String,
    },
    /// It answered something else.
    #[error("it does not speak the protocol in {step}: {problem}{said}")]
    Broken {
        /// What it was asked for.
        step: &'static str,
        /// What was wrong.
        problem: String,
        /// What else it said, with a leading separator, or nothing.
        said: String,
    },
}

/// Starts `server` with exactly the environment `env` and its own variables, shakes hands, lists
/// its tools and ends it. Handshake and list may each take `patience`.
///
/// # Errors
/// [`ProbeError`]; nothing of the server runs any more in any case.
pub async fn probe(
    server: &McpServer,
    env: &BTreeMap<String, String>,
    cwd: &Path,
    patience: Duration,
) -> Result<Probed, ProbeError> {
    let mut running = Running::start(server, env, cwd)?;
    let outcome = running.talk(patience).await;
    running.end().await;
    outcome
}

/// What a server printed besides messages.
#[derive(Debug, Default)]
struct Heard {
    noise_lines: usize,
    first_noise: String,
    said: Vec<u8>,
}

struct Running {
    child: Child,
    group: Option<Pid>,
    heard: Arc<Mutex<Heard>>,
    listener: Option<JoinHandle<()>>,
    client: Option<RunningService<RoleClient, ()>>,
}

impl Drop for Running {
    /// Whoever gives up waiting leaves nothing behind.
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn start(
        server: &McpServer,
        env: &BTreeMap<String, String>,
        cwd: &Path,
    ) -> Result<Self, ProbeError> {
        let failed = |source| ProbeError::Start { program: server.command.clone(), source };
        let mut argv = vec![server.command.display().to_string()];
        argv.extend(server.args.iter().cloned());
        let mut env = env.clone();
        env.extend(server.env.iter().cloned());
        let command = process::agent_command(&argv, cwd, &env)
            .ok_or_else(|| failed(std::io::Error::other("the command is empty")))?;
        let child = tokio::process::Command::from(command).spawn().map_err(failed)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group, heard: Arc::default(), listener: None, client: None })
    }

    async fn talk(&mut self, patience: Duration) -> Result<Probed, ProbeError> {
        let began = Instant::now();
        const HANDSHAKE: &str = "the handshake";
        let missing = || ProbeError::Broken {
            step: HANDSHAKE,
            problem: "a standard stream is missing".to_owned(),
            said: String::new(),
        };
        let input = self.child.stdin.take().ok_or_else(missing)?;
        let output = self.child.stdout.take().ok_or_else(missing)?;
        let errors = self.child.stderr.take().ok_or_else(missing)?;
        self.listener = Some(tokio::spawn(listen(errors, Arc::clone(&self.heard))));
        let output = sieved(output, Arc::clone(&self.heard));
        match timeout(patience, ().serve((output, input))).await {
            Ok(Ok(client)) => self.client = Some(client),
            Ok(Err(error)) => {
                use ClientInitializeError::{ConnectionClosed, TransportError};
                let lost = matches!(error, ConnectionClosed(_) | TransportError { .. });
                return Err(self.failure(HANDSHAKE, error.to_string(), lost).await);
            }
            Err(_) => return Err(self.silence(HANDSHAKE, patience)),
        }
        let handshake_ms = millis(began);

        const LIST: &str = "the list of tools";
        let began = Instant::now();
        let Some(client) = &self.client else { return Err(missing()) };
        let info = client.peer_info();
        let tools = match timeout(patience, client.list_all_tools()).await {
            Ok(Ok(tools)) => tools,
            Ok(Err(error)) => {
                let lost = !matches!(error, ServiceError::McpError(_));
                return Err(self.failure(LIST, error.to_string(), lost).await);
            }
            Err(_) => return Err(self.silence(LIST, patience)),
        };
        let about = info.as_ref().and_then(|info| info.server_info.as_ref());
        Ok(Probed {
            revision: info.as_ref().map(|i| i.protocol_version.to_string()).unwrap_or_default(),
            server: about.map(|about| about.name.clone()),
            version: about.map(|about| about.version.clone()),
            tools: tools
                .into_iter()
                .map(|tool| ProbedTool {
                    name: tool.name.into_owned(),
                    description: first_line(tool.description.as_deref().unwrap_or_default()),
                })
                .collect(),
            handshake_ms,
            list_ms: millis(began),
            noise_lines: self.with_heard(|heard| heard.noise_lines),
        })
    }

    /// Why it failed: because its process has ended, if that is how the connection was `lost`.
    async fn failure(&mut self, step: &'static str, problem: String, lost: bool) -> ProbeError {
        if lost && let Ok(Ok(status)) = timeout(EXIT_LAG, self.child.wait()).await {
            if let Some(listener) = self.listener.take() {
                // A child of the server may hold its standard error open.
                let _ = timeout(EXIT_LAG, listener).await;
            }
            return ProbeError::Ended { step, status: status.to_string(), said: self.said() };
        }
        ProbeError::Broken { step, problem, said: self.said() }
    }

    fn silence(&self, step: &'static str, patience: Duration) -> ProbeError {
        ProbeError::Silent { step, patience, said: self.said() }
    }

    /// What there is to know from what it printed.
    fn said(&self) -> String {
        self.with_heard(|heard| {
            let mut said = String::new();
            if heard.noise_lines > 0 {
                let (lines, first) = (heard.noise_lines, &heard.first_noise);
                said +=
                    &format!("; it printed {lines} lines that are no messages, first `{first}`");
            }
            let errors = String::from_utf8_lossy(&heard.said);
            if !errors.trim().is_empty() {
                said += &format!("; it said: {}", errors.trim());
            }
            said
        })
    }

    fn with_heard<R>(&self, look: impl FnOnce(&Heard) -> R) -> R {
        look(&self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends it by closing its input, then by force.
    async fn end(&mut self) {
        if let Some(client) = self.client.take() {
            // It is a defect of the server if it cannot even be left.
            let _: Result<Result<QuitReason, _>, _> = timeout(END_GRACE, client.cancel()).await;
        }
        if timeout(END_GRACE, self.child.wait()).await.is_err() {
            self.kill();
            // A process that was killed ends.
            let _ = self.child.wait().await;
        }
        self.kill();
    }

    fn kill(&mut self) {
        if let Some(group) = self.group {
            // A group that is gone already is what was wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Gathers the end of what a server says on its standard error.
async fn listen(mut errors: impl AsyncRead + Unpin, heard: Arc<Mutex<Heard>>) {
    let mut chunk = vec![0; 4 << 10];
    while let Ok(count @ 1..) = errors.read(&mut chunk).await {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.said.extend_from_slice(&chunk[..count]);
        let excess = heard.said.len().saturating_sub(MAX_SAID_BYTES);
        heard.said.drain(..excess);
    }
}

/// The lines of a server's output that are messages; the others are counted.
fn sieved(
    output: impl AsyncRead + Unpin + Send + 'static,
    heard: Arc<Mutex<Heard>>,
) -> tokio::io::DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            let read = (&mut output).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..)) {
                break;
            }
            if is_message(&line) {
                if theirs.write_all(&line).await.is_err() {
                    break;
                }
            } else if !line.trim_ascii().is_empty() {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                if heard.noise_lines == 0 {
                    let text = String::from_utf8_lossy(&line);
                    heard.first_noise = text.trim().chars().take(MAX_NOISE_CHARS).collect();
                }
                heard.noise_lines += 1;
            }
        }
    });
    ours
}

fn is_message(line: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    value.is_some_and(|value| value.get("jsonrpc").is_some())
}

fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().to_owned()
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, patience: u64) -> Result<Probed, String> {
        let server = McpServer {
            name: "fake".to_owned(),
            command: PathBuf::from("sh"),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: vec![("MARK".to_owned(), "of-its-entry".to_owned())],
        };
        let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let here = std::env::temp_dir();
        let probed = probe(&server, &env, &here, Duration::from_millis(patience)).await;
        probed.map_err(|error| error.to_string())
    }

    /// A server of one tool, in a shell: it answers in the order of the requests.
    const GOOD: &str = r#"
        echo 'starting up'
        read -r line
        echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1.2"}}}'
        read -r line
        read -r line
        id=${line#*'"id":'}; id=${id%%[,\}]*}
        printf '%s\n' '{"jsonrpc":"2.0","id":'"$id"',"result":{"tools":[{"name":"look","description":"Look.\nMore.","inputSchema":{"type":"object"}}]}}'
        cat > /dev/null
    "#;

    #[tokio::test]
    async fn a_server_tells_its_revision_and_tools() {
        let probed = shell(GOOD, 20_000).await.unwrap();
        let expected = Probed {
            revision: "2025-06-18".to_owned(),
            server: Some("fake".to_owned()),
            version: Some("1.2".to_owned()),
            tools: vec![ProbedTool { name: "look".to_owned(), description: "Look.".to_owned() }],
            handshake_ms: probed.handshake_ms,
            list_ms: probed.list_ms,
            noise_lines: 1,
        };
        assert_eq!(probed, expected);
    }

    #[tokio::test]
    async fn one_that_is_of_no_use_is_told_why() {
        let late = GOOD.replace("read -r line\n        id", "sleep 1000; read -r line\n        id");
        let wrong =
            r#"read -r l; echo '{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"no"}}'; cat"#;
        // At once, as two of them cost all of our patience: long enough for a busy machine.
        let (missing, mute, late, wrong) = tokio::join!(
            shell("echo \"no key for $MARK\" >&2; exit 3", 20_000),
            shell("echo hello; sleep 1000 & sleep 1000", 3_000),
            shell(&late, 3_000),
            shell(wrong, 20_000),
        );
        assert_eq!(
            missing.unwrap_err(),
            "it ended during the handshake (exit status: 3); it said: no key for of-its-entry"
        );
        assert_eq!(
            mute.unwrap_err(),
            "it did not answer the handshake within 3 s; it printed 1 lines that are no \
             messages, first `hello`"
        );
        let late = late.unwrap_err();
        assert!(late.starts_with("it did not answer the list of tools within 3 s"), "{late}");
        let wrong = wrong.unwrap_err();
        assert!(wrong.starts_with("it does not speak the protocol in the handshake: "), "{wrong}");
    }

    #[tokio::test]
    async fn one_that_is_no_program_is_named() {
        let server = McpServer {
            name: "none".to_owned(),
            command: PathBuf::from("/no/such/program"),
            args: Vec::new(),
            env: Vec::new(),
        };
        let here = std::env::temp_dir();
        let error = probe(&server, &BTreeMap::new(), &here, END_GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "`/no/such/program` did not start");
    }
}
