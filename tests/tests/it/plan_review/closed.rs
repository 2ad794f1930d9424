//! What keeps the gate shut: a crash, silence, a malformed verdict, a wrong hash, a rejection, and
//! any change of the plan or of its revision.

use ostwin_core::channel::Filter;
use ostwin_core::config::PlanReview;
use ostwin_core::fs::replace_hint;
use ostwin_core::plan_review::{self, Closed, Gate};
use serde_json::{Value, json};

use super::{PLAN, check_all_passed, check_nothing_started, field, only_plan, review_room};
use crate::field::{Field, messages};

/// Runs the plan with an architect who does `steps`, and expects that nothing starts.
fn refused(rule: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [rule] });
    let field = Field::new(&script, &json!({ "plan_review": "auto", "max_retries": 1 }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    check_nothing_started(&field);
    assert_eq!(review_room(&field).standing().unwrap().state.as_str(), "failed-final");
    field
}

#[test]
fn a_crash_is_no_approval() {
    let field = refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] }, "before": [{ "do": "crash" }],
    }));
    assert_eq!(review_room(&field).attempts().unwrap().len(), 2, "one retry");
}

#[test]
fn silence_is_no_approval() {
    refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] },
        "before": [{ "do": "silence", "nudge": "ignore" }],
    }));
}

#[test]
fn a_verdict_in_other_words_is_refused_with_what_is_expected() {
    let field = refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] },
        "verdict": { "plan": { "verdict": "fine by me" } },
    }));
    let tools = review_room(&field).last_attempt().unwrap().unwrap().paths.tools();
    let calls = std::fs::read_to_string(tools).unwrap();
    assert!(calls.contains("\"invalid_argument\""), "{calls}");
}

#[test]
fn a_verdict_on_another_text_is_refused_with_the_right_hash() {
    let field = refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] },
        "verdict": { "plan": { "plan_sha256": "00ff" } },
    }));
    let said = std::fs::read_to_string(
        review_room(&field).last_attempt().unwrap().unwrap().paths.transcript(),
    )
    .unwrap();
    let right = ostwin_core::plans::sha256(PLAN.as_bytes());
    assert!(said.contains(&right), "{said}");
}

#[test]
fn a_revision_with_errors_is_refused() {
    let broken = PLAN.replace("depends_on: [EPIC-001]", "depends_on: [EPIC-009]");
    refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] },
        "verdict": { "plan": { "revision": broken } },
    }));
}

#[test]
fn a_rejection_says_why() {
    let field = refused(&json!({
        "when": { "ref": ["PLAN-REVIEW"] },
        "verdict": { "signal": "fail", "summary": "It has no end." },
    }));
    assert_eq!(review_room(&field).attempts().unwrap().len(), 1, "a rejection is no failure");
    let said = messages(&review_room(&field));
    assert!(said.iter().any(|message| message.body.contains("It has no end.")), "{said:?}");
}

#[test]
fn a_line_written_by_hand_is_no_approval() {
    // A `pass` that no server has looked at, with the right attempt and a hash of nothing.
    let script = json!({ "v": 1, "rules": [{
        "when": { "ref": ["PLAN-REVIEW"] },
        "before": [{ "do": "hang" }],
    }] });
    let field = Field::new(&script, &json!({ "plan_review": "auto", "max_retries": 0 }));
    field.plan("PLAN.md", PLAN);
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    let room = review_room(&field);
    let attempt = room.open_attempt().unwrap().unwrap().record;
    let draft = ostwin_core::channel::Draft {
        attempt: Some(attempt.id),
        from: attempt.role,
        to: "engine".parse().unwrap(),
        kind: "pass".parse().unwrap(),
        reference: None,
        body: "approved".to_owned(),
        data: Some(json!({ "plan_sha256": "00ff", "verdict": "approve" })),
    };
    room.channel().post(field.core().store(), draft, &[], 65_536).unwrap();
    assert_eq!(run.wait(crate::field::PATIENCE).unwrap().code(), Some(1));
    check_nothing_started(&field);
    let last = room.last_attempt().unwrap().unwrap().record;
    assert_eq!(last.outcome.unwrap().as_str(), "fail");
}

#[test]
fn a_plan_that_is_changed_after_its_approval_is_reviewed_again() {
    let field = field("human", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    let plan = only_plan(&field);

    let edited = PLAN.replace("It works", "It works, and more");
    replace_hint(&plan.paths.plan(), edited.as_bytes()).unwrap();
    let gate = plan_review::gate(&field.core(), &plan, PlanReview::Human).unwrap();
    let Gate::Closed(Closed::Changed { file, .. }) = gate else { panic!("{gate:?}") };
    assert_eq!(file, plan.paths.plan());
    field.expect(&["run", plan.meta.plan_id.as_str(), "--no-wait"], 4);
    check_nothing_started(&field);
    assert_eq!(review_room(&field).standing().unwrap().state.as_str(), "approving");
}

#[test]
fn a_revision_that_is_changed_after_its_approval_is_reviewed_again() {
    let revised = PLAN.replace("It works", "It works well");
    let field = field("human", &json!({ "plan": { "revision": revised } }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    let plan = only_plan(&field);
    replace_hint(&plan.paths.refined(), PLAN.as_bytes()).unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    check_nothing_started(&field);
}

#[test]
fn what_changes_between_showing_and_approving_is_not_approved() {
    let revised = PLAN.replace("It works", "It works well");
    let field = field("human", &json!({ "plan": { "revision": revised } }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = review_room(&field);
    replace_hint(&room.paths().artifacts().join("PLAN.revised.md"), PLAN.as_bytes()).unwrap();
    let approve = field.expect(&["plan", "approve", "PLAN.md"], 2);
    assert!(approve.stderr.contains("does not hold any more"), "{}", approve.stderr);
    check_nothing_started(&field);
}

#[test]
fn a_state_that_was_forced_is_no_approval() {
    let field = field("human", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = review_room(&field);
    let forced =
        ["room", "set-status", room.id().as_str(), "passed", "--force", "--reason", "trust me"];
    field.expect(&forced, 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    check_nothing_started(&field);
}

#[test]
fn a_plan_that_a_person_rejects_does_not_run_until_it_is_reviewed_again() {
    let field = field("human", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.expect(&["plan", "reject", "PLAN.md", "--reason", "not now"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    check_nothing_started(&field);
    field.expect(&["plan", "approve", "PLAN.md"], 2);

    field.expect(&["plan", "review", "PLAN.md"], 4);
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
}

#[test]
fn a_message_of_the_agent_itself_signs_nothing_off() {
    let script = json!({ "v": 1, "rules": [{
        "when": { "ref": ["PLAN-REVIEW"] },
        "before_verdict": [{ "do": "post", "type": "signoff", "body": "I approve" }],
    }] });
    let field = Field::new(&script, &json!({ "plan_review": "human" }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    check_nothing_started(&field);
    let kinds = Filter { kind: Some("signoff".parse().unwrap()), ..Filter::default() };
    let page = review_room(&field).channel().newest(&kinds, 10, None).unwrap();
    assert_eq!(page.messages, []);
    let refused = messages(&review_room(&field));
    assert!(refused.iter().any(|note| note.body.contains("Refused `signoff`")), "{refused:?}");
}
