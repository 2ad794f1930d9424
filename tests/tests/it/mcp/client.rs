//! A client that writes the lines of the protocol itself, and a room for it to work in.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use ostwin_core::channel::{Filter, Message};
use ostwin_core::ids::{AttemptId, EpicId, PlanId, RoleRef, RoomId, RunId};
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::{Criterion, Entry, Epic};
use ostwin_core::project::Project;
use ostwin_core::room::{self, Attempt, Contract, NewAttempt, NewRoom, Room, Why};
use ostwin_core::store::{Durability, Store};
use ostwin_core::time::Timestamp;
use ostwin_testkit::{Process, TestProject};
use serde_json::{Value, json};

/// Longest wait for one line, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server and the two ends of its conversation.
pub(super) struct Client {
    process: Process,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    next_id: u64,
}

impl Client {
    /// Starts a server that has not been greeted yet.
    pub(super) fn start(project: &TestProject, server: &str, args: &[&str]) -> Self {
        let mut command = project.command(server).unwrap();
        command.args(args).arg("--project").arg(project.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command).unwrap();
        let input = process.child().stdin.take();
        let output = BufReader::new(process.child().stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, input, lines, next_id: 0 }
    }

    /// Starts a server and greets it by `initialize`.
    pub(super) fn greeted(project: &TestProject, server: &str, args: &[&str]) -> Self {
        let mut client = Self::start(project, server, args);
        client.initialize("2025-11-25");
        client
    }

    pub(super) fn initialize(&mut self, version: &str) -> Value {
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "lines", "version": "1" },
        });
        let answer = self.request("initialize", &params);
        self.line(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer["result"].clone()
    }

    /// Greets the server; `None` if it ends instead of answering.
    pub(super) fn try_initialize(&mut self) -> Option<Value> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "lines", "version": "1" },
        });
        let request =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        if let Some(input) = self.input.as_mut() {
            // A server that has ended reads nothing.
            drop(input.write_all(format!("{request}\n").as_bytes()));
        }
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).ok(),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the server neither answered nor ended"),
        }
    }

    /// The most memory that the server has used, in KiB.
    pub(super) fn peak_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Writes bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    pub(super) fn line(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes());
    }

    /// Sends a request and gives its number.
    pub(super) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The next line of the server.
    pub(super) fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("the server wrote no line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in `{line}`"))
    }

    /// Sends a request and gives its answer, which is the next line.
    pub(super) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let answer = self.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool; the structured content and whether it is an error. The text says the same.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> (Value, bool) {
        let answer = self.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
        unpack(&answer)
    }

    /// Calls a tool that must do it.
    pub(super) fn ok(&mut self, tool: &str, arguments: &Value) -> Value {
        let (content, is_error) = self.call(tool, arguments);
        assert!(!is_error, "{tool} {arguments}: {content}");
        content
    }

    /// Calls a tool that must refuse: the code and the message.
    pub(super) fn refused(&mut self, tool: &str, arguments: &Value) -> (String, String) {
        let (content, is_error) = self.call(tool, arguments);
        assert!(is_error, "{tool} {arguments}: {content}");
        let text = |field: &str| content[field].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    /// The number of the server's process.
    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Ends the input and waits for the end of the process.
    pub(super) fn hang_up(mut self) -> (ExitStatus, Vec<String>) {
        drop(self.input.take());
        let status = self.process.wait(PATIENCE).unwrap();
        (status, self.lines.iter().collect())
    }
}

/// What a tool answered and whether it is an error. A result comes as structured content and once
/// as text; an error is text alone, as no schema describes it.
pub(super) fn unpack(answer: &Value) -> (Value, bool) {
    let result = &answer["result"];
    assert_eq!(
        result["content"].as_array().map(Vec::len),
        Some(1),
        "the text comes once: {answer}"
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    let content: Value = serde_json::from_str(text).unwrap();
    assert!(content.is_object(), "{answer}");
    let is_error = result["isError"] == true;
    let structured = (!is_error).then_some(&content);
    assert_eq!(result.get("structuredContent"), structured, "{answer}");
    (content, is_error)
}

/// A project with one room of an engineer and a reviewer.
pub(crate) struct Table {
    pub(crate) project: TestProject,
    pub(crate) room: Room,
}

impl Table {
    pub(super) fn new() -> Self {
        let project = TestProject::new().unwrap();
        let store = Store { durability: Durability::Os, ..Store::default() };
        let core = Project::new(project.layout().clone(), store);
        let room = room::create(&core, new_room()).unwrap();
        Self { project, room }
    }

    /// Moves the room by a signal of the engine.
    pub(super) fn signal(&self, signal: &str) {
        let why = Why::engine("test", "as the test wants it");
        self.room.locked(|room| room.signal(&signal.parse().unwrap(), why)).unwrap();
    }

    /// Opens an attempt that may take `timeout`.
    pub(super) fn open(&self, role: &str, timeout: Duration) -> Attempt {
        let new = NewAttempt {
            role: role.parse().unwrap(),
            agent: "lines".to_owned(),
            model: None,
            rehearsed: false,
            run_id: RunId::generate(Timestamp::from_millis(1), 1),
            timeout,
            provenance: Value::Null,
        };
        self.room.locked(|room| room.open_attempt(new)).unwrap()
    }

    /// A room at work and its open attempt.
    pub(crate) fn at_work() -> (Self, Attempt) {
        let table = Self::new();
        table.signal("ready");
        let attempt = table.open("engineer", Duration::from_secs(900));
        (table, attempt)
    }

    /// A server bound to this identity.
    pub(super) fn seat(&self, server: &str, role: &str, attempt: &AttemptId) -> Client {
        let room = self.room.id().as_str();
        let args = ["--room", room, "--role", role, "--attempt", attempt.as_str()];
        Client::greeted(&self.project, server, &args)
    }

    pub(super) fn state(&self) -> String {
        self.room.standing().unwrap().state.to_string()
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        self.room.channel().newest(&Filter::default(), usize::MAX, None).unwrap().messages
    }
}

fn new_room() -> NewRoom {
    let roles: [RoleRef; 2] = ["engineer", "qa"].map(|role| role.parse().unwrap());
    let mut epic = Epic::new(EpicId::new("EPIC-001").unwrap(), Entry::Epic);
    epic.title = "A shop".to_owned();
    let criterion =
        |id: &str| Criterion { id: id.into(), text: format!("{id} holds"), checked: false };
    epic.acceptance_criteria = vec![criterion("AC-1"), criterion("AC-2")];
    let contract = Contract::of_epic(
        &epic,
        &PlanId::new("shop-000001").unwrap(),
        RoomId::numbered(1),
        &roles,
        "/srv/app".into(),
        Timestamp::from_millis(0),
    )
    .unwrap();
    let options = GenerateOptions {
        default_role: roles[0].clone(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    NewRoom {
        brief: room::brief(&epic, &contract),
        tasks: room::tasks(&epic),
        contract,
        machine: generate(&roles, &options).unwrap(),
        actor: "engine".to_owned(),
    }
}
