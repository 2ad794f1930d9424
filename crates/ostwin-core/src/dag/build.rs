//! From a plan to its graph.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::critical_path::critical_path;
use super::graph::{self, Dependencies};
use super::nodes::Nodes;
use super::order;
use super::value::{Dag, DagNode, Stage};
use crate::ids::{EpicId, PlanId, RoleRef, RoomId};
use crate::json::{Extra, Version};
use crate::plan::{Epic, Plan, Priority};
use crate::time::Timestamp;

/// What a graph needs to know beside the plan.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The plan's id.
    pub plan_id: PlanId,
    /// SHA-256 of the plan's text, in hex.
    pub plan_sha256: String,
    /// The time of making.
    pub generated_at: Timestamp,
    /// Whether the plan may still change.
    pub stage: Stage,
    /// Whether the plan's review is the root of the graph.
    pub plan_review: bool,
    /// The room of the review, if it has one already.
    pub plan_review_room: Option<RoomId>,
    /// Who reviews the plan; the first leads.
    pub plan_review_roles: Vec<RoleRef>,
    /// Measured seconds of past attempts, by epic.
    pub measured_seconds: BTreeMap<EpicId, u64>,
    /// Weight of an epic that was never measured and has no timeout, in seconds.
    pub default_timeout_seconds: u64,
}

impl BuildOptions {
    /// The options for a first graph without a review.
    pub fn new(plan_id: PlanId, plan_sha256: impl Into<String>, generated_at: Timestamp) -> Self {
        Self {
            plan_id,
            plan_sha256: plan_sha256.into(),
            generated_at,
            stage: Stage::Planning,
            plan_review: false,
            plan_review_room: None,
            plan_review_roles: Vec::new(),
            measured_seconds: BTreeMap::new(),
            default_timeout_seconds: 900,
        }
    }
}

/// Why a plan has no graph. The plan's checks report the same with their place in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DagError {
    /// Two epics have one id.
    #[error("the plan has two epics `{epic}`; ids must differ")]
    DuplicateId {
        /// The id.
        epic: EpicId,
    },
    /// A dependency is no epic of the plan.
    #[error("`{epic}` depends on `{dependency}`, which the plan does not have")]
    UnknownDependency {
        /// The epic.
        epic: EpicId,
        /// What it names.
        dependency: EpicId,
    },
    /// Epics wait for each other.
    #[error("epics wait for each other: {}", drawn(path))]
    Cycle {
        /// The epics, each depending on the next and the last on the first.
        path: Vec<EpicId>,
    },
    /// A node has no room in the solid graph.
    #[error("`{epic}` has no room")]
    NoRoom {
        /// The epic.
        epic: EpicId,
    },
}

/// `A -> B -> A`
pub(crate) fn drawn(path: &[EpicId]) -> String {
    let ids = path.iter().chain(path.first()).map(EpicId::as_str);
    ids.collect::<Vec<_>>().join(" -> ")
}

