//! A plan from end to end: what a person sees, and what the files say.

use ostwin_core::ledger::{Ledger, Query};
use ostwin_core::room::Outcome;
use rustix::process::Signal;
use serde_json::json;

use crate::field::{Field, HELLO, PATIENCE, SHOP, all_passed, messages, one_epic};

#[test]
fn the_real_example_runs_to_its_end() {
    let field = Field::built_in();
    field.plan("PLAN.md", SHOP);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);

    let plans = field.plans();
    let plan = &plans[0].meta.plan_id;
    assert!(plans[0].meta.rehearsed);
    let states = field.states(plan);
    assert!(all_passed(&states), "{states:?}");
    assert!(states.len() >= 8, "{states:?}");
    field.check_rooms(plan);
    field.check_no_process();

    let rooms = field.rooms(plan);
    let rejected = rooms.iter().filter(|(room, _)| room.standing().unwrap().replay.retries > 0);
    assert!(rejected.count() >= 1, "no review failed and was fixed");
    for (room, contract) in &rooms {
        assert!(contract.rehearsed);
        let artifacts = std::fs::read_dir(room.paths().artifacts()).unwrap().count();
        assert!(artifacts > 0, "{} has no artifact", room.id());
        for attempt in room.attempts().unwrap() {
            assert!(attempt.record.rehearsed);
            assert!(attempt.paths.prompt().exists());
            assert!(attempt.paths.transcript().exists());
            assert!(matches!(attempt.record.outcome, Some(Outcome::Signal(_))), "{attempt:?}");
        }
        let spoken: Vec<_> = messages(room).into_iter().filter(|m| m.attempt.is_some()).collect();
        assert!(spoken.iter().all(|message| message.is_rehearsed()), "{spoken:?}");
    }
    let ledger = Ledger::new(field.project.layout().ledger());
    let memories = ledger.query(&Query::default(), 1000).unwrap().entries;
    for (room, _) in &rooms {
        let own = memories.iter().any(|entry| entry.room_id.as_ref() == Some(room.id()));
        assert!(own, "{} left no memory", room.id());
    }

    let status = field.expect(&["status"], 0).stdout;
    for epic in states.keys() {
        assert!(status.contains(epic.as_str()), "{status}");
    }
    assert!(status.contains("rehearsed"), "{status}");
    let again = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert_eq!(again.status.code(), Some(0), "{}", again.stderr);
    assert_eq!(field.plans().len(), 1, "a finished plan is not imported again");
}

#[test]
fn a_second_engine_refuses_and_names_the_first() {
    let script = json!({ "v": 1, "rules": [{ "before": [{ "do": "hang" }] }] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", HELLO);
    let mut first = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    let second = field.expect(&["run", "PLAN.md", "--no-wait"], 3);
    assert!(second.stderr.contains(&first.id().to_string()), "{}", second.stderr);

    field.expect(&["stop"], 0);
    let status = first.wait(PATIENCE).unwrap();
    assert_eq!(status.code(), Some(5), "stopped by request");
    field.check_no_process();
    let attempt = field.room(1).last_attempt().unwrap().unwrap();
    assert_eq!(attempt.record.outcome, Some(Outcome::Interrupted));
}

#[test]
fn two_plans_in_one_project_share_no_room() {
    let field = Field::built_in();
    field.plan("A.md", HELLO);
    field.plan("B.md", SHOP);
    let mut a = field.spawn(&["run", "A.md", "--no-wait"]);
    let mut b = field.spawn(&["run", "B.md", "--no-wait"]);
    assert_eq!(a.wait(PATIENCE).unwrap().code(), Some(0));
    assert_eq!(b.wait(PATIENCE).unwrap().code(), Some(0));
    let plans = field.plans();
    assert_eq!(plans.len(), 2);
    let mut rooms = 0;
    for plan in &plans {
        let states = field.states(&plan.meta.plan_id);
        assert!(all_passed(&states), "{states:?}");
        field.check_rooms(&plan.meta.plan_id);
        rooms += states.len();
    }
    let all = ostwin_core::room::Room::list(&field.core()).unwrap();
    assert_eq!(all.len(), rooms, "every room belongs to exactly one plan");
}

#[test]
fn ctrl_c_interrupts_and_the_next_run_goes_on() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "attempt_number": { "max": 1 } }, "before": [{ "do": "hang" }] },
    ] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.signal(Signal::INT).unwrap();
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(130));
    field.check_no_process();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    let standing = room.standing().unwrap();
    assert_eq!((standing.state.as_str(), standing.replay.retries), ("passed", 0));
    let outcomes: Vec<_> = room
        .attempts()
        .unwrap()
        .iter()
        .map(|a| a.record.outcome.clone().unwrap().to_string())
        .collect();
    assert_eq!(outcomes, ["interrupted", "done", "pass"]);
}

#[test]
fn a_person_moves_a_room_of_a_running_plan_and_of_a_stopped_one() {
    let script = json!({ "v": 1, "rules": [{ "before": [{ "do": "hang" }] }] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    field.expect(&["room", "set-status", "room-001", "cancelled", "--reason", "not now"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(1), "the plan ended without passing");
    assert_eq!(field.room(1).standing().unwrap().state.as_str(), "cancelled");
    field.check_no_process();

    let refused = field.finish(&["room", "set-status", "room-001", "passed", "--reason", "again"]);
    assert_ne!(refused.status.code(), Some(0));
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    field.expect(&["room", "set-status", "room-001", "passed", "--reason", "again", "--force"], 0);
    let audit = field.room(1).audit().unwrap();
    let last = audit.iter().rev().find_map(|line| line.entry()).unwrap();
    assert!(last.forced && last.reason == "again", "{last:?}");
}
