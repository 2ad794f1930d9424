//! `dag`: build, show, what could start.

use std::collections::BTreeSet;
use std::time::Duration;

use ostwin_core::config::PlanReview;
use ostwin_core::dag::{self, BuildOptions, Dag, render};
use ostwin_core::fs;
use ostwin_core::ids::{EpicId, PlanId};
use ostwin_core::lifecycle::names;
use ostwin_core::lock::{self, LockError};
use ostwin_core::plan_review;
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::room::Room;
use ostwin_core::store::Durability;
use ostwin_core::time::{Clock, SystemClock};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use super::plan_text::{PlanText, parse_options};
use super::run::plan_layer;
use crate::args::{DagCommand, DagFormat};
use crate::context::{Context, PlanRef, source_path, stored_plan};
use crate::out::remark;
use crate::view::text;

pub(crate) fn run(context: &Context, command: &DagCommand) -> anyhow::Result<Exit> {
    match command {
        DagCommand::Build { plan, stdout } => build(context, plan, *stdout),
        DagCommand::Show { plan, format } => show(context, plan.as_deref(), *format),
        DagCommand::NextWave { plan, slots } => next_wave(context, plan.as_deref(), *slots),
    }
}

/// A graph, with the stored plan that it belongs to, if it belongs to one.
fn graph(context: &Context, named: &str) -> anyhow::Result<(Dag, Option<StoredPlan>)> {
    match PlanRef::of(named) {
        PlanRef::File(path) => {
            let text = PlanText::read(context, &path)?;
            let stored = match context.project_if_any()? {
                Some((project, _)) => plans::find_by_source(&project, &source_path(&path)?)?,
                None => None,
            };
            // A graph of another text than the file's would only confuse.
            let stored =
                stored.filter(|plan| plan.meta.source_sha256 == plans::sha256(&text.bytes));
            Ok((of_text(context, &text, stored.as_ref())?, stored))
        }
        PlanRef::Id(_) => {
            let (project, _) = context.project()?;
            let stored = stored_plan(&project, Some(named))?;
            Ok((of_stored(context, &stored)?, Some(stored)))
        }
    }
}

/// The graph that runs, else the one that the text gives.
fn of_stored(context: &Context, stored: &StoredPlan) -> anyhow::Result<Dag> {
    if let Some(dag) = stored.dag()? {
        return Ok(dag);
    }
    let (project, _) = context.project()?;
    let text = plan_review::running_text(&project, stored)?;
    let file = if text.refined { stored.paths.refined() } else { stored.paths.plan() };
    let text = PlanText::of(file.display().to_string(), text.bytes, &parse_options(context)?);
    of_text(context, &text, Some(stored))
}

fn of_text(context: &Context, text: &PlanText, stored: Option<&StoredPlan>) -> anyhow::Result<Dag> {
    if text.parsed.has_errors() {
        text.refuse()?;
    }
    let plan = &text.parsed.plan;
    let layout = context.base.layout().ok();
    let settings = context.settings(layout.as_ref(), vec![plan_layer(text)?])?;
    let id = match stored {
        Some(stored) => stored.meta.plan_id.clone(),
        None => PlanId::for_title(plan.title.as_deref().unwrap_or("plan"), 0),
    };
    let options = BuildOptions {
        plan_review: settings.config.plan_review != PlanReview::Off,
        default_timeout_seconds: settings.config.timeout_seconds,
        ..BuildOptions::new(id, plans::sha256(&text.bytes), SystemClock.now())
    };
    dag::build(plan, &options).exit(Exit::Usage)
}

fn build(context: &Context, named: &str, stdout: bool) -> anyhow::Result<Exit> {
    let (dag, stored) = graph(context, named)?;
    if stdout {
        context.out.json(&dag)?;
        return Ok(Exit::Ok);
    }
    let Some(stored) = stored else {
        let text = format!("`{named}` is not imported, so its graph has no place");
        return Err(Failure::new(Exit::Usage, text)
            .hint("`--stdout` prints the graph; `ostwin run` imports a plan")
            .into());
    };
    let path = stored.paths.dag();
    if stored.dag()?.is_some() {
        let text = format!("`{}` is there already, with its rooms", path.display());
        return Err(Failure::new(Exit::Usage, text)
            .hint("the graph of a plan that was begun does not change; `--stdout` prints it")
            .into());
    }
    let written = lock::exclusive(&stored.paths.engine_lock(), Duration::ZERO, || {
        fs::replace_json(&path, &dag, Durability::Sync)
    });
    match written {
        Ok(outcome) => outcome?,
        Err(error @ LockError::Busy { .. }) => return Err(error).exit(Exit::Owned),
        Err(error) => return Err(error.into()),
    }
    if context.out.json {
        context.out.json(&dag)?;
    } else {
        context.out.text(&text::block(&render::text(&dag)))?;
        remark(&format!("written to `{}`; rooms are made when the plan is run", path.display()));
    }
    Ok(Exit::Ok)
}

fn show(context: &Context, named: Option<&str>, format: DagFormat) -> anyhow::Result<Exit> {
    let dag = match named {
        Some(named) => graph(context, named)?.0,
        None => {
            let (project, _) = context.project()?;
            of_stored(context, &stored_plan(&project, None)?)?
        }
    };
    let format = if context.out.json { DagFormat::Json } else { format };
    match format {
        DagFormat::Text => context.out.text(&text::block(&render::text(&dag)))?,
        DagFormat::Dot => context.out.text(&render::dot(&dag))?,
        DagFormat::Mermaid => context.out.text(&render::mermaid(&dag))?,
        DagFormat::Json => context.out.json(&dag)?,
    }
    Ok(Exit::Ok)
}

fn next_wave(context: &Context, named: Option<&str>, slots: Option<usize>) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let (dag, stored) = match named {
        Some(named) => graph(context, named)?,
        None => {
            let stored = stored_plan(&project, None)?;
            (of_stored(context, &stored)?, Some(stored))
        }
    };
    let (mut passed, mut started) = (BTreeSet::new(), BTreeSet::new());
    let mut running = 0;
    if stored.is_some() {
        for (id, room) in dag.nodes.iter().filter_map(|(id, n)| Some((id, n.room_id.as_ref()?))) {
            let room = Room::open(&project, room)?;
            let standing = room.standing()?;
            if standing.state.as_str() == names::PASSED {
                passed.insert(id.clone());
            } else if standing.state != standing.machine.initial_state {
                started.insert(id.clone());
            }
            running += usize::from(room.open_attempt()?.is_some());
        }
    }
    let most = usize::try_from(settings.config.max_concurrent_rooms).unwrap_or(usize::MAX);
    let free = slots.unwrap_or_else(|| most.saturating_sub(running));
    let next = dag.next_wave(&passed, &started, free);
    if context.out.json {
        context.out.json(&json!({"plan_id": dag.plan_id, "next": next, "free_slots": free}))?;
        return Ok(Exit::Ok);
    }
    if next.is_empty() {
        remark("no epic could start now");
    }
    let line = |id: &EpicId| {
        let title = dag.node(id).map(|node| text::one_line(&node.title)).unwrap_or_default();
        format!("{id}  {title}\n")
    };
    context.out.text(&next.iter().map(line).collect::<String>())?;
    Ok(Exit::Ok)
}
