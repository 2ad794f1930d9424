//! One attempt, from the slot to the closed record.
//!
//! The task takes a slot through the guardian, opens the attempt, runs the session and closes the
//! attempt when nothing of it runs any more. It watches the channel for the attempt's signal; what
//! the signal means for the room is decided by the engine's loop.

use std::sync::Arc;
use std::time::Duration;

use ostwin_core::channel::Message;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, RoleRef, SignalName};
use ostwin_core::jsonl::Follower;
use ostwin_core::lifecycle::{AuditEntry, Machine, names};
use ostwin_core::room::{
    self, Attempt, Closed, Contract, Ended, NewAttempt, Outcome, Room, RoomError, Standing, Usage,
    Why,
};
use ostwin_runner::acp::AcpError;
use ostwin_runner::guardian::{Guardian, Reservation, SlotLimit};
use ostwin_runner::prepare::Settled;
use ostwin_runner::session::{self, Control, SessionEnd, UsageTotals};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::error::EngineError;
use crate::moves;
use crate::sessions::{Shared, role_of, waits_to_start};

/// How many messages of the channel are looked at in one go.
const MESSAGES: usize = 256;

/// How often the record of a running attempt is brought up to date with what it used.
const USAGE_INTERVAL: Duration = Duration::from_secs(1);

/// What the engine's loop tells a running attempt.
#[derive(Clone, Debug)]
pub(crate) enum Tell {
    /// The channel has grown.
    ChannelChanged,
    /// The engine ends: the session is asked to stop, and the attempt costs nothing.
    Interrupt,
    /// Somebody else decided about the room.
    Cancel { reason: String },
    /// End at once.
    Kill,
}

/// What became of an attempt.
pub(crate) enum AttemptEnd {
    /// There was no slot; nothing was opened.
    SlotsFull,
    /// The room had moved meanwhile; nothing was opened.
    Moot,
    /// It is closed.
    Ended,
}

pub(crate) async fn run(
    shared: Arc<Shared>,
    epic: &EpicId,
    room: &Room,
    mut told: UnboundedReceiver<Tell>,
    happened: UnboundedSender<Event>,
) -> Result<AttemptEnd, EngineError> {
    let contract = block_in_place(|| room.contract())?;
    let Some(role) = block_in_place(|| upcoming_role(room, &contract))? else {
        return Ok(AttemptEnd::Moot);
    };
    let ready = match block_in_place(|| shared.settle(room, &contract, &role)) {
        Ok(settled) => {
            let slots = shared.slots(room.project().layout(), &settled);
            match reserve(&shared, slots).await? {
                Some(guardian) => Ok((settled, guardian)),
                None => return Ok(AttemptEnd::SlotsFull),
            }
        }
        // It was settled when the engine started: somebody has taken away what it needs.
        Err(problem) => Err(problem),
    };
    if interrupted_already(&mut told) {
        return Ok(AttemptEnd::Moot);
    }
    let new = match &ready {
        Ok((settled, _)) => new_attempt(&shared, role, settled)?,
        Err(_) => unsettled_attempt(&shared, role),
    };
    let timeout = new.timeout;
    let Some(Opened { attempt, machine, moved }) =
        block_in_place(|| open(&shared, epic, room, &contract, new))?
    else {
        return Ok(AttemptEnd::Moot);
    };
    let deadline = Instant::now() + timeout;
    for event in moved.into_iter().chain([opened_event(epic, room, &attempt)]) {
        let _ = happened.send(event);
    }
    let prepared = ready.and_then(|(settled, guardian)| {
        let prepared = block_in_place(|| shared.prepare(room, &contract, &attempt, &settled))?;
        Ok((shared.spec(&settled, &attempt, prepared, deadline), guardian))
    });
    let ended = match prepared {
        Ok((spec, guardian)) => {
            let watch = Watch::new(room, &attempt, machine);
            let redactor = spec.redactor.clone();
            let (mut ended, stop) =
                converse(room, &attempt, guardian, spec, watch, &mut told).await;
            // An agent's own error may quote its key.
            redactor.in_text(&mut ended.reason);
            explain(ended, stop)
        }
        Err(problem) => Ended::with(Outcome::SpawnFailed, with_causes(&problem)),
    };
    let closed =
        block_in_place(|| room.locked(|locked| locked.close_attempt(&attempt.record.id, ended)))?;
    let _ = happened.send(closed_event(epic, room, &closed));
    Ok(AttemptEnd::Ended)
}

