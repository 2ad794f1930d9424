//! Skills that build on each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use ostwin_core::ids::SkillName;

/// Skills that build on each other in a circle, which none of them can be given without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "skills build on each other in a circle: {}; take one of these out of the `dependencies` of \
     the one before it",
    circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ")
)]
pub struct CircleError {
    /// The circle, from its first name on; the last builds on the first.
    pub circle: Vec<SkillName>,
}

/// The circle with the first name that is in one, if there is any among `builds_on`.
pub(super) fn find(
    builds_on: &BTreeMap<&SkillName, BTreeSet<&SkillName>>,
) -> Result<(), CircleError> {
    let mut done: BTreeSet<&SkillName> = BTreeSet::new();
    for start in builds_on.keys() {
        // The way from the start, each step with what is still to be looked at below it.
        let mut way: Vec<(&SkillName, Vec<&SkillName>)> = Vec::new();
        let enter = |name: &SkillName| -> Vec<&SkillName> {
            builds_on
                .get(name)
                .map(|below| below.iter().rev().copied().collect())
                .unwrap_or_default()
        };
        if !done.contains(start) {
            way.push((start, enter(start)));
        }
        while let Some((name, below)) = way.last_mut() {
            match below.pop() {
                Some(next) => {
                    if let Some(at) = way.iter().position(|(name, _)| *name == next) {
                        let circle = way.split_off(at).into_iter().map(|(name, _)| name.clone());
                        return Err(CircleError { circle: from_first(circle.collect()) });
                    }
                    if !done.contains(next) {
                        way.push((next, enter(next)));
                    }
                }
                None => {
                    done.insert(*name);
                    way.pop();
                }
            }
        }
    }
    Ok(())
}

/// The same circle, told from its first name in the order of names.
fn from_first(mut circle: Vec<SkillName>) -> Vec<SkillName> {
    let first = circle.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    circle
}
