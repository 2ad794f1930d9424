//! One attempt's session, from the guardian's slots to the end of the last
//! process.
//!
//! [`run`] owns the session's course: start the agent, open an ACP session,
//! prompt, retry what is the model service's fault, and end. It owns two files
//! of the attempt, `transcript.jsonl` and (through the guardian) `stderr.log`.
//! It decides nothing about rooms: the engine tells it what it sees through
//! [`Control`], hears what happens through [`Event`], and judges the
//! [`SessionEnd`].

mod backoff;
mod cost;
mod quiet;
mod recorder;
mod run;
mod spec;

pub use backoff::Retries;
pub use run::run;
pub use spec::{Control, Durations, Event, Outcome, SessionEnd, SessionSpec, UsageTotals};
