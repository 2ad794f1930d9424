//! The universal agent runner: one runner serves every role.
//!
//! Before a session: [`roles`] finds who it is, [`resolve`] what it runs with, [`mcp`] which
//! servers it gets; [`prompt`] writes what it is told, [`agents`] knows the programs, and
//! [`prepare`] makes one session of all that.
//!
//! During it: [`process`] knows what a process is, starts them and sweeps what is left of them;
//! [`guardian`] keeps an agent alive exactly as long as its engine wants it; [`acp`] speaks to the
//! agent; [`session`] ties the three together for one attempt.

pub mod acp;
pub mod agents;
pub mod guardian;
pub mod mcp;
pub mod prepare;
pub mod process;
pub mod prompt;
pub mod resolve;
pub mod roles;
pub mod session;
