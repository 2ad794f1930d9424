//! Who answers an agent's requests for permissions: the role's lists of tools, the settings' rules,
//! or a person.
//!
//! What a person is asked stands in the room's channel, and so does the answer. The attempt's task
//! watches the channel and hands answers over; this policy only asks and waits. A person's decision
//! about a request that ended an earlier attempt is kept for the next one, which asks again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ostwin_core::config::Approvals;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, MessageId, RoleRef, SignalName};
use ostwin_core::redact::Redactor;
use ostwin_core::room::{
    self, APPROVAL_REQUEST, Asks, Attempt, HUMAN, Outcome, PostRequest, Question, Reply, Room,
    RoomError, Speaker,
};
use ostwin_runner::acp::{
    Judgement, PermissionAsk, PermissionDecision, PermissionPolicy, SessionTools, judge,
};
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// Most decisions of one attempt that become events of the plan; the transcript has them all.
const MAX_EVENTS: u32 = 1_000;
/// Longest command that a person is shown in the message itself, in characters.
const MAX_SHOWN: usize = 8_000;

/// A request that waits for a person.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The message that asks.
    pub(crate) question: MessageId,
    /// Takes the answer; dropped if there will be none.
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// What became of a request that waited.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A person replied.
    Reply(Reply),
    /// Nobody did in time.
    Expired,
}

/// The policy of one attempt.
pub(crate) struct Gatekeeper {
    approvals: Approvals,
    tools: SessionTools,
    room: Room,
    epic: EpicId,
    speaker: Speaker,
    patience: Duration,
    redactor: Redactor,
    /// Requests of earlier attempts at the same work that have an answer by now.
    decided: Mutex<Vec<Question>>,
    waiting: UnboundedSender<Waiting>,
    happened: UnboundedSender<Event>,
    events: AtomicU32,
}

impl Gatekeeper {
    /// The policy of `attempt`. Requests that need a person are told to `waiting`, decisions to
    /// `happened`.
    ///
    /// # Errors
    /// The room cannot be read.
    pub(crate) fn new(
        (approvals, tools): (Approvals, SessionTools),
        (epic, room, attempt): (&EpicId, &Room, &Attempt),
        patience: Duration,
        redactor: Redactor,
        waiting: UnboundedSender<Waiting>,
        happened: UnboundedSender<Event>,
    ) -> Result<Self, RoomError> {
        let record = &attempt.record;
        Ok(Self {
            approvals,
            tools,
            room: room.clone(),
            epic: epic.clone(),
            speaker: Speaker { role: record.role.clone(), attempt: Some(record.id.clone()) },
            patience,
            redactor,
            decided: Mutex::new(decided_before(room, attempt, patience)?),
            waiting,
            happened,
            events: AtomicU32::new(0),
        })
    }

    async fn settle(&self, ask: &PermissionAsk) -> (bool, String) {
        match judge(&self.approvals, &self.tools, ask) {
            Judgement::Allow(by) => (true, by),
            Judgement::Deny(by) => (false, by),
            Judgement::Ask => match self.take_decided(&ask.fingerprint()) {
                Some(question) => of_question(&question),
                None => self.by_a_person(ask).await,
            },
        }
    }

    fn take_decided(&self, fingerprint: &str) -> Option<Question> {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        let at = decided.iter().position(|q| q.fingerprint.as_deref() == Some(fingerprint))?;
        Some(decided.remove(at))
    }

    async fn by_a_person(&self, ask: &PermissionAsk) -> (bool, String) {
        let room = self.room.clone();
        let (speaker, request) = (self.speaker.clone(), self.request(ask));
        let posted = match request {
            Ok(request) => {
                let post = move || room::post(&room, &speaker, request);
                tokio::task::spawn_blocking(post).await.map_err(|error| error.to_string())
            }
            Err(error) => return (false, format!("denied: {error}")),
        };
        let question = match posted {
            Ok(Ok(posted)) => posted.message.id,
            Ok(Err(error)) => return (false, format!("denied, nobody could be asked: {error}")),
            Err(error) => return (false, format!("denied, nobody could be asked: {error}")),
        };
        let (answer, answered) = oneshot::channel();
        if self.waiting.send(Waiting { question, answer }).is_err() {
            return (false, ENDED.to_owned());
        }
        match answered.await {
            Ok(Answer::Reply(reply)) => (reply.allowed, format!("{} ({})", reply.by, reply.id)),
            Ok(Answer::Expired) => (false, EXPIRED.to_owned()),
            Err(_) => (false, ENDED.to_owned()),
        }
    }

