//! What a line means: a message, a fault to be answered, or nothing.
//!
//! The protocol library leaves most faults without their number, and takes a known method with
//! odd parameters for an unknown one. Here each fault gets the code and the number that JSON-RPC
//! asks for, and what JSON-RPC leaves without an answer stays so: notifications, answers, and what
//! is no JSON.

use rmcp::RoleServer;
use rmcp::model::{
    ClientRequest, ErrorCode, ErrorData, JsonRpcError, JsonRpcMessage, ProtocolVersion, RequestId,
};
use rmcp::service::RxJsonRpcMessage;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::skim::Skim;

/// A message of the client.
pub(super) type Incoming = RxJsonRpcMessage<RoleServer>;

/// The only revision that has batches: the one before did not name them yet, the next took them
/// out again.
const BATCHES: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// The methods of the protocol that a server answers, apart from those of extensions.
const METHODS: [&str; 14] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "tools/call",
    "tools/list",
];

/// What one message is.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something to work on.
    Message(Box<Incoming>),
    /// Something wrong, and what is answered.
    Fault(JsonRpcError),
    /// Something that gets no answer.
    Nothing,
}

/// What a line is.
#[derive(Debug)]
pub(super) enum Said {
    /// One message.
    One(Heard),
    /// Several, which are answered together.
    Batch(Vec<Heard>),
}

/// What `line` says in a conversation of this revision, if one has been agreed on.
pub(super) fn hear(line: &[u8], version: Option<&ProtocolVersion>) -> Said {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if !line.starts_with(b"[") {
        return Said::One(message(line));
    }
    let parts = match serde_json::from_slice::<Vec<Value>>(line) {
        Ok(parts) => parts,
        Err(error) => return Said::One(unreadable(line, &error)),
    };
    if version != Some(&BATCHES) {
        let text = format!(
            "batches are for revision {BATCHES} of the protocol only: send one message per line"
        );
        return Said::One(fault(None, ErrorCode::INVALID_REQUEST, text));
    }
    if parts.is_empty() {
        let text = "a batch has at least one message".to_owned();
        return Said::One(fault(None, ErrorCode::INVALID_REQUEST, text));
    }
    Said::Batch(parts.iter().map(|part| message(part.to_string().as_bytes())).collect())
}

/// A message that was too long to be read.
pub(super) fn too_long(id: Option<RequestId>, max: usize) -> Heard {
    let text = format!("the message is longer than {max} bytes: send less at once");
    fault(id, ErrorCode::INVALID_REQUEST, text)
}

/// A request whose number is that of another one that still runs.
pub(super) fn number_in_use(id: &RequestId) -> JsonRpcError {
    let text = format!("the id {id} is that of a request that is not answered yet");
    JsonRpcError::new(None, ErrorData::invalid_request(text, None))
}

