//! `completions`: scripts that shells read.

use clap::CommandFactory as _;
use ostwin_service::Exit;

use crate::args::{Cli, CompletionsArgs};
use crate::context::Context;

pub(crate) fn completions(context: &Context, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ostwin", &mut script);
    context.out.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