/// The role of the session that the room would run next; `None` if it would run none.
fn upcoming_role(room: &Room, contract: &Contract) -> Result<Option<RoleRef>, RoomError> {
    let Standing { machine, replay, state } = room.standing()?;
    let state = if waits_to_start(&machine, &state) {
        let now = room.project().store().now();
        let counters = replay.counters(&machine, now, room.spent()?);
        let ready = SignalName::new(names::READY)?;
        match machine.next(&state, &ready, &counters, replay.previous.as_ref()) {
            Ok(step) => step.target,
            Err(source) => return Err(RoomError::Step { room: room.id().clone(), source }),
        }
    } else {
        state
    };
    let runs = machine.state(&state).filter(|state| state.kind.has_session());
    Ok(runs.map(|state| role_of(state.role.as_ref(), contract)))
}

fn new_attempt(
    shared: &Shared,
    role: RoleRef,
    settled: &Settled,
) -> Result<NewAttempt, EngineError> {
    let settings = &settled.settings;
    Ok(NewAttempt {
        role,
        agent: settings.agent.value.clone(),
        model: settings.model.value.clone(),
        rehearsed: settings.is_rehearsed(),
        run_id: shared.run_id().clone(),
        timeout: Duration::from_secs(settings.timeout_seconds.value),
        provenance: settled.provenance().map_err(|error| EngineError::Bug(error.to_string()))?,
    })
}

