//! Kahn's algorithm: an order in which every node comes after what it depends on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::{Dependencies, dependents};

/// Every node after its dependencies; among those that could come next, the one with the lowest
/// key, then the lowest number. Nodes on a cycle and behind one are left out.
pub(crate) fn topological<K: Ord>(
    dependencies: &Dependencies,
    key: impl Fn(usize) -> K,
) -> Vec<usize> {
    let dependents = dependents(dependencies);
    let mut missing: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<(K, usize)>> = missing
        .iter()
        .enumerate()
        .filter(|(_, missing)| **missing == 0)
        .map(|(node, _)| Reverse((key(node), node)))
        .collect();
    let mut order = Vec::with_capacity(dependencies.len());
    while let Some(Reverse((_, node))) = ready.pop() {
        order.push(node);
        for other in dependents.get(node).into_iter().flatten() {
            if let Some(missing) = missing.get_mut(*other) {
                *missing -= 1;
                if *missing == 0 {
                    ready.push(Reverse((key(*other), *other)));
                }
            }
        }
    }
    order
}

/// The longest distance of each node from a root, in edges.
pub(super) fn depths(dependencies: &Dependencies, order: &[usize]) -> Vec<usize> {
    let mut depths = vec![0; dependencies.len()];
    for node in order {
        let needed = dependencies.get(*node).into_iter().flatten();
        let below = needed.filter_map(|other| depths.get(*other)).max();
        let depth = below.map_or(0, |depth: &usize| depth + 1);
        if let Some(slot) = depths.get_mut(*node) {
            *slot = depth;
        }
    }
    depths
}
