//! Roles: what `role.json` says of one. Finding a role in its tiers is the runner's business.

mod spec;

pub use spec::{InstanceType, QualityGate, RoleFile, RoleSpec, RoleWarning};
