//! Quality gates: commands that must succeed before a worker's `done` counts.

use std::path::PathBuf;

use ostwin_core::room::{AttemptRecord, Room};
use ostwin_testkit::wait_until;
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, lines_of, messages, one_epic};

/// A project whose engineer has these gates and plays `after` when it has posted its first `done`.
fn gated(gates: &Value, after: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "after": after },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0 }));
    let role = json!({ "schema_version": 1, "name": "engineer", "quality_gates": gates });
    field.plan(".agents/roles/engineer/role.json", &role.to_string());
    field.plan(".agents/roles/engineer/ROLE.md", "# Engineer\n\nBuild it.\n");
    field.plan("PLAN.md", &one_epic(""));
    field
}

fn first(field: &Field) -> AttemptRecord {
    field.room(1).attempts().unwrap().remove(0).record
}

fn reasons(room: &Room) -> Vec<String> {
    let audit = room.audit().unwrap();
    audit.iter().filter_map(|line| line.entry().map(|entry| entry.reason.clone())).collect()
}

/// What the room of these tests has once its worker has mended it.
const MENDED: &str = ".agents/war-rooms/room-001/artifacts/mended.md";

#[test]
fn a_gate_that_succeeds_lets_the_done_count() {
    let gates = json!([
        { "name": "says", "command": "echo checked; echo and warned >&2" },
        { "name": "artifacts" },
    ]);
    let field = gated(&gates, &json!([]));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let record = first(&field);
    let gates = record.gates.unwrap();
    assert_eq!(gates.required, ["says", "artifacts"]);
    let passed: Vec<_> =
        gates.results.iter().map(|result| (&*result.name, result.passed)).collect();
    assert_eq!(passed, [("says", true), ("artifacts", true)]);
    let dir = field.room(1).attempts().unwrap().remove(0).paths.gates();
    let said = std::fs::read_to_string(dir.join("1.log")).unwrap();
    assert_eq!(said, "checked\nand warned\n");
    field.check_no_process();
}

#[test]
fn a_gate_that_fails_is_told_to_the_same_session_which_may_mend_it() {
    let gates =
        json!([{ "name": "mended", "command": format!("echo is it there; test -f {MENDED}") }]);
    let after = json!([
        { "do": "silence", "nudge": "answer" },
        { "do": "artifact", "path": "mended.md", "content": "now it is" },
        { "do": "verdict" },
    ]);
    let field = gated(&gates, &after);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    let attempts = room.attempts().unwrap();
    assert_eq!(attempts.len(), 2, "one for the work, one for the review");
    let gates = attempts[0].record.gates.clone().unwrap();
    assert_eq!((gates.told.as_deref(), gates.results[0].passed), (Some("mended"), true));
    let told = lines_of(&attempts[0].paths.transcript())
        .into_iter()
        .filter(|line| line["type"] == "prompt")
        .nth(1)
        .unwrap();
    let text = told.to_string();
    assert!(text.contains("quality gate `mended` failed, it ended with exit code 1"), "{text}");
    assert!(text.contains("is it there"), "{text}");
    let dones = messages(&room).into_iter().filter(|m| m.kind.as_str() == "done").count();
    assert_eq!(dones, 2);
    field.check_rooms(&field.plans()[0].meta.plan_id);
}

#[test]
fn a_gate_that_fails_again_is_an_error_with_its_name() {
    let gates = json!([{ "name": "never", "command": ["false"] }]);
    let after = json!([{ "do": "silence", "nudge": "answer" }, { "do": "verdict" }]);
    let field = gated(&gates, &after);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert!(reasons(&room).contains(&"gate:never".to_owned()), "{:?}", reasons(&room));
    assert!(!first(&field).gates.unwrap().results[0].passed);
    let reviews = room.attempts().unwrap();
    assert!(reviews.iter().all(|attempt| attempt.record.state.as_str() != "review"));
    field.check_no_process();
}

#[test]
fn a_gate_has_a_time_of_its_own_and_leaves_no_process() {
    let gates = json!([{ "name": "slow", "command": "sleep 1000 & sleep 1000", "timeout": 1 }]);
    let field =
        gated(&gates, &json!([{ "do": "silence", "nudge": "answer" }, { "do": "verdict" }]));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let result = first(&field).gates.unwrap().results.remove(0);
    assert_eq!(result.reason, "it took longer than 1 s");
    field.check_no_process();
}

#[test]
fn a_gate_may_take_longer_than_the_attempt_has_left() {
    let gates = json!([{ "name": "long", "command": "sleep 11" }]);
    let field = gated(&gates, &json!([]));
    field.plan("PLAN.md", &one_epic("- timeout: 10\n"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert!(first(&field).gates.unwrap().results[0].took_ms >= 11_000);
}

#[test]
fn gates_that_a_killed_engine_left_due_are_run_before_the_room_moves() {
    let go = PathBuf::from("go");
    let command =
        "test -f go || { echo > waiting; while ! test -f go; do sleep 0.05; done; }; test -f ok";
    let field = gated(&json!([{ "name": "held", "command": command }]), &json!([]));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    let waiting = field.project.root().join("waiting");
    wait_until("the gate to run", PATIENCE, || waiting.exists().then_some(())).unwrap();
    run.kill().unwrap();
    field.plan(go.to_str().unwrap(), "");
    // The `done` is in the channel and counts, but not without its gate, which fails now.
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert!(reasons(&room).contains(&"gate:held".to_owned()), "{:?}", reasons(&room));
    assert_eq!(first(&field).outcome.unwrap().to_string(), "done");
    field.check_no_process();
}

#[test]
fn a_gate_without_a_command_must_be_a_known_check() {
    let field = gated(&json!([{ "name": "lint" }]), &json!([]));
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    assert!(run.stderr.contains("quality gate `lint` has no command"), "{}", run.stderr);
}
