//! A person's word about a run: pause and resume, retry, cancel, reopen; with an engine and without.

use std::time::Duration;

use ostwin_core::events::EventKind;
use ostwin_core::room::{Outcome, Room};
use ostwin_testkit::wait_until;
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, one_epic};

const TWO: &str = "# Plan: Two\n\n## EPIC-001: First\n\n- Roles: engineer\n- skip_review: true\n\n\
### Definition of Done\n\n- [ ] It is there\n\n### Acceptance Criteria\n\n- [ ] It works\n\n\
## EPIC-002: Second\n\n- Roles: engineer\n- skip_review: true\n- depends_on: [EPIC-001]\n\n\
### Definition of Done\n\n- [ ] It is there\n\n### Acceptance Criteria\n\n- [ ] It works\n";

/// A script whose worker in the first epic waits for the file `go`.
fn waiting() -> (Value, &'static str) {
    let script = json!({ "v": 1, "rules": [
        { "when": { "ref": ["EPIC-001"], "state_type": ["work"] },
          "before": [{ "do": "await_file", "path": "go" }] },
    ] });
    (script, "go")
}

fn state(room: &Room) -> String {
    room.standing().unwrap().state.to_string()
}

fn status(field: &Field) -> Value {
    let said = field.expect(&["status", "--json"], 0).stdout;
    serde_json::from_str(&said).unwrap()
}

#[test]
fn a_paused_plan_opens_no_attempt_and_what_runs_may_finish() {
    let (script, go) = waiting();
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", TWO);
    let mut run = field.spawn(&["run", "PLAN.md", "--wait"]);
    field.wait_for_session(1);
    field.expect(&["pause"], 0);
    let again = field.expect(&["pause"], 2);
    assert!(again.stderr.contains("already paused"), "{}", again.stderr);
    field.plan(go, "");
    let passed = || (state(&field.room(1)) == "passed").then_some(());
    wait_until("the first epic to pass", PATIENCE, passed).unwrap();
    let board = status(&field);
    assert_eq!(board["paused"], true, "{board:#}");
    assert_eq!(board["rows"][1]["display"]["word"], "paused", "{board:#}");

    // It outlives the engine.
    field.expect(&["stop"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(5));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(field.room(2).attempts().unwrap(), []);

    field.expect(&["resume"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let events = field.plans()[0].events().read_all().unwrap();
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((count(EventKind::Paused), count(EventKind::Unpaused)), (1, 1));
}

#[test]
fn a_paused_room_waits_and_the_engine_goes_on_when_it_is_resumed() {
    let (script, go) = waiting();
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", TWO);
    let mut run = field.spawn(&["run", "PLAN.md", "--wait"]);
    field.wait_for_session(1);
    field.expect(&["pause", "room-002"], 0);
    field.plan(go, "");
    let passed = || (state(&field.room(1)) == "passed").then_some(());
    wait_until("the first epic to pass", PATIENCE, passed).unwrap();
    assert_eq!(status(&field)["rows"][1]["display"]["word"], "paused");
    field.expect(&["resume", "room-002"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn cancel_ends_the_session_and_retry_opens_the_room_again() {
    let (script, go) = waiting();
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    field.expect(&["cancel", "room-001", "--reason", "not now"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(1));
    let room = field.room(1);
    assert_eq!(state(&room), "cancelled");
    let attempt = room.last_attempt().unwrap().unwrap().record;
    assert_eq!(attempt.outcome, Some(Outcome::Cancelled));
    field.check_no_process();
    let refused = field.expect(&["cancel", "room-001"], 2);
    assert!(refused.stderr.contains("finished"), "{}", refused.stderr);

    field.expect(&["retry", "room-001"], 0);
    assert_eq!(state(&room), "developing");
    assert_eq!(room.standing().unwrap().replay.granted_retries, 1);
    field.plan(go, "");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let refused = field.expect(&["retry", "room-001"], 2);
    assert!(refused.stderr.contains("passed"), "{}", refused.stderr);
    field.check_rooms(&field.plans()[0].meta.plan_id);
}

#[test]
fn an_epic_that_is_opened_again_lets_its_dependants_run() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "ref": ["EPIC-001"], "attempt_number": { "max": 1 } },
          "before": [{ "do": "crash" }] },
        { "when": { "state_type": ["triage"] }, "verdict": { "signal": "reject" } },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0 }));
    field.plan("PLAN.md", TWO);
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    assert_eq!(state(&field.room(1)), "failed-final");
    assert_eq!(status(&field)["rows"][1]["display"]["word"], "blocked by EPIC-001");
    field.expect(&["retry", "room-001", "--reason", "the network is back"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(state(&field.room(2)), "passed");
}

#[test]
fn the_delay_of_a_retry_goes_on_over_a_restart_and_holds_no_process() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "attempt_number": { "max": 1 } }, "before": [{ "do": "crash" }] },
    ] });
    let delay = Duration::from_secs(6);
    let field = Field::new(&script, &json!({ "retry_delay_seconds": delay.as_secs() }));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    let room = wait_until("the failure", PATIENCE, || {
        let room = Room::open(&field.core(), &"room-001".parse().unwrap()).ok()?;
        (room.standing().ok()?.state.as_str() == "failed").then_some(room)
    })
    .unwrap();
    // The engine itself is all that runs.
    assert_eq!(field.project.processes(), [run.id()]);
    run.kill().unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let audit = room.audit().unwrap();
    let entered = |state: &str, nth: usize| {
        let entries = audit.iter().filter_map(|line| line.entry());
        entries.filter(|entry| entry.to.as_str() == state).nth(nth).unwrap().ts
    };
    let waited = entered("developing", 1).since(entered("failed", 0));
    assert!(waited >= delay, "{waited:?}");
}
