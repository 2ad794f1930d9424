//! The universal agent runner: one runner serves every role.
//!
//! [`process`] knows what a process is, starts them and sweeps what is left of
//! them; [`guardian`] keeps an agent alive exactly as long as its engine wants
//! it; [`acp`] speaks to the agent; [`session`] ties the three together for one
//! attempt.

pub mod acp;
pub mod agents;
pub mod guardian;
pub mod mcp;
pub mod process;
pub mod prompt;
pub mod session;
