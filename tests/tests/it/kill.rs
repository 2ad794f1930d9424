//! The engine is killed at random moments; the plan ends as if it had not been.

use std::time::Duration;

use ostwin_core::channel::Message;
use serde_json::json;

use crate::field::{Field, PATIENCE, SHOP, all_passed, lines_of, messages};

/// How often the engine is killed in all; the plan is run as often as that takes.
const ROUNDS: usize = 200;

#[test]
fn killed_two_hundred_times_the_plan_ends_as_if_it_had_not_been() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rounds = 0;
    while rounds < ROUNDS {
        // Some agents fork a process that leaves the session and ignores SIGTERM, some ignore it
        // themselves: nothing of that may survive either.
        let script = json!({ "v": 1, "rules": [
            { "when": { "state_type": ["work"], "ref": ["EPIC-001", "EPIC-004", "EPIC-007"] },
              "before": [{ "do": "fork" }] },
        ] });
        let settings = json!({ "max_interruptions": 1000 });
        let field = Field::new(&script, &settings);
        field.plan("PLAN.md", SHOP);
        let mut killed = 0;
        let finished = loop {
            if rounds == ROUNDS {
                break field.finish(&["run", "PLAN.md", "--no-wait"]).status;
            }
            let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
            let moment = Duration::from_millis(random.u64(20..1_500));
            match run.wait(moment) {
                Ok(status) => break status,
                Err(_) => {
                    run.kill().unwrap();
                    killed += 1;
                    rounds += 1;
                }
            }
        };
        assert_eq!(finished.code(), Some(0), "seed {seed}, after {killed} kills");
        check(&field, seed);
    }
}

fn check(field: &Field, seed: u64) {
    let plan = field.plans().remove(0).meta.plan_id;
    let states = field.states(&plan);
    assert!(all_passed(&states), "seed {seed}: {states:?}");
    field.check_rooms(&plan);
    ostwin_testkit::wait_until("no process", PATIENCE, || {
        field.project.processes().is_empty().then_some(())
    })
    .unwrap();
    for (room, _) in field.rooms(&plan) {
        for line in room.audit().unwrap() {
            let signal = line.entry().and_then(|entry| entry.signal.clone());
            let failed =
                signal.is_some_and(|signal| ["error", "timeout"].contains(&signal.as_str()));
            assert!(!failed, "seed {seed}: a kill cost {} an attempt: {line:?}", room.id());
        }
        let said: Vec<Message> = messages(&room);
        for attempt in room.attempts().unwrap() {
            // What the server acknowledged is in its log; all of it must be in the channel.
            let acknowledged = lines_of(&attempt.paths.tools())
                .iter()
                .filter(|call| call["tool"] == "post_message" && call["outcome"] == "ok")
                .count();
            let found =
                said.iter().filter(|m| m.attempt.as_ref() == Some(&attempt.record.id)).count();
            assert!(found >= acknowledged, "seed {seed}: {} lost a message", room.id());
        }
    }
}
