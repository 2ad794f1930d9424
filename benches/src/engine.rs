//! The engine over real processes: a whole plan at full speed, a plan in which only people can move
//! something on, and many sessions that are open and say nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ostwin_core::room::Room;
use serde_json::json;

use crate::idle;
use crate::samples::Samples;
use crate::table::{self, Table};

const PLAN: &str = include_str!("../../.agents/examples/shop/PLAN.md");
const RUNS: usize = 5;
/// A thread of the runtime that was used once ends after ten idle seconds, which is a wake-up.
const SETTLE: Duration = Duration::from_secs(15);
const WATCH: Duration = Duration::from_secs(30);
/// Rooms of the plans in which nothing happens.
const ROOMS: usize = 50;

/// A plan of so many epics that depend on nothing and whose sessions start no servers.
fn side_by_side(count: usize) -> Result<String> {
    let mut plan = "# Plan: Side by side\n".to_owned();
    for number in 1..=count {
        write!(plan, "\n## EPIC-{number:03}: Part {number}\n\n- Roles: engineer\n")?;
        plan.push_str("- skip_review: true\n- no_mcp: true\n\n");
        plan.push_str("### Definition of Done\n\n- [ ] It is there\n");
    }
    Ok(plan)
}

/// A project with a plan, whose agents play `script` at full speed.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new(plan: &str, script: &serde_json::Value, settings: &serde_json::Value) -> Result<Self> {
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
        ostwin_core::fs::replace_hint(&dir.path().join("PLAN.md"), plan.as_bytes())?;
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
        let project = Project::new(PLAN, &json!({ "v": 1 }), &json!({}))?;
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

/// Plans in which nothing happens: what the engine takes of the machine.
pub(crate) fn bench_idle() -> Result<()> {
    let crash = json!({ "v": 1, "rules": [{ "before": [{ "do": "crash" }] }] });
    let escalated = |room: &Room| Ok(room.standing()?.state.as_str() == "escalated");
    // Of the example, three epics depend on nothing; the others wait for them.
    idle("12 rooms that wait", PLAN, &crash, 3, escalated)?;
    let plan = side_by_side(ROOMS)?;
    idle(&format!("{ROOMS} rooms that wait for a person"), &plan, &crash, ROOMS, escalated)?;

    let hang = json!({ "v": 1, "rules": [{ "before": [{ "do": "hang" }] }] });
    let open = |room: &Room| {
        let attempt = room.open_attempt()?;
        Ok(attempt.is_some_and(|attempt| attempt.record.agent_session.is_some()))
    };
    let name = format!("{ROOMS} open, silent sessions (target 0.1 % of a core, 30 MiB)");
    idle(&name, &plan, &hang, ROOMS, open)
}

/// Runs a plan until so many rooms are `at_rest`, and looks at the engine from then on.
fn idle(
    name: &str,
    plan: &str,
    script: &serde_json::Value,
    rooms: usize,
    at_rest: impl Fn(&Room) -> Result<bool>,
) -> Result<()> {
    let project =
        Project::new(plan, script, &json!({ "max_retries": 0, "kill_grace_seconds": 1 }))?;
    let mut engine = Engine(project.run(&["--wait"])?.spawn()?);
    wait_until_at_rest(&project, rooms, at_rest)?;
    std::thread::sleep(SETTLE);
    let found = idle::wakeups(engine.0.id(), WATCH)?;
    let memory = idle::pss_kib(engine.0.id())?;
    table::print(&format!(
        "\nidle engine, {name}, {} s: {} wake-ups, {} ms of processor ({:.2} % of a core), {:.1} MiB \
         (PSS)\n",
        WATCH.as_secs(),
        found.total(),
        found.cpu_ticks * 10,
        found.cpu_ticks as f64 / WATCH.as_secs_f64(),
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

fn wait_until_at_rest(
    project: &Project,
    rooms: usize,
    at_rest: impl Fn(&Room) -> Result<bool>,
) -> Result<()> {
    let core =
        ostwin_core::project::Project::open(project.root(), ostwin_core::store::Store::default())?;
    let start = Instant::now();
    loop {
        let mut resting = 0;
        for room in Room::list(&core)? {
            resting += usize::from(at_rest(&room)?);
        }
        if resting == rooms {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(120) {
            bail!("the plan does not come to rest: {resting} of {rooms} rooms");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
