//! `ostwin-rehearsal`: an agent that needs no model.
//!
//! It speaks the Agent Client Protocol like any agent, starts the MCP servers
//! that it is given, reads its prompt, and then does what a script says: it
//! works, reviews, and misbehaves on request. Whatever it writes says that it
//! was rehearsed.

mod agent;
mod cli;
mod compose;
mod play;
mod prompt;
mod script;
mod session;
mod stray;
mod stream;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    ostwin_service::run(|| cli::Cli::parse().run())
}
