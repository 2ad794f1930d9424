//! One attempt, from the slot to the closed record.
//!
//! The task takes a slot through the guardian, opens the attempt, runs the session and closes the
//! attempt when nothing of it runs any more. What its signal means for the room is decided by the
//! engine's loop.

use std::sync::Arc;
use std::time::Duration;

use ostwin_core::events::{Event, EventKind};
use ostwin_core::ids::{EpicId, RoleRef, SignalName};
use ostwin_core::layout::AttemptPaths;
use ostwin_core::lifecycle::{AuditEntry, Machine, StateKind, names};
use ostwin_core::room::{
    Attempt, Closed, Contract, Ended, GateRecord, GateResult, Manifest, NewAttempt, Outcome, Room,
    RoomError, Standing, Why,
};
use ostwin_runner::prepare::Settled;
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::blocking::block_in_place;
use crate::error::EngineError;
use crate::gates::{self, Gates};
use crate::moves;
use crate::permissions::Gatekeeper;
use crate::sessions::{Shared, role_of, waits_to_start};
use crate::talk::{Talk, Watch, converse, explain};
use crate::waiting::Waits;

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
    let Some((role, kind)) = block_in_place(|| upcoming_role(room, &contract))? else {
        return Ok(AttemptEnd::Moot);
    };
    let ready = match block_in_place(|| shared.settle(room, &contract, &role)) {
        Ok(settled) => {
            let slots = shared.slots(room.project().layout(), &settled);
            match shared.world().reserve(slots).await? {
                Some(seat) => Ok((settled, seat)),
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
        Ok((settled, _)) => new_attempt(&shared, role, kind, settled)?,
        Err(_) => unsettled_attempt(&shared, role),
    };
    let gates = match &ready {
        Ok((settled, _)) if kind == StateKind::Work => gates::names(settled),
        _ => Vec::new(),
    };
    let timeout = new.timeout;
    let Some(Opened { attempt, machine, moved }) =
        block_in_place(|| open(&shared, epic, room, &contract, new, gates))?
    else {
        return Ok(AttemptEnd::Moot);
    };
    let deadline = Instant::now() + timeout;
    for event in moved.into_iter().chain([opened_event(epic, room, &attempt)]) {
        let _ = happened.send(event);
    }
    let spent_before = block_in_place(|| room.spent())?;
    let (asking, asked) = mpsc::unbounded_channel();
    let prepared = ready.and_then(|(settled, seat)| {
        let prepared = block_in_place(|| shared.prepare(room, &contract, &attempt, &settled))?;
        let policy = Gatekeeper::new(
            (settled.settings.approval.value.clone(), prepared.tools.clone()),
            (epic, room, &attempt),
            shared.patience().ask,
            prepared.redactor.clone(),
            asking,
            happened.clone(),
        )?;
        let caps = shared.room_caps(&settled);
        let manifest = block_in_place(|| prepared.manifest())?;
        let gates = Gates::of(&shared, &settled, &attempt, prepared.cwd.clone());
        let gates = gates.filter(|_| kind == StateKind::Work);
        let spec = shared.spec(&settled, &attempt, prepared, deadline, Arc::new(policy));
        Ok((spec, gates, seat, caps, manifest))
    });
    let ended = match prepared {
        Ok((spec, gates, seat, caps, manifest)) => {
            let cwd = spec.start.cwd.clone();
            let manifest = Manifest { begin: shared.world().work_tree(&cwd).await, ..manifest };
            let waits = Waits::new(&attempt.record, shared.patience());
            let talk = Talk {
                shared: &shared,
                room,
                attempt: &attempt,
                watch: Watch::new(room, &attempt, machine, waits),
                gates,
                deadline,
                epic,
                happened: happened.clone(),
                caps,
                spent_before,
                manifest,
            };
            let redactor = spec.redactor.clone();
            let (mut ended, stop) = converse(talk, seat, spec, &mut told, asked).await;
            // An agent's own error may quote its key.
            redactor.in_text(&mut ended.reason);
            if let Some(manifest) = &mut ended.manifest {
                manifest.end = shared.world().work_tree(&cwd).await;
            }
            explain(ended, stop)
        }
        Err(problem) => Ended::with(Outcome::SpawnFailed, with_causes(&problem)),
    };
    block_in_place(|| forget_secrets(&attempt.paths));
    let closed =
        block_in_place(|| room.locked(|locked| locked.close_attempt(&attempt.record.id, ended)))?;
    let _ = happened.send(closed_event(epic, room, &closed));
    if let Some(warning) = shared.unmetered(epic, room, &closed.attempt.record) {
        let _ = happened.send(warning);
    }
    Ok(AttemptEnd::Ended)
}

/// Removes what only a running session may read.
pub(crate) fn forget_secrets(paths: &AttemptPaths) {
    let file = paths.private_mcp();
    if let Err(error) = ostwin_core::fs::remove_file(&file) {
        tracing::warn!(%error, "the session's servers, with their secrets, are still on disk");
    }
}

/// The role of the session that the room would run next; `None` if it would run none.
pub(crate) fn upcoming(room: &Room, contract: &Contract) -> Result<Option<RoleRef>, RoomError> {
    Ok(upcoming_role(room, contract)?.map(|(role, _)| role))
}

/// The role of the session that the room would run next, and the kind of its state; `None` if it
/// would run none.
fn upcoming_role(
    room: &Room,
    contract: &Contract,
) -> Result<Option<(RoleRef, StateKind)>, RoomError> {
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
    Ok(runs.map(|state| (role_of(state.role.as_ref(), contract), state.kind)))
}

fn new_attempt(
    shared: &Shared,
    role: RoleRef,
    kind: StateKind,
    settled: &Settled,
) -> Result<NewAttempt, EngineError> {
    let settings = &settled.settings;
    // A triage that takes longer is no help: a person decides then.
    let seconds = match kind {
        StateKind::Triage => shared.config().triage_timeout_seconds,
        _ => settings.timeout_seconds.value,
    };
    Ok(NewAttempt {
        role,
        agent: settings.agent.value.clone(),
        model: settings.model.value.clone(),
        rehearsed: settings.is_rehearsed(),
        run_id: shared.run_id().clone(),
        timeout: Duration::from_secs(seconds),
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
    gates: Vec<String>,
) -> Result<Option<Opened>, EngineError> {
    room.locked(|locked| {
        let mut moved = Vec::new();
        let standing = locked.standing();
        if waits_to_start(&standing.machine, &standing.state) {
            let ready = SignalName::new(names::READY).map_err(RoomError::from)?;
            let entry: AuditEntry = locked
                .signal(&ready, Why::engine("dependencies", "every dependency has passed"))?;
            let kind = locked.standing().kind();
            moved = moves::events(room, epic, shared.run_id(), kind, shared.approves(), &entry);
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
        let mut attempt = locked.open_attempt(new)?;
        if !gates.is_empty() {
            let gates = GateRecord { required: gates, ..GateRecord::default() };
            attempt.record.gates = Some(gates.clone());
            locked.note(&attempt.record.id, |record| record.gates = Some(gates))?;
        }
        Ok(Some(Opened { attempt, machine, moved }))
    })
}

/// Runs the quality gates of an attempt that ended with `done` before they had been run, without a
/// session that could mend what they find.
pub(crate) async fn gates_without_session(shared: &Shared, room: &Room) -> Result<(), EngineError> {
    let Some(last) = block_in_place(|| room.last_attempt())? else { return Ok(()) };
    let contract = block_in_place(|| room.contract())?;
    let cwd = room.project().layout().root().join(&contract.working_dir);
    let settled = block_in_place(|| shared.settle(room, &contract, &last.record.role));
    let problem = match settled {
        Ok(settled) => match Gates::of(shared, &settled, &last, cwd) {
            Some(gates) => match gates.run(shared, room, &last).await {
                Ok(_) => return Ok(()),
                Err(error) => with_causes(&error),
            },
            None => "its role has no gates any more".to_owned(),
        },
        Err(error) => with_causes(&error),
    };
    let required = last.record.gates.iter().flat_map(|gates| gates.required.first());
    let results = required.map(|name| GateResult {
        name: name.clone(),
        passed: false,
        reason: format!("it could not be run: {problem}"),
        took_ms: 0,
        output: None,
    });
    let results = results.collect();
    let id = &last.record.id;
    Ok(block_in_place(|| room.locked(|locked| locked.note_gates(id, results)))?)
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
