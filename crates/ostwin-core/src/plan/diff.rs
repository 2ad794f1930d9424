//! What an edit of a plan changed, epic by epic.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::format;
use super::value::{Epic, Plan};
use crate::ids::EpicId;

/// The content hash of an epic: SHA-256 over its canonical form, in hex. It does not change when
/// the epic is written in another spelling or moved within the plan.
pub fn epic_hash(epic: &Epic) -> String {
    let digest = Sha256::digest(format::epic(epic).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The epics that differ between two plans, each list in plan order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDiff {
    /// Only in the new plan.
    pub added: Vec<EpicId>,
    /// Only in the old plan.
    pub removed: Vec<EpicId>,
    /// In both, with another content.
    pub changed: Vec<EpicId>,
}

impl PlanDiff {
    /// Whether the epics are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What leads from `old` to `new`.
pub fn diff(old: &Plan, new: &Plan) -> PlanDiff {
    let before: BTreeMap<&EpicId, &Epic> = old.epics.iter().map(|epic| (&epic.id, epic)).collect();
    let after: BTreeMap<&EpicId, &Epic> = new.epics.iter().map(|epic| (&epic.id, epic)).collect();
    let mut found = PlanDiff::default();
    for epic in &new.epics {
        match before.get(&epic.id) {
            None => found.added.push(epic.id.clone()),
            Some(old) if epic_hash(old) != epic_hash(epic) => found.changed.push(epic.id.clone()),
            Some(_) => {}
        }
    }
    let is_gone = |epic: &&Epic| !after.contains_key(&epic.id);
    found.removed.extend(old.epics.iter().filter(is_gone).map(|epic| epic.id.clone()));
    found
}
