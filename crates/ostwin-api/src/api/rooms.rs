//! Rooms: the list, and the whole story of one.

use ostwin_core::ids::{PlanId, RoleRef, RoomId, SignalName, StateName};
use ostwin_core::lifecycle::{AuditEntry, Machine, StateKind, mermaid};
use ostwin_core::room::{Contract, Progress, Question, Room, RoomSettings, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attempts::{AttemptShort, short};
use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, get, get_of_boards, part};
use crate::live::RoomRow;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get_of_boards("/api/rooms", "Every room of every plan", rooms),
        get("/api/rooms/{id}", "One room: contract, lifecycle, attempts, audit, questions", room),
        get("/api/rooms/{id}/progress", "How far the open attempt says it is", progress),
    ]
}

/// A room in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RoomPath {
    /// The room.
    pub(super) id: RoomId,
}

/// Which rooms are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
struct RoomsQuery {
    /// Only of this plan.
    plan: Option<PlanId>,
    /// Only in this state.
    state: Option<StateName>,
    /// Only behind this one, as `next_cursor` named it.
    after: Option<String>,
    /// At most so many; all if left out.
    limit: Option<usize>,
}

fn rooms(call: &Call, _: Nothing, query: RoomsQuery) -> Result<Page<RoomRow>, Problem> {
    let mut rooms = Vec::new();
    for served in call.all() {
        for view in served.views.all() {
            if query.plan.as_ref().is_some_and(|plan| *plan != view.plan.meta.plan_id) {
                continue;
            }
            let wanted = view.board.rows.iter().filter(|row| {
                let state = query.state.as_ref();
                row.room.is_some() && state.is_none_or(|state| row.state.as_ref() == Some(state))
            });
            rooms.extend(wanted.map(|row| RoomRow::of(&served.key, &view.board, row)));
        }
    }
    let name = |row: &RoomRow| {
        format!("{}/{}", row.project, row.row.room.as_ref().map_or("", |room| room.as_str()))
    };
    part(rooms, query.after.as_deref(), query.limit, name)
}

/// One room.
#[derive(Debug, Serialize, JsonSchema)]
struct RoomStory {
    /// Where it stands; null if its plan is gone.
    room: Option<RoomRow>,
    /// Its contract.
    contract: Contract,
    /// Its brief, in Markdown.
    brief: String,
    /// What a person set for this room only.
    settings: RoomSettings,
    /// Its machine, and where it stands in it.
    lifecycle: Lifecycle,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptShort>,
    /// Every transition, oldest first.
    audit: Vec<AuditEntry>,
    /// What waits for a person's answer.
    questions: Vec<Question>,
    /// Retries and triages, used and allowed.
    counters: Counters,
    /// How far the open attempt says it is.
    progress: Option<Progress>,
}

/// A room's machine, for whoever draws it.
#[derive(Debug, Serialize, JsonSchema)]
struct Lifecycle {
    /// The states, in file order.
    states: Vec<MachineState>,
    /// The ways between them.
    transitions: Vec<MachineWay>,
    /// Where a room begins.
    initial: StateName,
    /// Where this one is.
    current: StateName,
    /// What the agent that works there may send.
    agent_signals: Vec<SignalName>,
    /// What a person may answer there.
    person_signals: Vec<SignalName>,
    /// The same as a Mermaid diagram.
    mermaid: String,
}

/// A state of a machine.
#[derive(Debug, Serialize, JsonSchema)]
struct MachineState {
    /// Its name.
    name: StateName,
    /// What happens in it.
    kind: StateKind,
    /// Who works in it.
    role: Option<RoleRef>,
}

/// A way from one state to another.
#[derive(Debug, Serialize, JsonSchema)]
struct MachineWay {
    /// From where.
    from: StateName,
    /// By which signal.
    signal: SignalName,
    /// To where; `@previous` is the latest work or review.
    to: String,
    /// Only if this holds.
    guard: Option<String>,
}

/// What was used of what there is.
#[derive(Debug, Serialize, JsonSchema)]
struct Counters {
    retries: u32,
    max_retries: u32,
    triages: u32,
    max_triages: u32,
    /// How often a session's state ended by `error`, `timeout` or `fail`.
    failed_attempts: u32,
}

fn room(call: &Call, path: RoomPath, _: Nothing) -> Result<RoomStory, Problem> {
    let (served, room) = call.room(&path.id)?;
    let contract = room.contract()?;
    let standing = room.standing()?;
    let row = served.view(&contract.plan_id).ok().and_then(|view| {
        let row = view.board.rows.iter().find(|row| row.room.as_ref() == Some(room.id()))?;
        Some(RoomRow::of(&served.key, &view.board, row))
    });
    let attempts = room.attempts()?;
    Ok(RoomStory {
        room: row,
        contract,
        brief: room.brief()?,
        settings: room.settings()?,
        lifecycle: lifecycle(&standing),
        attempts: attempts.iter().map(|attempt| short(&attempt.record)).collect(),
        audit: entries(&room)?,
        questions: served.open_questions(&room)?,
        counters: Counters {
            retries: standing.replay.retries,
            max_retries: standing.replay.max_retries(&standing.machine),
            triages: standing.replay.triages,
            max_triages: standing.machine.max_triages,
            failed_attempts: standing.replay.failed_attempts,
        },
        progress: room.progress()?,
    })
}

fn entries(room: &Room) -> Result<Vec<AuditEntry>, Problem> {
    let lines = room.audit()?;
    Ok(lines.iter().filter_map(|line| line.entry().cloned()).collect())
}

fn lifecycle(standing: &Standing) -> Lifecycle {
    let Standing { machine, state, .. } = standing;
    Lifecycle {
        states: states(machine),
        transitions: ways(machine),
        initial: machine.initial_state.clone(),
        current: state.clone(),
        agent_signals: machine.allowed_agent_signals(state),
        person_signals: machine.allowed_person_signals(state),
        mermaid: mermaid(machine, Some(state)),
    }
}

fn states(machine: &Machine) -> Vec<MachineState> {
    let states = machine.states.iter();
    states
        .map(|(name, state)| MachineState {
            name: name.clone(),
            kind: state.kind,
            role: state.role.clone(),
        })
        .collect()
}

fn ways(machine: &Machine) -> Vec<MachineWay> {
    let mut ways = Vec::new();
    for (from, state) in machine.states.iter() {
        for (signal, edges) in state.signals.iter() {
            ways.extend(edges.0.iter().map(|edge| MachineWay {
                from: from.clone(),
                signal: signal.clone(),
                to: edge.target.to_string(),
                guard: edge.guard.as_ref().map(ToString::to_string),
            }));
        }
    }
    ways
}

fn progress(call: &Call, path: RoomPath, _: Nothing) -> Result<Option<Progress>, Problem> {
    Ok(call.room(&path.id)?.1.progress()?)
}
