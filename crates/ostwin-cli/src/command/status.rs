//! `status`: the epics of a plan, once or as they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use ostwin_core::board;
use ostwin_core::config::Config;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_service::{Exit, Explain, Failure};
use signal_hook::consts::{SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::args::StatusArgs;
use crate::context::{Context, stored_plan};
use crate::live::{Message, Show, Source};
use crate::view;

pub(crate) fn status(context: &Context, args: &StatusArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = stored_plan(&project, args.plan.as_deref())?;
    if args.watch {
        return watch(context, &project, &plan, &settings.config);
    }
    let board = board::load(&project, &plan, &settings.config)?;
    if context.out.json {
        context.out.json(&board)?;
    } else {
        context.out.lines(&view::board::board(&board, context.out.look()))?;
    }
    Ok(Exit::Ok)
}

fn watch(
    context: &Context,
    project: &Project,
    plan: &StoredPlan,
    config: &Config,
) -> anyhow::Result<Exit> {
    if !context.out.is_live() {
        return Err(Failure::new(Exit::Usage, "`status --watch` needs a terminal")
            .hint("programs follow the plan's events: `ostwin run --json`, or its events.jsonl")
            .into());
    }
    let show = Show::start(context.out, project, plan, config, Source::File)?;
    let view = show.sender();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGWINCH]).exit(Exit::Environment)?;
    let handle = signals.handle();
    let ended = Arc::new(AtomicI32::new(0));
    let listener = std::thread::Builder::new().name("signals".to_owned()).spawn({
        let ended = Arc::clone(&ended);
        move || {
            for signal in signals.forever() {
                let message = if signal == SIGWINCH {
                    Message::Resized
                } else {
                    ended.store(signal, Ordering::Relaxed);
                    Message::End
                };
                // After the end there is nobody to tell.
                drop(view.send(message));
            }
        }
    })?;
    let last = show.wait();
    handle.close();
    drop(listener.join());
    let advice = view::board::advice(&last?);
    if !advice.is_empty() {
        context.out.text("\n")?;
    }
    context.out.lines(&advice)?;
    Ok(match ended.load(Ordering::Relaxed) {
        SIGINT => Exit::Interrupted,
        SIGTERM => Exit::Terminated,
        _ => Exit::Ok,
    })
}
