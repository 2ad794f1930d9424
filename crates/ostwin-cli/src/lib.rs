//! The commands of `ostwin` and their views.
//!
//! Three steps, never mixed: `args` is what was typed, `command` is what it means and does, `view`
//! turns the result into lines. The live view of a run is in `live`. All logic that others could
//! need lives below, in core, runner and engine.

mod args;
mod command;
mod context;
mod examples;
mod live;
mod out;
mod top;
mod view;

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;
use ostwin_service::Exit;

/// Runs the command line `args`, the program's name first, and gives the exit code.
///
/// # Errors
/// The command failed; the error says why and what to do, and carries its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> anyhow::Result<Exit> {
    match args::Cli::try_parse_from(args) {
        Ok(cli) => command::run(cli),
        Err(error) => {
            // Without a reader there is nobody to tell.
            drop(error.print());
            Ok(match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
                _ => Exit::Usage,
            })
        }
    }
}
