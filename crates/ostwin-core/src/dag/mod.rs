//! The order in which a plan's epics may run: the graph of their dependencies and `DAG.json`.
//!
//! The graph is a picture of the plan, not a barrier: an epic starts as soon as its own
//! dependencies have passed. Everything here is a pure function over values; equal input gives
//! equal bytes. The graph library stays behind this module.

mod build;
mod critical_path;
pub(crate) mod graph;
mod nodes;
mod order;
pub mod render;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use build::drawn;
pub use build::{BuildOptions, DagError, build};
pub use nodes::Nodes;
pub(crate) use order::topological;
pub use value::{Dag, DagNode, Stage};
