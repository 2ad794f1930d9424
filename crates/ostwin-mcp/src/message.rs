//! Messages as callers see them.

use ostwin_core::channel::Message;
use ostwin_core::ids::{AttemptId, MessageId, RoleRef, SignalName};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// Longest structured part that is shown, in bytes of JSON: one message must always fit into an
/// answer beside its body.
const MAX_DATA_SHOWN: usize = 24 * 1024;

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct View {
    /// Its id.
    pub(crate) id: MessageId,
    /// Its number in the channel.
    pub(crate) seq: u64,
    /// When it was posted.
    pub(crate) ts: Timestamp,
    /// The attempt that spoke; null for people and the engine.
    attempt: Option<AttemptId>,
    /// Who spoke.
    from: RoleRef,
    /// Who is meant.
    to: RoleRef,
    /// Its type.
    #[serde(rename = "type")]
    kind: SignalName,
    /// What it is about.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// What it says, in Markdown.
    body: String,
    /// How many characters of the body were left out, because `body_chars` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_left_out: Option<usize>,
    /// The structured part.
    data: Option<Map<String, Value>>,
    /// The size of a structured part that is too large to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_left_out_bytes: Option<usize>,
}

impl View {
    /// The message with at most `body_chars` characters of its body.
    pub(crate) fn new(message: Message, body_chars: Option<usize>) -> Self {
        let (body, body_left_out) = shortened(message.body, body_chars);
        // Anything but an object is a line that was written by hand.
        let data = message.data.map(|data| match data {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        });
        let bytes = data.as_ref().map_or(0, json_bytes);
        let too_large = bytes > MAX_DATA_SHOWN;
        Self {
            id: message.id,
            seq: message.seq,
            ts: message.ts,
            attempt: message.attempt,
            from: message.from,
            to: message.to,
            kind: message.kind,
            reference: message.reference,
            body,
            body_left_out,
            data: data.filter(|_| !too_large),
            data_left_out_bytes: too_large.then_some(bytes),
        }
    }
}

fn json_bytes(fields: &Map<String, Value>) -> usize {
    serde_json::to_string(fields).map_or(0, |json| json.len())
}

/// At most this many characters of a body, and how many were left out, if any.
pub(crate) fn shortened(mut body: String, chars: Option<usize>) -> (String, Option<usize>) {
    let Some(cut) = chars.and_then(|chars| body.char_indices().nth(chars)) else {
        return (body, None);
    };
    let left_out = body[cut.0..].chars().count();
    body.truncate(cut.0);
    (body, Some(left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_cut_between_characters() {
        assert_eq!(shortened("größe".into(), Some(3)), ("grö".into(), Some(2)));
        assert_eq!(shortened("größe".into(), Some(5)), ("größe".into(), None));
        assert_eq!(shortened("größe".into(), None), ("größe".into(), None));
    }
}
