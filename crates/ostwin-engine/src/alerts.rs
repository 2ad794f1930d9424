//! Telling of alerts: the command of the setting `on_event` gets each as JSON on its input.
//!
//! Alerts are told one after the other by a task of their own, each within a limit, so that a slow
//! or broken command holds nothing up. It is told once: what it fails to do is its own matter, and
//! the plan's events hold everything for who wants certainty.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostwin_core::events::Event;
use ostwin_core::layout::PlanPaths;
use ostwin_runner::chore::Chore;
use ostwin_runner::guardian::Redact;
use serde_json::json;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::world::World;

/// How long the command may take for one alert.
const LIMIT: Duration = Duration::from_secs(30);
/// How long its processes may take to end after that.
const GRACE: Duration = Duration::from_secs(2);
/// How many alerts may wait. A plan whose epics all fail at once has fewer.
const QUEUE: usize = 1_024;
/// How long an engine that has nothing else to do waits for its last alerts to be told.
const END_PATIENCE: Duration = Duration::from_secs(35);

/// What the command is and where it runs.
pub(crate) struct AlertCommand {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// The project's root.
    pub(crate) cwd: PathBuf,
    /// Its environment, in which there are no secrets.
    pub(crate) env: BTreeMap<String, String>,
    /// The plan, as the command is told of it.
    pub(crate) plan: serde_json::Value,
    pub(crate) paths: PlanPaths,
    pub(crate) redact: Redact,
}

/// The task that tells of alerts.
pub(crate) struct Alerts {
    queue: Sender<Event>,
    task: JoinHandle<()>,
}

impl Alerts {
    /// Starts the task.
    pub(crate) fn start(world: Arc<dyn World>, command: AlertCommand) -> Self {
        let (queue, alerts) = mpsc::channel(QUEUE);
        Self { queue, task: tokio::spawn(tell(world, command, alerts)) }
    }

    /// Has the command told of `event`, if that is an alert. Never waits.
    pub(crate) fn hear(&self, event: &Event) {
        if event.is_alert() && self.queue.try_send(event.clone()).is_err() {
            tracing::warn!(seq = event.seq, "`on_event` is too slow: it is not told of this alert");
        }
    }

    /// Waits until the command was told of everything, but not for ever.
    pub(crate) async fn end(self) {
        drop(self.queue);
        let abort = self.task.abort_handle();
        if timeout(END_PATIENCE, self.task).await.is_err() {
            abort.abort();
            tracing::warn!("`on_event` is too slow: it was not told of the last alerts");
        }
    }
}

async fn tell(world: Arc<dyn World>, command: AlertCommand, mut alerts: Receiver<Event>) {
    while let Some(event) = alerts.recv().await {
        let seq = event.seq;
        let chore = Chore {
            argv: command.argv.clone(),
            input: Some(json!({ "v": 1, "plan": command.plan, "event": event }).to_string()),
            cwd: command.cwd.clone(),
            env: command.env.clone(),
            mark: format!("alert-{}-{seq}", std::process::id()),
            lock: command.paths.engine_alert_lock(),
            stderr: command.paths.engine_alert_stderr(),
            limit: LIMIT,
            grace: GRACE,
            redact: command.redact.clone(),
        };
        match world.chore(chore).await {
            Ok(end) if end.succeeded() => {}
            Ok(end) => {
                let said = String::from_utf8_lossy(&end.output);
                let said = said.lines().last().unwrap_or_default();
                match end.status {
                    Some(status) => tracing::warn!(seq, %status, said, "`on_event` failed"),
                    None => tracing::warn!(seq, said, "`on_event` took longer than {LIMIT:?}"),
                }
            }
            Err(error) => tracing::warn!(seq, %error, "`on_event` could not be started"),
        }
    }
}
