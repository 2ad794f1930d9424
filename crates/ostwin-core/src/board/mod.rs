//! The board: what every view shows of a plan, computed in one place.
//!
//! The terminal, the web app and the chats answer the same questions: which epics there are, who
//! works on them, how far they are, what they wait for, and why one failed. The answers are a
//! [`Board`], a pure function ([`build`]) of what the files say. [`Loader`] reads those files,
//! only their ends where they are long, and keeps what it read, so that a view that follows a
//! running plan reads a room again only when that room changed. [`survey`] sums up a whole project
//! in [`Stats`], in the same two steps, [`breakdown`] says who used how much of it, and [`inbox`]
//! lists what waits for a person. Nothing here is stored.

mod breakdown;
mod build;
mod inbox;
mod load;
mod stats;
mod survey;
mod value;

#[cfg(test)]
mod tests;

pub use breakdown::{Breakdown, Part, Used, breakdown};
pub use build::{EngineInput, Inputs, RoomInput, RoomReading, build};
pub use inbox::{Deed, Waiting, WaitingKind, by_urgency, inbox, waiting};
pub use load::{BoardError, Loader, graph, load};
pub use stats::{Attempts, Escalation, Figures, StateTime, Stats, Tally, Unreadable};
pub use survey::survey;
pub use value::{Board, Counts, Engine, LastMessage, PlanState, Row};
