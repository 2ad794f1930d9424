//! The frame around a binary's own work: what it returns, how it fails, and what a panic means.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Once;

use crate::logging::Redacting;
use crate::{Exit, failure};

/// Runs a program to its exit code. An error is told on stderr and mapped to its code; a panic is
/// a bug and ends with [`Exit::Bug`].
pub fn run(program: impl FnOnce() -> anyhow::Result<Exit>) -> ExitCode {
    finish(program).into()
}

fn finish(program: impl FnOnce() -> anyhow::Result<Exit>) -> Exit {
    tell_panics();
    match panic::catch_unwind(AssertUnwindSafe(program)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let mut text = Vec::new();
            let exit = failure::tell(error, &mut text);
            // If the error cannot be told, the code still can.
            drop(Redacting(io::stderr().lock()).write_all(&text));
            exit
        }
        // The hook has told it.
        Err(_) => Exit::Bug,
    }
}

/// Adds to each report of a panic what it means.
fn tell_panics() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            report(panic);
            // Nothing is left to do if even stderr is gone.
            drop(writeln!(
                io::stderr(),
                "This is a bug in OSTwin: please report it with the lines above. What was \
                 acknowledged is on disk, and starting again goes on from there."
            ));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;

    #[test]
    fn the_outcome_is_the_exit_code() {
        assert_eq!(finish(|| Ok(Exit::NotPassed)), Exit::NotPassed);
        assert_eq!(finish(|| Err(Failure::new(Exit::Owned, "taken").into())), Exit::Owned);
        assert_eq!(finish(|| panic!("on purpose")), Exit::Bug);
    }
}