/// An attempt that only records why it could not be more.
fn unsettled_attempt(shared: &Shared, role: RoleRef) -> NewAttempt {
    NewAttempt {
        role,
        agent: "unresolved".to_owned(),
        model: None,
        rehearsed: false,
        run_id: shared.run_id().clone(),
        timeout: Duration::from_secs(shared.config().timeout_seconds),
        provenance: serde_json::Value::Null,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

async fn reserve(shared: &Shared, slots: Vec<SlotLimit>) -> Result<Option<Guardian>, EngineError> {
    match Guardian::reserve(shared.guardian(), slots).await {
        Ok(Reservation::Granted(guardian)) => Ok(Some(*guardian)),
        Ok(Reservation::Full { .. }) => Ok(None),
        // The terminal's Ctrl-C hit the guardian before it left our group: we hear of it too.
        Err(error) if error.is_interrupt() => Ok(None),
        Err(error) => Err(EngineError::Guardian(error)),
    }
}

fn interrupted_already(told: &mut UnboundedReceiver<Tell>) -> bool {
    let mut interrupted = false;
    while let Ok(tell) = told.try_recv() {
        interrupted |= !matches!(tell, Tell::ChannelChanged);
    }
    interrupted
}

struct Opened {
    attempt: Attempt,
    machine: Machine,
    moved: Vec<Event>,
}

/// Takes the way from a waiting state by `ready` and opens the attempt, both under the room's
/// lock. `None` if the room has moved since it was looked at.
fn open(
    shared: &Shared,
    epic: &EpicId,
    room: &Room,
    contract: &Contract,
    new: NewAttempt,
) -> Result<Option<Opened>, EngineError> {
    room.locked(|locked| {
        let mut moved = Vec::new();
        let standing = locked.standing();
        if waits_to_start(&standing.machine, &standing.state) {
            let ready = SignalName::new(names::READY).map_err(RoomError::from)?;
            let entry: AuditEntry = locked
                .signal(&ready, Why::engine("dependencies", "every dependency has passed"))?;
            let kind = locked.standing().kind();
            moved = moves::events(room, epic, shared.run_id(), kind, &entry);
        }
        let standing = locked.standing();
        let role = standing
            .machine
            .state(&standing.state)
            .filter(|state| state.kind.has_session())
            .map(|state| role_of(state.role.as_ref(), contract));
        if role.as_ref() != Some(&new.role) || room.open_attempt()?.is_some() {
            return Ok(None);
        }
        let machine = standing.machine.clone();
        let attempt = locked.open_attempt(new)?;
        Ok(Some(Opened { attempt, machine, moved }))
    })
}

/// Looks for the attempt's signal in what is added to the channel.
struct Watch {
    follower: Follower,
    attempt: room::AttemptRecord,
    machine: Machine,
    signalled: bool,
}

impl Watch {
    fn new(room: &Room, attempt: &Attempt, machine: Machine) -> Self {
        Self {
            follower: Follower::new(&room.paths().channel(), attempt.record.channel_offset),
            attempt: attempt.record.clone(),
            machine,
            signalled: false,
        }
    }

    /// Whether the signal is there. A channel that cannot be read now is read again when it
    /// changes, and when the attempt is closed.
    fn has_signal(&mut self) -> bool {
        while !self.signalled {
            let Ok(batch) = self.follower.poll::<Message>(MESSAGES) else { return false };
            self.signalled = batch
                .lines
                .iter()
                .any(|message| room::is_signal(&self.machine, &self.attempt, message));
            if !batch.more {
                break;
            }
        }
        self.signalled
    }
}

/// Why the engine ended a session before its time.
enum Stop {
    Interrupt,
    Cancel(String),
}

/// Runs the session to its end.
async fn converse(
    room: &Room,
    attempt: &Attempt,
    guardian: Guardian,
    spec: session::SessionSpec,
    mut watch: Watch,
    told: &mut UnboundedReceiver<Tell>,
) -> (Ended, Option<Stop>) {
    let nudge =
        ostwin_runner::prompt::nudge(&watch.machine.allowed_agent_signals(&attempt.record.state));
    let (control, controlled) = mpsc::channel(16);
    let (event_sender, mut events) = mpsc::unbounded_channel();
    let running = session::run(guardian, spec, controlled, event_sender);
    tokio::pin!(running);
    let mut stop = None;
    let mut nudged = false;
    let mut told_signalled = false;
    let mut usage_noted = Instant::now();
    let end = loop {
        let order = tokio::select! {
            end = &mut running => break end,
            Some(event) = events.recv() => match event {
                session::Event::TurnEnded { .. } => {
                    let signalled = block_in_place(|| watch.has_signal());
                    if signalled {
                        told_signalled = true;
                        Some(Control::Signalled)
                    } else if nudged {
                        Some(Control::Finish)
                    } else {
                        nudged = true;
                        Some(Control::Nudge(nudge.clone()))
                    }
                }
                session::Event::Opened(info) => {
                    let id = info.session_id;
                    note(room, attempt, |record| record.agent_session = Some(id));
                    None
                }
                session::Event::Usage(totals) => {
                    if usage_noted.elapsed() >= USAGE_INTERVAL {
                        usage_noted = Instant::now();
                        note(room, attempt, |record| {
                            record.usage = usage(&totals);
                            record.cost_usd = totals.cost_usd;
                        });
                    }
                    None
                }
                session::Event::Started { .. } | session::Event::Retrying { .. } => None,
            },
            Some(tell) = told.recv() => match tell {
                Tell::ChannelChanged => {
                    let signalled = !told_signalled && block_in_place(|| watch.has_signal());
                    told_signalled |= signalled;
                    signalled.then_some(Control::Signalled)
                }
                Tell::Interrupt => {
                    stop = Some(Stop::Interrupt);
                    Some(Control::Cancel { reason: "the engine is ending".to_owned() })
                }
                Tell::Cancel { reason } => {
                    stop = Some(Stop::Cancel(reason.clone()));
                    Some(Control::Cancel { reason })
                }
                Tell::Kill => {
                    stop.get_or_insert(Stop::Interrupt);
                    Some(Control::Kill)
                }
            },
        };
        if let Some(order) = order {
            // Full or closed: the session is ending already.
            let _ = control.try_send(order);
        }
    };
    (ended(end), stop)
}

fn note(room: &Room, attempt: &Attempt, note: impl FnOnce(&mut room::AttemptRecord)) {
    let noted = block_in_place(|| room.locked(|locked| locked.note(&attempt.record.id, note)));
    if let Err(error) = noted {
        // Only a hint: the close writes the same.
        tracing::debug!(room = %room.id(), %error, "could not note in the attempt's record");
    }
}

fn usage(totals: &UsageTotals) -> Option<Usage> {
    totals.metered.then_some(Usage {
        input_tokens: totals.tokens.input,
        output_tokens: totals.tokens.output,
        cached_tokens: totals.tokens.cached_read,
        total_tokens: totals.tokens.total,
    })
}

fn ended(end: SessionEnd) -> Ended {
    let outcome = match &end.outcome {
        session::Outcome::Finished { .. } => Outcome::NoSignal,
        session::Outcome::Deadline => Outcome::Timeout,
        session::Outcome::Cancelled { .. } => Outcome::Cancelled,
        session::Outcome::Interrupted => Outcome::Interrupted,
        session::Outcome::SpawnFailed { .. } => Outcome::SpawnFailed,
        session::Outcome::Failed(AcpError::Auth(_)) => Outcome::Auth,
        session::Outcome::Failed(AcpError::RateLimited(_)) => Outcome::RateLimited,
        session::Outcome::Failed(_) => Outcome::AgentError,
    };
    let reason = match (&outcome, end.outcome.detail()) {
        (_, Some(detail)) => detail,
        (Outcome::NoSignal, None) => "the session ended without a signal".to_owned(),
        (Outcome::Timeout, None) => "the attempt's time was up".to_owned(),
        (Outcome::Interrupted, None) => "the session was interrupted".to_owned(),
        (_, None) => String::new(),
    };
    Ended {
        outcome,
        reason,
        usage: usage(&end.usage),
        cost_usd: end.usage.cost_usd,
        agent_session: end.agent.map(|agent| agent.session_id),
        exit_code: end.exit.as_ref().and_then(|exit| exit.status.code),
        exit_signal: end.exit.as_ref().and_then(|exit| exit.status.signal),
    }
}

/// An end that the engine itself brought about is told apart from the agent's own.
fn explain(ended: Ended, stop: Option<Stop>) -> Ended {
    match stop {
        None => ended,
        Some(Stop::Interrupt) => Ended {
            outcome: Outcome::Interrupted,
            reason: "the engine was ended".to_owned(),
            ..ended
        },
        Some(Stop::Cancel(reason)) => Ended { outcome: Outcome::Cancelled, reason, ..ended },
    }
}

fn opened_event(epic: &EpicId, room: &Room, attempt: &Attempt) -> Event {
    let record = &attempt.record;
    Event {
        epic: Some(epic.clone()),
        room: Some(room.id().clone()),
        attempt: Some(record.id.clone()),
        data: Some(json!({
            "number": record.number,
            "state": record.state,
            "role": record.role,
            "agent": record.agent,
            "model": record.model,
            "rehearsed": record.rehearsed,
        })),
        ..Event::new(EventKind::AttemptOpened)
    }
}

pub(crate) fn closed_event(epic: &EpicId, room: &Room, closed: &Closed) -> Event {
    let record = &closed.attempt.record;
    Event {
        epic: Some(epic.clone()),
        room: Some(room.id().clone()),
        attempt: Some(record.id.clone()),
        reason: record.reason.clone(),
        data: Some(json!({
            "number": record.number,
            "state": record.state,
            "role": record.role,
            "outcome": record.outcome,
            "tokens": record.usage.map(|usage| usage.total()),
            "cost_usd": record.cost_usd,
        })),
        ..Event::new(EventKind::AttemptClosed)
    }
}
