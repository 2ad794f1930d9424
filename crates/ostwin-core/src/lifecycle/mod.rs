//! The life of a room: its state machine, the transitions it took, and what both say now.
//!
//! Everything here is a pure function over values. `lifecycle.json` is a [`Machine`], checked
//! once by [`check`] when it is made; [`Machine::next`] answers where a signal leads;
//! `lifecycle-audit.jsonl` is a list of [`AuditLine`]s, and [`Replay`] derives the state and every
//! counter from it, so that a restart changes nothing. The files themselves belong to the room.

mod audit;
mod check;
mod display;
mod draw;
mod flow;
mod generate;
mod guard;
mod machine;
mod replay;
mod sketch;
mod step;
#[cfg(test)]
mod tests;

pub use audit::{Applied, AuditEntry, AuditLine, Cause};
pub use check::{MachineError, check};
pub use display::{DisplayState, PlanStage, RoomFacts, Tone, display};
pub use draw::{drawing, drawing_of, mermaid, outline};
pub use flow::{Does, Flow, FlowError, NewStage, Stage};
pub use generate::{GenerateOptions, ReviewRestart, TriageMode, generate};
pub use guard::{Comparison, Counter, Counters, Guard, GuardError, Op, Operand};
pub use machine::{Action, Edge, Edges, Machine, State, StateKind, Target, names};
pub use replay::{Oddity, Replay, Spent};
pub use sketch::{Label, Sketch, SketchError, Step as SketchStep, sketch};
pub use step::{Step, StepError};
