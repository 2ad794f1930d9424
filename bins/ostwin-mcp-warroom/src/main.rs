//! The war-room server of an agent's session, on standard input and output.

use std::process::ExitCode;

use clap::Parser;
use ostwin_mcp::{Binding, BindingArgs, serve, warroom};
use ostwin_service::{Color, Exit, Logging, run, start_logging};
use tracing::level_filters::LevelFilter;

/// Offers a war-room to an MCP client, on standard input and output
#[derive(Parser)]
#[command(name = "ostwin-mcp-warroom", version)]
struct Args {
    #[command(flatten)]
    binding: BindingArgs,
}

fn main() -> ExitCode {
    let args = Args::parse();
    run(|| {
        start_logging(Logging { level: LevelFilter::WARN, color: Color::Auto })?;
        serve(warroom::server(&Binding::resolve(&args.binding)?))?;
        Ok(Exit::Ok)
    })
}
