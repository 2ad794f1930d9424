//! `list_plans` and `list_rooms`: what there is, page by page.

use std::cmp::Reverse;
use std::collections::HashMap;

use ostwin_core::board::{self, Board, Counts, PlanState, Row, Unreadable};
use ostwin_core::ids::{EpicId, PlanId, RoleRef, RoomId, StateName};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::room::Room;
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clipped::{Clipped, terse};
use super::epic::shown;
use crate::args::{Cursor, Text, Whole};
use crate::binding::Binding;
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::waiting::Waiting;

/// Most problems in one answer.
const MAX_PROBLEMS: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListPlans {
    /// Only plans that stand like this.
    #[serde(default)]
    state: Option<PlanState>,
    /// At most this many in one answer; 20 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 100>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Text<1, 128>>,
}

/// A plan in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Plan {
    plan_id: PlanId,
    title: String,
    /// How it stands; null if that cannot be read.
    #[schemars(transform = terse)]
    state: Option<PlanState>,
    /// Passed epics over all epics, running ones counted by their own percent.
    progress_percent: Option<u8>,
    #[schemars(transform = terse)]
    counts: Option<Counts>,
    /// Whether an engine drives it at this moment.
    driven: bool,
    rehearsed: bool,
    imported_at: Timestamp,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Plans {
    /// The plans, the newest first.
    plans: Vec<Clipped<Plan>>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<PlanId>,
    #[schemars(transform = terse)]
    problems: Vec<Unreadable>,
}

pub(super) fn list_plans(
    binding: &Binding,
    args: ListPlans,
    _: &Waiting,
) -> Result<Plans, ToolError> {
    let ListPlans { state, limit, cursor } = args;
    let found = plans::survey(&binding.project)?;
    let mut problems: Vec<Unreadable> = found
        .unreadable
        .into_iter()
        .map(|(plan, error)| problem_of(format!("plan {plan}"), error))
        .collect();
    let mut stored = found.plans;
    stored.sort_by(|a, b| newest_first(a).cmp(&newest_first(b)));
    let start = match &cursor {
        None => 0,
        Some(last) => {
            let place = stored.iter().position(|plan| plan.meta.plan_id.as_str() == &**last);
            1 + place.ok_or_else(|| {
                let text = "`cursor` names no plan: begin again without it";
                ToolError::invalid("cursor", text)
            })?
        }
    };
    let limit = limit.map_or(20, Whole::count);
    let mut plans = Vec::new();
    let mut more = false;
    for plan in stored.iter().skip(start) {
        let board = match board::load(&binding.project, plan, &binding.settings) {
            Ok(board) => Some(board),
            Err(error) => {
                problems.push(problem_of(format!("plan {}", plan.meta.plan_id), error));
                None
            }
        };
        if state.is_some() && state != board.as_ref().map(|board| board.state) {
            continue;
        }
        if plans.len() == limit {
            more = true;
            break;
        }
        plans.push(Clipped(Plan::of(plan, board.as_ref())));
    }
    more |= fit_list(&mut plans);
    let next_cursor = plans.last().filter(|_| more).map(|Clipped(last)| last.plan_id.clone());
    problems.truncate(MAX_PROBLEMS);
    Ok(Plans { plans, next_cursor, problems })
}

fn newest_first(plan: &StoredPlan) -> (Reverse<Timestamp>, &PlanId) {
    (Reverse(plan.meta.imported_at), &plan.meta.plan_id)
}

fn problem_of(what: String, error: impl Into<ToolError>) -> Unreadable {
    Unreadable::new(what, &error.into().message)
}

