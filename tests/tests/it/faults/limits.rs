//! Limits across plans, and plans that are deep or wide.

use std::fmt::Write as _;

use ostwin_core::ids::RoomId;
use ostwin_core::lock;
use ostwin_core::room::Room;
use ostwin_testkit::Process;
use serde_json::json;

use super::processes;
use crate::field::{Field, PATIENCE, all_passed};

/// A plan of `count` epics, one behind the other or side by side.
fn plan(title: &str, count: usize, chained: bool) -> String {
    let mut text = format!("# Plan: {title}\n");
    for number in 1..=count {
        write!(text, "\n## EPIC-{number:03}: Part {number}\n\n- Roles: engineer\n").unwrap();
        text.push_str("- skip_review: true\n");
        if chained && number > 1 {
            writeln!(text, "- depends_on: [EPIC-{:03}]", number - 1).unwrap();
        }
        text.push_str("\n### Definition of Done\n\n- [ ] It is there\n");
    }
    text
}

/// Slots of the project that somebody holds, without touching their locks.
fn slots_held(field: &Field) -> usize {
    let Ok(folder) = std::fs::read_dir(field.project.layout().slots("rooms")) else { return 0 };
    folder.flatten().filter(|slot| lock::holder(&slot.path()).is_some()).count()
}

/// Agents that run: what a guardian has started. A child of an agent looks like the agent itself
/// until it has become the tool server that it is to be.
fn agents(field: &Field) -> usize {
    let guardians = processes(field, "__session");
    let parent = |pid: &u32| -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    };
    let running = processes(field, "ostwin-rehearsal");
    running.iter().filter(|pid| parent(pid).is_some_and(|pid| guardians.contains(&pid))).count()
}

/// Waits for all runs, calling `look` in between, and checks that each passed.
fn watch(runs: &mut [Process], mut look: impl FnMut(&[Process])) {
    ostwin_testkit::wait_until("the ends of the runs", PATIENCE, || {
        look(runs);
        runs.iter_mut().all(|run| !run.is_running().unwrap()).then_some(())
    })
    .unwrap();
    for run in runs {
        assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    }
}

#[test]
fn two_plans_at_once_keep_the_limit_of_the_project() {
    for limit in [1, 2] {
        let field = Field::new(&json!({ "v": 1 }), &json!({ "max_concurrent_rooms": limit }));
        field.plan("A.md", &plan("A", 5, false));
        field.plan("B.md", &plan("B", 5, false));
        let mut runs = ["A.md", "B.md"].map(|plan| field.spawn(&["run", plan, "--no-wait"]));
        let (mut most_slots, mut most_agents) = (0, 0);
        watch(&mut runs, |_| {
            most_slots = most_slots.max(slots_held(&field));
            most_agents = most_agents.max(agents(&field));
        });
        assert_eq!(most_slots, limit, "the limit was not used, or not kept");
        assert!(most_agents <= limit, "{most_agents} agents at a limit of {limit}");
        for plan in field.plans() {
            assert!(all_passed(&field.states(&plan.meta.plan_id)));
            field.check_rooms(&plan.meta.plan_id);
        }
        field.check_no_process();
    }
}

/// The most memory that a process has had so far, in KiB; 0 once it has gone.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn run_large(chained: bool) {
    const EPICS: u32 = 60;
    let field = Field::built_in();
    field.plan("PLAN.md", &plan("Large", EPICS as usize, chained));
    let mut runs = [field.spawn(&["run", "PLAN.md", "--no-wait"])];
    let mut peak = 0;
    watch(&mut runs, |runs| peak = peak.max(peak_memory(runs[0].id())));
    super::check_passed(&field);
    assert!(peak > 0 && peak < 100 << 10, "the engine took {peak} KiB");
    if chained {
        let passed = |number| {
            let room = Room::open(&field.core(), &RoomId::numbered(number)).unwrap();
            room.standing().unwrap().replay.entered_at.unwrap()
        };
        let times: Vec<_> = (1..=EPICS).map(passed).collect();
        assert!(times.is_sorted(), "a link of the chain passed before the one before it");
    }
}

#[test]
fn a_deep_plan_ends_in_bounded_memory() {
    run_large(true);
}

#[test]
fn a_wide_plan_ends_in_bounded_memory() {
    run_large(false);
}
