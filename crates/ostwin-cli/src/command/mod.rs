//! The commands: one module per group, each from arguments to an exit code.

mod completions;
mod init;
mod plan;
mod plan_text;
mod status;
mod version;

use ostwin_service::Exit;
use ostwin_service::start_logging;
use tracing::level_filters::LevelFilter;

use crate::args::{Cli, Command};
use crate::context::Context;

/// Does what was typed.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    let context = Context::new(cli.base);
    start_logging(context.base.logging(LevelFilter::WARN))?;
    match cli.command {
        Command::Init(args) => init::init(&context, &args),
        Command::Plan(command) => plan::run(&context, &command),
        Command::Status(args) => status::status(&context, &args),
        Command::Completions(args) => completions::completions(&context, &args),
        Command::Version => version::version(&context),
        _ => anyhow::bail!("not here yet"),
    }
}
