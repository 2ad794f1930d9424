//! Turns text into vectors for the search by meaning, on standard input and output.

mod args;

use std::io::{self, BufReader};
use std::process::ExitCode;

use clap::Parser;
use ostwin_embed::{greet, serve};
use ostwin_service::{Color, Exit, Failure, Logging, run, start_logging};
use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    let args = args::Args::parse();
    run(|| {
        start_logging(Logging { level: LevelFilter::WARN, color: Color::Auto })?;
        let mut output = io::stdout();
        match args.source().and_then(ostwin_embed::Source::open) {
            Ok(mut encoder) => {
                greet(&mut output, Ok(encoder.as_ref()))?;
                let input = BufReader::new(io::stdin());
                serve(encoder.as_mut(), input, &mut output, args.idle())?;
                Ok(Exit::Ok)
            }
            Err(problem) => {
                greet(&mut output, Err(&problem))?;
                Err(Failure::new(Exit::Environment, problem.message).into())
            }
        }
    })
}
