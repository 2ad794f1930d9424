//! `top`: a plan, full-screen.

use ostwin_service::{Exit, Failure};

use crate::args::TopArgs;
use crate::context::{Context, stored_plan};
use crate::top;

pub(crate) fn top(context: &Context, args: &TopArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = stored_plan(&project, args.plan.as_deref())?;
    if !context.out.is_live() {
        return Err(Failure::new(Exit::Usage, "`top` needs a terminal")
            .hint("`ostwin status` prints the same once, with --json for programs")
            .into());
    }
    top::run(context.out, &project, &plan, &settings.config)
}
