//! An agent made of nothing but JSON lines, so that the driver is tested
//! against the wire and not against its own library.

use std::process::ExitCode;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Lines,
};
use tokio::signal::unix::{SignalKind, signal};

/// One end of a connection, seen from the agent.
pub(crate) struct Wire<R, W> {
    reader: Lines<BufReader<R>>,
    writer: W,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Wire<R, W> {
    pub(crate) fn new(reader: R, writer: W) -> Self {
        Self { reader: BufReader::new(reader).lines(), writer }
    }

    /// The next message; `None` when the client is gone.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.reader.next_line().await.ok()??;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next message, which must be this request. Returns its id and parameters.
    pub(crate) async fn expect(&mut self, method: &str) -> (Value, Value) {
        let message = self.next().await.expect("the client is gone");
        assert_eq!(message["method"], method, "{message}");
        (message["id"].clone(), message["params"].clone())
    }

    /// Sends a line as it is. An error means that the client is gone.
    pub(crate) async fn line(&mut self, line: &str) -> std::io::Result<()> {
        self.writer.write_all(format!("{line}\n").as_bytes()).await?;
        self.writer.flush().await
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.line(&message.to_string()).await.expect("the client is gone");
    }

    pub(crate) async fn answer(&mut self, id: &Value, result: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result})).await;
    }

    pub(crate) async fn refuse(&mut self, id: &Value, code: i32, message: &str) {
        let error = json!({"code": code, "message": message});
        self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error})).await;
    }

    /// Goes through the handshake as an agent that can load sessions. Returns
    /// the parameters of `session/new`.
    pub(crate) async fn open(&mut self, session: &str) -> Value {
        let (id, _) = self.expect("initialize").await;
        self.answer(&id, &initialized()).await;
        let (id, params) = self.expect("session/new").await;
        self.answer(&id, &json!({"sessionId": session})).await;
        params
    }

    /// Says something in this session.
    pub(crate) async fn say(&mut self, text: &str) {
        self.send(&said(text)).await;
    }
}

pub(crate) fn initialized() -> Value {
    json!({
        "protocolVersion": 1,
        "agentCapabilities": {"loadSession": true},
        "agentInfo": {"name": "fake", "version": "7"},
    })
}

/// An update that says `text`.
pub(crate) fn said(text: &str) -> Value {
    let content = json!({"type": "text", "text": text});
    json!({"jsonrpc": "2.0", "method": "session/update", "params": {
        "sessionId": "s", "update": {"sessionUpdate": "agent_message_chunk", "content": content},
    }})
}

/// An agent as a process.
pub(crate) fn main(behaviour: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = runtime.block_on(behave(behaviour));
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn behave(behaviour: &str) -> u8 {
    let mut wire = Wire::new(tokio::io::stdin(), tokio::io::stdout());
    if behaviour == "mute" {
        return std::future::pending().await;
    }
    // It ends with its input, however late a busy machine lets it see that: SIGTERM is heard and
    // not heeded.
    let heard = (behaviour != "deaf").then(|| signal(SignalKind::terminate()).unwrap());
    let code = converse(behaviour, &mut wire).await;
    drop(heard);
    code
}

async fn converse<R, W>(behaviour: &str, wire: &mut Wire<R, W>) -> u8
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    wire.open("s").await;
    let mut prompts = 0;
    while let Some(message) = wire.next().await {
        if message["method"] != "session/prompt" {
            continue;
        }
        prompts += 1;
        let text = message["params"]["prompt"][0]["text"].as_str().unwrap().to_owned();
        match behaviour {
            "polite" => wire.say(&format!("you said: {text}")).await,
            "busy" if prompts <= 2 => {
                wire.refuse(&message["id"], 429, "too many requests").await;
                continue;
            }
            "busy" => {}
            "limited" => {
                wire.refuse(&message["id"], 429, "too many requests, try again in 8s").await;
                continue;
            }
            // Goes on until it is cancelled.
            "long" => {
                wire.say("working").await;
                while wire.next().await.expect("cancel")["method"] != "session/cancel" {}
                wire.answer(&message["id"], &json!({"stopReason": "cancelled"})).await;
                continue;
            }
            "deaf" => return std::future::pending().await,
            "mortal" => return 3,
            other => panic!("no agent behaves like `{other}`"),
        }
        let usage = json!({"inputTokens": 10, "outputTokens": 5, "totalTokens": 15});
        wire.answer(&message["id"], &json!({"stopReason": "end_turn", "usage": usage})).await;
    }
    0
}
