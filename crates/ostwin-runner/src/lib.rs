//! The universal agent runner: one runner serves every role.
//!
//! Before a session: [`roles`] finds who it is, [`resolve`] what it runs with, [`mcp`] which
//! servers it gets; [`prompt`] writes what it is told, [`agents`] knows the programs, and
//! [`prepare`] makes one session of all that.
//!
//! During it: [`process`] knows what a process is, starts them and sweeps what is left of them;
//! [`guardian`] keeps an agent alive exactly as long as its engine wants it; [`acp`] speaks to the
//! agent; [`command`] speaks for programs that have no protocol; [`session`] ties them together for
//! one attempt, and [`worktree`] says where the working tree stood.

pub mod acp;
pub mod agents;
pub mod chore;
pub mod command;
pub mod guardian;
pub mod mcp;
pub mod prepare;
pub mod process;
pub mod prompt;
pub mod resolve;
pub mod roles;
pub mod session;
pub mod worktree;
