//! `ostwin`: the command line and the engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A guardian is started for every session: it must be there at once, without a runtime, a log
    // or a command line of its own.
    if std::env::args_os().nth(1).is_some_and(|mode| mode == "__session") {
        return ostwin_runner::guardian::main();
    }
    // The same for the adapter around a program that speaks no protocol.
    let mut args = std::env::args();
    if args.nth(1).is_some_and(|mode| mode == ostwin_runner::command::MODE) {
        return ostwin_runner::command::main(args);
    }
    ostwin_service::run(|| ostwin_cli::run(std::env::args_os()))
}
