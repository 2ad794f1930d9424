//! What a session asks a person, and what the person answers.
//!
//! A question is a message of an attempt: an `approval-request` that the engine posts for it, or
//! the `question` of the tool `ask_human`, which says how long it waits. An answer is a message of
//! a person that names the question. Both stand in the channel and nowhere else, so that a question
//! outlives the session that asked it.

use std::ops::ControlFlow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::attempt::{AttemptRecord, Outcome};
use super::{Room, RoomError};
use crate::channel::{Draft, Message, PostError};
use crate::ids::{AttemptId, MessageId, RoleRef, SignalName};
use crate::jsonl::Follower;
use crate::time::Timestamp;

/// The role that a person speaks as.
pub const HUMAN: &str = "human";
/// The message by which a session asks for a permission.
pub const APPROVAL_REQUEST: &str = "approval-request";
/// The message by which a person gives or refuses one.
pub const APPROVAL: &str = "approval";
/// Messages that are taken in one go.
const BATCH: usize = 256;
const QUESTION: &str = "question";
const ANSWER: &str = "answer";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// An answer in words.
    Answer,
    /// A permission.
    Permission,
}

/// A question of a session to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Question {
    /// The message that asks.
    pub id: MessageId,
    /// The attempt that asks.
    pub attempt: AttemptId,
    /// Its role.
    pub from: RoleRef,
    /// What is asked for.
    pub asks: Asks,
    /// The question in words.
    pub text: String,
    /// The answers to choose from, if there are only a few.
    pub options: Vec<String>,
    /// What a permission is for, in a form by which the same request is known again.
    pub fingerprint: Option<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// From when on it counts as denied.
    pub expires_at: Timestamp,
    /// What a person said.
    pub reply: Option<Reply>,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reply {
    /// The message.
    pub id: MessageId,
    /// When.
    pub at: Timestamp,
    /// Who: the person's name where it is known, else `human`.
    pub by: String,
    /// In words.
    pub text: String,
    /// Whether a permission is given.
    pub allowed: bool,
}

impl Question {
    /// Whether a session still has to wait for it.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.reply.is_none() && now < self.expires_at
    }

    /// The question in one line, as views show it.
    pub fn line(&self) -> String {
        let first = self.text.lines().map(str::trim).find(|line| !line.is_empty());
        let text: String = first.unwrap_or_default().chars().take(200).collect();
        format!("{} asks: {text}", self.from)
    }
}

/// The questions of one attempt, kept up to date from its channel.
#[derive(Clone, Debug)]
pub struct Questions {
    attempt: AttemptId,
    patience: Duration,
    list: Vec<Question>,
}

impl Questions {
    /// No question yet of `attempt`; one that does not say how long it waits expires after
    /// `patience`.
    pub fn of(attempt: AttemptId, patience: Duration) -> Self {
        Self { attempt, patience, list: Vec::new() }
    }

    /// Takes in the next message of the channel; whether it asked or answered something.
    pub fn feed(&mut self, message: &Message) -> bool {
        if let Some(question) = asked(message, self.patience) {
            let mine = question.attempt == self.attempt;
            if mine {
                self.list.push(question);
            }
            return mine;
        }
        let Some((id, reply)) = replied(message) else { return false };
        // The first answer counts.
        let open = self.list.iter_mut().find(|asked| asked.id == id && asked.reply.is_none());
        match open {
            Some(question) if matches(question.asks, &message.kind) => {
                question.reply = Some(reply);
                true
            }
            _ => false,
        }
    }

    /// Every question, oldest first.
    pub fn all(&self) -> &[Question] {
        &self.list
    }

    /// Those that somebody still has to answer, oldest first.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = &Question> {
        self.list.iter().filter(move |question| question.is_open(now))
    }
}

fn matches(asks: Asks, kind: &SignalName) -> bool {
    match asks {
        Asks::Answer => kind.as_str() == ANSWER,
        Asks::Permission => kind.as_str() == APPROVAL,
    }
}

