//! What may be done to a room while its lock is held: the one way to change its state.

use std::ops::ControlFlow;

use super::attempt::{Attempt, AttemptRecord, Ended, NewAttempt, Outcome};
use super::contract::Contract;
use super::{Result, Room, RoomError, Standing, actions, effective_signal};
use crate::channel::Message;
use crate::env::{self, crash_point};
use crate::fs::{self, FsError};
use crate::ids::{AttemptId, SignalName, StateName, entropy};
use crate::json::{Extra, Version};
use crate::jsonl;
use crate::lifecycle::{Action, AuditEntry, AuditLine, Cause, Machine, StateKind, names};
use crate::plan_review;
use crate::store::Durability;
use crate::time::Timestamp;

/// A room whose lock this process holds.
#[derive(Debug)]
pub struct LockedRoom<'r> {
    pub(super) room: &'r Room,
    pub(super) standing: Standing,
}

/// Why a transition happens, as the audit records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The one thing that caused it.
    pub cause: Cause,
    /// The attempt whose signal or end this is.
    pub attempt: Option<AttemptId>,
    /// Who did it: `engine`, or a person's name.
    pub actor: String,
    /// Why, in one sentence.
    pub reason: String,
}

impl Why {
    /// A rule of the engine.
    pub fn engine(rule: &str, reason: impl Into<String>) -> Self {
        Self {
            cause: Cause::Engine(rule.to_owned()),
            attempt: None,
            actor: "engine".to_owned(),
            reason: reason.into(),
        }
    }
}

/// The signal of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The message.
    pub message: Message,
    /// What it means to the machine: its type, but `fail` for a pass with an unmet criterion.
    pub name: SignalName,
}

/// A closed attempt, with its signal if it sent one.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The attempt.
    pub attempt: Attempt,
    /// Its signal.
    pub signal: Option<Signal>,
}

impl<'r> LockedRoom<'r> {
    pub(super) fn new(room: &'r Room) -> Result<Self> {
        Ok(Self { room, standing: room.standing()? })
    }

    /// The room.
    pub fn room(&self) -> &Room {
        self.room
    }

