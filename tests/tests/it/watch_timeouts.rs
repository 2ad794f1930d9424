//! Deadlines of rooms whose engine is gone.

use ostwin_core::room::Outcome;
use serde_json::json;

use crate::field::{Field, PATIENCE, one_epic};

#[test]
fn the_deadline_of_a_room_whose_engine_was_killed_is_enforced() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": [{ "do": "hang" }] },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 1 }));
    field.plan("PLAN.md", &one_epic("- timeout: 8\n"));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    // An engine that lives enforces its own deadlines.
    field.expect(&["watch-timeouts", "--once"], 0);
    run.kill().unwrap();
    let room = field.room(1);
    assert!(room.open_attempt().unwrap().is_some());

    let mut watch = field.spawn(&["watch-timeouts"]);
    ostwin_testkit::wait_until("the timeout", PATIENCE, || {
        (room.standing().ok()?.state.as_str() == "failed").then_some(())
    })
    .unwrap();
    let attempt = room.last_attempt().unwrap().unwrap().record;
    assert_eq!(attempt.outcome, Some(Outcome::Timeout));
    assert!(attempt.closed_at.unwrap() >= attempt.deadline_at);
    watch.signal(rustix::process::Signal::INT).unwrap();
    assert_eq!(watch.wait(PATIENCE).unwrap().code(), Some(130));
    field.check_no_process();

    // The engine that comes next goes on from there, with the retry that is left.
    let plan = field.plans()[0].meta.plan_id.clone();
    field.check_rooms(&plan);
    let entries = room.audit().unwrap();
    let entry = entries.iter().filter_map(|line| line.entry()).next_back().unwrap();
    assert_eq!(entry.signal.as_ref().unwrap().as_str(), "timeout");
}
