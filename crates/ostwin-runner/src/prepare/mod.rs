//! Making a session ready: everything is read, nothing is started.
//!
//! [`settle`] answers with which role, agent, limits and skills a session of a room would run,
//! before an attempt is opened. [`check`] does so before a run, and looks whether every placeholder
//! of it has a value. [`prepare_session`] then reads the room, the plan, the rooms it builds on and
//! the shared memory, and gives the pure builders what they need. The result says what to start,
//! what to tell it and which files to write; only [`PreparedSession::write`] writes them.

mod answers;
mod brief;
mod digest;
mod error;
mod inputs;
mod interrupted;
mod messages;
mod secrets;
mod servers;
mod session;
mod skills;

#[cfg(test)]
mod tests;

pub use error::PrepareError;
pub use session::{
    AttemptFacts, Host, Occasion, PlanFacts, PreparedSession, Settled, check, prepare_session,
    settle,
};
pub use skills::{SettledSkills, SkillQuestion, settle_skills};