/// The question that a message asks, if it asks one and waits for the answer.
fn asked(message: &Message, patience: Duration) -> Option<Question> {
    let attempt = message.attempt.clone()?;
    let field = |name: &str| message.data.as_ref().and_then(|data| data.get(name));
    let waits = field("timeout_seconds").and_then(Value::as_u64).map(Duration::from_secs);
    let asks = match message.kind.as_str() {
        APPROVAL_REQUEST => Asks::Permission,
        // A question without an end is only a message: nobody waits for the answer.
        QUESTION if message.to.role.as_str() == HUMAN && waits.is_some() => Asks::Answer,
        _ => return None,
    };
    let texts = field("options").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Some(Question {
        id: message.id.clone(),
        attempt,
        from: message.from.clone(),
        asks,
        text: message.body.clone(),
        options: texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        fingerprint: field("fingerprint").and_then(Value::as_str).map(str::to_owned),
        asked_at: message.ts,
        expires_at: message.ts.plus(waits.unwrap_or(patience)),
        reply: None,
    })
}

/// The reply that a message is, and to which question. An agent's own message is none: a session
/// that could answer itself would not need to ask. And a permission is given by `approved: true`,
/// never by a phrase.
pub fn replied(message: &Message) -> Option<(MessageId, Reply)> {
    let approval = message.kind.as_str() == APPROVAL;
    let by_a_person = message.attempt.is_none() && message.from.role.as_str() == HUMAN;
    if !by_a_person || !(approval || message.kind.as_str() == ANSWER) {
        return None;
    }
    let field = |name: &str| message.data.as_ref().and_then(|data| data.get(name));
    let allowed = field("approved").and_then(Value::as_bool);
    if approval && allowed.is_none() {
        return None;
    }
    let named = |name: &str| field(name).and_then(Value::as_str);
    let id = [message.reference.as_deref(), named("question"), named("question_id")]
        .into_iter()
        .flatten()
        .find_map(|text| MessageId::new(text).ok())?;
    let reply = Reply {
        id: message.id.clone(),
        at: message.ts,
        by: named("actor").unwrap_or(HUMAN).to_owned(),
        text: message.body.clone(),
        allowed: allowed.unwrap_or(false),
    };
    Some((id, reply))
}

/// What a person replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answering {
    /// In words, to a question.
    Words(String),
    /// Yes or no, to a request for a permission, with a note if there is one.
    Permission {
        /// Yes.
        allowed: bool,
        /// Why, or what to mind.
        note: Option<String>,
    },
}

/// Why a reply was not taken. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The room waits for no answer.
    #[error("room `{room}` asks nothing at the moment")]
    NothingAsked {
        /// The room.
        room: String,
    },
    /// The named question is not one that waits.
    #[error("`{id}` is no question of room `{room}` that waits for an answer{}", hint(open))]
    NotOpen {
        /// The room.
        room: String,
        /// The message that was named.
        id: String,
        /// What does wait.
        open: Vec<String>,
    },
    /// Several wait, and none was named.
    #[error("room `{room}` asks {} things: name one{}", open.len(), hint(open))]
    Several {
        /// The room.
        room: String,
        /// What waits.
        open: Vec<String>,
    },
    /// The question asks for something else.
    #[error("`{id}` asks for {wanted}")]
    OtherKind {
        /// The question.
        id: String,
        /// What it asks for, and how that is given.
        wanted: &'static str,
    },
    /// An answer has to say something.
    #[error("an answer needs a text")]
    Empty,
    /// The message was refused.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The room could not be read or written.
    #[error(transparent)]
    Room(#[from] RoomError),
}

fn hint(open: &[String]) -> String {
    if open.is_empty() { String::new() } else { format!("; these wait: {}", open.join(", ")) }
}

impl Room {
    /// The questions of an attempt with their answers, oldest first. One that does not say how
    /// long it waits expires after `patience`.
    ///
    /// # Errors
    /// The channel cannot be read.
    pub fn questions(
        &self,
        attempt: &AttemptRecord,
        patience: Duration,
    ) -> Result<Vec<Question>, RoomError> {
        let mut questions = Questions::of(attempt.id.clone(), patience);
        self.channel().scan(attempt.channel_offset, |message| {
            questions.feed(&message);
            ControlFlow::Continue(())
        })?;
        Ok(questions.list)
    }

