//! Roles: what `role.json` says of one. Finding a role in its tiers is the runner's business.

mod spec;
pub mod tools;

pub use spec::{InstanceType, QualityGate, RoleFile, RoleSpec, RoleWarning};
pub use tools::{ToolList, ToolLists};
