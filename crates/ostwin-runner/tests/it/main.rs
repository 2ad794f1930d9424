//! Integration tests of the runner: real processes, real pipes.
//!
//! A guardian is a process, and so is an agent, so the tests need executables
//! that are these. This test binary is both: started with [`AS_GUARDIAN`] set it
//! calls `guardian::main` and nothing else, with [`AS_AGENT`] it plays an agent.
//! That takes a `main` of its own, and hence a test runner that is a library.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy knows tests by the standard harness only"
)]

mod acp;
mod chore;
mod fake_agent;
mod guardian;
mod session;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Set for a process that is to be a guardian.
const AS_GUARDIAN: &str = "OSTWIN_TEST_AS_GUARDIAN";

/// Set for a process that is to be an agent: how it behaves.
const AS_AGENT: &str = "OSTWIN_TEST_AS_AGENT";

fn main() -> ExitCode {
    // An agent inherits nothing of its guardian, so this comes first.
    if let Some(behaviour) = ostwin_core::env::var(AS_AGENT) {
        return fake_agent::main(&behaviour);
    }
    if ostwin_core::env::var_os(AS_GUARDIAN).is_some() {
        return ostwin_runner::guardian::main();
    }
    let trials: Vec<Trial> =
        [guardian::trials(), chore::trials(), acp::trials(), session::trials()]
            .into_iter()
            .flatten()
            .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
