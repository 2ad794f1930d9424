//! The dashboard: REST, SSE and the web app, of one or several projects.

mod args;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use ostwin_service::{Logging, run, start_logging};
use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    let args = args::Args::parse();
    run(|| {
        start_logging(Logging { level: LevelFilter::INFO, color: args.color })?;
        serve::serve(&args)
    })
}
