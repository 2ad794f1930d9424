//! `kill -9` of one process of a session: the guardian, the agent, a tool server.

use std::os::unix::process::ExitStatusExt as _;

use ostwin_core::control;
use ostwin_core::ids::RoomId;
use ostwin_core::room::Room;
use ostwin_testkit::wait_until;
use rustix::process::Signal;
use serde_json::json;

use super::{check_passed, first_attempt, outcomes, processes, send, wait_until_deaf};
use crate::field::{Field, PATIENCE, one_epic};

/// Kills the process whose command line holds `word` while the first worker plays `step`, does
/// what comes `then`, and gives how the attempts ended.
fn kill(word: &str, step: &serde_json::Value, then: impl FnOnce()) -> Vec<String> {
    let field = first_attempt(step, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    if step["stubborn"] == true {
        wait_until_deaf(&field);
    }
    let victims = processes(&field, word);
    assert_eq!(victims.len(), 1, "{word}: {victims:?}");
    send(victims[0], Signal::KILL);
    then();
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0), "{word}");
    check_passed(&field);
    outcomes(&field.room(1))
}

#[test]
fn a_guardian_that_is_killed_takes_its_session_along() {
    let hang = json!({ "do": "hang" });
    assert_eq!(kill("__session", &hang, || ()), ["agent-error", "done", "pass"]);
}

#[test]
fn an_agent_that_ignores_everything_does_not_outlive_its_guardian() {
    let hang = json!({ "do": "hang", "stubborn": true });
    assert_eq!(kill("__session", &hang, || ()), ["agent-error", "done", "pass"]);
}

#[test]
fn an_agent_that_is_killed_has_failed() {
    let hang = json!({ "do": "hang" });
    assert_eq!(kill("ostwin-rehearsal", &hang, || ()), ["agent-error", "done", "pass"]);
}

#[test]
fn a_tool_server_that_is_killed_costs_at_most_its_attempt() {
    for server in ["ostwin-mcp-warroom", "ostwin-mcp-memory"] {
        // The agent notices when it uses the server the next time, which is after the kill.
        let dir = tempfile::tempdir().unwrap();
        let killed = dir.path().join("killed");
        let wait = json!({ "do": "await_file", "path": killed });
        let ends = kill(server, &wait, || {
            ostwin_core::fs::replace_hint(&killed, b"").unwrap();
        });
        let (last, first) = ends.split_last().unwrap();
        assert_eq!(last, "pass", "{server}: {ends:?}");
        assert!(
            first == ["done"] || first == ["agent-error", "done"] || first == ["no-signal", "done"],
            "{server}: {ends:?}"
        );
    }
}

#[test]
fn a_session_that_loses_every_process_at_once_has_failed() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    let engine = run.id();
    let all = field.project.processes();
    for pid in all.into_iter().filter(|pid| *pid != engine) {
        send(pid, Signal::KILL);
    }
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["agent-error", "done", "pass"]);
}

#[test]
fn the_engine_and_its_guardian_killed_together_leave_nothing() {
    // The stray outlives whatever the agent itself does when its input ends.
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"], "attempt_number": { "max": 1 } },
        "before": [
            { "do": "fork" },
            { "do": "progress", "percent": 42, "message": "the stray is out" },
            { "do": "hang", "stubborn": true },
        ],
    }] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    wait_until("the stray", PATIENCE, || {
        let room = Room::open(&field.core(), &RoomId::numbered(1)).ok()?;
        (room.progress().ok()??.percent == 42).then_some(())
    })
    .unwrap();
    // A stopped engine cannot sweep what its guardian leaves.
    run.signal(Signal::STOP).unwrap();
    send(processes(&field, "__session")[0], Signal::KILL);
    run.kill().unwrap();
    assert!(!field.project.processes().is_empty(), "the stray should have survived so far");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["interrupted", "done", "pass"]);
}

#[test]
fn an_engine_that_does_not_answer_is_ended_by_force() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.signal(Signal::STOP).unwrap();
    let told = field.expect(&["stop", "--force", "--json"], 0).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["by_force"], true, "{told}");
    assert_eq!(run.wait(PATIENCE).unwrap().signal(), Some(Signal::KILL.as_raw()));
    field.check_no_process();
    let plan = field.plans().remove(0);
    assert_eq!(control::pending(&plan.paths).unwrap(), [], "the request was answered");
    field.expect(&["stop", "--force"], 2);

    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["interrupted", "done", "pass"]);
}

#[test]
fn a_gate_that_outlives_its_engine_and_its_guardian_is_ended_before_it_runs_again() {
    let field = Field::built_in();
    let command = "echo run >> runs; test -f go && exit 0; while :; do sleep 0.1; done";
    let gates = json!([{ "name": "held", "command": command }]);
    let role = json!({ "schema_version": 1, "name": "engineer", "quality_gates": gates });
    field.plan(".agents/roles/engineer/role.json", &role.to_string());
    field.plan(".agents/roles/engineer/ROLE.md", "# Engineer\n\nBuild it.\n");
    field.plan("PLAN.md", &one_epic(""));
    let runs = field.project.root().join("runs");
    let wait_for_run = |number: usize| {
        wait_until("the gate", PATIENCE, || {
            let said = std::fs::read_to_string(&runs).ok()?;
            (said.lines().count() == number).then_some(())
        })
        .unwrap();
    };
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    wait_for_run(1);
    run.kill().unwrap();
    // The attempt is closed now, and its gate runs without a session.
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    wait_for_run(2);
    assert!(field.room(1).open_attempt().unwrap().is_none());
    run.signal(Signal::STOP).unwrap();
    send(processes(&field, "__session")[0], Signal::KILL);
    run.kill().unwrap();
    assert!(!field.project.processes().is_empty(), "the gate should have survived so far");
    field.plan("go", "");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
}