/// Builds the graph of a plan.
///
/// # Errors
///
/// [`DagError`] if ids are not unique, a dependency is unknown or there is a cycle.
pub fn build(plan: &Plan, options: &BuildOptions) -> Result<Dag, DagError> {
    let mut members = Vec::with_capacity(plan.epics.len() + 1);
    if options.plan_review {
        members.push(review_node(options));
    }
    members.extend(plan.epics.iter().map(|epic| (epic.id.clone(), epic_node(epic, options))));
    let mut numbers = HashMap::with_capacity(members.len());
    for (number, (id, _)) in members.iter().enumerate() {
        if numbers.insert(id.clone(), number).is_some() {
            return Err(DagError::DuplicateId { epic: id.clone() });
        }
    }
    let dependencies = dependencies(&members, &numbers)?;
    if let Some(cycle) = graph::cycles(&dependencies).first() {
        let ids = cycle.iter().filter_map(|number| members.get(*number));
        return Err(DagError::Cycle { path: ids.map(|(id, _)| id.clone()).collect() });
    }
    let any_order = order::topological(&dependencies, |_| ());
    let path = critical_path(&dependencies, &any_order, &weights(plan, &members, options));
    let on_path: HashSet<usize> = path.iter().copied().collect();
    let ranks: Vec<i64> = members.iter().map(|(_, node)| node.priority.rank()).collect();
    let order = order::topological(&dependencies, |node| {
        (ranks.get(node).copied().unwrap_or(0), !on_path.contains(&node))
    });
    let depths = order::depths(&dependencies, &order);

    let ids: Vec<EpicId> = members.iter().map(|(id, _)| id.clone()).collect();
    let name = |number: &usize| ids.get(*number).cloned();
    let mut waves: Vec<Vec<EpicId>> = Vec::new();
    for number in &order {
        let depth = depths.get(*number).copied().unwrap_or(0);
        if waves.len() <= depth {
            waves.resize_with(depth + 1, Vec::new);
        }
        if let (Some(wave), Some(id)) = (waves.get_mut(depth), name(number)) {
            wave.push(id);
        }
    }
    let dependents = graph::dependents(&dependencies);
    let mut nodes = Nodes::default();
    for (number, (id, mut node)) in members.into_iter().enumerate() {
        node.dependents = dependents.get(number).into_iter().flatten().filter_map(name).collect();
        node.depth = depths.get(number).copied().unwrap_or(0);
        node.wave = node.depth;
        node.on_critical_path = on_path.contains(&number);
        if !nodes.push(id.clone(), node) {
            return Err(DagError::DuplicateId { epic: id });
        }
    }
    Ok(Dag {
        schema_version: Version::default(),
        plan_id: options.plan_id.clone(),
        stage: options.stage,
        plan_sha256: options.plan_sha256.clone(),
        generated_at: options.generated_at,
        total_nodes: nodes.len(),
        max_depth: depths.iter().copied().max().unwrap_or(0),
        nodes,
        topological_order: order.iter().filter_map(name).collect(),
        waves,
        critical_path: path.iter().filter_map(name).collect(),
        critical_path_length: path.len(),
        extra: Extra::new(),
    })
}

/// The numbers of what each node depends on.
fn dependencies(
    members: &[(EpicId, DagNode)],
    numbers: &HashMap<EpicId, usize>,
) -> Result<Dependencies, DagError> {
    let mut all = Vec::with_capacity(members.len());
    for (id, node) in members {
        let mut needed = Vec::with_capacity(node.depends_on.len());
        for other in &node.depends_on {
            if other == id {
                return Err(DagError::Cycle { path: vec![id.clone()] });
            }
            let number = numbers.get(other).ok_or_else(|| DagError::UnknownDependency {
                epic: id.clone(),
                dependency: other.clone(),
            })?;
            needed.push(*number);
        }
        all.push(needed);
    }
    Ok(all)
}

fn weights(plan: &Plan, members: &[(EpicId, DagNode)], options: &BuildOptions) -> Vec<u64> {
    let timeouts: HashMap<&EpicId, u64> =
        plan.epics.iter().filter_map(|epic| Some((&epic.id, epic.timeout?))).collect();
    let weight = |(id, _): &(EpicId, DagNode)| {
        let measured = options.measured_seconds.get(id).or_else(|| timeouts.get(id));
        measured.copied().unwrap_or(options.default_timeout_seconds)
    };
    members.iter().map(weight).collect()
}

fn review_node(options: &BuildOptions) -> (EpicId, DagNode) {
    let id = EpicId::plan_review();
    let node = DagNode {
        room_id: options.plan_review_room.clone(),
        ..empty_node(&id, "Review of the plan", &options.plan_review_roles)
    };
    (id, node)
}

fn epic_node(epic: &Epic, options: &BuildOptions) -> DagNode {
    let mut depends_on = epic.depends_on.clone();
    if !options.plan_review {
        depends_on.retain(|id| !id.is_plan_review());
    } else if depends_on.is_empty() {
        depends_on.push(EpicId::plan_review());
    }
    DagNode {
        depends_on,
        priority: epic.priority.unwrap_or_default(),
        ..empty_node(&epic.id, &epic.title, &epic.roles)
    }
}

fn empty_node(id: &EpicId, title: &str, roles: &[RoleRef]) -> DagNode {
    DagNode {
        title: title.to_owned(),
        task_ref: id.clone(),
        room_id: None,
        role: roles.first().cloned(),
        candidate_roles: roles.to_vec(),
        depends_on: Vec::new(),
        dependents: Vec::new(),
        depth: 0,
        wave: 0,
        priority: Priority::Normal,
        on_critical_path: false,
        extra: Extra::new(),
    }
}
