//! One session by hand: the engine's own, in one room, and the room moves once.

use serde_json::json;

use crate::field::{Field, PATIENCE, one_epic};
use ostwin_testkit::wait_until;

const TWO: &str = "# Plan: Two

## EPIC-001: First

- Roles: engineer, qa

### Acceptance Criteria

- [ ] It works

## EPIC-002: Second

- Roles: engineer, qa
- depends_on: [EPIC-001]

### Acceptance Criteria

- [ ] It works too
";

fn state(field: &Field, room: u32) -> String {
    field.room(room).standing().unwrap().state.to_string()
}

/// A project with a plan whose rooms are made and in which nothing has run.
fn begun(
    script: &serde_json::Value,
    settings: &serde_json::Value,
    plan: &str,
    epics: &[&str],
) -> Field {
    let field = Field::new(script, settings);
    let path = field.plan("PLAN.md", plan);
    let text = std::fs::read(&path).unwrap();
    let parsed = ostwin_core::plan::parse_bytes(&text, &Default::default());
    let title = parsed.plan.title.clone().unwrap_or_default();
    let stored = ostwin_core::plans::import(&field.core(), &path, &text, &title, true).unwrap();
    let id = stored.meta.plan_id.to_string();
    for epic in epics {
        field.expect(&["room", "new", "--plan", &id, "--epic", epic], 0);
    }
    field
}

#[test]
fn each_session_moves_the_room_once_and_nothing_else() {
    let field = begun(&json!({ "v": 1 }), &json!({}), TWO, &["EPIC-001", "EPIC-002"]);
    let first = field.expect(&["agent", "run", "--room", "room-001"], 0);
    assert_eq!(state(&field, 1), "review", "{}", first.stdout);
    assert_eq!(state(&field, 2), "pending");
    let place = |text: &str| first.stdout.find(text).unwrap_or_else(|| panic!("{}", first.stdout));
    assert!(place("begins attempt 1") < place("opens session"));
    assert!(place("opens session") < place("ends attempt 1"), "{}", first.stdout);
    assert!(first.stderr.contains("`room-001` is in `review`"), "{}", first.stderr);

    let wrong = field.expect(&["agent", "run", "--ref", "EPIC-001", "--role", "engineer"], 2);
    assert!(wrong.stderr.contains("it is the turn of `qa`, not of `engineer`"), "{}", wrong.stderr);
    assert_eq!(field.room(1).attempts().unwrap().len(), 1);
    let events = crate::field::lines_of(field.plans()[0].events().path());
    let last = events.last().unwrap();
    assert_eq!(last["type"], "stopped", "{last}");
    assert!(last["reason"].as_str().unwrap().contains("it is the turn of `qa`"), "{last}");
    let early = field.expect(&["agent", "run", "--ref", "EPIC-002"], 2);
    assert!(early.stderr.contains("it waits for EPIC-001"), "{}", early.stderr);

    field.expect(&["agent", "run", "--ref", "EPIC-001", "--role", "qa"], 0);
    assert_eq!(state(&field, 1), "passed");
    let over = field.expect(&["agent", "run", "--room", "room-001"], 2);
    assert!(over.stderr.contains("it is finished (`passed`)"), "{}", over.stderr);
    assert_eq!(field.room(2).attempts().unwrap().len(), 0);

    // The plan's engine goes on from there.
    let id = field.plans()[0].meta.plan_id.clone();
    field.expect(&["run", id.as_str(), "--no-wait"], 0);
    assert!(crate::field::all_passed(&field.states(&id)));
    assert_eq!(field.room(1).attempts().unwrap().len(), 2);
    field.check_rooms(&id);
    field.check_no_process();
}

#[test]
fn a_session_without_a_signal_counts_as_one() {
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] }, "steps": [{ "do": "silence" }],
    }] });
    let field = begun(&script, &json!({}), &one_epic("- max_retries: 1\n"), &["EPIC-001"]);
    let ended = field.expect(&["agent", "run", "--room", "room-001", "--json"], 1);
    let attempts = field.room(1).attempts().unwrap();
    let outcomes: Vec<String> = attempts
        .iter()
        .map(|attempt| attempt.record.outcome.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(outcomes, ["no-signal"]);
    let events: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let moves = events.iter().filter(|event| event["type"] == "moved");
    let from: Vec<&str> = moves.filter_map(|event| event["from"].as_str()).collect();
    assert_eq!(from, ["pending", "developing"], "{}", ended.stdout);
    field.check_no_process();
}

#[test]
fn it_needs_a_room_and_the_plan_for_itself() {
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] }, "steps": [{ "do": "hang" }],
    }] });
    let field = Field::new(&script, &json!({}));
    field.expect(&["agent", "run", "--room", "room-001"], 2);
    field.expect(&["agent", "run"], 2);
    field.plan("PLAN.md", &one_epic(""));
    let mut engine = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    let owned = field.expect(&["agent", "run", "--room", "room-001"], 3);
    assert!(owned.stderr.contains("is driven by another engine"), "{}", owned.stderr);
    field.expect(&["stop", "--force"], 0);
    assert_eq!(engine.wait(PATIENCE).unwrap().code(), Some(5));

    // A session by hand is stopped like any other engine.
    let mut by_hand = field.spawn(&["agent", "run", "--room", "room-001"]);
    wait_until("the second session", PATIENCE, || {
        let open = field.room(1).open_attempt().unwrap()?;
        (open.record.number == 2).then_some(())
    })
    .unwrap();
    field.expect(&["stop", "--force"], 0);
    assert_eq!(by_hand.wait(PATIENCE).unwrap().code(), Some(5));
    assert_eq!(field.room(1).open_attempt().unwrap(), None);
    let unknown = field.expect(&["agent", "run", "--ref", "EPIC-009"], 2);
    assert!(unknown.stderr.contains("there are rooms for EPIC-001"), "{}", unknown.stderr);
    field.check_no_process();
}
