//! `kill -9` of one process of a session: the guardian, the agent, a tool server.

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
