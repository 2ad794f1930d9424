//! A client of nothing but JSON lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The agent, started on a script, and what it said so far.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    next_id: u64,
    _script: TempDir,
}

impl Client {
    /// Starts the agent at full speed on a script with these rules before the
    /// built-in ones.
    pub(crate) fn new(rules: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("script.json");
        let script = json!({"v": 1, "pace": 0, "rules": rules});
        ostwin_core::fs::replace_hint(&file, script.to_string().as_bytes()).unwrap();
        let mut child = command()
            .arg("--script")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout, next_id: 0, _script: dir }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{message}").unwrap();
        stdin.flush().unwrap();
    }

    /// The next message; `None` at the end of output.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Reads until the answer to `id` comes. Returns it and the updates before it.
    pub(crate) fn answer(&mut self, id: u64) -> (Value, Vec<Value>) {
        let mut updates = Vec::new();
        loop {
            let message = self.next().expect("the agent ended");
            if message["id"] == id {
                return (message, updates);
            }
            assert_eq!(message["method"], "session/update", "{message}");
            updates.push(message["params"]["update"].clone());
        }
    }

    pub(crate) fn initialize(&mut self) {
        let id = self.ask("initialize", &json!({"protocolVersion": 1, "clientCapabilities": {}}));
        let (answer, _) = self.answer(id);
        assert_eq!(answer["result"]["agentCapabilities"]["loadSession"], true);
    }

    /// Opens a session without servers and returns its id.
    pub(crate) fn open(&mut self) -> String {
        self.initialize();
        let id = self.ask("session/new", &json!({"cwd": "/", "mcpServers": []}));
        let (answer, _) = self.answer(id);
        answer["result"]["sessionId"].as_str().unwrap().to_owned()
    }

    /// Begins a turn and returns the id of its request.
    pub(crate) fn prompt(&mut self, session: &str, text: &str) -> u64 {
        let prompt = json!([{"type": "text", "text": text}]);
        self.ask("session/prompt", &json!({"sessionId": session, "prompt": prompt}))
    }

    /// A whole turn: the answer, and all that was said in it.
    pub(crate) fn turn(&mut self, session: &str, text: &str) -> (Value, String) {
        let id = self.prompt(session, text);
        let (answer, updates) = self.answer(id);
        (answer, said(&updates))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes its input and waits for its end.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.stdin = None;
        self.child.wait().unwrap()
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The agent's binary.
#[expect(clippy::disallowed_methods, reason = "the test starts the binary that it tests")]
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostwin-rehearsal"));
    command.env_remove("OSTWIN_REHEARSAL_SCRIPT").env_remove("OSTWIN_REHEARSAL_PACE");
    command
}

/// The text of all messages among `updates`.
pub(crate) fn said(updates: &[Value]) -> String {
    updates
        .iter()
        .filter(|update| update["sessionUpdate"] == "agent_message_chunk")
        .filter_map(|update| update["content"]["text"].as_str())
        .collect()
}

/// A prompt for this role.
pub(crate) fn prompt_for(role: &str, kind: &str) -> String {
    let signals = if kind == "review" { ["pass", "fail"] } else { ["done", "error"] };
    let contract = json!({
        "room": "room-001", "ref": "EPIC-001", "plan": null, "role": role, "state": "s",
        "state_type": kind, "attempt": "att-1", "attempt_number": 1, "signals": signals,
        "criteria": [{"id": "AC-1", "text": "It works."}], "tool": "post_message",
    });
    format!(
        "# Who you are\n\n- Task: EPIC-001, \"Greet\"\n\n# The task\n\nObjective: Say hello.\n\n\
         # How this session ends: the verdict contract\n\n```json verdict-contract\n{contract:#}\n```\n"
    )
}
