//! `DAG.json` as a value, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::DagError;
use super::nodes::Nodes;
use crate::ids::{EpicId, PlanId, RoleRef, RoomId};
use crate::json::{Extra, Version};
use crate::plan::Priority;
use crate::time::Timestamp;

/// Whether the plan may still be changed by its review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the plan's review; epics have no rooms.
    #[default]
    Planning,
    /// After it; epics have rooms and the graph does not change while it runs.
    Solid,
}

/// The graph of a plan's epics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Dag")]
pub struct Dag {
    /// Version of this file's schema.
    pub schema_version: Version<1>,
    /// The plan.
    pub plan_id: PlanId,
    /// Whether the plan may still change.
    pub stage: Stage,
    /// SHA-256 of the plan's text that the graph was made from, in hex.
    pub plan_sha256: String,
    /// When the graph was made.
    pub generated_at: Timestamp,
    /// How many nodes there are.
    pub total_nodes: usize,
    /// The longest distance of any node from a root, in edges.
    pub max_depth: usize,
    /// The nodes by id, in plan order.
    #[schemars(with = "BTreeMap<String, DagNode>")]
    pub nodes: Nodes,
    /// Every node after its dependencies; ties by priority, then critical path, then plan order.
    pub topological_order: Vec<EpicId>,
    /// Nodes by their longest distance from a root.
    pub waves: Vec<Vec<EpicId>>,
    /// The chain of nodes that takes longest.
    pub critical_path: Vec<EpicId>,
    /// How many nodes are on it.
    pub critical_path_length: usize,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Dag);

/// One node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DagNode")]
pub struct DagNode {
    /// The epic's title.
    pub title: String,
    /// The epic's id, as rooms name it.
    pub task_ref: EpicId,
    /// The epic's room; null in the planning stage.
    pub room_id: Option<RoomId>,
    /// Who works; null if the plan names nobody.
    pub role: Option<RoleRef>,
    /// All roles of the epic: the first works, the others review in order.
    pub candidate_roles: Vec<RoleRef>,
    /// What must pass first.
    pub depends_on: Vec<EpicId>,
    /// What waits for this node, in plan order.
    pub dependents: Vec<EpicId>,
    /// Longest distance from a root, in edges.
    pub depth: usize,
    /// Index of the wave that holds the node; equal to its depth.
    pub wave: usize,
    /// When it starts relative to others that could start too.
    pub priority: Priority,
    /// Whether the plan ends later if this node does.
    pub on_critical_path: bool,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(DagNode);

impl Dag {
    /// The node of this id.
    pub fn node(&self, id: &EpicId) -> Option<&DagNode> {
        self.nodes.get(id)
    }

    /// The nodes that may start now: not started, not passed, every dependency passed. In order of
    /// priority, then critical path, then plan order, at most `free_slots`.
    pub fn next_wave(
        &self,
        passed: &BTreeSet<EpicId>,
        started: &BTreeSet<EpicId>,
        free_slots: usize,
    ) -> Vec<EpicId> {
        let mut ready: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, (id, node))| {
                !passed.contains(*id)
                    && !started.contains(*id)
                    && node.depends_on.iter().all(|other| passed.contains(other))
            })
            .map(|(position, (id, node))| {
                (node.priority.rank(), !node.on_critical_path, position, id)
            })
            .collect();
        ready.sort();
        ready.into_iter().take(free_slots).map(|(.., id)| id.clone()).collect()
    }

    /// Every node that waits for `id`, directly or not, in plan order.
    pub fn downstream(&self, id: &EpicId) -> Vec<EpicId> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(node) = waiting.pop().and_then(|id| self.nodes.get(id)) {
            for other in &node.dependents {
                if found.insert(other) {
                    waiting.push(other);
                }
            }
        }
        let mut found: Vec<EpicId> = found.into_iter().cloned().collect();
        found.sort_by_key(|id| self.nodes.position(id));
        found
    }

    /// The solid graph: this one with a room for every node.
    ///
    /// # Errors
    ///
    /// [`DagError::NoRoom`] if a node has no room, neither here nor in `rooms`.
    pub fn with_rooms(mut self, rooms: &BTreeMap<EpicId, RoomId>) -> Result<Self, DagError> {
        for id in &self.topological_order {
            let Some(node) = self.nodes.get_mut(id) else { continue };
            if let Some(room) = rooms.get(id) {
                node.room_id = Some(room.clone());
            }
            if node.room_id.is_none() {
                return Err(DagError::NoRoom { epic: id.clone() });
            }
        }
        self.stage = Stage::Solid;
        Ok(self)
    }
}
