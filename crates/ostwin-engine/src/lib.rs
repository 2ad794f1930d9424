//! The engine: runs one plan from its files, and can be killed at any moment.
//!
//! [`decide`] is the whole scheduling policy, a pure function from a [`Snapshot`] to actions. The
//! shell around it keeps the snapshot current from file events and carries the actions out: rooms
//! move through core's one transition, sessions run under the runner's guardian. Whatever must
//! survive the engine is in the files before it counts.

mod alerts;
mod attempt;
mod budget;
mod by_hand;
mod control;
mod deadlines;
mod decide;
mod earlier;
mod engine;
mod error;
mod gates;
mod look;
mod moves;
mod people;
mod permissions;
mod recovery;
mod review;
mod rooms;
mod run;
mod sessions;
mod snapshot;
mod submit;
mod talk;
mod waiting;

pub use by_hand::{ByHandError, new_room};
pub use deadlines::{Enforced, TimedOut, enforce_deadlines};
pub use decide::{Action, Finish, MoveCause, decide};
pub use earlier::{Brought, EarlierPast, bring_room};
pub use engine::OneSession;
pub use error::EngineError;
pub use review::{Revision, Touched, revision};
pub use run::{Interrupt, Observer, RunEnd, RunOptions, Scope, gated_text, run};
pub use snapshot::{AttemptView, EpicView, Policy, RoomView, Session, Snapshot};
pub use submit::{Mode, SubmitError, Submitted, resume, submit};
