//! `watch-timeouts`: the deadlines of rooms whose engine is gone.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context as _;
use ostwin_engine::{Enforced, enforce_deadlines};
use ostwin_service::{Exit, Explain};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::WatchTimeoutsArgs;
use crate::context::Context;
use crate::out::remark;

/// How often new sessions are looked for.
const INTERVAL: Duration = Duration::from_secs(30);

pub(crate) fn watch_timeouts(context: &Context, args: &WatchTimeoutsArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let ends = if args.once { None } else { Some(until_a_signal()?) };
    loop {
        let enforced = enforce_deadlines(&project, &settings.config).exit(Exit::Environment)?;
        tell(context, &enforced)?;
        let Some(ends) = &ends else {
            return Ok(if enforced.problems.is_empty() { Exit::Ok } else { Exit::Environment });
        };
        let now = project.store().now();
        let wait = enforced.next.map_or(INTERVAL, |next| next.since(now).min(INTERVAL));
        match ends.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(SIGINT) => return Ok(Exit::Interrupted),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Terminated),
        }
    }
}

/// Hears of the signal by which this is to end.
fn until_a_signal() -> anyhow::Result<mpsc::Receiver<i32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .context("cannot listen to signals")
        .exit(Exit::Environment)?;
    let (sender, ends) = mpsc::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Nobody listens any more: it is ending already.
            let _ = sender.send(signal);
        }
    })?;
    Ok(ends)
}

fn tell(context: &Context, enforced: &Enforced) -> anyhow::Result<()> {
    for problem in &enforced.problems {
        tracing::warn!("{problem}");
    }
    for timeout in &enforced.ended {
        if context.out.json {
            context.out.json_line(&json!({
                "room": timeout.room, "attempt": timeout.attempt, "outcome": timeout.outcome,
                "state": timeout.state,
            }))?;
        } else {
            remark(&format!(
                "`{}`: attempt {} ended as `{}`; the room is in `{}`",
                timeout.room, timeout.attempt, timeout.outcome, timeout.state
            ));
        }
    }
    Ok(())
}
