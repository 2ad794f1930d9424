//! A session that waits for a person: its questions, its clock, and for how long it is kept.
//!
//! While a question is open, the attempt's deadline stands still. After `live_wait_seconds` the
//! session ends and the attempt with it, as `waiting`; the answer opens the next one.

use std::collections::HashMap;
use std::time::Duration;

use ostwin_core::channel::Message;
use ostwin_core::ids::MessageId;
use ostwin_core::room::{AttemptRecord, Question, Questions};
use ostwin_core::time::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::permissions::{Answer, Waiting};

/// How long questions are waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// With the session kept.
    pub(crate) live: Duration,
    /// In all, where the question does not say.
    pub(crate) ask: Duration,
}

/// The questions of a running attempt.
pub(crate) struct Waits {
    questions: Questions,
    pending: HashMap<MessageId, oneshot::Sender<Answer>>,
    live: Duration,
    /// Since when a person is waited for.
    since: Option<Instant>,
}

/// What changed about the waiting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A person is waited for from now on.
    Began,
    /// Everything is answered or expired; it took so long.
    Over(Duration),
}

impl Waits {
    pub(crate) fn new(attempt: &AttemptRecord, patience: Patience) -> Self {
        Self {
            questions: Questions::of(attempt.id.clone(), patience.ask),
            pending: HashMap::new(),
            live: patience.live,
            since: None,
        }
    }

    /// A message of the channel; gives the question that it asks or answers.
    pub(crate) fn heard(&mut self, message: &Message) -> Option<&Question> {
        if !self.questions.feed(message) {
            return None;
        }
        self.hand_out();
        let asked_or_answered = |question: &&Question| {
            question.id == message.id
                || question.reply.as_ref().is_some_and(|reply| reply.id == message.id)
        };
        self.questions.all().iter().find(asked_or_answered)
    }

    /// A request for a permission that was posted. Its message may have been heard before.
    pub(crate) fn asked(&mut self, waiting: Waiting) {
        self.pending.insert(waiting.question, waiting.answer);
        self.hand_out();
    }

    /// Gives every answer that is there to whoever waits for it.
    fn hand_out(&mut self) {
        for question in self.questions.all() {
            if let Some(reply) = &question.reply
                && let Some(answer) = self.pending.remove(&question.id)
            {
                // A session that has ended meanwhile takes none.
                let _ = answer.send(Answer::Reply(reply.clone()));
            }
        }
    }

    /// Denies what nobody answered in time.
    fn expire(&mut self, now: Timestamp) {
        for question in self.questions.all() {
            if question.reply.is_none()
                && !question.is_open(now)
                && let Some(answer) = self.pending.remove(&question.id)
            {
                let _ = answer.send(Answer::Expired);
            }
        }
    }

    /// Brings the waiting up to date.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Option<Turn> {
        self.expire(now);
        let open = self.questions.open(now).next().is_some();
        match (self.since, open) {
            (None, true) => {
                self.since = Some(Instant::now());
                Some(Turn::Began)
            }
            (Some(since), false) => {
                self.since = None;
                Some(Turn::Over(since.elapsed()))
            }
            _ => None,
        }
    }

    /// Whether a person is waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        self.since.is_some()
    }

    /// Whether the session has been kept for long enough.
    pub(crate) fn is_over(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= self.live)
    }

    /// When something happens by itself: a question expires, or the session is no longer kept.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Instant> {
        let kept_until = self.since? + self.live;
        let expires = self.questions.open(now).map(|question| question.expires_at.since(now)).min();
        let expires = expires.map(|wait| Instant::now() + wait + Duration::from_millis(1));
        Some(expires.map_or(kept_until, |expires| expires.min(kept_until)))
    }

    /// What is waited for, in one sentence.
    pub(crate) fn words(&self, now: Timestamp) -> String {
        let open: Vec<String> = self.questions.open(now).map(Question::line).collect();
        open.join("; ")
    }
}
