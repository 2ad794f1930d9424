//! Two that want the same at the same instant.

use ostwin_core::room::Room;
use ostwin_testkit::Process;
use serde_json::json;

use super::{check_passed, first_attempt};
use crate::field::{Field, HELLO, PATIENCE, all_passed, one_epic};

#[test]
fn of_engines_started_at_once_on_a_new_plan_exactly_one_wins() {
    for (round, engines) in [2, 2, 2, 2, 2, 2, 2, 4, 6, 8].into_iter().enumerate() {
        let field = Field::built_in();
        field.plan("PLAN.md", &one_epic(""));
        let run = |_| field.spawn(&["run", "PLAN.md", "--no-wait"]);
        let mut runs: Vec<_> = (0..engines).map(run).collect();
        let end = |run: &mut Process| run.wait(PATIENCE).unwrap().code().unwrap();
        let codes: Vec<i32> = runs.iter_mut().map(end).collect();
        // One may also come when all is done already.
        assert!(codes.contains(&0), "round {round}: {codes:?}");
        assert!(codes.iter().all(|code| [0, 3].contains(code)), "round {round}: {codes:?}");
        check_passed(&field);
        let rooms = Room::list(&field.core()).unwrap();
        assert_eq!(rooms.len(), 1, "round {round}: the plan was taken twice");
        assert_eq!(rooms[0].attempts().unwrap().len(), 2, "round {round}: worked on twice");
    }
}

#[test]
fn two_plans_imported_at_once_share_no_room() {
    let field = Field::built_in();
    field.plan("A.md", HELLO);
    field.plan("B.md", HELLO);
    let mut runs = ["A.md", "B.md"].map(|plan| field.spawn(&["run", plan, "--no-wait"]));
    for run in &mut runs {
        assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    }
    let plans = field.plans();
    assert_eq!(plans.len(), 2);
    for plan in plans {
        assert!(all_passed(&field.states(&plan.meta.plan_id)));
        field.check_rooms(&plan.meta.plan_id);
    }
}

/// A person cancels while the engine starts, works, moves the room, ends: the person's word holds
/// if it was said to be done, and the audit tells one story in any case.
#[test]
fn a_word_of_a_person_holds_whenever_it_is_spoken() {
    for round in 0..8_u64 {
        // In the first round there is time for it, however busy the machine.
        let field = match round {
            0 => first_attempt(&json!({ "do": "hang" }), &json!({})),
            _ => Field::built_in(),
        };
        field.plan("PLAN.md", &one_epic(""));
        let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
        ostwin_testkit::wait_until("the room", PATIENCE, || {
            let rooms = Room::list(&field.core()).unwrap();
            (!rooms.is_empty()).then_some(())
        })
        .unwrap();
        let moment = std::time::Duration::from_millis(round * 70);
        let ended = run.wait(moment).is_ok();
        let args = ["room", "set-status", "room-001", "cancelled", "--reason", "enough"];
        let word = field.finish(&args);
        let code = run.wait(PATIENCE).unwrap().code().unwrap();
        let state = field.room(1).standing().unwrap().state.to_string();
        let plan = field.plans().remove(0).meta.plan_id;
        field.states(&plan);
        field.check_rooms(&plan);
        field.check_no_process();
        let said =
            format!("round {round}: {code}, {state}, {ended}: {}{}", word.stdout, word.stderr);
        // Said before the engine could answer: it holds if there was still something to cancel.
        let unanswered = word.stderr.contains("did not answer");
        match (word.status.code(), state.as_str()) {
            (Some(0), "cancelled") => assert!(code == 1 || (code == 0 && ended), "{said}"),
            (Some(_), "cancelled") if unanswered => assert_eq!(code, 1, "{said}"),
            // It had passed: from there, the machine draws no way.
            (Some(1..), "passed") if round > 0 => assert_eq!(code, 0, "{said}"),
            _ => panic!("{said}"),
        }
    }
}

#[test]
fn requests_that_were_made_while_no_engine_read_them_are_answered_by_the_next() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.signal(rustix::process::Signal::STOP).unwrap();
    let args = ["room", "set-status", "room-001", "cancelled", "--reason", "enough"];
    let word = field.finish(&args);
    assert_ne!(word.status.code(), Some(0), "nobody answered");
    run.kill().unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    assert_eq!(field.room(1).standing().unwrap().state.as_str(), "cancelled");
    field.check_no_process();
}

#[test]
fn a_stop_that_was_meant_for_another_run_is_void() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.signal(rustix::process::Signal::STOP).unwrap();
    assert_ne!(field.finish(&["stop"]).status.code(), Some(0), "nobody answered");
    run.kill().unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_passed(&field);
}
