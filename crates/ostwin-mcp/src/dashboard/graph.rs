//! The graph of a plan: a resource of this server and of the war-room's.

use ostwin_core::board;
use ostwin_core::dag::{Dag, DagNode, Stage};
use ostwin_core::ids::EpicId;
use schemars::JsonSchema;
use serde::Serialize;

use super::clipped::{cut_names, is_zero, terse};
use crate::binding::Binding;
use crate::error::{Code, ToolError};
use crate::resources::{About, Content, Resource};
use crate::subject;

const DAG: About = About {
    address: "ostwin://plan/dag",
    name: "dag",
    title: "The plan's graph",
    description: "The epics of the plan and what each waits for: order, waves, critical path, \
        rooms.",
    mime_type: "application/json",
};

/// The graph of a session's plan, or for a person's client of the plan in the address.
pub(crate) fn resource(is_session: bool) -> Resource<Binding> {
    let address = if is_session { DAG.address } else { "ostwin://plans/{plan_id}/dag" };
    Resource::new(About { address, ..DAG }, dag)
}

fn dag(binding: &Binding, named: Option<&str>) -> Result<Content, ToolError> {
    let dag = board::graph(&binding.project, &subject::plan(binding, named)?)?;
    let text = serde_json::to_string(&dag)
        .map_err(|error| ToolError::because(Code::Unavailable, &error))?;
    Ok(Content { text, ..Content::default() })
}

/// The graph of a plan, as far as an answer shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Graph {
    #[schemars(transform = terse)]
    stage: Stage,
    total_nodes: usize,
    /// The longest distance of any node from a root, in edges.
    max_depth: usize,
    critical_path_length: usize,
    /// The nodes of this page, in plan order.
    nodes: Vec<Node>,
}

impl Graph {
    /// The graph with these of its nodes.
    pub(super) fn of(dag: &Dag, nodes: Vec<Node>) -> Self {
        Self {
            stage: dag.stage,
            total_nodes: dag.nodes.len(),
            max_depth: dag.max_depth,
            critical_path_length: dag.critical_path.len(),
            nodes,
        }
    }
}

/// One node of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Node {
    epic: EpicId,
    /// What must pass first.
    depends_on: Vec<EpicId>,
    /// What waits for it.
    dependents: Vec<EpicId>,
    /// How many names the two lists above leave out.
    #[serde(skip_serializing_if = "is_zero")]
    names_left_out: usize,
    /// Its distance from the start, in steps.
    wave: usize,
    /// Whether the plan ends later if it does.
    on_critical_path: bool,
}

impl From<&DagNode> for Node {
    fn from(node: &DagNode) -> Self {
        let (mut depends_on, mut dependents) = (node.depends_on.clone(), node.dependents.clone());
        let names_left_out = cut_names(&mut depends_on) + cut_names(&mut dependents);
        Self {
            epic: node.task_ref.clone(),
            depends_on,
            dependents,
            names_left_out,
            wave: node.wave,
            on_critical_path: node.on_critical_path,
        }
    }
}
