//! One attempt, from the slot to the closed record.
//!
//! The task takes a slot through the guardian, opens the attempt, runs the session and closes the
//! attempt when nothing of it runs any more. It watches the channel for the attempt's signal; what
//! the signal means for the room is decided by the engine's loop.

use std::sync::Arc;
use std::time::Duration;

use ostwin_core::channel::Message;
use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, SignalName};
use ostwin_core::jsonl::Follower;
use ostwin_core::lifecycle::{AuditEntry, Machine, StateKind, names};
use ostwin_core::room::{
    self, Attempt, Closed, Ended, NewAttempt, Outcome, Room, RoomError, Usage, Why,
};
use ostwin_runner::acp::AcpError;
use ostwin_runner::guardian::{Guardian, Reservation, SlotLimit};
use ostwin_runner::session::{self, Control, SessionEnd, UsageTotals};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::error::EngineError;
use crate::moves;
pub(crate) use crate::sessions::Shared;

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
    let slots = shared.slots(room.project().layout());
    let guardian = match reserve(&shared, slots).await? {
        Some(guardian) => guardian,
        None => return Ok(AttemptEnd::SlotsFull),
    };
    if interrupted_already(&mut told) {
        return Ok(AttemptEnd::Moot);
    }
    let opened = block_in_place(|| open(&shared, epic, room))?;
    let Some(Opened { attempt, machine, moved, settings, contract }) = opened else {
        return Ok(AttemptEnd::Moot);
    };
    let deadline = Instant::now() + settings.timeout();
    for event in moved {
        let _ = happened.send(event);
    }
    let _ = happened.send(opened_event(epic, room, &attempt));

    let prepared = block_in_place(|| shared.prepare(room, &contract, &attempt, &settings));
    let (ended, stop) = match prepared {
        Ok(prepared) => {
            let spec = shared.spec(&settings, &attempt, prepared, deadline);
            let watch = Watch::new(room, &attempt, machine);
            converse(room, &attempt, guardian, spec, watch, &mut told).await
        }
        Err(problem) => {
            drop(guardian);
            (Ended::with(Outcome::SpawnFailed, problem.to_string()), None)
        }
    };
    let ended = explain(ended, stop);
    let closed =
        block_in_place(|| room.locked(|locked| locked.close_attempt(&attempt.record.id, ended)))?;
    let _ = happened.send(closed_event(epic, room, &closed));
    Ok(AttemptEnd::Ended)
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
    settings: crate::sessions::Settled,
    contract: room::Contract,
}

/// Takes the way from a waiting state by `ready` and opens the attempt, both under the room's
/// lock. `None` if the room has moved since the scheduler looked.
fn open(shared: &Shared, epic: &EpicId, room: &Room) -> Result<Option<Opened>, EngineError> {
    let contract = room.contract()?;
    room.locked(|locked| {
        let mut moved = Vec::new();
        let standing = locked.standing();
        let waits = standing.kind() == StateKind::Wait
            && standing
                .machine
                .state(&standing.state)
                .is_some_and(|state| state.signals.contains_key(names::READY));
        if waits {
            let ready = SignalName::new(names::READY).map_err(RoomError::from)?;
            let entry: AuditEntry = locked
                .signal(&ready, Why::engine("dependencies", "every dependency has passed"))?;
            let kind = locked.standing().kind();
            moved = moves::events(room, epic, shared.run_id(), kind, &entry);
        }
        let standing = locked.standing();
        if !standing.kind().has_session() || room.open_attempt()?.is_some() {
            return Ok(None);
        }
        let role = standing
            .machine
            .state(&standing.state)
            .and_then(|state| state.role.clone())
            .unwrap_or_else(|| contract.assignment.assigned_role.clone());
        let machine = standing.machine.clone();
        let settings = shared.settle(room, &contract, &role).map_err(|problem| {
            EngineError::Resolve { epic: epic.clone(), problem: problem.to_string() }
        })?;
        let attempt = locked.open_attempt(NewAttempt {
            role,
            agent: settings.agent().to_owned(),
            model: settings.model().map(str::to_owned),
            rehearsed: settings.is_rehearsed(),
            run_id: shared.run_id().clone(),
            timeout: settings.timeout(),
            provenance: settings.provenance(),
        })?;
        Ok(Some(Opened { attempt, machine, moved, settings, contract: contract.clone() }))
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
