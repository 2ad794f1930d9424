//! The commands: which steps each consists of.

use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

use crate::cargo::{self, DEMO_PACKAGES, Profile, build, built, cargo, command};
use crate::peers;
use crate::steps::{become_program, finish, lack, run, skip};
use crate::web;

/// Builds what the demo runs and becomes it. The quick profile by default: a release build takes
/// minutes longer than the demo itself.
pub(crate) fn demo(mut args: Vec<String>) -> ExitCode {
    let release = args.iter().position(|arg| arg == "--release").map(|at| args.remove(at));
    let profile = if release.is_some() { Profile::Release } else { Profile::Dev };
    let ready = web::build().and_then(|()| run("build", &mut build(&DEMO_PACKAGES, profile)));
    if let Err(code) = ready {
        return code;
    }
    become_program(command(built("ostwin", profile)).arg("demo").args(args))
}

/// Builds the web app.
pub(crate) fn web() -> ExitCode {
    match web::build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

/// Builds everything and tries the web app in a browser.
pub(crate) fn browser() -> ExitCode {
    let bins = ["build", "--workspace", "--bins", "--locked"];
    match web::build().and_then(|()| run("build", &mut cargo(&bins))) {
        Ok(()) => web::try_in_a_browser().err().unwrap_or(ExitCode::SUCCESS),
        Err(code) => code,
    }
}

/// Everything that must pass before a commit. Stops at the first failure; the tests come last, so
/// that their summary is the last that is said.
pub(crate) fn test(filter: &[String]) -> ExitCode {
    match checks().and_then(|()| peers::install()) {
        Ok(left_out) => finish("tests", &mut tests(filter, &left_out)),
        Err(code) => code,
    }
}

/// Installs the clients of other people, for who runs single tests.
pub(crate) fn peers() -> ExitCode {
    match peers::install() {
        Ok(left_out) if left_out.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(6),
        Err(code) => code,
    }
}

fn checks() -> Result<(), ExitCode> {
    if present("format", "fmt", "rustup component add rustfmt")? {
        run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    }
    if present("lints", "clippy", "rustup component add clippy")? {
        let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        run("lints", &mut cargo(&clippy))?;
    }
    web::check()?;
    // The dashboard embeds it.
    web::build()?;
    // The end-to-end tests run the real binaries, which a test build alone does not make.
    // With the tests, which have features of their own: else every dependency is built twice.
    run("build", &mut cargo(&["build", "--workspace", "--bins", "--tests", "--locked"]))?;
    run("generated files", &mut generator(&["--check"]))?;
    web::try_in_a_browser()?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    run("docs", docs.env("RUSTDOCFLAGS", "-D warnings"))?;
    if cargo::has("deny") {
        run("dependencies", &mut cargo(&["deny", "check", "licenses", "bans", "sources"]))?;
    } else {
        skip("dependencies", "cargo-deny is not installed (`cargo install cargo-deny`)");
    }
    Ok(())
}

/// Whether a tool that comes with Rust is there. Without it the step is left out, except in
/// continuous integration, where that would hide something.
fn present(step: &str, subcommand: &str, advice: &str) -> Result<bool, ExitCode> {
    if cargo::has(subcommand) {
        return Ok(true);
    }
    let reason = format!("`cargo {subcommand}` is not installed (`{advice}`)");
    if cargo::variable("CI").is_some() {
        lack(step, &reason);
        return Err(ExitCode::from(6));
    }
    skip(step, &reason);
    Ok(false)
}

/// The test runner: nextest where it is installed, for its isolation and its one summary.
fn tests(filter: &[String], left_out: &[&str]) -> Command {
    let mut tests = if cargo::has("nextest") {
        cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--locked", "--no-fail-fast"])
    };
    // Much of what an end-to-end test takes is waiting for other processes.
    let at_once = available_parallelism().map_or(2, |processors| processors.get() + 1).to_string();
    for variable in ["NEXTEST_TEST_THREADS", "RUST_TEST_THREADS"] {
        tests.env(variable, cargo::variable(variable).unwrap_or_else(|| at_once.clone().into()));
    }
    tests.args(filter);
    if !left_out.is_empty() && !filter.iter().any(|arg| arg == "--") {
        tests.arg("--");
    }
    for name in left_out {
        tests.args(["--skip", name]);
    }
    tests
}

/// Writes the generated files.
pub(crate) fn generate() -> ExitCode {
    match run("build", &mut build(&["ostwin"], Profile::Dev)) {
        Ok(()) => finish("generated files", &mut generator(&[])),
        Err(code) => code,
    }
}

/// The types write their own schemas and references, so the generator is a mode of the program.
fn generator(args: &[&str]) -> Command {
    let mut generator = command(built("ostwin", Profile::Dev));
    generator.arg("__gen").args(args).current_dir(cargo::workspace());
    generator
}

/// Builds everything for release and becomes the benchmarks.
pub(crate) fn bench(args: Vec<String>) -> ExitCode {
    let packages = [&DEMO_PACKAGES[..], &["ostwin-benches", "ostwin-embedder"]].concat();
    if let Err(code) = run("build", &mut build(&packages, Profile::Release)) {
        return code;
    }
    become_program(command(built("ostwin-benches", Profile::Release)).args(args))
}
