//! `room answer`, `approve`, `deny`, `set`: what a person says for one room.

use std::io::Read as _;
use std::time::Duration;

use ostwin_core::env;
use ostwin_core::ids::{MessageId, RoomId};
use ostwin_core::room::{self, Answering, ReplyError, Room, SetError};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use crate::args::RoomReplyArgs;
use crate::context::{Context, actor};
use crate::out::remark;

/// Longest answer that is read; what is longer than a message may be is refused anyway.
const MAX_ANSWER_BYTES: u64 = 8 << 20;

pub(crate) fn answer(
    context: &Context,
    room: &RoomId,
    question: Option<&MessageId>,
    text: &str,
) -> anyhow::Result<Exit> {
    let mut words = text.to_owned();
    if text == "-" {
        words.clear();
        std::io::stdin().lock().take(MAX_ANSWER_BYTES).read_to_string(&mut words)?;
    }
    reply(context, room, question, &Answering::Words(words))
}

pub(crate) fn permission(
    context: &Context,
    args: &RoomReplyArgs,
    allowed: bool,
) -> anyhow::Result<Exit> {
    let answering = Answering::Permission { allowed, note: args.note.clone() };
    reply(context, &args.room, args.request.as_ref(), &answering)
}

fn reply(
    context: &Context,
    id: &RoomId,
    question: Option<&MessageId>,
    answering: &Answering,
) -> anyhow::Result<Exit> {
    refuse_sessions()?;
    let (project, settings) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    let patience = Duration::from_secs(settings.config.ask_timeout_seconds);
    let message = match room::reply(&room, question, answering, &actor(), patience) {
        Ok(message) => message,
        Err(error @ ReplyError::Room(_)) => return Err(error).exit(Exit::Environment),
        Err(error) => {
            let hint = format!("`ostwin logs {id} --last 20` shows what it asks");
            return Err(error).exit(Exit::Usage).hint(hint);
        }
    };
    if context.out.json {
        context.out.json(&message)?;
    } else {
        let said = match answering {
            Answering::Words(_) => "answered",
            Answering::Permission { allowed: true, .. } => "allowed",
            Answering::Permission { allowed: false, .. } => "denied",
        };
        remark(&format!("{said} to `{}` of `{id}`", message.to));
    }
    Ok(Exit::Ok)
}

/// A session is no person: what it may do is not for itself to decide.
fn refuse_sessions() -> anyhow::Result<()> {
    if env::var(env::ATTEMPT).is_none_or(|attempt| attempt.is_empty()) {
        return Ok(());
    }
    let text = format!("{} is set: a session does not answer for a person", env::ATTEMPT);
    Err(Failure::new(Exit::Usage, text).into())
}

pub(crate) fn set(context: &Context, id: &RoomId, key: &str, value: &str) -> anyhow::Result<Exit> {
    refuse_sessions()?;
    let (project, settings) = context.project()?;
    let room = Room::open(&project, id).exit(Exit::Usage)?;
    // A name needs no quotes.
    let parsed = serde_json::from_str(value).ok().filter(|value: &Value| {
        !(matches!(key, "agent" | "model") && !value.is_string() && !value.is_null())
    });
    let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
    if let ("agent", Value::String(name)) = (key, &value)
        && !settings.config.agents.contains_key(name)
    {
        let known: Vec<&str> = settings.config.agents.keys().map(String::as_str).collect();
        let text = format!("no agent is called `{name}`");
        let hint = format!("there is: {}", known.join(", "));
        return Err(Failure::new(Exit::Usage, text).hint(hint).into());
    }
    let set = match room.set(key, &value) {
        Ok(set) => set,
        Err(error @ SetError::Room(_)) => return Err(error).exit(Exit::Environment),
        Err(error) => return Err(error).exit(Exit::Usage),
    };
    if context.out.json {
        context.out.json(&json!({ "room": id, "settings": set }))?;
    } else {
        remark(&format!("`{key}` of `{id}` is {value} now, from its next session on"));
    }
    Ok(Exit::Ok)
}