    /// The message that asks a person.
    fn request(&self, ask: &PermissionAsk) -> Result<PostRequest, ostwin_core::ids::NameError> {
        let title = if ask.title.trim().is_empty() { "a tool call" } else { ask.title.trim() };
        let mut body = format!("Permission wanted: {title}");
        if let Some(command) = ask.command().filter(|command| command != title) {
            let shown: String = command.chars().take(MAX_SHOWN).collect();
            let more = command.chars().count().saturating_sub(MAX_SHOWN);
            body.push_str(&format!("\n\n    {}", shown.replace('\n', "\n    ")));
            if more > 0 {
                body.push_str(&format!("\n\n(and {more} characters more, all of it in `data`)"));
            }
        }
        let options: Vec<&str> = ask.choices.iter().map(|choice| choice.name.as_str()).collect();
        let mut data = json!({
            "tool_call": ask.tool_call,
            "kind": ask.kind,
            "title": ask.title,
            "input": ask.input,
            "options": options,
            "fingerprint": ask.fingerprint(),
            "timeout_seconds": self.patience.as_secs(),
        });
        self.redactor.in_text(&mut body);
        self.redactor.in_value(&mut data);
        Ok(PostRequest {
            to: RoleRef::new(HUMAN)?,
            kind: SignalName::new(APPROVAL_REQUEST)?,
            reference: None,
            body,
            data: Some(data),
        })
    }

    fn tell(&self, ask: &PermissionAsk, allowed: bool, by: &str) {
        let told = self.events.fetch_add(1, Ordering::Relaxed);
        if told >= MAX_EVENTS {
            return;
        }
        let word = if allowed { "allowed" } else { "denied" };
        let mut title = ask.title.clone();
        self.redactor.in_text(&mut title);
        let more = if told + 1 == MAX_EVENTS { "; further ones are in the transcript" } else { "" };
        let _ = self.happened.send(Event {
            epic: Some(self.epic.clone()),
            room: Some(self.room.id().clone()),
            attempt: self.speaker.attempt.clone(),
            reason: Some(format!("{word} by {by}: {title}{more}")),
            data: Some(json!({
                "title": title,
                "kind": ask.kind,
                "tool_call": ask.tool_call,
                "allowed": allowed,
                "decided_by": by,
            })),
            ..Event::new(EventKind::Permission)
        });
    }
}

const EXPIRED: &str = "time limit: nobody answered";
const ENDED: &str = "the end of the session: nobody had answered";

impl PermissionPolicy for Gatekeeper {
    fn decide<'a>(
        &'a self,
        ask: &'a PermissionAsk,
    ) -> Pin<Box<dyn Future<Output = PermissionDecision> + Send + 'a>> {
        Box::pin(async move {
            let (allowed, decided_by) = self.settle(ask).await;
            self.tell(ask, allowed, &decided_by);
            PermissionDecision { choice: ask.choice(allowed), decided_by }
        })
    }
}

/// What was decided about a request that an earlier attempt asked.
fn of_question(question: &Question) -> (bool, String) {
    match &question.reply {
        Some(reply) => (reply.allowed, format!("{} ({})", reply.by, reply.id)),
        None => (false, EXPIRED.to_owned()),
    }
}

/// The requests of earlier attempts of this stay in the state that ended because of them.
fn decided_before(
    room: &Room,
    attempt: &Attempt,
    patience: Duration,
) -> Result<Vec<Question>, RoomError> {
    let now = room.project().store().now();
    let mut decided = Vec::new();
    for earlier in room.attempts_of_stay(attempt.record.audit_seq)? {
        let record = &earlier.record;
        if record.outcome == Some(Outcome::Waiting) {
            let questions = room.questions(record, patience)?;
            decided.extend(
                questions
                    .into_iter()
                    .filter(|question| question.asks == Asks::Permission && !question.is_open(now)),
            );
        }
    }
    // The newest decision about the same thing counts.
    decided.reverse();
    Ok(decided)
}