    /// Where the room stands, transitions of this section included.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    fn now(&self) -> Timestamp {
        self.room.project().store().now()
    }

    /// Finishes a transition that was recorded and not marked as applied, and repairs a status
    /// that lags behind the audit.
    pub(super) fn finish_transition(&mut self) -> Result<()> {
        match self.standing.replay.unapplied().cloned() {
            Some(entry) => self.apply(&entry, true),
            None => {
                let status = fs::read_optional(&self.room.paths().status(), 1024)?;
                if status.as_deref() == Some(status_line(&self.standing.state).as_bytes()) {
                    return Ok(());
                }
                self.write_status()
            }
        }
    }

    /// Moves the room by `signal`, as its machine says. Reaching `passed` publishes the work's
    /// summary to the ledger if the room published nothing itself.
    ///
    /// # Errors
    /// The machine does not allow it, or a file failed; the move is in the audit or it did not
    /// happen.
    pub fn signal(&mut self, signal: &SignalName, why: Why) -> Result<AuditEntry> {
        let counters = self.counters()?;
        let Standing { machine, replay, state } = &self.standing;
        let mut step = machine
            .next(state, signal, &counters, replay.previous.as_ref())
            .map_err(|source| RoomError::Step { room: self.room.id().clone(), source })?;
        if step.target.as_str() == names::PASSED && !step.actions.contains(&Action::PublishMemory) {
            step.actions.push(Action::PublishMemory);
        }
        self.record(Some(signal.clone()), step.target, step.actions, why, false)
    }

    /// Takes the way out of a `decision` state whose guard holds; `None` in other states.
    ///
    /// # Errors
    /// As [`LockedRoom::signal`].
    pub fn decide(&mut self, why: Why) -> Result<Option<AuditEntry>> {
        let counters = self.counters()?;
        let Standing { machine, replay, state } = &self.standing;
        match machine.decide(state, &counters, replay.previous.as_ref()) {
            Some((signal, step)) => {
                self.record(Some(signal), step.target, step.actions, why, false).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Moves the room to `to` by a person's word. What the machine does not draw needs `force`.
    ///
    /// # Errors
    /// The state does not exist, is not drawn from here and not forced, or an attempt is open.
    pub fn set_state(&mut self, to: &StateName, force: bool, why: Why) -> Result<AuditEntry> {
        let refuse = |problem: String| Err(self.refusal(problem));
        let machine = &self.standing.machine;
        if machine.state(to).is_none() {
            let known: Vec<_> = machine.states.keys().map(StateName::as_str).collect();
            return refuse(format!("its machine has no state `{to}`; it has {}", known.join(", ")));
        }
        if *to == self.standing.state {
            return refuse("it is in that state already".to_owned());
        }
        let drawn = machine.draws(&self.standing.state, to);
        if !drawn && !force {
            return refuse(format!("its machine draws no way to `{to}`; --force takes it anyway"));
        }
        self.refuse_open_attempt()?;
        self.refuse_archived()?;
        self.record(None, to.clone(), Vec::new(), why, !drawn)
    }

    /// Whoever opens an archived room again first puts back what its sessions will look for.
    pub(super) fn refuse_archived(&self) -> Result<()> {
        match self.room.archived()? {
            Some(_) => Err(self.refusal(format!(
                "it is archived; `ostwin room archive {} --restore` unpacks it first",
                self.room.id()
            ))),
            None => Ok(()),
        }
    }

    /// What was asked does not fit the state that the room is in.
    pub(super) fn refusal(&self, problem: impl Into<String>) -> RoomError {
        RoomError::State {
            room: self.room.id().clone(),
            state: self.standing.state.clone(),
            problem: problem.into(),
        }
    }

    /// Whoever moves the room by a word of their own ends its session first.
    pub(super) fn refuse_open_attempt(&self) -> Result<()> {
        match self.room.open_attempt()? {
            Some(open) => {
                let number = open.record.number;
                Err(self.refusal(format!("attempt {number} is open: it has to end first")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn counters(&self) -> Result<crate::lifecycle::Counters> {
        let Standing { machine, replay, .. } = &self.standing;
        Ok(replay.counters(machine, self.now(), self.room.spent()?))
    }

    pub(super) fn record(
        &mut self,
        signal: Option<SignalName>,
        to: StateName,
        actions: Vec<Action>,
        why: Why,
        forced: bool,
    ) -> Result<AuditEntry> {
        let from = self.standing.state.clone();
        let spends = actions.iter().filter(|a| **a == Action::IncrementRetries).count();
        let retries = self.standing.replay.retries + u32::try_from(spends).unwrap_or(u32::MAX);
        let store = self.room.project().store();
        let (entry, _) = jsonl::append(store, &self.room.paths().audit(), |seq| AuditEntry {
            v: Version::default(),
            seq,
            ts: store.now(),
            from: Some(from),
            to,
            signal,
            cause: why.cause,
            attempt: why.attempt,
            actor: why.actor,
            reason: store.redactor.text(&why.reason).into_owned(),
            retries,
            actions,
            forced,
            extra: Extra::new(),
        })?;
        crash_point("audit_recorded");
        self.take(&AuditLine::from(entry.clone()));
        self.apply(&entry, false)?;
        Ok(entry)
    }

    fn apply(&mut self, entry: &AuditEntry, again: bool) -> Result<()> {
        for action in &entry.actions {
            actions::perform(self.room, &self.standing.machine, entry, *action, again)?;
            crash_point("action_done");
        }
        self.write_status()?;
        crash_point("status_written");
        let mark = AuditLine::applied(entry.seq);
        jsonl::append(self.room.project().store(), &self.room.paths().audit(), |_| &mark)?;
        self.take(&mark);
        Ok(())
    }

    fn take(&mut self, line: &AuditLine) {
        // An oddity is the audit's own, reported by doctor; what it says last is the state.
        let _ = self.standing.replay.feed(&self.standing.machine, line);
        if let Some(state) = &self.standing.replay.state {
            self.standing.state = state.clone();
        }
    }

    fn write_status(&self) -> Result<()> {
        let store = self.room.project().store();
        let line = status_line(&self.standing.state);
        Ok(fs::replace_record(&self.room.paths().status(), line.as_bytes(), store.durability)?)
    }

    /// Opens an attempt in the current state.
    ///
    /// # Errors
    /// The state runs no session, an attempt is open already, or a file failed.
    pub fn open_attempt(&mut self, new: NewAttempt) -> Result<Attempt> {
        let refuse = |problem: String| Err(self.refusal(problem));
        if !self.standing.kind().has_session() {
            return refuse("no session runs in it".to_owned());
        }
        let last = self.room.last_attempt()?;
        if let Some(open) = last.as_ref().filter(|attempt| attempt.record.is_open()) {
            return refuse(format!("attempt {} is open already", open.record.number));
        }
        let store = self.room.project().store();
        let opened_at = store.now();
        let random = entropy().map_err(RoomError::Entropy)?;
        let mut number = last.map_or(0, |attempt| attempt.record.number);
        let paths = loop {
            // A folder without a record, left by a killed engine, keeps its number.
            number += 1;
            let paths = self.room.paths().attempt(number, &self.standing.state, &new.role);
            if fs::create_dir(paths.dir())? {
                break paths;
            }
        };
        fs::create_dirs(&paths.tmp())?;
        let channel = self.room.paths().channel();
        let channel_offset = match std::fs::metadata(&channel) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(FsError::new("read", &channel, error).into()),
        };
        let mut provenance = new.provenance;
        store.redactor.in_value(&mut provenance);
        let record = AttemptRecord {
            schema_version: Version::default(),
            id: AttemptId::generate(opened_at, random),
            number,
            state: self.standing.state.clone(),
            audit_seq: self.standing.replay.last_seq,
            role: new.role,
            agent: new.agent,
            model: new.model,
            rehearsed: new.rehearsed,
            run_id: new.run_id,
            host: env::host(),
            boot_id: env::boot_id(),
            opened_at,
            deadline_at: opened_at.plus(new.timeout),
            channel_offset,
            provenance,
            closed_at: None,
            outcome: None,
            signal: None,
            reason: None,
            usage: None,
            cost_usd: None,
            turns: 0,
            agent_session: None,
            exit_code: None,
            exit_signal: None,
            resume_at: None,
            manifest: None,
            gates: None,
            extra: Extra::new(),
        };
        fs::replace_json(&paths.record(), &record, store.durability)?;
        if store.durability == Durability::Sync {
            // Without its name among the attempts the folder would be lost whole.
            fs::sync_dir(&self.room.paths().attempts())?;
        }
        crash_point("attempt_opened");
        super::report(
            self.room,
            super::ProgressReport { attempt: Some(record.id.clone()), ..Default::default() },
        )?;
        Ok(Attempt { paths, record })
    }

    /// Closes the open attempt after reading the channel to its end: a signal that was accepted
    /// counts, whatever ended the session.
    ///
    /// # Errors
    /// `id` is not the open attempt, or a file failed.
    pub fn close_attempt(&mut self, id: &AttemptId, ended: Ended) -> Result<Closed> {
        let open = self.room.open_attempt()?.filter(|attempt| attempt.record.id == *id);
        let Some(mut attempt) = open else {
            return Err(self.refusal(format!("attempt {id} is not open")));
        };
        let contract = self.room.contract()?;
        let signal = self.signal_of(&attempt.record, &contract)?;
        let store = self.room.project().store();
        let record = &mut attempt.record;
        record.closed_at = Some(store.now());
        record.usage = ended.usage.or(record.usage);
        record.cost_usd = ended.cost_usd.or(record.cost_usd);
        record.turns = ended.turns.max(record.turns);
        record.agent_session = ended.agent_session.or(record.agent_session.take());
        record.exit_code = ended.exit_code;
        record.exit_signal = ended.exit_signal;
        record.manifest = ended.manifest.or(record.manifest.take());
        match &signal {
            Some(signal) => {
                // What ended the session is of no interest: it had done what it was there for.
                record.outcome = Some(Outcome::Signal(signal.name.clone()));
                record.signal = Some(signal.message.id.clone());
            }
            None => {
                record.outcome = Some(ended.outcome);
                record.resume_at = ended.resume_at;
                record.reason = Some(ended.reason).filter(|reason| !reason.is_empty());
                store.redactor.in_option(&mut record.reason);
            }
        }
        fs::replace_json(&attempt.paths.record(), &attempt.record, store.durability)?;
        crash_point("attempt_closed");
        Ok(Closed { attempt, signal })
    }

    /// Notes in the open attempt's record what becomes known while its session runs. If `id` is
    /// not the open attempt, nothing is noted.
    ///
    /// # Errors
    /// A file failed.
    pub fn note(&mut self, id: &AttemptId, note: impl FnOnce(&mut AttemptRecord)) -> Result<()> {
        if let Some(mut attempt) = self.room.open_attempt()?
            && attempt.record.id == *id
        {
            note(&mut attempt.record);
            let durability = self.room.project().store().durability;
            fs::replace_json(&attempt.paths.record(), &attempt.record, durability)?;
        }
        Ok(())
    }

    /// The signal of an attempt: the first message behind its offset that carries its id, comes
    /// from its role and is of a type that its state lets an agent send.
    ///
    /// # Errors
    /// The channel cannot be read.
    pub fn signal_of(
        &self,
        attempt: &AttemptRecord,
        contract: &Contract,
    ) -> Result<Option<Signal>> {
        let machine = &self.standing.machine;
        let mut found = None;
        self.room.channel().scan(attempt.channel_offset, |message| {
            if is_signal(machine, attempt, &message) {
                found = Some(message);
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let Some(message) = found else { return Ok(None) };
        let kind = machine.kind(&attempt.state).unwrap_or(StateKind::Wait);
        let name = if contract.task_ref.is_plan_review() {
            plan_review::effective_signal(self.room, contract, &message)?
        } else {
            effective_signal(kind, &contract.goals, &message)
        };
        Ok(Some(Signal { message, name }))
    }
}

/// Whether a message counts as a signal of this attempt: it carries its id, comes from its role
/// and is of a type that its state lets an agent send. Nothing is derived from text or times.
pub fn is_signal(machine: &Machine, attempt: &AttemptRecord, message: &Message) -> bool {
    message.attempt.as_ref() == Some(&attempt.id)
        && message.from == attempt.role
        && machine.allowed_agent_signals(&attempt.state).contains(&message.kind)
}

fn status_line(state: &StateName) -> String {
    format!("{state}\n")
}
