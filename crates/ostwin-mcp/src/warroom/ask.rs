//! `ask_human`: a question in the channel, and waiting for its answer.
//!
//! The answer is a message of a person that names the question. It is found by looking at the
//! channel's length four times a second: one system call each, only while a question is open,
//! where a watch would cost every session its memory and its start-up time. Meanwhile a caller that
//! asked for progress is told that the question still waits, so that it does not take the call for
//! dead.

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
use crate::waiting::{Progress, Waiting};

/// How often the channel is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a caller is told that the question waits.
const TELL_EVERY: Duration = Duration::from_secs(10);
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
    let start = Instant::now();
    let end = start.checked_add(timeout);
    let mut told = None;
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
        if due(told, start.elapsed()) {
            told = Some(start.elapsed());
            waiting.tell(|| still_waiting(&question, start.elapsed(), timeout));
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

/// Whether the caller is to be told again: at once, and then now and then.
fn due(told: Option<Duration>, elapsed: Duration) -> bool {
    told.is_none_or(|told| elapsed >= told + TELL_EVERY)
}

fn still_waiting(question: &MessageId, elapsed: Duration, timeout: Duration) -> Progress {
    let (done, total) = (elapsed.as_secs_f64(), timeout.as_secs());
    let message = format!(
        "waiting for a person to answer {question}: {} of at most {total} s",
        elapsed.as_secs()
    );
    Progress { done, total: timeout.as_secs_f64(), message }
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
    fn a_caller_is_told_at_once_and_then_now_and_then() {
        let seconds = Duration::from_secs;
        assert!(due(None, seconds(0)));
        assert!(!due(Some(seconds(0)), seconds(9)));
        assert!(due(Some(seconds(0)), seconds(10)));
        assert!(!due(Some(seconds(11)), seconds(20)));
        let question = MessageId::generate(Timestamp::from_millis(0), 1);
        let told = still_waiting(&question, Duration::from_millis(20_500), seconds(60));
        assert_eq!((told.done, told.total), (20.5, 60.0));
        assert!(told.message.ends_with(": 20 of at most 60 s"), "{}", told.message);
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
