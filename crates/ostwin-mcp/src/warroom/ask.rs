//! `ask_human`: a question in the channel, and waiting for its answer.
//!
//! The answer is a message of a person that names the question. It is found by looking at the
//! channel's length four times a second: one system call each, only while a question is open,
//! where a watch would cost every session its memory and its start-up time.

use std::time::{Duration, Instant};

use ostwin_core::channel::Message;
use ostwin_core::ids::{MessageId, RoleRef, SignalName};
use ostwin_core::jsonl::Follower;
use ostwin_core::room::PostRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::post::post;
use crate::args::{Text, Whole};
use crate::error::{Code, ToolError};
use crate::waiting::Waiting;

/// How often the channel is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Lines that are taken in one look.
const LINES_PER_LOOK: usize = 1_000;
/// The role that a person speaks as.
const HUMAN: &str = "human";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskHuman {
    /// What you want to know. Say what you would do without an answer.
    question: Text<1, 8192>,
    /// Answers to choose from, if there are only a few.
    #[serde(default)]
    #[schemars(length(max = 20))]
    options: Vec<Text<1, 256>>,
    /// How long to wait, in seconds; the project's `ask_timeout_seconds` if left out.
    #[serde(default)]
    timeout_seconds: Option<Whole<1, 604_800>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Asked {
    /// The question's id: an answer that comes later names it in `ref`.
    question_id: MessageId,
    /// Whether somebody answered in time.
    answered: bool,
    /// What they said; null if nobody did.
    answer: Option<String>,
    /// The structured part of the answer, if it has one.
    data: Option<Map<String, Value>>,
    /// The message that holds the answer.
    answer_id: Option<MessageId>,
}

pub(super) fn ask_human(
    desk: &Desk,
    args: AskHuman,
    waiting: &Waiting,
) -> Result<Asked, ToolError> {
    if args.options.len() > 20 {
        return Err(ToolError::invalid("options", "`options` are more than 20"));
    }
    let timeout =
        args.timeout_seconds.map_or(desk.ask_timeout, |wait| Duration::from_secs(wait.get()));
    let options: Vec<&str> = args.options.iter().map(|option| &**option).collect();
    let data = json!({
        "question": &*args.question,
        "options": options,
        "timeout_seconds": timeout.as_secs(),
    });
    let posted = post(
        desk,
        PostRequest {
            to: named(RoleRef::new(HUMAN))?,
            kind: named(SignalName::new("question"))?,
            reference: None,
            body: args.question.into_string(),
            data: Some(data),
        },
    )?;
    let question = posted.message.id;
    let mut channel = Follower::new(desk.room.channel().path(), posted.appended.end);
    let end = Instant::now().checked_add(timeout);
    loop {
        let batch = channel.poll::<Message>(LINES_PER_LOOK)?;
        if let Some(answer) = batch.lines.into_iter().find(|line| answers(line, &question)) {
            return Ok(Asked {
                question_id: question,
                answered: true,
                answer: Some(answer.body),
                data: answer.data.and_then(|data| match data {
                    Value::Object(fields) => Some(fields),
                    _ => None,
                }),
                answer_id: Some(answer.id),
            });
        }
        if batch.more {
            continue;
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Asked {
                question_id: question,
                answered: false,
                answer: None,
                data: None,
                answer_id: None,
            });
        }
        if !waiting.wait(left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY))) {
            return Err(ToolError::new(
                Code::Unavailable,
                format!(
                    "nobody waits for the answer to {question} any more; read_messages with \
                     type `answer` finds it if it comes"
                ),
            ));
        }
    }
}

fn named<T, E: std::error::Error>(name: Result<T, E>) -> Result<T, ToolError> {
    name.map_err(|error| ToolError::because(Code::Unavailable, &error))
}

/// Whether `message` is a person's answer to the question. An agent's own `answer` is none: a
/// session that could answer itself would not need to ask.
fn answers(message: &Message, question: &MessageId) -> bool {
    let named = |field: &str| {
        let data = message.data.as_ref();
        data.and_then(|data| data.get(field)).and_then(Value::as_str) == Some(question.as_str())
    };
    message.kind.as_str() == "answer"
        && message.attempt.is_none()
        && message.from.role.as_str() == HUMAN
        && (message.reference.as_deref() == Some(question.as_str())
            || named("question")
            || named("question_id"))
}

#[cfg(test)]
mod tests {
    use ostwin_core::time::Timestamp;

    use super::*;

    fn message(kind: &str, from: &str, reference: Option<&str>, data: Value) -> Message {
        Message {
            v: Default::default(),
            id: MessageId::generate(Timestamp::from_millis(1), 2),
            seq: 2,
            ts: Timestamp::from_millis(1),
            attempt: None,
            from: from.parse().unwrap(),
            to: "engineer".parse().unwrap(),
            kind: kind.parse().unwrap(),
            reference: reference.map(str::to_owned),
            body: "yes".to_owned(),
            data: Some(data),
        }
    }

    #[test]
    fn only_a_person_answers_and_only_by_naming_the_question() {
        let question = MessageId::generate(Timestamp::from_millis(0), 1);
        let id = question.as_str();
        let yes = [
            message("answer", "human", Some(id), json!({})),
            message("answer", "human", None, json!({ "question": id })),
            message("answer", "human", None, json!({ "question_id": id })),
        ];
        assert!(yes.iter().all(|message| answers(message, &question)));
        let mut by_agent = message("answer", "human", Some(id), json!({}));
        by_agent.attempt = Some("att-00000000000000000000000001".parse().unwrap());
        let no = [
            by_agent,
            message("answer", "engineer", Some(id), json!({})),
            message("note", "human", Some(id), json!({})),
            message("answer", "human", None, json!({ "question": "msg-x" })),
        ];
        assert!(!no.iter().any(|message| answers(message, &question)));
    }
}