    /// What the room waits for a person to answer: the open questions of its last attempt, if that
    /// runs or ended because of them.
    ///
    /// # Errors
    /// The room cannot be read.
    pub fn open_questions(&self, patience: Duration) -> Result<Vec<Question>, RoomError> {
        OpenQuestions::default().read(self, patience)
    }
}

/// The open questions of one room for whoever asks again and again: of the channel only what was
/// appended since is read.
#[derive(Debug, Default)]
pub struct OpenQuestions {
    asked: Option<(Questions, Follower)>,
}

impl OpenQuestions {
    /// As [`Room::open_questions`], of the same room and with the same patience each time.
    ///
    /// # Errors
    /// The room cannot be read.
    pub fn read(&mut self, room: &Room, patience: Duration) -> Result<Vec<Question>, RoomError> {
        let waits =
            |record: &AttemptRecord| record.is_open() || record.outcome == Some(Outcome::Waiting);
        let Some(last) = room.last_attempt()?.filter(|last| waits(&last.record)) else {
            self.asked = None;
            return Ok(Vec::new());
        };
        let AttemptRecord { id, channel_offset, .. } = last.record;
        let known = self.asked.take().filter(|(questions, _)| questions.attempt == id);
        let (mut questions, mut channel) = known.unwrap_or_else(|| {
            let channel = Follower::new(room.channel().path(), channel_offset);
            (Questions::of(id.clone(), patience), channel)
        });
        loop {
            let batch = channel.poll::<Message>(BATCH)?;
            if batch.restarted {
                questions = Questions::of(id.clone(), patience);
            }
            for message in &batch.lines {
                questions.feed(message);
            }
            if !batch.more {
                break;
            }
        }
        let now = room.project().store().now();
        let open = questions.open(now).cloned().collect();
        self.asked = Some((questions, channel));
        Ok(open)
    }
}

/// Replies to a question of `room` as the person `actor`: to the one that is named, else to the
/// only one that waits for such a reply. The first reply counts, whoever else replies at the same
/// moment.
///
/// # Errors
/// [`ReplyError`]; nothing was written then.
pub fn reply(
    room: &Room,
    named: Option<&MessageId>,
    answering: &Answering,
    actor: &str,
    patience: Duration,
) -> Result<Message, ReplyError> {
    if matches!(answering, Answering::Words(text) if text.trim().is_empty()) {
        return Err(ReplyError::Empty);
    }
    room.locked(|_| {
        let open = room.open_questions(patience)?;
        let question = choose(room, &open, named, answering)?;
        let human = RoleRef::new(HUMAN).map_err(RoomError::from)?;
        let mut data = json!({ "question": question.id, "actor": actor });
        let (kind, body) = match answering {
            Answering::Words(text) => (ANSWER, text.clone()),
            Answering::Permission { allowed, note } => {
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("approved".to_owned(), json!(allowed));
                }
                let word = if *allowed { "Allowed" } else { "Denied" };
                let note = note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                (APPROVAL, format!("{word} by {actor}{note}"))
            }
        };
        let draft = Draft {
            attempt: None,
            from: human,
            to: question.from.clone(),
            kind: SignalName::new(kind).map_err(RoomError::from)?,
            reference: Some(question.id.to_string()),
            body,
            data: Some(data),
        };
        let project = room.project();
        let limit = project.max_message_bytes();
        Ok(room.channel().post(project.store(), draft, &[], limit)?.0)
    })
}

