//! A model's service on loopback that plays a script, in the dialects that programs speak.

mod chat;
mod gemini;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// How the service answers.
#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// It plays the worker and the reviewer of a room, who do their work.
    Work,
    /// It refuses with this status and message.
    Refuse(u16, String),
    /// It begins an answer and cuts the connection.
    Break,
    /// It takes the request and says nothing.
    Silence,
}

/// The running service. Its threads end with the test's process.
pub(super) struct Model {
    address: String,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    pub(super) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let (manner, asked) = (Arc::new(Mutex::new(manner)), Arc::default());
        let model = Self { address, manner: Arc::clone(&manner), asked: Arc::clone(&asked) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, asked) = (Arc::clone(&manner), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &manner, &asked));
            }
        });
        model
    }

    /// The base address of the service.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Every request that came with tools, that is, for work, so far.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// From now on it answers so.
    pub(super) fn turn(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

/// Answers one connection's requests until it is closed.
fn serve(stream: TcpStream, manner: &Mutex<Manner>, asked: &Mutex<Vec<Value>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let conversation = Conversation::of(&request);
        if conversation.is_work() {
            asked.lock().unwrap().push(request.clone());
        }
        let manner = manner.lock().unwrap().clone();
        let answered = match manner {
            Manner::Work => {
                let answer = answer(&conversation);
                head(&mut writer).and_then(|()| match conversation.dialect {
                    Dialect::Chat => chat::stream(&mut writer, &answer),
                    Dialect::Gemini => gemini::stream(&mut writer, &answer),
                })
            }
            Manner::Refuse(status, message) => refuse(&mut writer, status, &message),
            Manner::Break => {
                let begun = head(&mut writer).and_then(|()| match conversation.dialect {
                    Dialect::Chat => chunk(&mut writer, &chat::text("I am")),
                    Dialect::Gemini => chunk(&mut writer, &gemini::text("I am")),
                });
                drop(begun);
                drop(writer.shutdown(std::net::Shutdown::Both));
                return;
            }
            Manner::Silence => {
                // The client gives up first, and closes.
                drop(reader.read(&mut [0]));
                return;
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

/// The body of the next request; `None` when there is none any more.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// How a program speaks with its model.
#[derive(Clone, Copy)]
enum Dialect {
    /// Chat completions.
    Chat,
    /// The API of Gemini.
    Gemini,
}

/// A conversation so far, whatever the dialect.
struct Conversation {
    dialect: Dialect,
    /// Everything that the user has said.
    prompt: String,
    /// How many calls of tools were answered.
    calls: usize,
    /// The tools, under the names that the program has given them.
    tools: Vec<String>,
}

impl Conversation {
    fn of(request: &Value) -> Self {
        if request.get("contents").is_some() {
            gemini::conversation(request)
        } else {
            chat::conversation(request)
        }
    }

    /// A request without tools only asks for the title of a conversation.
    fn is_work(&self) -> bool {
        !self.tools.is_empty()
    }
}

fn refuse(writer: &mut TcpStream, status: u16, message: &str) -> std::io::Result<()> {
    let body = json!({ "error": { "message": message, "type": "refused" } }).to_string();
    write!(
        writer,
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn head(writer: &mut TcpStream) -> std::io::Result<()> {
    writer.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )
}

fn chunk(writer: &mut TcpStream, event: &Value) -> std::io::Result<()> {
    let event = format!("data: {event}\n\n");
    write!(writer, "{:x}\r\n{event}\r\n", event.len())?;
    writer.flush()
}

/// The end of a stream.
fn end(writer: &mut TcpStream) -> std::io::Result<()> {
    writer.write_all(b"0\r\n\r\n")?;
    writer.flush()
}

/// What the model says.
enum Answer {
    Text(String),
    Call { tool: String, arguments: Value },
}

/// The next step of whoever the prompt makes the model: it reports, the worker remembers something,
/// and then posts the signal.
fn answer(conversation: &Conversation) -> Answer {
    let call = |plain, arguments| call(&conversation.tools, plain, arguments);
    let worker = conversation.prompt.contains("You are `engineer`");
    if !conversation.is_work() {
        return Answer::Text("A title".to_owned());
    }
    match (conversation.calls, worker) {
        (0, _) => call("report_progress", json!({ "percent": 50, "message": "half of it" })),
        (1, true) => call(
            "publish",
            json!({ "kind": "decision", "summary": "Cents are integers", "tags": ["money"] }),
        ),
        (2, true) => call(
            "post_message",
            json!({ "to": "qa", "type": "done", "body": "It is there, seen by a test." }),
        ),
        (1, false) => {
            let criteria: Vec<Value> = ["DOD-1", "AC-1"]
                .iter()
                .map(|id| json!({ "id": id, "met": true, "evidence": "seen by running it" }))
                .collect();
            let data = json!({ "verdict": "pass", "summary": "It works.", "criteria": criteria });
            let body = "I ran it.";
            call(
                "post_message",
                json!({ "to": "engineer", "type": "pass", "body": body, "data": data }),
            )
        }
        _ => Answer::Text("Posted.".to_owned()),
    }
}

/// A call of the tool with this plain name, under the name that the program has given it.
fn call(tools: &[String], plain: &str, arguments: Value) -> Answer {
    match tools.iter().find(|name| name.ends_with(plain)) {
        Some(tool) => Answer::Call { tool: tool.clone(), arguments },
        None => Answer::Text(format!("There is no tool {plain}, only {}.", tools.join(", "))),
    }
}

/// Longest time until a request for work arrives, on a slow and busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);
