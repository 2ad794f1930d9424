//! The dashboard beside the demo, for a person at a terminal: it begins before the plan and stays
//! until the person has seen enough.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::Context as _;
use ostwin_runner::agents::Programs;
use ostwin_runner::process::command;
use serde_json::Value;

use super::dashboard::PROGRAM;

/// A dashboard that ends with this value.
pub(super) struct Beside {
    child: Child,
    /// What lets a browser in.
    pub(super) link: String,
}

impl Beside {
    /// The dashboard of the project at `root`, at any free port. The demo goes on without it.
    pub(super) fn start(root: &Path) -> Option<Self> {
        match begin(root) {
            Ok(beside) => Some(beside),
            Err(error) => {
                tracing::warn!("no dashboard beside the demo: {error:#}");
                None
            }
        }
    }

    /// Waits until somebody ends it, as by Ctrl-C.
    pub(super) fn wait(mut self) {
        // It is gone either way.
        let _ = self.child.wait();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn begin(root: &Path) -> anyhow::Result<Beside> {
    let program = Programs::of_this_process().find(PROGRAM).context("its program is not here")?;
    let mut child = command(program)
        .args(["--port", "0", "--json", "--open", "--project"])
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    let told: Option<Value> = serde_json::from_str(&line).ok();
    let link = told.as_ref().and_then(|told| told["link"].as_str()).map(str::to_owned);
    let mut beside = Beside { child, link: String::new() };
    beside.link = link.context("it did not say where it is")?;
    Ok(beside)
}
