//! The channel of a room: read by pages, written to by a person.

use std::time::Duration;

use ostwin_core::channel::{Filter, Message};
use ostwin_core::ids::{MessageId, RoleRef, SignalName};
use ostwin_core::room::{self, Answering, HUMAN, PostRequest, Speaker};
use ostwin_watch::Changed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rooms::RoomPath;
use crate::call::Call;
use crate::http::{Problem, Route, get, post};

/// Messages in one answer, unless asked for another number.
const MESSAGES: usize = 100;
/// Most messages in one answer.
const MOST_MESSAGES: usize = 500;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get(
            "/api/rooms/{id}/channel",
            "Messages of a room, oldest first: the newest, or those before or after one",
            messages,
        ),
        post("/api/rooms/{id}/channel", "A person's message, answer, or permission", 201, speak),
    ]
}

/// Which messages are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct ChannelQuery {
    /// Only those behind this number.
    after: Option<u64>,
    /// Only those before this number.
    before: Option<u64>,
    /// At most so many; 100 if left out, 500 at most.
    limit: Option<usize>,
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<SignalName>,
    /// Only from this role.
    from: Option<String>,
    /// Only with this text, in any case.
    q: Option<String>,
}

/// A part of a channel.
#[derive(Debug, Serialize, JsonSchema)]
struct Messages {
    /// The messages, oldest first.
    items: Vec<Message>,
    /// What `after` has to be for newer ones; null if there are none yet.
    next_cursor: Option<String>,
    /// What `before` has to be for older ones; null if there are none.
    prev_cursor: Option<String>,
    /// Lines on the way that could not be read.
    skipped_lines: usize,
    /// The length of the whole channel.
    total_bytes: u64,
}

fn messages(call: &Call, path: RoomPath, query: ChannelQuery) -> Result<Messages, Problem> {
    let (_, room) = call.room(&path.id)?;
    let channel = room.channel();
    let limit = query.limit.unwrap_or(MESSAGES).clamp(1, MOST_MESSAGES);
    let filter = Filter { kind: query.kind, from: query.from, text: query.q, ..Filter::default() };
    let (page, newer, older) = match (query.after, query.before) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("`after` and `before` exclude each other"));
        }
        (Some(after), None) => {
            let page = channel.after(&filter, after, limit)?;
            let newer = page.more;
            // What the cursor points behind is there, if anything is.
            let older = after > 0;
            (page, newer, older)
        }
        (None, before) => {
            let page = channel.newest(&filter, limit, before)?;
            let older = page.more;
            (page, before.is_some(), older)
        }
    };
    let last = page.messages.last().map(|message| message.seq.to_string());
    let first = page.messages.first().map(|message| message.seq.to_string());
    let total_bytes = std::fs::metadata(channel.path()).map_or(0, |metadata| metadata.len());
    Ok(Messages {
        next_cursor: last.filter(|_| newer),
        prev_cursor: first.filter(|_| older),
        skipped_lines: page.skipped,
        total_bytes,
        items: page.messages,
    })
}

/// What a person says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// What it is.
    kind: SaidKind,
    /// Markdown; with a permission, why or what to mind.
    #[serde(default)]
    body: String,
    /// The message that is answered; may be left out where only one waits.
    #[serde(default)]
    re: Option<MessageId>,
    /// Whom a message is for; the room's work if left out.
    #[serde(default)]
    to: Option<RoleRef>,
}

/// What a person's word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SaidKind {
    /// A note that the next session reads, and the running one if it looks.
    Message,
    /// The answer to a question.
    Answer,
    /// A permission is given.
    Approve,
    /// A permission is refused.
    Deny,
}

/// The message that was posted.
#[derive(Debug, Serialize, JsonSchema)]
struct Spoken {
    /// Its id.
    message_id: MessageId,
    /// Its number in the channel.
    seq: u64,
}

fn speak(call: &Call, path: RoomPath, said: Said) -> Result<Spoken, Problem> {
    let (served, room) = call.room(&path.id)?;
    let seconds = served.current().settings.config.ask_timeout_seconds;
    let patience = Duration::from_secs(seconds);
    let note = Some(said.body.clone()).filter(|body| !body.trim().is_empty());
    let answering = match said.kind {
        SaidKind::Message => None,
        SaidKind::Answer => Some(Answering::Words(said.body.clone())),
        SaidKind::Approve => Some(Answering::Permission { allowed: true, note }),
        SaidKind::Deny => Some(Answering::Permission { allowed: false, note }),
    };
    let message = match answering {
        Some(answering) => {
            room::reply(&room, said.re.as_ref(), &answering, &call.app.actor, patience)?
        }
        None if said.body.trim().is_empty() => {
            return Err(Problem::unprocessable("a message needs a `body`"));
        }
        None => {
            let to = match said.to {
                Some(to) => to,
                None => room.contract()?.assignment.assigned_role,
            };
            let speaker = Speaker { role: RoleRef::new(HUMAN)?, attempt: None };
            let request = PostRequest {
                to,
                kind: SignalName::new("note")?,
                reference: said.re.map(|id| id.to_string()),
                body: said.body,
                data: Some(serde_json::json!({ "actor": call.app.actor })),
            };
            room::post(&room, &speaker, request)?.message
        }
    };
    served.refresh(Some(Changed::RoomChannel(room.id().clone())));
    Ok(Spoken { message_id: message.id, seq: message.seq })
}
