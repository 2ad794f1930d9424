//! `run --detach`: the same command again, in the background.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ostwin_core::control;
use ostwin_core::fs;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_runner::process::command;
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::RunArgs;
use crate::context::Context;
use crate::view::table;

/// How long the background process may take until it drives the plan.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// A longer log is put aside before the next start.
const MAX_LOG_BYTES: u64 = 4 << 20;
/// So much of the log's end is shown when the start failed, in bytes.
const TAIL: u64 = 2_000;

/// Leaves the session of whoever started this process: closing the terminal does not end it.
pub(super) fn leave_terminal() {
    // It fails only for a process that leads a group, which is out of the terminal's reach too.
    let _ = rustix::process::setsid();
}

/// Starts the background process and waits until it drives the plan.
pub(super) fn detach(
    context: &Context,
    args: &RunArgs,
    project: &Project,
    plan: &StoredPlan,
) -> anyhow::Result<Exit> {
    let program = std::env::current_exe().context("cannot find the running executable")?;
    let log_path = plan.paths.engine_log();
    if !control::is_driven(&plan.paths)? {
        fs::rotate(&log_path, &plan.paths.engine_log_earlier(), MAX_LOG_BYTES)?;
    }
    let log = fs::open_log(&log_path)?;
    let from = log.metadata().map_or(0, |metadata| metadata.len());
    let mut background = command(program);
    background
        .arg("run")
        .arg(plan.meta.plan_id.as_str())
        .arg("--detached")
        .arg("--project")
        .arg(project.layout().root())
        .args(args.max_rooms.map(|rooms| format!("--max-rooms={rooms}")))
        .args(args.agent.as_ref().map(|agent| format!("--agent={agent}")))
        .args(args.model.as_ref().map(|model| format!("--model={model}")))
        .args(args.review.map(|rule| format!("--review={}", rule.as_str())))
        .args(args.wait.then_some("--wait"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot open the log twice")?)
        .stderr(log);
    let mut child = background
        .spawn()
        .context("cannot start the background process")
        .exit(Exit::Environment)?;
    let start = Instant::now();
    loop {
        let record = control::engine_record(&plan.paths)?;
        if let Some(record) = record.filter(|record| record.pid == child.id())
            && control::is_driven(&plan.paths)?
        {
            return told(context, plan, record.run_id.as_str(), record.pid, &log_path);
        }
        if let Some(status) = child.try_wait().context("cannot look at the background process")? {
            return ended(context, plan, status.code(), &log_path, from);
        }
        if start.elapsed() >= PATIENCE {
            let text = format!(
                "process {} does not drive plan `{}` after {} s",
                child.id(),
                plan.meta.plan_id,
                PATIENCE.as_secs()
            );
            let hint = format!("its output is in `{}`", log_path.display());
            return Err(Failure::new(Exit::Environment, text).hint(hint).into());
        }
        std::thread::sleep(POLL);
    }
}

fn told(
    context: &Context,
    plan: &StoredPlan,
    run: &str,
    pid: u32,
    log: &std::path::Path,
) -> anyhow::Result<Exit> {
    let id = plan.meta.plan_id.as_str();
    if context.out.json {
        context.out.json(&json!({"plan_id": id, "run_id": run, "pid": pid, "log": log}))?;
        return Ok(Exit::Ok);
    }
    context.out.text(&table::pairs(&[
        ("plan", id.to_owned()),
        ("run", run.to_owned()),
        ("process", pid.to_string()),
        ("log", log.display().to_string()),
        ("look", format!("ostwin status {id} --watch")),
        ("stop", format!("ostwin stop {id}")),
    ]))?;
    Ok(Exit::Ok)
}

/// The background process ended before it was seen to drive the plan: a plan that is over at once,
/// or an error, which its log tells.
fn ended(
    context: &Context,
    plan: &StoredPlan,
    code: Option<i32>,
    log: &std::path::Path,
    from: u64,
) -> anyhow::Result<Exit> {
    let exit = Exit::ALL.into_iter().find(|exit| Some(i32::from(exit.code())) == code);
    if exit == Some(Exit::Ok)
        && let Some(record) = control::engine_record(&plan.paths)?
    {
        return told(context, plan, record.run_id.as_str(), record.pid, log);
    }
    let tail = fs::read_tail(log, from, TAIL)?;
    let words = crate::view::text::block(String::from_utf8_lossy(&tail).trim());
    let text = format!("the background process ended at once; it said:\n{words}");
    Err(Failure::new(exit.unwrap_or(Exit::Bug), text)
        .hint(format!("its whole output is in `{}`", log.display()))
        .into())
}
