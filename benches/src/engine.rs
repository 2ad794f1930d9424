//! The engine over real processes: a whole plan at full speed, and a plan in which only people can
//! move something on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::idle;
use crate::samples::Samples;
use crate::table::{self, Table};

const PLAN: &str = include_str!("../../.agents/examples/shop/PLAN.md");
const RUNS: usize = 5;
/// A thread of the runtime that was used once ends after ten idle seconds, which is a wake-up.
const SETTLE: Duration = Duration::from_secs(15);
const WATCH: Duration = Duration::from_secs(30);

/// A project with the example plan, whose agents play `script` at full speed.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new(script: &serde_json::Value, settings: &serde_json::Value) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let script_file = dir.path().join("rehearsal.json");
        let mut config = json!({
            "schema_version": 1,
            "default_agent": "rehearsal",
            // The figures are of the plan itself.
            "plan_review": "off",
            "agents": { "rehearsal": { "env": {
                "OSTWIN_REHEARSAL_PACE": "0",
                "OSTWIN_REHEARSAL_SCRIPT": script_file,
            } } },
        });
        if let (Some(config), Some(further)) = (config.as_object_mut(), settings.as_object()) {
            config.extend(further.clone());
        }
        let store = ostwin_core::store::Store::default();
        ostwin_core::project::init(dir.path(), None, &config, &store)?;
        ostwin_core::fs::replace_hint(&script_file, script.to_string().as_bytes())?;
        ostwin_core::fs::replace_hint(&dir.path().join("PLAN.md"), PLAN.as_bytes())?;
        Ok(Self { dir })
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }

    #[expect(clippy::disallowed_methods, reason = "the measured program is started from outside")]
    fn run(&self, further: &[&str]) -> Result<Command> {
        let mut command = Command::new(ostwin()?);
        command
            .args(["run", "PLAN.md"])
            .args(further)
            .current_dir(self.root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }
}

/// The program, beside this one.
fn ostwin() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("ostwin");
    if !path.is_file() {
        bail!("`{}` has not been built: use `cargo xtask bench`", path.display());
    }
    Ok(path)
}

/// The example plan of twelve epics, with reviews that fail once, from start to end.
pub(crate) fn bench() -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let project = Project::new(&json!({ "v": 1 }), &json!({}))?;
        let start = Instant::now();
        let status = project.run(&["--no-wait"])?.status()?;
        times.push(start.elapsed());
        if !status.success() {
            bail!("the plan did not pass: {status}");
        }
    }
    let mut table = Table::new("whole plan, rehearsal agents at full speed");
    table.row("12 epics, 4 waves, durability sync", &Samples::new(times), "target 10 s");
    table.print()
}

/// A plan all of whose rooms wait for a person: how often the engine wakes up.
pub(crate) fn bench_idle() -> Result<()> {
    let script = json!({ "v": 1, "rules": [{ "before": [{ "do": "crash" }] }] });
    let project = Project::new(&script, &json!({ "max_retries": 0 }))?;
    let mut engine = Engine(project.run(&["--wait"])?.spawn()?);
    wait_until_escalated(&project)?;
    std::thread::sleep(SETTLE);
    let found = idle::wakeups(engine.0.id(), WATCH)?;
    let memory = idle::memory_kib(engine.0.id())?;
    table::print(&format!(
        "\nidle engine, 12 rooms that wait, {} s: {} wake-ups, {} ms of processor, {:.1} MiB\n",
        WATCH.as_secs(),
        found.total(),
        found.cpu_ticks * 10,
        memory as f64 / 1024.0
    ))?;
    engine.0.kill().context("the engine has ended by itself")
}

/// The engine, ended with the benchmark.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until_escalated(project: &Project) -> Result<()> {
    let core =
        ostwin_core::project::Project::open(project.root(), ostwin_core::store::Store::default())?;
    let start = Instant::now();
    loop {
        let mut waiting = 0;
        for room in ostwin_core::room::Room::list(&core)? {
            waiting += usize::from(room.standing()?.state.as_str() == "escalated");
        }
        // The three epics that depend on nothing; the others wait for them.
        if waiting == 3 {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(60) {
            bail!("the plan does not come to rest");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
