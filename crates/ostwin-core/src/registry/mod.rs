//! The role catalogue: which roles there are, who does what by default, and who reviews what.
//! `registry.json` is owned by people; `role new` adds to it.

mod catalogue;

pub use catalogue::{AssignmentRules, CapabilityReview, Registry, RegistryRole};
