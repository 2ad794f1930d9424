//! The chain of epics that decides how long the plan takes at least.

use super::graph::Dependencies;

/// The heaviest path through the graph, from a root to an end. Of equally heavy ones, the one whose
/// nodes come first in the plan, seen from the end.
pub(super) fn critical_path(
    dependencies: &Dependencies,
    order: &[usize],
    weights: &[u64],
) -> Vec<usize> {
    let mut finish = vec![0_u64; dependencies.len()];
    let mut before: Vec<Option<usize>> = vec![None; dependencies.len()];
    for node in order {
        let needed = dependencies.get(*node).into_iter().flatten().copied();
        let latest = heaviest(needed, &finish);
        let start = latest.and_then(|other| finish.get(other)).copied().unwrap_or(0);
        if let (Some(slot), Some(from)) = (finish.get_mut(*node), before.get_mut(*node)) {
            *slot = start.saturating_add(weights.get(*node).copied().unwrap_or(0));
            *from = latest;
        }
    }
    let mut path = Vec::new();
    let mut next = heaviest(order.iter().copied(), &finish);
    while let Some(node) = next {
        path.push(node);
        next = before.get(node).copied().flatten();
    }
    path.reverse();
    path
}

/// The node that ends last; of several, the one with the lowest number.
fn heaviest(nodes: impl Iterator<Item = usize>, finish: &[u64]) -> Option<usize> {
    nodes.max_by_key(|node| (finish.get(*node).copied().unwrap_or(0), std::cmp::Reverse(*node)))
}