/// As much of a client's text as is said back to it.
pub(super) fn in_short(text: &str) -> String {
    const MOST: usize = 1_000;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

fn fault(id: Option<RequestId>, code: ErrorCode, text: String) -> Heard {
    Heard::Fault(JsonRpcError::new(id, ErrorData::new(code, text, None)))
}

fn message(text: &[u8]) -> Heard {
    match serde_json::from_slice::<Incoming>(text) {
        Ok(JsonRpcMessage::Request(request)) => match &request.request {
            ClientRequest::CustomRequest(odd) if METHODS.contains(&odd.method.as_str()) => {
                let text = format!("the params of `{}` are not what it takes", odd.method);
                fault(Some(request.id), ErrorCode::INVALID_PARAMS, text)
            }
            ClientRequest::CustomRequest(odd) => {
                let text = format!("there is no method `{}` here", in_short(&odd.method));
                fault(Some(request.id), ErrorCode::METHOD_NOT_FOUND, text)
            }
            _ => Heard::Message(Box::new(JsonRpcMessage::Request(request))),
        },
        Ok(message) => Heard::Message(Box::new(message)),
        Err(_) => match serde_json::from_slice::<Value>(text) {
            Ok(Value::Object(odd)) => diagnosis(&odd),
            Ok(_) => {
                let text = "a message is an object".to_owned();
                fault(None, ErrorCode::INVALID_REQUEST, text)
            }
            Err(error) => unreadable(text, &error),
        },
    }
}

/// What cannot be read: no JSON at all, which gets no answer, or JSON beyond what is taken, such as
/// one that is nested too deeply. Whoever asked with that would wait for ever.
fn unreadable(text: &[u8], error: &serde_json::Error) -> Heard {
    if serde_json::from_slice::<IgnoredAny>(text).is_err() {
        if !text.is_empty() {
            tracing::debug!("passed over a line that is no JSON: {error}");
        }
        return Heard::Nothing;
    }
    let mut skim = Skim::default();
    skim.pass(text);
    let is_object = text.starts_with(b"{");
    match skim.id() {
        None if is_object => {
            tracing::debug!("passed over a notification that cannot be read: {error}");
            Heard::Nothing
        }
        id => {
            let text = format!("the message cannot be read: {error}");
            fault(id, ErrorCode::INVALID_REQUEST, text)
        }
    }
}

/// What is wrong with an object that is no message.
fn diagnosis(odd: &Map<String, Value>) -> Heard {
    let is_answer = odd.contains_key("result") || odd.contains_key("error");
    let is_notification = odd.contains_key("method") && !odd.contains_key("id");
    if is_notification || (is_answer && !odd.contains_key("method")) {
        tracing::debug!("passed over an odd answer or notification");
        return Heard::Nothing;
    }
    let id = odd.get("id").and_then(|id| serde_json::from_value::<RequestId>(id.clone()).ok());
    let (code, text) = if odd.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        (ErrorCode::INVALID_REQUEST, "`jsonrpc` must be \"2.0\"")
    } else if !odd.get("method").is_some_and(Value::is_string) {
        (ErrorCode::INVALID_REQUEST, "`method` must be a text")
    } else if id.is_none() {
        (ErrorCode::INVALID_REQUEST, "`id` must be a text or a whole number")
    } else if !odd.get("params").is_none_or(Value::is_object) {
        (ErrorCode::INVALID_PARAMS, "`params` must be an object")
    } else {
        (ErrorCode::INVALID_REQUEST, "a request has `jsonrpc`, `id`, `method` and `params`")
    };
    fault(id, code, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered at once, as JSON; `Null` for nothing, `true` for a message to work on.
    fn said(line: &str, version: Option<&ProtocolVersion>) -> Value {
        let shown = |heard: Heard| match heard {
            Heard::Message(_) => Value::Bool(true),
            Heard::Fault(error) => {
                let mut shown = vec![serde_json::to_value(error.error.code).unwrap()];
                shown.extend(error.id.map(RequestId::into_json_value));
                Value::Array(shown)
            }
            Heard::Nothing => Value::Null,
        };
        match hear(line.as_bytes(), version) {
            Said::One(heard) => shown(heard),
            Said::Batch(all) => all.into_iter().map(shown).collect(),
        }
    }

    #[test]
    fn every_fault_has_its_code_and_its_number() {
        let invalid = serde_json::json!([-32600]);
        for (line, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, serde_json::json!(true)),
            (r#" {"jsonrpc":"2.0","id":"a","method":"ping"} "#, serde_json::json!(true)),
            (r#"{"jsonrpc":"2.0","id":"a","method":"no/such"}"#, serde_json::json!([-32601, "a"])),
            (r#"{"jsonrpc":"2.0","method":"notifications/odd"}"#, serde_json::json!(true)),
            (r#"{"jsonrpc":"1.0","id":2,"method":"ping"}"#, serde_json::json!([-32600, 2])),
            (r#"{"id":"b","method":"ping"}"#, serde_json::json!([-32600, "b"])),
            (r#"{"jsonrpc":"2.0","id":3,"method":4}"#, serde_json::json!([-32600, 3])),
            (r#"{"jsonrpc":"2.0","id":4}"#, serde_json::json!([-32600, 4])),
            (
                r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}"#,
                serde_json::json!([-32602, 5]),
            ),
            (r#"{"jsonrpc":"2.0","id":6,"method":"tools/call"}"#, serde_json::json!([-32602, 6])),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":7}}"#,
                serde_json::json!([-32602, 7]),
            ),
            (
                r#"{"jsonrpc":"2.0","id":8,"method":"initialize","params":{}}"#,
                serde_json::json!([-32602, 8]),
            ),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, invalid.clone()),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, invalid.clone()),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, invalid.clone()),
            (r#"{"jsonrpc":"2.0"}"#, invalid.clone()),
            ("{}", invalid.clone()),
            ("5", invalid.clone()),
            ("null", invalid),
        ] {
            assert_eq!(said(line, None), expected, "{line}");
        }
    }

    #[test]
    fn what_needs_no_answer_gets_none() {
        for line in [
            "",
            "   \r",
            "not json",
            "{\"jsonrpc\":\"2.0\",\"id\":",
            "[{\"jsonrpc\"",
            "\0\0",
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":7}"#,
            r#"{"jsonrpc":"1.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#,
        ] {
            assert_eq!(said(line, None), Value::Null, "{line}");
        }
    }

    #[test]
    fn json_beyond_what_is_taken_is_refused_and_not_passed_over() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for odd in [deep.as_str(), "1e999", "\"\\ud800\""] {
            let call = format!(r#"{{"params":{{"x":{odd}}},"jsonrpc":"2.0","id":7,"method":"x"}}"#);
            assert_eq!(said(&call, None), serde_json::json!([-32600, 7]), "{call}");
            assert_eq!(said(&format!("[{call}]"), None), serde_json::json!([-32600]), "{call}");
            let notification =
                format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"x":{odd}}}}}"#);
            assert_eq!(said(&notification, None), Value::Null, "{notification}");
        }
    }

    #[test]
    fn a_long_text_is_said_back_in_short() {
        let long = "ä".repeat(5_000);
        assert_eq!(in_short(&long), format!("{}...", "ä".repeat(1_000)));
        assert_eq!(in_short("ä"), "ä");
    }

    #[test]
    fn batches_are_for_one_revision() {
        let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2},5,{"method":"x"}]"#;
        let together = serde_json::json!([true, [-32600, 2], [-32600], null]);
        assert_eq!(said(batch, Some(&BATCHES)), together);
        assert_eq!(said("[]", Some(&BATCHES)), serde_json::json!([-32600]));
        for other in ProtocolVersion::KNOWN_VERSIONS.iter().filter(|version| **version != BATCHES) {
            assert_eq!(said(batch, Some(other)), serde_json::json!([-32600]));
        }
        assert_eq!(said(batch, None), serde_json::json!([-32600]));
    }
}
