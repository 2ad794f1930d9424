//! `get_plan_status`: one plan with its epics.

use ostwin_core::board::{self, Counts, PlanState, Row, Unreadable};
use ostwin_core::control;
use ostwin_core::dag::Dag;
use ostwin_core::ids::{PlanId, RunId};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clipped::{Clipped, terse};
use super::epic::Epic;
use super::graph::{Graph, Node};
use crate::args::{Cursor, Whole};
use crate::binding::Binding;
use crate::bounds::fit_share;
use crate::error::{Code, ToolError};
use crate::subject;
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetPlanStatus {
    /// Which plan, as `list_plans` names it.
    #[serde(default)]
    plan_id: Option<PlanId>,
    /// Show the epics; true if left out.
    #[serde(default = "yes")]
    include_epics: bool,
    /// Show the graph of the epics too.
    #[serde(default)]
    include_dag: bool,
    /// At most this many epics in one answer; 50 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 200>>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<Cursor>,
}

fn yes() -> bool {
    true
}

/// Why a plan is the one that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Chosen {
    /// It was named.
    Named,
    /// It is the session's own.
    Own,
    /// There is no other.
    Only,
    /// An engine drives it; of several such plans it is the newest.
    Running,
    /// No plan runs, and it is the newest.
    Newest,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PlanStatus {
    plan_id: PlanId,
    title: String,
    /// Why this plan is shown.
    chosen: Chosen,
    /// Whether the rehearsal agent works on it instead of a model.
    rehearsed: bool,
    at: Timestamp,
    #[schemars(transform = terse)]
    state: PlanState,
    /// Passed epics over all epics, running ones counted by their own percent.
    progress_percent: u8,
    /// Whether an engine drives it at this moment.
    driven: bool,
    /// The run that drives it, or drove it last.
    run_id: Option<RunId>,
    #[schemars(transform = terse)]
    counts: Counts,
    tokens: u64,
    cost_usd: Option<f64>,
    /// Seconds from the first session to now, or to the end.
    elapsed_seconds: Option<u64>,
    /// The epics in plan order, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    epics: Option<Vec<Epic>>,
    /// The graph, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    dag: Option<Graph>,
    /// Where to go on; null if there is no more.
    next_cursor: Option<Cursor>,
    /// What could not be read, of the whole plan.
    #[schemars(transform = terse)]
    problems: Vec<Unreadable>,
}

/// Most problems in one answer.
const MAX_PROBLEMS: usize = 20;

pub(super) fn get_plan_status(
    binding: &Binding,
    args: GetPlanStatus,
    _: &Waiting,
) -> Result<Clipped<PlanStatus>, ToolError> {
    let GetPlanStatus { plan_id, include_epics, include_dag, limit, cursor } = args;
    let (plan, chosen) = choose(binding, plan_id.as_ref())?;
    let mut board = board::load(&binding.project, &plan, &binding.settings)?;
    let dag = if include_dag { Some(board::graph(&binding.project, &plan)?) } else { None };
    let rows = std::mem::take(&mut board.rows);
    let problems = rows.iter().filter_map(unreadable).take(MAX_PROBLEMS).collect();
    let page = if include_epics || include_dag {
        let start = cursor.map_or(0, |cursor| usize::try_from(cursor.0).unwrap_or(usize::MAX));
        Page::of(rows, dag.as_ref(), start, limit.map_or(50, Whole::count))
    } else {
        Page::default()
    };
    Ok(Clipped(PlanStatus {
        plan_id: board.plan_id,
        title: board.title,
        chosen,
        rehearsed: board.rehearsed,
        at: board.at,
        state: board.state,
        progress_percent: board.progress_percent,
        driven: board.engine.as_ref().is_some_and(|engine| engine.alive),
        run_id: board.engine.map(|engine| engine.run_id),
        counts: board.counts,
        tokens: board.tokens,
        cost_usd: board.cost_usd,
        elapsed_seconds: board.elapsed_seconds,
        epics: include_epics.then_some(page.epics),
        dag: dag.map(|dag| Graph::of(&dag, page.nodes)),
        next_cursor: page.next,
        problems,
    }))
}

/// The plan that is meant, and why.
fn choose(binding: &Binding, named: Option<&PlanId>) -> Result<(StoredPlan, Chosen), ToolError> {
    if let Some(id) = named {
        return Ok((plans::open(&binding.project, id)?, Chosen::Named));
    }
    if let Some(own) = subject::own_plan(binding)? {
        return Ok((plans::open(&binding.project, &own)?, Chosen::Own));
    }
    let mut found = plans::survey(&binding.project)?.whole()?;
    found.sort_by_key(|plan| plan.meta.imported_at);
    if found.len() == 1
        && let Some(only) = found.pop()
    {
        return Ok((only, Chosen::Only));
    }
    // A lock that cannot be looked at drives nothing that could be shown.
    let driven = |plan: &StoredPlan| control::is_driven(&plan.paths).unwrap_or(false);
    match found.iter().rposition(driven) {
        Some(place) => Ok((found.swap_remove(place), Chosen::Running)),
        None => found.pop().map(|newest| (newest, Chosen::Newest)).ok_or_else(|| {
            let text = "the project has no plan; `ostwin run PLAN.md` imports one";
            ToolError::new(Code::NotFound, text)
        }),
    }
}

/// The room of an epic that cannot be shown, and why.
fn unreadable(row: &Row) -> Option<Unreadable> {
    Some(Unreadable::new(row.room.as_ref()?.as_str(), row.problem()?))
}

/// A part of the epics, in plan order.
#[derive(Default)]
struct Page {
    epics: Vec<Epic>,
    nodes: Vec<Node>,
    next: Option<Cursor>,
}

impl Page {
    /// At most `limit` epics from place `start` on, each with its node of the graph, if there is
    /// one.
    fn of(rows: Vec<Row>, dag: Option<&Dag>, start: usize, limit: usize) -> Self {
        let total = rows.len();
        let mut page: Vec<Clipped<(Epic, Option<Node>)>> = rows
            .into_iter()
            .skip(start)
            .take(limit)
            .map(|row| {
                let node = dag.and_then(|dag| dag.node(&row.epic)).map(Node::from);
                Clipped((Epic::from(row), node))
            })
            .collect();
        // The other half is for the plan's title and problems.
        fit_share(&mut page, 2);
        let end = start.saturating_add(page.len());
        let (epics, nodes): (Vec<_>, Vec<_>) = page.into_iter().map(|Clipped(both)| both).unzip();
        Self {
            epics,
            nodes: nodes.into_iter().flatten().collect(),
            next: (end < total).then_some(Cursor(end as u64)),
        }
    }
}
