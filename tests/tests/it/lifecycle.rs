//! Lifecycles that plans name, draw or spell out, run by the built programs.

use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::field::{Field, one_epic};

fn way(room: &Room) -> Vec<String> {
    let audit = room.audit().unwrap();
    audit.iter().filter_map(|line| line.entry().map(|entry| entry.to.to_string())).collect()
}

/// Who held each session, in order.
fn sessions(room: &Room) -> Vec<String> {
    room.attempts().unwrap().iter().map(|attempt| attempt.record.role.to_string()).collect()
}

#[test]
fn a_pipeline_and_its_capabilities_are_worked_through_in_order() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state": ["security-review"] }, "verdict": { "fail_first": 1 } },
    ] });
    let field = Field::new(&script, &json!({}));
    let lines = "\nPipeline: architect -> engineer -> qa\nCapabilities: appsec\n";
    field.plan("PLAN.md", &one_epic(lines));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    assert_eq!(
        way(&room),
        [
            "pending",
            "developing-architect",
            "developing-engineer",
            "security-review",
            "fixing-security-review",
            "security-review",
            "review-qa",
            "passed"
        ]
    );
    assert_eq!(
        sessions(&room),
        ["architect", "engineer", "security-auditor", "engineer", "security-auditor", "qa"]
    );
}

#[test]
fn a_drawing_is_followed_and_drawn_back() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "role": ["engineer"], "state_type": ["review"] }, "verdict": { "fail_first": 1 } },
    ] });
    let field = Field::new(&script, &json!({}));
    let drawing = "\nLifecycle:\n```text\n\
                   pending → technical-writer → engineer ─┬─► passed → signoff\n              \
                   ▲                         │\n              \
                   └─ architect ◄────────────┘ (on fail → fixing)\n```\n";
    field.plan("PLAN.md", &one_epic(drawing));
    let shown = field.expect(&["plan", "show", "PLAN.md"], 0).stdout;
    assert!(shown.contains("developing (technical-writer) → review (engineer)"), "{shown}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    assert_eq!(way(&room), ["pending", "developing", "review", "fixing", "review", "passed"]);
    assert_eq!(
        sessions(&room),
        ["technical-writer", "engineer", "architect", "engineer"],
        "the drawing says who mends"
    );

    let drawn = field.expect(&["room", "show", "room-001", "--lifecycle"], 0).stdout;
    assert!(drawn.contains("└─ fixing (architect) ◄"), "{drawn}");
    assert!(drawn.contains("> passed "), "where the room is: {drawn}");
    let diagram = field.expect(&["room", "show", "room-001", "--lifecycle=mermaid"], 0).stdout;
    assert!(diagram.starts_with("stateDiagram-v2\n"), "{diagram}");
    let machine = field.expect(&["room", "show", "room-001", "--lifecycle", "--json"], 0).stdout;
    let machine: Value = serde_json::from_str(&machine).unwrap();
    assert_eq!(machine["states"]["fixing"]["role"], "architect");
}

#[test]
fn a_machine_in_json_goes_its_own_way_by_its_guards() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["review"] }, "verdict": { "fail_first": 9 } },
    ] });
    let field = Field::new(&script, &json!({}));
    let machine = json!({
        "initial_state": "waiting", "max_retries": 1,
        "states": {
            "waiting": { "type": "wait", "signals": { "ready": { "target": "drafting" } } },
            "drafting": { "type": "work", "role": "technical-writer", "signals": {
                "done": { "target": "reading" }, "error": { "target": "over" } } },
            "reading": { "type": "review", "role": "qa", "signals": {
                "pass": { "target": "passed" },
                "fail": [
                    { "guard": "retries < max_retries and attempts < 9", "target": "drafting",
                      "actions": ["increment_retries", "post_fix"] },
                    { "target": "counted" },
                ],
                "error": { "target": "over" } } },
            "counted": { "type": "decision", "signals": {
                "retry": { "guard": "attempts < 6 and tokens >= 1", "target": "@previous" },
                "exhaust": { "target": "over" } } },
            "passed": { "type": "terminal" },
            "over": { "type": "terminal" },
        },
    });
    field.plan("PLAN.md", &one_epic(&format!("\nLifecycle:\n```json\n{machine:#}\n```\n")));
    field.expect(&["run", "PLAN.md", "--no-wait"], 1);
    let round = ["drafting", "reading"];
    let mut expected = vec!["waiting"];
    expected.extend(round.iter().chain(&round));
    // Four sessions so far; the fifth and the sixth are reviews that the decision asks for.
    expected.extend(["counted", "reading", "counted", "reading", "counted", "over"]);
    assert_eq!(way(&field.room(1)), expected);
}

#[test]
fn what_can_not_be_followed_is_shown_with_its_place_and_makes_no_room() {
    let field = Field::built_in();
    field.plan("PLAN.md", &one_epic("\nLifecycle:\n```text\nengineer → qa   qa → passed\n```\n"));
    let found = field.expect(&["plan", "check", "PLAN.md"], 2).stdout;
    assert!(found.contains("no arrow leads to `qa`"), "{found}");
    field.expect(&["run", "PLAN.md"], 2);
    assert!(field.room_if_any(1).is_none());
}
