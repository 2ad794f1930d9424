//! What a person may do to a room by their word: answer what waits for a decision, give it up, try
//! again. Moving it to any state is [`LockedRoom::set_state`].
//!
//! Whoever calls has the room's lock and has ended the session that may have run; which process
//! that is, is the business of [`crate::control`].

use serde_json::{Map, Value};

use super::attempt::{Ended, Outcome};
use super::locked::{LockedRoom, Why};
use super::{Result, RoomError, Standing};
use crate::channel::{Draft, Message};
use crate::env::crash_point;
use crate::ids::{RoleRef, SignalName, StateName};
use crate::lifecycle::{Action, AuditEntry, Cause, StateKind, names};

/// A person's answer to a room that waits for a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonVerdict {
    /// `fix`, `redesign`, `replan`, `reject`, or what else a person may answer in the state.
    pub signal: SignalName,
    /// The person's name.
    pub actor: String,
    /// What the person says, in Markdown; whoever goes on reads it.
    pub body: String,
    /// The structured part, beside what is added here.
    pub data: Option<Map<String, Value>>,
}

/// The fields by which a person's verdict is known again: who spoke, and the transition that
/// entered the state which the verdict answers.
const ACTOR: &str = "actor";
const STAY: &str = "audit_seq";

impl LockedRoom<'_> {
    /// Moves the room to `cancelled`, from wherever it is and is not finished.
    ///
    /// # Errors
    /// The room is finished, an attempt is open, or a file failed.
    pub fn cancel(&mut self, why: Why) -> Result<AuditEntry> {
        if self.standing.is_terminal() {
            return Err(self.refusal("it is finished, and nothing is left to cancel"));
        }
        self.refuse_open_attempt()?;
        let cancelled = StateName::new(names::CANCELLED)?;
        self.record(None, cancelled, Vec::new(), why, false)
    }

    /// Opens a room again that failed or waits for a decision, with one more retry: in the state
    /// before the last failure. What a review rejected goes on where its findings are mended.
    ///
    /// # Errors
    /// The room passed, works, or never failed; an attempt is open, or a file failed.
    pub fn retry(&mut self, why: Why) -> Result<AuditEntry> {
        if self.standing.state.as_str() == names::PASSED {
            return Err(self.refusal("it passed; `ostwin room set-status` opens it again"));
        }
        if self.standing.kind().has_session() {
            return Err(self.refusal("it has not failed: a session works on it, or is about to"));
        }
        let Some((to, mut actions)) = self.way_back()? else {
            return Err(self.refusal("nothing was tried yet, so nothing can be tried again"));
        };
        self.refuse_open_attempt()?;
        self.refuse_archived()?;
        actions.insert(0, Action::GrantRetry);
        self.record(None, to, actions, why, false)
    }

    /// Where a retry goes, and what is done on the way beside the grant: the last work or review
    /// state, but for a rejection where that leads as long as there is a try.
    fn way_back(&self) -> Result<Option<(StateName, Vec<Action>)>> {
        let machine = &self.standing.machine;
        let replay = &self.standing.replay;
        let Some(last) = &replay.previous else { return Ok(None) };
        let rejection = replay.left_by.as_ref().filter(|by| by.as_str() == names::FAIL);
        if let Some(fail) = rejection {
            let mut counters = self.counters()?;
            // The try that is granted here, and none that its edge would take.
            counters.max_retries = counters.max_retries.max(counters.retries).saturating_add(1);
            if let Ok(step) = machine.next(last, fail, &counters, None)
                && machine.kind(&step.target) == Some(StateKind::Work)
            {
                let mut actions = step.actions;
                actions.retain(|action| *action != Action::IncrementRetries);
                return Ok(Some((step.target, actions)));
            }
        }
        Ok(Some((last.clone(), Vec::new())))
    }

    /// Answers a room that waits for a decision, or whose triage has not come to one: posts the
    /// person's message, which carries no attempt, and moves by it. An open triage attempt ends as
    /// `cancelled`; its session has to be gone. The same verdict that a killed process had posted
    /// in this stay is not posted again.
    ///
    /// # Errors
    /// A person may not answer this here, the triage has decided already, or a file failed. The
    /// room has not moved then.
    pub fn verdict(&mut self, verdict: PersonVerdict) -> Result<AuditEntry> {
        let signal = verdict.signal.clone();
        let allowed = self.standing.answers();
        if !allowed.contains(&signal) {
            let words: Vec<_> = allowed.iter().map(SignalName::as_str).collect();
            let problem = if words.is_empty() {
                format!("`{signal}` answers nothing here: it waits for no person's decision")
            } else {
                format!("a person may answer {} here, not `{signal}`", words.join(", "))
            };
            return Err(self.refusal(problem));
        }
        let to = self.reader_of(&signal)?;
        self.end_triage(&verdict)?;
        let message = match self.posted_before(&verdict)? {
            Some(message) => message,
            None => self.post_verdict(&verdict, to)?,
        };
        crash_point("verdict_posted");
        let why = Why {
            cause: Cause::Message(message.id),
            attempt: None,
            reason: format!("`{signal}` from {}", verdict.actor),
            actor: verdict.actor,
        };
        self.signal(&signal, why)
    }

    /// Who goes on after `signal`: the role of the state that it leads to, else the engine.
    fn reader_of(&self, signal: &SignalName) -> Result<RoleRef> {
        let counters = self.counters()?;
        let standing = &self.standing;
        let step = standing
            .machine
            .next(&standing.state, signal, &counters, standing.replay.previous.as_ref())
            .map_err(|source| RoomError::Step { room: self.room.id().clone(), source })?;
        match standing.machine.state(&step.target).and_then(|state| state.role.clone()) {
            Some(role) => Ok(role),
            None => Ok(RoleRef::new("engine")?),
        }
    }

    /// Closes the triage attempt of this stay. A verdict of its own that the channel holds counts.
    fn end_triage(&mut self, verdict: &PersonVerdict) -> Result<()> {
        if self.standing.kind() != StateKind::Triage {
            return Ok(());
        }
        let of_this_stay = self
            .room
            .last_attempt()?
            .filter(|attempt| attempt.record.audit_seq == self.standing.replay.last_seq);
        let Some(attempt) = of_this_stay else { return Ok(()) };
        let outcome = if attempt.record.is_open() {
            let reason = format!("{} decided", verdict.actor);
            let ended = Ended::with(Outcome::Cancelled, reason);
            self.close_attempt(&attempt.record.id, ended)?.attempt.record.outcome
        } else {
            attempt.record.outcome
        };
        match outcome {
            Some(Outcome::Signal(decided)) => {
                Err(self.refusal(format!("its triage has decided already: `{decided}`")))
            }
            _ => Ok(()),
        }
    }

    fn posted_before(&self, verdict: &PersonVerdict) -> Result<Option<Message>> {
        let stay = self.standing.replay.last_seq;
        let kind = message_type(&verdict.signal)?;
        // As it stands in the channel, where no secret does.
        let body = self.room.project().store().redactor.text(&verdict.body);
        let found = self.room.channel().latest(|message| {
            let field = |name: &str| message.data.as_ref().and_then(|data| data.get(name));
            message.attempt.is_none()
                && message.kind == kind
                && message.body == body
                && field(STAY).and_then(Value::as_u64) == Some(stay)
                && field(ACTOR).and_then(Value::as_str) == Some(&verdict.actor)
        })?;
        Ok(found)
    }

    fn post_verdict(&self, verdict: &PersonVerdict, to: RoleRef) -> Result<Message> {
        let mut data = verdict.data.clone().unwrap_or_default();
        data.insert(ACTOR.to_owned(), verdict.actor.as_str().into());
        data.insert(STAY.to_owned(), self.standing.replay.last_seq.into());
        let draft = Draft {
            attempt: None,
            from: RoleRef::new("human")?,
            to,
            kind: message_type(&verdict.signal)?,
            reference: Some(self.room.contract()?.task_ref.to_string()),
            body: verdict.body.clone(),
            data: Some(data.into()),
        };
        let project = self.room.project();
        let declared = self.standing.machine.message_types();
        let limit = project.max_message_bytes();
        Ok(self.room.channel().post(project.store(), draft, &declared, limit)?.0)
    }
}

impl Standing {
    /// What a person may answer here: the state's verdicts, and that what a replan waited for is
    /// there.
    pub fn answers(&self) -> Vec<SignalName> {
        let mut allowed = self.machine.allowed_person_signals(&self.state);
        let waits = self.machine.state(&self.state).filter(|state| state.kind == StateKind::Wait);
        let unblock =
            waits.and_then(|state| state.signals.keys().find(|s| s.as_str() == names::UNBLOCK));
        allowed.extend(unblock.cloned());
        allowed
    }

    /// Whether a person may have it tried once more, see [`LockedRoom::retry`].
    pub fn may_be_retried(&self) -> bool {
        let at_work = self.kind().has_session();
        self.state.as_str() != names::PASSED && !at_work && self.replay.previous.is_some()
    }
}

/// The type of the message that says it: a verdict's own name; a signal that is no message is told
/// in a note.
fn message_type(signal: &SignalName) -> Result<SignalName> {
    if names::ENGINE_SIGNALS.contains(&signal.as_str()) {
        return Ok(SignalName::new("note")?);
    }
    Ok(signal.clone())
}
