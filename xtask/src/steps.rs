//! Steps: what is run, how it is announced, and how it ends.

use std::io::{self, Write};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

/// Prints `text` on stderr, where cargo speaks too, and returns `code`.
pub(crate) fn say(text: &str, code: ExitCode) -> ExitCode {
    tell(text);
    code
}

fn tell(text: &str) {
    // Without a reader there is nobody to tell.
    drop(io::stderr().write_all(text.as_bytes()));
}

/// Announces a step that is left out.
pub(crate) fn skip(name: &str, reason: &str) {
    tell(&format!("==> {name}: skipped, {reason}\n"));
}

/// Announces a step that cannot be done and must be: continuous integration leaves nothing out.
pub(crate) fn lack(name: &str, reason: &str) {
    tell(&format!("==> {name}: FAILED, {reason}; continuous integration leaves nothing out\n"));
}

/// Runs one step to its end.
///
/// # Errors
/// It failed: the code to exit with, after saying which step it was.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<(), ExitCode> {
    tell(&format!("==> {name}: {}\n", words(command)));
    let start = Instant::now();
    let outcome = command.status();
    let took = seconds(start.elapsed());
    match outcome {
        Ok(status) if status.success() => {
            tell(&format!("==> {name}: ok, {took}\n"));
            Ok(())
        }
        Ok(status) => {
            tell(&format!("==> {name}: FAILED after {took} ({status})\n"));
            Err(code(status))
        }
        Err(error) => Err(not_started(command, &error)),
    }
}

/// Runs the last step: says nothing behind it, and exits as it does.
pub(crate) fn finish(name: &str, command: &mut Command) -> ExitCode {
    tell(&format!("==> {name}: {}\n", words(command)));
    match command.status() {
        Ok(status) => code(status),
        Err(error) => not_started(command, &error),
    }
}

/// Becomes the program, so that signals and the terminal are its own.
pub(crate) fn become_program(command: &mut Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    not_started(command, &error)
}

fn not_started(command: &Command, error: &io::Error) -> ExitCode {
    let text = format!("error: cannot start `{}`: {error}\n", words(command));
    say(&text, ExitCode::from(6))
}

fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(signal).and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

fn words(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    [program].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
