//! `stop`: ends the run of a plan in order, or by force.

use std::time::{Duration, Instant};

use ostwin_core::control::{self, Ask, ControlError};
use ostwin_core::env;
use ostwin_core::events::ControlResult;
use ostwin_core::lock::{self, LockError};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
use ostwin_core::room;
use ostwin_runner::process::{ProcessId, end_process};
use ostwin_service::{Exit, Explain, Failure};
use serde_json::json;

use crate::args::StopArgs;
use crate::context::{Context, actor, stored_plan};
use crate::out::remark;

const POLL: Duration = Duration::from_millis(50);

pub(crate) fn stop(context: &Context, args: &StopArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = match &args.plan {
        Some(plan) => stored_plan(&project, Some(plan))?,
        None => running(&project)?,
    };
    let id = &plan.meta.plan_id;
    let ask = Ask::Stop { force: args.force };
    let grace = Duration::from_secs(settings.config.kill_grace_seconds);
    // Sessions may take their grace before the engine answers, and the answer may be its last word.
    let patience = match control::ask(&project, id, &actor(), ask) {
        Ok(_) => grace + Duration::from_secs(30),
        // One that has not answered in its time is not asked for more.
        Err(ControlError::NoAnswer { .. }) if args.force => Duration::ZERO,
        Err(ControlError::NoAnswer { .. }) => grace + Duration::from_secs(30),
        Err(error @ ControlError::NotRunning { .. }) => {
            return Err(error)
                .exit(Exit::Usage)
                .hint(format!("`ostwin status {id}` shows how it stands"));
        }
        Err(error) => return Err(error).exit(Exit::Environment),
    };
    let ended = ends_within(patience, || Ok(!control::is_driven(&plan.paths)?))?;
    if !ended && !args.force {
        let text = format!("plan `{id}` was asked to stop and has not ended yet");
        return Err(Failure::new(Exit::Environment, text)
            .hint(format!("`ostwin stop {id} --force` ends its engine without asking"))
            .into());
    }
    if !ended {
        end_engine(&plan, grace)?;
        // Each guardian sees that its engine is gone, and ends its session.
        ends_within(grace + Duration::from_secs(30), || no_session(&project, &plan))?;
        settle_request(&project, &plan)?;
    }
    if context.out.json {
        context.out.json(&json!({"plan_id": id, "stopped": true, "by_force": !ended}))?;
    } else {
        let how = if ended { "" } else { " by force: its engine did not answer" };
        remark(&format!("plan `{id}` is stopped{how}; `ostwin run {id}` goes on"));
    }
    Ok(Exit::Ok)
}

/// Whether it comes about in time.
fn ends_within(
    patience: Duration,
    has_ended: impl Fn() -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    let start = Instant::now();
    loop {
        if has_ended()? {
            return Ok(true);
        }
        if start.elapsed() >= patience {
            return Ok(false);
        }
        std::thread::sleep(POLL);
    }
}

/// Ends the very process that holds the plan's lock.
fn end_engine(plan: &StoredPlan, grace: Duration) -> anyhow::Result<()> {
    let id = &plan.meta.plan_id;
    let refused = |text: String, hint: &str| {
        anyhow::Error::from(Failure::new(Exit::Environment, text).hint(hint.to_owned()))
    };
    let Some(record) = control::engine_record(&plan.paths)? else {
        let text = format!("plan `{id}` is driven, and nothing says by which process");
        return Err(refused(text, "`ostwin doctor` names who holds its lock"));
    };
    if record.host != env::host() || record.boot_id != env::boot_id() {
        let text = format!("the engine of plan `{id}` runs on another machine, `{}`", record.host);
        return Err(refused(text, "stop it there"));
    }
    let engine = ProcessId { pid: record.pid, start_time: record.start_time };
    if !engine.is_alive() {
        let text = format!(
            "plan `{id}` is driven, and not by process {} that `{}` names",
            record.pid,
            plan.paths.engine().display()
        );
        return Err(refused(text, "another command may hold its lock for a moment: try again"));
    }
    if !end_process(engine, grace) {
        let text = format!("process {}, the engine of plan `{id}`, cannot be ended", record.pid);
        return Err(refused(text, "it may belong to another user, or be stuck in the kernel"));
    }
    Ok(())
}

/// Whether no session of the plan runs any more.
fn no_session(project: &Project, plan: &StoredPlan) -> anyhow::Result<bool> {
    for (room, _) in room::of_plan(project, &plan.meta.plan_id)? {
        if let Some(open) = room.open_attempt()? {
            let lock = open.paths.session_lock();
            if lock.exists() && lock::is_held(&lock)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Answers the request to stop in place of the engine, so that it does not stay open for ever.
fn settle_request(project: &Project, plan: &StoredPlan) -> anyhow::Result<()> {
    let settled = lock::exclusive(&plan.paths.engine_lock(), Duration::ZERO, || {
        for request in control::pending(&plan.paths)? {
            if matches!(request.ask, Ask::Stop { .. }) {
                let run = request.run_id.clone();
                let reason = "the engine did not answer and was ended by force";
                let done = ControlResult::Done;
                control::answer(project.store(), &plan.paths, run, &request, done, reason)?;
            }
        }
        Ok::<(), anyhow::Error>(())
    });
    match settled {
        Ok(outcome) => outcome,
        // Somebody has started the plan again: their engine answers.
        Err(LockError::Busy { .. }) => Ok(()),
        Err(error) => Err(error).exit(Exit::Environment),
    }
}

/// The only plan that runs.
fn running(project: &Project) -> anyhow::Result<StoredPlan> {
    let found = plans::survey(project)?;
    let mut running = Vec::new();
    for plan in &found.plans {
        if control::is_driven(&plan.paths)? {
            running.push(plan.clone());
        }
    }
    if running.is_empty() {
        // One that cannot be read may be the one that runs.
        found.whole().exit(Exit::Environment)?;
    }
    let ids: Vec<&str> = running.iter().map(|plan| plan.meta.plan_id.as_str()).collect();
    match (running.as_slice(), ids.as_slice()) {
        ([plan], _) => Ok(plan.clone()),
        ([], _) => Err(Failure::new(Exit::Usage, "no plan of this project runs").into()),
        (_, ids) => {
            let text = format!("several plans run: {}", ids.join(", "));
            Err(Failure::new(Exit::Usage, text).hint("name the one to stop").into())
        }
    }
}
