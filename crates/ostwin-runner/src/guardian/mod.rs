//! The guardian: a small process between the engine and one agent.
//!
//! An engine can be killed at any instruction, and then nobody is left to end
//! its agents. So each agent runs under a guardian, the hidden mode
//! `ostwin __session` ([`main`]), whose standard input is the lifeline to the
//! engine: when it closes, for whatever reason, the guardian ends the agent and
//! everything that the agent started, and only then itself. While it lives it
//! holds the session's slots and `session.lock`, which the kernel frees with it.
//!
//! [`Guardian`] and [`Running`] are the engine's side. The two sides first
//! speak JSON lines (`protocol`), so that nothing secret is ever in an argument
//! list; after `started` the lifeline and the guardian's standard output carry
//! the agent's own standard input and output, byte by byte, through two buffers
//! of fixed size. The guardian's last words are one JSON line on its standard
//! error.
//!
//! Signals to a guardian: SIGTERM and SIGINT ask for the same orderly end as a
//! closed lifeline, SIGQUIT for one without grace. It runs in a session of its
//! own, so a Ctrl-C or a hang-up of the engine's terminal doesn't reach it.

mod client;
mod entry;
mod phase;
mod protocol;
mod relay;
mod signals;
mod stderr_log;
mod supervise;

pub use client::{Guardian, GuardianError, GuardianProgram, Reservation, Running};
pub use entry::main;
pub use protocol::{Cause, Ended, Redact, SlotLimit, Start, StartFailure};
