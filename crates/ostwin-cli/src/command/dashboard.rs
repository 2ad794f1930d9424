//! `dashboard`: this process becomes the dashboard's program, so that signals and the exit code are
//! its own.

use std::os::unix::process::CommandExt as _;

use ostwin_runner::agents::Programs;
use ostwin_runner::process::command;
use ostwin_service::{Exit, Failure};

use crate::args::DashboardArgs;
use crate::context::Context;

pub(super) const PROGRAM: &str = "ostwin-dashboard";

pub(crate) fn dashboard(context: &Context, args: &DashboardArgs) -> anyhow::Result<Exit> {
    let layout = context.base.layout()?;
    let program = Programs::of_this_process().find(PROGRAM).ok_or_else(|| {
        let text = format!("the program `{PROGRAM}` is neither beside this one nor on PATH");
        Failure::new(Exit::Environment, text)
            .hint("the programs of OSTwin belong into one folder; `cargo xtask demo` builds them")
    })?;
    let error = command(&program)
        .arg("--project")
        .arg(layout.root())
        .args(args.bind.map(|bind| format!("--bind={bind}")))
        .args(args.port.map(|port| format!("--port={port}")))
        .args(args.open.then_some("--open"))
        .args(args.link.then_some("--link"))
        .args(context.base.json.then_some("--json"))
        .exec();
    // It comes back only if it could not begin.
    let text = format!("cannot start `{}`: {error}", program.display());
    Err(Failure::new(Exit::Environment, text).into())
}
