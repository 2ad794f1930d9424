//! The graph of a plan, for whoever draws it.

use std::collections::{BTreeMap, BTreeSet};

use ostwin_core::board::{self, Row};
use ostwin_core::dag::Dag;
use ostwin_core::ids::{EpicId, RoleRef, RoomId, StateName};
use ostwin_core::lifecycle::{DisplayState, Tone};
use ostwin_core::plan::Priority;
use schemars::JsonSchema;
use serde::Serialize;

use super::plans::PlanPath;
use crate::call::Call;
use crate::http::{Nothing, Problem, Route, get};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/api/plans/{id}/dag", "The graph of a plan, also before its first run", dag)]
}

/// The graph of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Graph {
    /// The epics, in plan order.
    nodes: Vec<Node>,
    /// What waits for what.
    edges: Vec<Arrow>,
    /// The epics by their longest distance from a start.
    waves: Vec<Vec<EpicId>>,
    /// The chain of epics that takes longest.
    critical_path: Vec<EpicId>,
}

/// An epic in the graph.
#[derive(Debug, Serialize, JsonSchema)]
struct Node {
    /// The epic.
    epic: EpicId,
    /// Its title.
    title: String,
    /// Its room; null before the first run.
    room: Option<RoomId>,
    /// The room's state; null without a room.
    state: Option<StateName>,
    /// The word that people see for it; null where only a text is drawn.
    display: Option<DisplayState>,
    /// How far it is.
    percent: u8,
    /// Who works now, else who did last, else who begins.
    role: Option<RoleRef>,
    /// Its wave, counted from 0.
    wave: usize,
    /// When it starts relative to others that could start too.
    priority: Priority,
    /// Whether the work was accepted.
    passed: bool,
    /// Whether a session runs at this moment.
    active: bool,
    /// Whether a person has to decide.
    attention: bool,
    /// Whether the plan ends later if it does.
    critical: bool,
    /// Why it failed or waits for a person.
    why: Option<String>,
}

/// That an epic waits for another.
#[derive(Debug, Serialize, JsonSchema)]
struct Arrow {
    /// What must pass first.
    from: EpicId,
    /// What waits for it.
    to: EpicId,
    /// Whether both are neighbours on the critical path.
    critical: bool,
}

fn dag(call: &Call, path: PlanPath, _: Nothing) -> Result<Graph, Problem> {
    let served = call.one()?;
    let view = served.view(&path.id)?;
    Ok(graph(&board::graph(&served.project(), &view.plan)?, &view.board.rows))
}

/// The graph with what the rows say of its epics.
pub(super) fn graph(dag: &Dag, rows: &[Row]) -> Graph {
    let rows: BTreeMap<&EpicId, &Row> = rows.iter().map(|row| (&row.epic, row)).collect();
    let pairs: BTreeSet<(&EpicId, &EpicId)> =
        dag.critical_path.iter().zip(dag.critical_path.iter().skip(1)).collect();
    let mut edges = Vec::new();
    let mut nodes = Vec::new();
    for (epic, node) in dag.nodes.iter() {
        edges.extend(node.depends_on.iter().map(|from| Arrow {
            from: from.clone(),
            to: epic.clone(),
            critical: pairs.contains(&(from, epic)),
        }));
        let row = rows.get(epic);
        nodes.push(Node {
            epic: epic.clone(),
            title: node.title.clone(),
            room: node.room_id.clone().or_else(|| row.and_then(|row| row.room.clone())),
            state: row.and_then(|row| row.state.clone()),
            display: row.map(|row| row.display.clone()),
            percent: row.map_or(0, |row| row.percent),
            role: row.and_then(|row| row.role.clone()).or_else(|| node.role.clone()),
            wave: node.wave,
            priority: node.priority,
            passed: row.is_some_and(|row| row.passed),
            active: row.is_some_and(|row| row.active),
            attention: row.is_some_and(|row| row.display.tone == Tone::Attention),
            critical: node.on_critical_path,
            why: row.and_then(|row| row.why.clone()),
        });
    }
    Graph { nodes, edges, waves: dag.waves.clone(), critical_path: dag.critical_path.clone() }
}
