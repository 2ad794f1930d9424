//! The API of Gemini: contents of parts, of which some are calls of functions.

use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Answer, Conversation, Dialect, chunk, end};

/// What a request says of the conversation.
pub(super) fn conversation(request: &Value) -> Conversation {
    let contents = || request["contents"].as_array().into_iter().flatten();
    let parts = |content: &'_ Value| content["parts"].as_array().cloned().unwrap_or_default();
    let user = contents().filter(|content| content["role"] == "user").flat_map(parts);
    let tools = request["tools"].as_array().into_iter().flatten();
    let functions = tools.flat_map(|tool| tool["functionDeclarations"].as_array()).flatten();
    let names = functions.filter_map(|function| function["name"].as_str());
    Conversation {
        dialect: Dialect::Gemini,
        prompt: user.filter_map(|part| Some(part["text"].as_str()?.to_owned())).collect(),
        calls: contents().flat_map(parts).filter(|p| p.get("functionResponse").is_some()).count(),
        tools: names.map(str::to_owned).collect(),
    }
}

/// One event with this part of an answer.
fn part(part: &Value) -> Value {
    json!({
        "candidates": [{ "content": { "role": "model", "parts": [part] }, "index": 0 }],
        "modelVersion": "scripted",
    })
}

pub(super) fn text(text: &str) -> Value {
    part(&json!({ "text": text }))
}

/// Streams a whole answer, and what it used.
pub(super) fn stream(writer: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut event = match answer {
        Answer::Text(words) => text(words),
        Answer::Call { tool, arguments } => {
            part(&json!({ "functionCall": { "name": tool, "args": arguments } }))
        }
    };
    event["candidates"][0]["finishReason"] = json!("STOP");
    event["usageMetadata"] =
        json!({ "promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110 });
    chunk(writer, &event)?;
    end(writer)
}
