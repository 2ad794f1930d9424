//! Benchmarks that anyone can repeat: tables on stdout, each figure beside its limit or target,
//! nothing asserted. `cargo xtask bench` builds for release and runs them.

mod append;
mod dashboard;
mod engine;
mod idle;
mod machine;
mod plan;
mod quality;
mod rooms;
mod samples;
mod servers;
mod table;
mod tail;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
usage: ostwin-benches [append] [plan] [tail] [servers] [calls] [engine] [waiting] [dashboard]
                       [growth] [quality] [idle PID [SECONDS]] [project DIR LONG]

Without arguments: all but `growth`, `idle` and `project`. `servers` starts each tool server,
`calls` calls tools over channels and ledgers of several sizes. `engine` runs a whole plan,
`waiting` looks at engines in which nothing happens: rooms that wait, sessions that are silent.
`dashboard` asks a dashboard over 50 rooms of 200 messages, `growth` appends 4 GiB to a channel
that it shows. `quality` says how well memories are found, `idle` counts the wake-ups of a running
process, by default over 60 seconds. `project` makes a project of 50 rooms to try things in, the last
with so many messages.
";

/// What runs without arguments.
const ALL: [&str; 9] =
    ["append", "plan", "tail", "servers", "calls", "engine", "waiting", "dashboard", "quality"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            table::note(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    if let [append::WRITER, rest @ ..] = args {
        return append::write_as_told(rest);
    }
    if let [dashboard::APPENDER] = args {
        return dashboard::append_as_told();
    }
    if let [dashboard::BARE_SERVER, length] = args {
        return dashboard::serve_bare(length.parse()?);
    }
    if let ["-h" | "--help" | "help", ..] = args {
        return table::print(HELP);
    }
    table::print(&machine::describe())?;
    let mut args = if args.is_empty() { &ALL[..] } else { args };
    while let [bench, rest @ ..] = args {
        args = rest;
        match *bench {
            "append" => append::bench()?,
            "plan" => plan::bench()?,
            "tail" => tail::bench()?,
            "servers" => servers::bench()?,
            "calls" => servers::bench_calls()?,
            "engine" => engine::bench()?,
            "waiting" => engine::bench_idle()?,
            "dashboard" => dashboard::bench()?,
            "growth" => dashboard::bench_growth()?,
            "quality" => quality::bench()?,
            "project" => args = dashboard::make_project(rest)?,
            "idle" => args = idle::bench(rest)?,
            other => bail!("no benchmark `{other}`\n\n{HELP}"),
        }
    }
    Ok(())
}
