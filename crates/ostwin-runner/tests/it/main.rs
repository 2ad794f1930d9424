//! Integration tests of the runner: real processes, real pipes.
//!
//! A guardian is a process, so the tests need an executable that is one. This
//! test binary is: started with [`AS_GUARDIAN`] set, it calls
//! `guardian::main` and nothing else. That takes a `main` of its own, and
//! hence a test runner that is a library.

#![expect(missing_docs, reason = "a test binary has no readers of its docs")]

mod guardian;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Set for a process that is to be a guardian.
const AS_GUARDIAN: &str = "OSTWIN_TEST_AS_GUARDIAN";

fn main() -> ExitCode {
    if ostwin_core::env::var_os(AS_GUARDIAN).is_some() {
        return ostwin_runner::guardian::main();
    }
    let trials: Vec<Trial> = guardian::trials();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
