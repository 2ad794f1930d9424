//! The nodes of a graph by id, in plan order, which the file keeps.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::DagNode;
use crate::ids::EpicId;

/// A map from id to node that remembers the order of its entries.
#[derive(Clone, Default)]
pub struct Nodes {
    entries: Vec<(EpicId, DagNode)>,
    index: BTreeMap<EpicId, usize>,
}

impl Nodes {
    /// The node of this id.
    pub fn get(&self, id: &EpicId) -> Option<&DagNode> {
        let index = *self.index.get(id)?;
        self.entries.get(index).map(|(_, node)| node)
    }

    /// The node of this id, to be changed.
    pub fn get_mut(&mut self, id: &EpicId) -> Option<&mut DagNode> {
        let index = *self.index.get(id)?;
        self.entries.get_mut(index).map(|(_, node)| node)
    }

    /// The place of an id in plan order, from 0.
    pub fn position(&self, id: &EpicId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// Adds a node at the end, unless the id is there already; says whether it was added.
    #[must_use]
    pub fn push(&mut self, id: EpicId, node: DagNode) -> bool {
        if self.index.contains_key(&id) {
            return false;
        }
        self.index.insert(id.clone(), self.entries.len());
        self.entries.push((id, node));
        true
    }

    /// All nodes in plan order.
    pub fn iter(&self) -> impl Iterator<Item = (&EpicId, &DagNode)> {
        self.entries.iter().map(|(id, node)| (id, node))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Nodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Nodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of nodes by epic id")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nodes, A::Error> {
                let mut nodes = Nodes::default();
                while let Some((id, node)) = map.next_entry::<EpicId, DagNode>()? {
                    let name = id.clone();
                    if !nodes.push(id, node) {
                        return Err(de::Error::custom(format_args!("duplicate node `{name}`")));
                    }
                }
                Ok(nodes)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