fn choose<'q>(
    room: &Room,
    open: &'q [Question],
    named: Option<&MessageId>,
    answering: &Answering,
) -> Result<&'q Question, ReplyError> {
    let wanted = match answering {
        Answering::Words(_) => Asks::Answer,
        Answering::Permission { .. } => Asks::Permission,
    };
    let room = room.id().to_string();
    let told = |questions: &[&Question]| {
        questions.iter().map(|question| format!("{} ({})", question.id, question.line())).collect()
    };
    let question = match named {
        Some(id) => open.iter().find(|question| question.id == *id).ok_or_else(|| {
            let open = told(&open.iter().collect::<Vec<_>>());
            ReplyError::NotOpen { room: room.clone(), id: id.to_string(), open }
        })?,
        None => {
            let fitting: Vec<&Question> =
                open.iter().filter(|question| question.asks == wanted).collect();
            match (fitting.as_slice(), open) {
                ([], []) => return Err(ReplyError::NothingAsked { room }),
                ([], [other, ..]) => other,
                ([one], _) => one,
                (several, _) => return Err(ReplyError::Several { room, open: told(several) }),
            }
        }
    };
    if question.asks != wanted {
        let wanted = match question.asks {
            Asks::Answer => "an answer in words: `ostwin room answer`",
            Asks::Permission => "a permission: `ostwin room approve` or `ostwin room deny`",
        };
        return Err(ReplyError::OtherKind { id: question.id.to_string(), wanted });
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(100);

    fn message(kind: &str, from: &str, number: u128, data: Value) -> Message {
        let ts = Timestamp::from_millis(1_000);
        let by_agent = from != HUMAN;
        Message {
            v: Default::default(),
            id: MessageId::generate(ts, number),
            seq: 1,
            ts,
            attempt: by_agent.then(|| AttemptId::generate(ts, 1)),
            from: from.parse().unwrap(),
            to: if by_agent { HUMAN } else { "engineer" }.parse().unwrap(),
            kind: kind.parse().unwrap(),
            reference: None,
            body: "Body".to_owned(),
            data: Some(data),
        }
    }

    fn questions() -> Questions {
        Questions::of(AttemptId::generate(Timestamp::from_millis(1_000), 1), PATIENCE)
    }

    #[test]
    fn a_permission_is_given_by_a_person_who_says_so_and_the_first_word_counts() {
        let mut questions = questions();
        let asked = message(APPROVAL_REQUEST, "engineer", 7, json!({ "fingerprint": "f" }));
        assert!(questions.feed(&asked));
        let id = asked.id.to_string();
        let mut forged = message(APPROVAL, HUMAN, 8, json!({ "question": id, "approved": true }));
        forged.attempt = asked.attempt.clone();
        for no_reply in [
            forged,
            message(APPROVAL, "qa", 8, json!({ "question": id, "approved": true })),
            message(APPROVAL, HUMAN, 8, json!({ "question": id })),
            message(ANSWER, HUMAN, 8, json!({ "question": id, "approved": true })),
            message(APPROVAL, HUMAN, 8, json!({ "approved": true })),
        ] {
            assert!(!questions.feed(&no_reply), "{no_reply:?}");
        }
        let now = Timestamp::from_millis(2_000);
        assert_eq!(questions.open(now).count(), 1);
        let no = json!({ "question": id, "approved": false, "actor": "ada" });
        assert!(questions.feed(&message(APPROVAL, HUMAN, 9, no)));
        let yes = json!({ "question": id, "approved": true });
        assert!(!questions.feed(&message(APPROVAL, HUMAN, 10, yes)));
        assert_eq!(questions.open(now).count(), 0);
        let reply = questions.all()[0].reply.clone().unwrap();
        assert_eq!((reply.allowed, reply.by.as_str()), (false, "ada"));
    }

    #[test]
    fn only_who_waits_asks_and_nobody_waits_for_ever() {
        let mut questions = questions();
        assert!(!questions.feed(&message(QUESTION, "engineer", 3, json!({}))));
        assert!(questions.feed(&message(QUESTION, "engineer", 4, json!({ "timeout_seconds": 5 }))));
        assert!(questions.feed(&message(APPROVAL_REQUEST, "engineer", 5, json!({}))));
        let open = |millis| questions.open(Timestamp::from_millis(millis)).count();
        assert_eq!([open(5_999), open(6_000), open(100_999), open(101_000)], [2, 1, 1, 0]);
    }

    #[test]
    fn what_others_ask_is_no_question_of_this_attempt() {
        let mut other = message(APPROVAL_REQUEST, "engineer", 5, json!({}));
        other.attempt = Some(AttemptId::generate(Timestamp::from_millis(5), 9));
        let mut questions = questions();
        assert!(!questions.feed(&other));
        assert!(questions.all().is_empty());
    }
}
