//! Chat completions, as many services and programs speak them.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Answer, Conversation, Dialect, chunk, end};

/// What a request says of the conversation.
pub(super) fn conversation(request: &Value) -> Conversation {
    let messages: Vec<&Value> = request["messages"].as_array().into_iter().flatten().collect();
    let of = |role: &'static str| messages.iter().filter(move |message| message["role"] == role);
    let tools = request["tools"].as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["function"]["name"].as_str());
    Conversation {
        dialect: Dialect::Chat,
        prompt: of("user").map(|message| words(message)).collect(),
        calls: of("tool").count(),
        tools: names.map(str::to_owned).collect(),
    }
}

/// The text of a message, whichever form it has.
fn words(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// One event with this part of an answer.
fn part(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "answer", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

pub(super) fn text(text: &str) -> Value {
    part(&json!({ "role": "assistant", "content": text }), None)
}

/// Streams a whole answer, and what it used.
pub(super) fn stream(writer: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let finish = match answer {
        Answer::Text(words) => {
            chunk(writer, &text(words))?;
            "stop"
        }
        Answer::Call { tool, arguments } => {
            let call = json!({
                "index": 0, "id": format!("call-{}", fastrand::u64(..)), "type": "function",
                "function": { "name": tool, "arguments": arguments.to_string() },
            });
            chunk(writer, &part(&json!({ "role": "assistant", "tool_calls": [call] }), None))?;
            "tool_calls"
        }
    };
    chunk(writer, &part(&json!({}), Some(finish)))?;
    let usage = json!({ "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 });
    let mut used = part(&json!({}), None);
    used["choices"] = json!([]);
    used["usage"] = usage;
    chunk(writer, &used)?;
    writer.write_all(b"e\r\ndata: [DONE]\n\n\r\n")?;
    end(writer)
}
