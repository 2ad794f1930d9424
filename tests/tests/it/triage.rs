//! Triage: who decides about a stuck room, and what follows from each verdict.

use ostwin_core::events::EventKind;
use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::field::{Field, messages, one_epic};

/// A plan of one epic whose review fails in its first attempt and has no retry, so that it comes to
/// triage; `manager` is how that is decided.
fn stuck(manager: &Value, settings: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["triage"] }, "verdict": manager },
        { "when": { "state_type": ["review"] }, "verdict": { "fail_first": 1 } },
    ] });
    let mut all = json!({ "max_retries": 0 });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let field = Field::new(&script, &all);
    field.plan("PLAN.md", &one_epic(""));
    field
}

fn way(room: &Room) -> Vec<String> {
    let audit = room.audit().unwrap();
    audit.iter().filter_map(|line| line.entry().map(|entry| entry.to.to_string())).collect()
}

fn verdict(signal: &str) -> Value {
    json!({ "signal": signal, "summary": "The second paragraph is missing." })
}

#[test]
fn fix_gives_the_findings_to_the_worker_and_one_more_try() {
    let field = stuck(&verdict("fix"), &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    let expected = ["pending", "developing", "review", "triage", "fixing", "review", "passed"];
    assert_eq!(way(&room), expected);
    let standing = room.standing().unwrap();
    assert_eq!((standing.replay.granted_retries, standing.replay.triages), (1, 1));
    let told = messages(&room)
        .into_iter()
        .find(|m| m.kind.as_str() == "fix" && m.from.to_string() == "engine");
    assert!(told.unwrap().body.contains("The second paragraph is missing."));
}

#[test]
fn redesign_revises_the_brief_and_begins_again() {
    let field = stuck(&verdict("redesign"), &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    let expected = ["pending", "developing", "review", "triage", "developing", "review", "passed"];
    assert_eq!(way(&room), expected);
    let brief = room.brief().unwrap();
    let (_, revised) = brief.split_once("## Revised 20").unwrap();
    assert!(revised.contains("The second paragraph is missing."), "{brief}");
}

#[test]
fn replan_blocks_the_room_until_a_person_says_that_the_plan_was_mended() {
    let field = stuck(&verdict("replan"), &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert_eq!(way(&room).last().unwrap(), "blocked");
    let asked = messages(&room).into_iter().find(|m| m.kind.as_str() == "plan-update").unwrap();
    assert_eq!(asked.to.to_string(), "human");
    let events = field.plans()[0].events().read_all().unwrap();
    assert!(events.iter().any(|event| event.kind == EventKind::Escalated), "{events:#?}");

    field.expect(&["room", "post", "room-001", "--type", "unblock", "--body", "it is mended"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(way(&room).last().unwrap(), "passed");
}

#[test]
fn reject_gives_the_epic_up() {
    let field = stuck(&verdict("reject"), &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    let expected = ["pending", "developing", "review", "triage", "failed-final"];
    assert_eq!(way(&field.room(1)), expected);
}

#[test]
fn one_that_cannot_decide_or_takes_too_long_leaves_it_to_a_person() {
    let unsure = stuck(&verdict("error"), &json!({}));
    unsure.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(way(&unsure.room(1))[3..], ["triage", "escalated"]);

    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["triage"] }, "before": [{ "do": "hang" }] },
        { "when": { "state_type": ["review"] }, "verdict": { "fail_first": 1 } },
    ] });
    let slow = Field::new(&script, &json!({ "max_retries": 0, "triage_timeout_seconds": 1 }));
    slow.plan("PLAN.md", &one_epic(""));
    slow.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(way(&slow.room(1))[3..], ["triage", "escalated"]);
    slow.check_no_process();
}

#[test]
fn after_the_last_triage_the_epic_has_failed() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["triage"] }, "verdict": { "signal": "fix" } },
        { "when": { "state_type": ["review"] }, "verdict": { "fail_first": 9 } },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0, "max_triages": 1 }));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    let way = way(&field.room(1));
    let triages = way.iter().filter(|state| *state == "triage").count();
    assert_eq!((triages, way.last().unwrap().as_str()), (1, "failed-final"), "{way:?}");
}

#[test]
fn a_person_answers_an_escalated_room_with_the_same_verdicts() {
    let field = stuck(&verdict("error"), &json!({}));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    // What it cannot be answered is told, and nothing moves.
    let refused =
        field.expect(&["room", "post", "room-001", "--type", "unblock", "--body", "x"], 2);
    assert!(refused.stderr.contains("fix, redesign, replan, reject"), "{}", refused.stderr);
    assert_eq!(way(&field.room(1)).last().unwrap(), "escalated");

    let body = "Local time is meant.";
    field.expect(&["room", "post", "room-001", "--type", "fix", "--body", body], 0);
    let room = field.room(1);
    assert_eq!(way(&room).last().unwrap(), "fixing");
    let said = messages(&room).into_iter().find(|m| m.from.to_string() == "human").unwrap();
    assert_eq!((said.attempt, said.kind.as_str(), said.body.as_str()), (None, "fix", body));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(way(&room).last().unwrap(), "passed");
}

#[test]
fn a_persons_verdict_ends_a_running_triage() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["triage"] }, "before": [{ "do": "hang" }] },
        { "when": { "state_type": ["review"] }, "verdict": { "fail_first": 1 } },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0 }));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    ostwin_testkit::wait_until("a triage session", crate::field::PATIENCE, || {
        let room = Room::open(&field.core(), &"room-001".parse().unwrap()).ok()?;
        let open = room.open_attempt().ok()??;
        (open.record.state.as_str() == "triage").then_some(open.record.agent_session?)
    })
    .unwrap();
    let answer = ["room", "post", "room-001", "--type", "fix", "--body", "Round half up."];
    field.expect(&answer, 0);
    assert_eq!(run.wait(crate::field::PATIENCE).unwrap().code(), Some(0));
    let room = field.room(1);
    let expected = ["pending", "developing", "review", "triage", "fixing", "review", "passed"];
    assert_eq!(way(&room), expected);
    let triage = room.attempts().unwrap().into_iter().find(|a| a.record.state.as_str() == "triage");
    assert_eq!(triage.unwrap().record.outcome.unwrap().to_string(), "cancelled");
    field.check_rooms(&field.plans()[0].meta.plan_id);
}
