//! `stop`: ends the run of a plan in order.

use std::time::{Duration, Instant};

use ostwin_core::control::{self, Ask, ControlError};
use ostwin_core::plans::{self, StoredPlan};
use ostwin_core::project::Project;
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
    let answered = control::ask(&project, id, &actor(), ask);
    // Sessions may take their grace before the engine answers, and the answer may be its last word.
    let patience = Duration::from_secs(settings.config.kill_grace_seconds + 30);
    match answered {
        Ok(_) | Err(ControlError::NoAnswer { .. }) => {}
        Err(error @ ControlError::NotRunning { .. }) => {
            return Err(error)
                .exit(Exit::Usage)
                .hint(format!("`ostwin status {id}` shows how it stands"));
        }
        Err(error) => return Err(error).exit(Exit::Environment),
    }
    let start = Instant::now();
    while control::is_driven(&plan.paths)? {
        if start.elapsed() >= patience {
            let text = format!("plan `{id}` was asked to stop and has not ended yet");
            return Err(Failure::new(Exit::Environment, text)
                .hint("`ostwin stop --force` kills its sessions")
                .into());
        }
        std::thread::sleep(POLL);
    }
    if context.out.json {
        context.out.json(&json!({"plan_id": id, "stopped": true}))?;
    } else {
        remark(&format!("plan `{id}` is stopped; `ostwin run {id}` goes on"));
    }
    Ok(Exit::Ok)
}

/// The only plan that runs.
fn running(project: &Project) -> anyhow::Result<StoredPlan> {
    let mut running = Vec::new();
    for plan in plans::list(project)? {
        if control::is_driven(&plan.paths)? {
            running.push(plan);
        }
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
