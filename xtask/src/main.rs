//! Everyday work by name, behind `cargo xtask`, with nothing to install first.
//!
//! Without dependencies, so that it is there a second after a fresh clone.

mod cargo;
mod commands;
mod mutants;
mod peers;
mod steps;
mod web;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND [ARGS]

  demo [--release] [ARGS]   build what the demo needs, then run `ostwin demo ARGS`
  test [FILTER]             everything that must pass before a commit, the tests last
  peers                     install the clients of other people that tests need
  web                       build the web app, which the dashboard embeds
  browser                   try the web app in a real browser, over the built binaries
  gen                       write the generated files: schemas and references
  mutants [NAME..]          take out safeguards one by one: the simulation has to notice
  bench [ARGS]              build for release and print the benchmark tables
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match command.as_str() {
        "demo" => commands::demo(rest),
        "test" => commands::test(&rest),
        "peers" => commands::peers(),
        "web" => commands::web(),
        "browser" => commands::browser(),
        "gen" => commands::generate(),
        "mutants" => mutants::mutants(&rest),
        "bench" => commands::bench(rest),
        "" | "help" | "-h" | "--help" => steps::say(HELP, ExitCode::SUCCESS),
        other => steps::say(&format!("error: no command `{other}`\n\n{HELP}"), ExitCode::from(2)),
    }
}
