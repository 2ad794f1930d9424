//! Questions about a directed graph of numbered nodes, answered with petgraph.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// For each node the nodes that it depends on.
pub(crate) type Dependencies = Vec<Vec<usize>>;

/// One whole cycle of every group of nodes that wait for each other, as short as can be. A cycle
/// `[a, b]` means that `a` depends on `b` and `b` on `a`. Self-dependencies are not looked at.
pub(crate) fn cycles(dependencies: &Dependencies) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::with_capacity(dependencies.len(), dependencies.len());
    for _ in dependencies {
        graph.add_node(());
    }
    for (node, needed) in dependencies.iter().enumerate() {
        for other in needed {
            if *other != node && *other < dependencies.len() {
                graph.add_edge(NodeIndex::new(node), NodeIndex::new(*other), ());
            }
        }
    }
    let mut found: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|group| group.len() > 1)
        .filter_map(|group| {
            let group: Vec<usize> = group.into_iter().map(NodeIndex::index).collect();
            shortest_cycle(dependencies, &group)
        })
        .collect();
    found.sort();
    found
}

/// The shortest way from the first node of a group back to itself.
fn shortest_cycle(dependencies: &Dependencies, group: &[usize]) -> Option<Vec<usize>> {
    let start = *group.iter().min()?;
    let mut reached_from: HashMap<usize, Option<usize>> =
        group.iter().map(|node| (*node, None)).collect();
    let mut waiting = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        for other in dependencies.get(node)? {
            if *other == start && node != start {
                return Some(path_to(node, start, &reached_from));
            }
            if *other != node
                && *other != start
                && let Some(from @ None) = reached_from.get_mut(other)
            {
                *from = Some(node);
                waiting.push_back(*other);
            }
        }
    }
    None
}

fn path_to(
    mut node: usize,
    start: usize,
    reached_from: &HashMap<usize, Option<usize>>,
) -> Vec<usize> {
    let mut path = vec![node];
    while node != start {
        let Some(Some(from)) = reached_from.get(&node) else { break };
        node = *from;
        path.push(node);
    }
    path.reverse();
    path
}

/// Who waits for each node, in ascending order.
pub(crate) fn dependents(dependencies: &Dependencies) -> Vec<Vec<usize>> {
    let mut dependents = vec![Vec::new(); dependencies.len()];
    for (node, needed) in dependencies.iter().enumerate() {
        for other in needed {
            if let Some(list) = dependents.get_mut(*other) {
                list.push(node);
            }
        }
    }
    dependents
}
