//! The universal agent runner: one runner serves every role.
//!
//! [`roles`] finds who a session is, [`resolve`] what it runs with and [`mcp`] which servers it
//! gets; [`prompt`] writes what it is told, and [`agents`] knows the programs. [`prepare`] makes
//! one session of all that. [`process`] knows what a process is, starts them and sweeps what is left of
//! them; [`guardian`] keeps an agent alive exactly as long as its engine wants
//! it; [`acp`] speaks to the agent; [`session`] ties the three together for one
//! attempt.

pub mod acp;
pub mod agents;
pub mod guardian;
pub mod mcp;
pub mod process;
pub mod prompt;
pub mod resolve;
pub mod roles;
pub mod session;