impl Plan {
    fn of(plan: &StoredPlan, board: Option<&Board>) -> Self {
        Self {
            plan_id: plan.meta.plan_id.clone(),
            title: plan.meta.title.clone(),
            state: board.map(|board| board.state),
            progress_percent: board.map(|board| board.progress_percent),
            counts: board.map(|board| board.counts),
            driven: board
                .and_then(|board| board.engine.as_ref())
                .is_some_and(|engine| engine.alive),
            rehearsed: plan.meta.rehearsed,
            imported_at: plan.meta.imported_at,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListRooms {
    /// Only rooms of this plan.
    #[serde(default)]
    plan_id: Option<PlanId>,
    /// Only rooms in this state, such as `developing` or `escalated`.
    #[serde(default)]
    state: Option<StateName>,
    /// At most this many in one answer; 50 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 200>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Cursor>,
}

/// A room in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    room_id: RoomId,
    /// Its plan; null if its contract cannot be read.
    plan_id: Option<PlanId>,
    epic: Option<EpicId>,
    title: Option<String>,
    /// Its state; null if that cannot be read.
    state: Option<StateName>,
    /// How it stands in words; null for a room that its plan does not know any more.
    shown_as: Option<String>,
    /// Who works now, else who did last, else who begins.
    role: Option<RoleRef>,
    /// How far it is; 100 once it passed.
    percent: Option<u8>,
    /// Whether a session runs in it at this moment.
    active: bool,
    /// The number of its last attempt.
    attempt: Option<u32>,
    /// Why it failed, waits for a person, or cannot be read.
    why: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rooms {
    /// The rooms, by number.
    rooms: Vec<Clipped<Listed>>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<Cursor>,
    #[schemars(transform = terse)]
    problems: Vec<Unreadable>,
}

pub(super) fn list_rooms(
    binding: &Binding,
    args: ListRooms,
    _: &Waiting,
) -> Result<Rooms, ToolError> {
    let ListRooms { plan_id, state, limit, cursor } = args;
    if let Some(plan) = &plan_id {
        plans::open(&binding.project, plan)?;
    }
    let after = cursor.map_or(0, |cursor| cursor.0);
    let limit = limit.map_or(50, Whole::count);
    let mut boards = Boards { binding, rows: HashMap::new(), problems: Vec::new() };
    let mut rooms = Vec::new();
    let mut more = false;
    for room in Room::list(&binding.project)? {
        if u64::from(room.id().number()) <= after {
            continue;
        }
        let Some(listed) = boards.listed(&room, plan_id.as_ref()) else { continue };
        if state.is_some() && state != listed.state {
            continue;
        }
        if rooms.len() == limit {
            more = true;
            break;
        }
        rooms.push(Clipped(listed));
    }
    more |= fit_list(&mut rooms);
    let last = rooms.last().filter(|_| more);
    let next_cursor = last.map(|Clipped(last)| Cursor(last.room_id.number().into()));
    let mut problems = boards.problems;
    problems.truncate(MAX_PROBLEMS);
    Ok(Rooms { rooms, next_cursor, problems })
}

/// The boards of the plans whose rooms are listed, each read once.
struct Boards<'a> {
    binding: &'a Binding,
    rows: HashMap<PlanId, HashMap<RoomId, Row>>,
    problems: Vec<Unreadable>,
}

impl Boards<'_> {
    /// The room as it is listed; `None` if it is not of the `wanted` plan.
    fn listed(&mut self, room: &Room, wanted: Option<&PlanId>) -> Option<Listed> {
        let contract = match room.contract() {
            Ok(contract) if wanted.is_some_and(|plan| contract.plan_id != *plan) => return None,
            Ok(contract) => contract,
            Err(error) => {
                // Its plan's graph may still say whose it is.
                if let Some(plan) = wanted
                    && self.row(plan, room.id()).is_none()
                {
                    return None;
                }
                let problem = problem_of(room.id().to_string(), error);
                let why = Some(problem.problem.clone());
                self.problems.push(problem);
                return Some(Listed { why, ..nothing_known(room.id()) });
            }
        };
        let known = Listed {
            plan_id: Some(contract.plan_id.clone()),
            epic: Some(contract.task_ref.clone()),
            title: Some(contract.assignment.title.clone()),
            ..nothing_known(room.id())
        };
        let Some(row) = self.row(&contract.plan_id, room.id()) else {
            // Its plan is gone, or made another room for its epic.
            let state = room.standing().ok().map(|standing| standing.state);
            return Some(Listed { state, ..known });
        };
        let problem = row.problem().map(|problem| Unreadable::new(room.id().as_str(), problem));
        let listed = Listed {
            state: row.state.clone(),
            shown_as: Some(shown(&row.display)),
            role: row.role.clone(),
            percent: Some(row.percent),
            active: row.active,
            attempt: Some(row.attempt),
            why: row.why.clone(),
            ..known
        };
        self.problems.extend(problem);
        Some(listed)
    }

    fn row(&mut self, plan: &PlanId, room: &RoomId) -> Option<&Row> {
        if !self.rows.contains_key(plan) {
            let rows = self.read(plan);
            self.rows.insert(plan.clone(), rows);
        }
        self.rows.get(plan)?.get(room)
    }

    fn read(&mut self, plan: &PlanId) -> HashMap<RoomId, Row> {
        let Binding { project, settings, .. } = self.binding;
        let board = plans::open(project, plan)
            .map_err(ToolError::from)
            .and_then(|stored| Ok(board::load(project, &stored, settings)?));
        match board {
            Ok(board) => {
                let rows = board.rows.into_iter();
                rows.filter_map(|row| Some((row.room.clone()?, row))).collect()
            }
            Err(error) => {
                self.problems.push(problem_of(format!("plan {plan}"), error));
                HashMap::new()
            }
        }
    }
}

fn nothing_known(room: &RoomId) -> Listed {
    Listed {
        room_id: room.clone(),
        plan_id: None,
        epic: None,
        title: None,
        state: None,
        shown_as: None,
        role: None,
        percent: None,
        active: false,
        attempt: None,
        why: None,
    }
}
