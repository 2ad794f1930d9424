//! Faults: killed helpers, full and read-only disks, garbage in files, aborts between any two
//! steps, signals, races, limits. After each, the plan ends as if it had not been.

mod crash_points;
mod disk;
mod garbage;
mod killed;
mod limits;
mod races;
mod signals;
mod small_disk;

use std::path::PathBuf;

use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, all_passed, messages};

/// A field where the first attempt at EPIC-001 plays `step` before anything else.
fn first_attempt(step: &Value, settings: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"], "ref": ["EPIC-001"], "attempt_number": { "max": 1 } },
        "before": [step],
    }] });
    Field::new(&script, settings)
}

/// The living processes of the project whose command line holds `word`.
fn processes(field: &Field, word: &str) -> Vec<u32> {
    let mut found = field.project.processes();
    found.retain(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    });
    found
}

/// Sends a signal to a process that need not be our child.
fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits until a stubborn agent is one: an open session may still be on its way there.
fn wait_until_deaf(field: &Field) {
    // The bits of SIGHUP (1), SIGINT (2) and SIGTERM (15), numbered from 1: proc_pid_status(5).
    const ALL: u64 = 1 | 1 << 1 | 1 << 14;
    ostwin_testkit::wait_until("a deaf agent", PATIENCE, || {
        let agent = *processes(field, "ostwin-rehearsal").first()?;
        let status = std::fs::read_to_string(format!("/proc/{agent}/status")).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        (caught & ALL == ALL).then_some(())
    })
    .unwrap();
}

/// The processes of killed engines are gone.
fn wait_for_quiet(field: &Field) {
    ostwin_testkit::wait_until("no process", PATIENCE, || {
        field.project.processes().is_empty().then_some(())
    })
    .unwrap();
}

/// How the attempts of a room ended, in order.
fn outcomes(room: &Room) -> Vec<String> {
    let attempts = room.attempts().unwrap();
    attempts
        .iter()
        .map(|attempt| {
            attempt.record.outcome.as_ref().map_or("open".to_owned(), ToString::to_string)
        })
        .collect()
}

/// Every epic of the only plan passed once, each in a room of its own, and the files hold together.
fn check_passed(field: &Field) {
    let plans = field.plans();
    assert_eq!(plans.len(), 1, "{plans:?}");
    let plan = &plans[0].meta.plan_id;
    let states = field.states(plan);
    assert!(all_passed(&states), "{states:?}");
    field.check_rooms(plan);
    assert_eq!(field.rooms(plan).len(), states.len(), "an epic has two rooms");
    for (room, _) in field.rooms(plan) {
        let keys: Vec<_> = messages(&room)
            .into_iter()
            .filter_map(|message| message.data?.get("key").cloned())
            .collect();
        let unique: std::collections::HashSet<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(keys.len(), unique.len(), "{}: an action was done twice: {keys:?}", room.id());
    }
    field.check_no_process();
}

/// What is left beside the rooms, half built.
fn unfinished_rooms(field: &Field) -> Vec<PathBuf> {
    let rooms = field.project.layout().rooms();
    let entries = std::fs::read_dir(rooms).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with('.')).collect()
}
