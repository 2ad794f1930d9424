//! `status`: the epics of a plan, once or again and again.

use ostwin_core::board;
use ostwin_service::Exit;

use crate::args::StatusArgs;
use crate::context::{Context, stored_plan};
use crate::view;

pub(crate) fn status(context: &Context, args: &StatusArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = stored_plan(&project, args.plan.as_deref())?;
    let board = board::load(&project, &plan, &settings.config)?;
    if context.out.json {
        context.out.json(&board)?;
    } else {
        context.out.lines(&view::board::board(&board, context.out.look()))?;
    }
    Ok(Exit::Ok)
}
