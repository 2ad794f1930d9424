//! `post_message`: the one way in which a session says something that counts.

use ostwin_core::ids::{MessageId, RoleRef, SignalName};
use ostwin_core::room::{self, PostRefusal, PostRequest, Posted};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::desk::Desk;
use crate::args::Text;
use crate::error::{Code, ToolError};
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PostMessage {
    /// Who is meant: a role such as `qa`, `engine`, or `human`.
    to: RoleRef,
    /// What kind of message it is. `done`: your work is finished. `pass` or `fail`: your verdict
    /// as a reviewer. `escalate`: somebody above you has to decide. `error`: you cannot go on.
    /// These end your attempt. `note`, `question`, `answer`, `review`, `task` only inform.
    #[serde(rename = "type")]
    kind: SignalName,
    /// What you say, in Markdown; at most 65536 bytes. Write anything longer as an artifact and
    /// name it here.
    #[schemars(length(max = 65536))]
    body: String,
    /// What it is about, such as an epic's id or the id of the message that you answer.
    #[serde(default, rename = "ref")]
    reference: Option<Text<1, 256>>,
    /// The structured part. For `pass` and `fail`: `{"verdict": "pass", "summary": "...",
    /// "criteria": [{"id": "AC-1", "met": true, "evidence": "the command and what it printed"}]}`
    /// with one entry for each criterion of the brief. For `done`: `{"artifacts": ["path"]}`.
    #[serde(default)]
    data: Option<Map<String, Value>>,
}

/// A message that was accepted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Accepted {
    /// Its id.
    pub(super) id: MessageId,
    /// Its number in the channel.
    pub(super) seq: u64,
    /// When it was posted.
    pub(super) ts: Timestamp,
    /// Whether it was your attempt's signal. If so, your work is over: end your turn.
    pub(super) is_signal: bool,
}

impl From<&Posted> for Accepted {
    fn from(posted: &Posted) -> Self {
        let message = &posted.message;
        Self {
            id: message.id.clone(),
            seq: message.seq,
            ts: message.ts,
            is_signal: posted.is_signal,
        }
    }
}

pub(super) fn post_message(
    desk: &Desk,
    args: PostMessage,
    _: &Waiting,
) -> Result<Accepted, ToolError> {
    let request = PostRequest {
        to: args.to,
        kind: args.kind,
        reference: args.reference.map(Text::into_string),
        body: args.body,
        data: args.data.map(Value::Object),
    };
    Ok(Accepted::from(&post(desk, request)?))
}

/// Posts as whoever sits at the desk.
pub(super) fn post(desk: &Desk, request: PostRequest) -> Result<Posted, ToolError> {
    Ok(room::post(&desk.room, &desk.speaker, request)?)
}

impl From<PostRefusal> for ToolError {
    fn from(refusal: PostRefusal) -> Self {
        match refusal {
            PostRefusal::Forbidden { .. } => Self::because(Code::Forbidden, &refusal),
            PostRefusal::Conflict { .. } => Self::because(Code::Conflict, &refusal),
            PostRefusal::Verdict(_) => Self::invalid("data", refusal.to_string()),
            PostRefusal::Message(error) => error.into(),
            PostRefusal::Room(error) => error.into(),
        }
    }
}
