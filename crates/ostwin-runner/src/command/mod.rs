//! Programs that do not speak the Agent Client Protocol.
//!
//! `ostwin __command` stands between the runner and such a program, as an agent: a prompt runs the
//! program once, with the prompt on its standard input and then the end of it; what it prints
//! becomes messages; its exit ends the turn. So guardian, deadline, back-off, nudge, transcript and
//! permissions are those of every other session, and there is one driver for all. It owns no state:
//! what belongs to the session is in its environment.

mod adapter;
mod answer;
mod program;

use std::process::ExitCode;

use ostwin_core::config::CommandOutput;

/// How `ostwin` is called to be this.
pub const MODE: &str = "__command";

/// The words that start `program`, with the adapter around it: `ostwin` is the executable's path.
pub fn argv(ostwin: &str, output: CommandOutput, program: Vec<String>) -> Vec<String> {
    let output = match output {
        CommandOutput::Text => TEXT,
        CommandOutput::Jsonl => JSONL,
    };
    [ostwin, MODE, output].into_iter().map(str::to_owned).chain(program).collect()
}

const TEXT: &str = "text";
const JSONL: &str = "jsonl";

/// The adapter's whole life: serves one client on standard input and output until it is gone.
/// `args` are the words behind [`MODE`].
pub fn main(args: impl IntoIterator<Item = String>) -> ExitCode {
    let mut args = args.into_iter();
    let output = match args.next().as_deref() {
        Some(TEXT) => CommandOutput::Text,
        Some(JSONL) => CommandOutput::Jsonl,
        other => return complain(&format!("`{MODE}` needs `{TEXT}` or `{JSONL}`, not {other:?}")),
    };
    match adapter::serve(output, args.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

/// Says on standard error, which the guardian keeps, why there is no session.
fn complain(problem: &str) -> ExitCode {
    use std::io::Write as _;
    // Without a reader there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "error: {problem}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_start_the_adapter_and_then_the_program() {
        let program = ["/bin/agent", "--fast"].map(str::to_owned).to_vec();
        assert_eq!(
            argv("/opt/ostwin", CommandOutput::Jsonl, program),
            ["/opt/ostwin", "__command", "jsonl", "/bin/agent", "--fast"]
        );
    }
}
