//! A server over a temporary project, and a client that sends exactly what a test says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use ostwin_api::{Options, Server, token_of};
use ostwin_core::config::Config;
use ostwin_core::ids::{PlanId, RoleRef, RoomId, SignalName};
use ostwin_core::layout::Layout;
use ostwin_core::lifecycle::{GenerateOptions, ReviewRestart, TriageMode, generate};
use ostwin_core::plan::{Entry, Epic};
use ostwin_core::plans;
use ostwin_core::project::Project;
use ostwin_core::room::{Contract, NewRoom, Room, create};
use ostwin_core::store::{Durability, Store};
use ostwin_testkit::TestProject;
use serde_json::Value;
use tokio::sync::watch;

use crate::contract;

/// How long anything may take that is expected to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A plan of three epics, of which the last waits for the others.
pub(crate) const PLAN: &str = "# Plan: Shop\n\n## EPIC-001: One\n\nFirst.\n\n## EPIC-002: Two\n\n\
    Second.\n\n## EPIC-003: Three\n\ndepends_on: [EPIC-001, EPIC-002]\n\nThird.\n";

/// A running server.
pub(crate) struct Dashboard {
    pub(crate) files: TestProject,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) link: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// A server over a new project.
    pub(crate) fn new() -> Self {
        Self::over(TestProject::new().unwrap())
    }

    /// A server over this project.
    pub(crate) fn over(files: TestProject) -> Self {
        Self::over_several(files, &[])
    }

    /// A server over this project and others.
    pub(crate) fn over_several(files: TestProject, others: &[&TestProject]) -> Self {
        let token = token_of(files.layout()).unwrap();
        let others = others.iter().map(|other| other.layout().clone());
        let options = Options {
            projects: std::iter::once(files.layout().clone()).chain(others).collect(),
            bind: [127, 0, 0, 1].into(),
            port: 0,
            hosts: Vec::new(),
            actor: "ada".to_owned(),
        };
        let (stop, stopped) = watch::channel(false);
        let (started, is_started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = Server::start(&options).await.unwrap();
                started.send((server.address(), server.link().unwrap())).unwrap();
                server.serve(stopped).await;
            });
        });
        let (address, link) = is_started.recv_timeout(PATIENCE).unwrap();
        Self { files, address, token, link, stop, thread: Some(thread) }
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.files.layout()
    }

    pub(crate) fn project(&self) -> Project {
        project(self.layout())
    }

    /// Sends exactly these headers beside `Host`, `Connection` and the length of the body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.connect(method, path, headers, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let answer = Answer::of(&bytes);
        contract::check(method, path, &answer);
        answer
    }

    fn connect(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A program's request, with the token.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = self.bearer();
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, &headers[..if body.is_empty() { 1 } else { 2 }], body.as_bytes())
    }

    /// What a `GET` with the token answers, which must be a success.
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Follows the stream.
    pub(crate) fn stream(&self, query: &str, last: Option<&str>) -> Events {
        let bearer = self.bearer();
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(last.map(|last| ("Last-Event-ID", last)));
        let stream = self.connect("GET", &format!("/api/stream{query}"), &headers, b"");
        Events::of(stream)
    }

    /// Imports a plan without a server's help.
    pub(crate) fn import(&self, text: &str) -> PlanId {
        let project = self.project();
        let source = Path::new("/nowhere/PLAN.md");
        plans::import(&project, source, text.as_bytes(), "Shop", false).unwrap().meta.plan_id
    }

    /// A plan with one room, for its first epic.
    pub(crate) fn room(&self) -> (PlanId, Room) {
        let plan = self.import(PLAN);
        let room = room(&self.project(), &plan);
        (plan, room)
    }

    /// Waits until a `GET` answers what is wanted.
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        ostwin_testkit::wait_until(path, PATIENCE, || {
            let answer = self.ask("GET", path, None);
            (answer.status == 200).then(|| answer.json()).filter(|json| wanted(json))
        })
        .unwrap_or_else(|_| panic!("{path}: {}", self.ask("GET", path, None).text()))
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// A project that writes without syncing.
pub(crate) fn project(layout: &Layout) -> Project {
    let store = Store { durability: Durability::Os, ..Store::default() };
    Project::configured(layout.clone(), &Config::default(), Default::default())
        .map(|project| Project::new(project.layout().clone(), store))
        .unwrap()
}

/// The room of a plan's first epic, as an engine makes it.
pub(crate) fn room(project: &Project, plan: &PlanId) -> Room {
    let roles: [RoleRef; 2] = ["engineer".parse().unwrap(), "qa".parse().unwrap()];
    let options = GenerateOptions {
        default_role: roles[0].clone(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    let epic = Epic::new("EPIC-001".parse().unwrap(), Entry::Epic);
    let now = project.store().now();
    let dir = project.layout().root().to_owned();
    let contract = Contract::of_epic(&epic, plan, RoomId::numbered(1), &roles, dir, now).unwrap();
    let new = NewRoom {
        contract,
        machine: generate(&roles, &options).unwrap(),
        brief: "# Brief\n".to_owned(),
        tasks: String::new(),
        actor: "engine".to_owned(),
    };
    create(project, new).unwrap()
}

/// Posts a note into a room's channel.
pub(crate) fn note(room: &Room, body: &str) {
    let draft = ostwin_core::channel::Draft {
        attempt: None,
        from: RoleRef::new("engineer").unwrap(),
        to: RoleRef::new("qa").unwrap(),
        kind: SignalName::new("note").unwrap(),
        reference: None,
        body: body.to_owned(),
        data: None,
    };
    let store = room.project().store();
    room.channel().post(store, draft, &[], 1 << 20).unwrap();
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|how| how == "chunked");
        let body = if chunked { unchunked(&bytes[end..]) } else { bytes[end..].to_vec() };
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return body };
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// One event of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl StreamEvent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// An open stream.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
    pub(crate) head: String,
}

impl Events {
    fn of(stream: TcpStream) -> Self {
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).unwrap() > 0, "{head}");
        }
        Self { lines, head }
    }

    /// The next event; `None` when the stream has ended.
    pub(crate) fn next(&mut self) -> Option<StreamEvent> {
        let mut event = StreamEvent::default();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            match line.split_once(':') {
                Some(("event", value)) => event.name = value.trim().to_owned(),
                Some(("id", value)) => event.id = value.trim().to_owned(),
                Some(("data", value)) => event.data = value.trim().to_owned(),
                _ if line.is_empty() && !event.name.is_empty() => return Some(event),
                // Sizes of chunks, and comments.
                _ => {}
            }
        }
    }

    /// The next event of this name.
    pub(crate) fn next_of(&mut self, name: &str) -> StreamEvent {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ended before `{name}`"));
            if event.name == name {
                return event;
            }
        }
    }
}
