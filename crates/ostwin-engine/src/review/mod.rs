//! The review of a plan and of its revisions, as far as an engine does something for it: the room
//! `PLAN-REVIEW` in which the design role reads the plan, and the rooms of a plan that was edited.
//!
//! A run of [`Scope::Review`](crate::Scope::Review) drives that room and no other. A run of the
//! plan itself begins only if [`ostwin_core::plan_review::gate`] is open.

mod brief;
mod machine;
mod revision;
mod room;

pub use revision::{Revision, Touched, revision};
pub(crate) use revision::{apply, work};
pub(crate) use room::ensure;
