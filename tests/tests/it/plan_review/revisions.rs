//! Edits of a plan that has begun: shown, asked about, reviewed, applied; and nothing else.

use ostwin_core::fs::replace_hint;
use ostwin_core::plans;
use serde_json::{Value, json};

use super::{PLAN, check_all_passed, field, only_plan};
use crate::field::Field;

/// The first epic passes; the second goes to a person. What came after is not begun.
fn half_done(rule: &str) -> Field {
    let script = json!({ "v": 1, "rules": [{
        "when": { "ref": ["EPIC-002"], "attempt_number": { "max": 1 } },
        "verdict": { "signal": "escalate", "summary": "I cannot decide this." },
    }] });
    let settings = json!({ "plan_review": rule, "max_triages": 0 });
    let field = Field::new(&script, &settings);
    field.plan("PLAN.md", &with_third("Third"));
    let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert!([Some(1), Some(4)].contains(&run.status.code()), "{}", run.stderr);
    field
}

fn with_third(title: &str) -> String {
    format!(
        "{PLAN}\n## EPIC-003: {title}\n\n- Roles: engineer\n- skip_review: true\n\
         - depends_on: [EPIC-002]\n\n### Acceptance Criteria\n\n- [ ] It ends\n"
    )
}

fn titles(field: &Field) -> Vec<(String, String)> {
    let plan = only_plan(field);
    let mut titles: Vec<(String, String)> = field
        .rooms(&plan.meta.plan_id)
        .into_iter()
        .filter(|(_, contract)| !contract.task_ref.is_plan_review())
        .map(|(_, contract)| (contract.task_ref.to_string(), contract.assignment.title))
        .collect();
    titles.sort();
    titles
}

fn state(field: &Field, epic: &str) -> String {
    field.states(&only_plan(field).meta.plan_id).remove(epic).unwrap()
}

#[test]
fn what_has_not_started_is_changed_made_and_cancelled() {
    let field = half_done("off");
    let before = only_plan(&field);
    let edited = with_third("Third, other").replace("EPIC-003: Third, other", "EPIC-003: Other")
        + "\n## EPIC-004: Fourth\n\n- Roles: engineer\n- skip_review: true\n\n### Definition of Done\n\n- [ ] x\n";
    field.plan("PLAN.md", &edited);
    let shown = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    assert!(shown.stderr.contains("added: EPIC-004; changed: EPIC-003"), "{}", shown.stderr);
    assert_eq!(only_plan(&field).meta, before.meta, "shown, and nothing else");

    field.finish(&["run", "PLAN.md", "--resume", "--no-wait"]);
    assert_eq!(state(&field, "EPIC-001"), "passed");
    assert_eq!(state(&field, "EPIC-004"), "passed");
    assert!(titles(&field).contains(&("EPIC-003".to_owned(), "Other".to_owned())));
    let passed = field.room(1).attempts().unwrap().len();
    assert_eq!(passed, 1, "what passed and was not edited is kept");
    assert_eq!(only_plan(&field).meta.revision, 2);

    // Taken out again: its room has passed and stays as a record; the third was never begun.
    field.plan("PLAN.md", PLAN);
    field.finish(&["run", "PLAN.md", "--resume", "--no-wait"]);
    assert_eq!(state(&field, "EPIC-003"), "cancelled");
    assert_eq!(state(&field, "EPIC-004"), "passed");
    let dag = only_plan(&field).dag().unwrap().unwrap();
    assert_eq!((dag.total_nodes, dag.plan_sha256), (2, plans::sha256(PLAN.as_bytes())));
}

#[test]
fn what_has_begun_is_asked_about() {
    let field = half_done("off");
    let edited = with_third("Third")
        .replace("EPIC-001: First", "EPIC-001: First again")
        .replace("EPIC-002: Second", "EPIC-002: Second again");
    field.plan("PLAN.md", &edited);
    let before = only_plan(&field);
    let asked = field.expect(&["run", "PLAN.md", "--resume", "--no-wait"], 4);
    for epic in ["EPIC-001 (`room-001`, passed): changed", "EPIC-002", "--begun redo"] {
        assert!(asked.stderr.contains(epic), "{}", asked.stderr);
    }
    assert_eq!(only_plan(&field).meta, before.meta, "without an answer nothing changes");

    field.finish(&["run", "PLAN.md", "--resume", "--begun", "keep", "--no-wait"]);
    let kept = titles(&field);
    assert_eq!(kept[0].1, "First", "{kept:?}");
    assert_eq!(field.room(1).attempts().unwrap().len(), 1);

    let further = edited.replace("It ends", "It ends well");
    field.plan("PLAN.md", &further);
    field.finish(&["run", "PLAN.md", "--resume", "--no-wait"]);
    assert_eq!(titles(&field)[0].1, "First", "an answer stays for what is not edited again");

    let redone =
        further.replace("First again", "First, new").replace("Second again", "Second, new");
    field.plan("PLAN.md", &redone);
    field.expect(&["run", "PLAN.md", "--resume", "--begun", "redo", "--no-wait"], 0);
    let plan = only_plan(&field);
    let states = field.states(&plan.meta.plan_id);
    assert!(crate::field::all_passed(&states), "{states:?}");
    assert_eq!(
        titles(&field)[..2].iter().map(|t| t.1.as_str()).collect::<Vec<_>>(),
        ["First, new", "Second, new"]
    );
    assert!(field.room(1).attempts().unwrap().len() > 1, "it was done again");
}

#[test]
fn an_edit_of_a_reviewed_plan_is_reviewed_before_it_is_applied() {
    let script = json!({ "v": 1 });
    let field = Field::new(&script, &json!({ "plan_review": "human" }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
    let first = only_plan(&field).dag().unwrap();

    field.plan("PLAN.md", &with_third("Third"));
    let diff = field.expect(&["plan", "diff", "PLAN.md"], 1);
    assert!(diff.stdout.starts_with("added: EPIC-003\n"), "{}", diff.stdout);
    field.expect(&["run", "PLAN.md", "--resume", "--no-wait"], 4);
    assert_eq!(only_plan(&field).dag().unwrap(), first, "not before its approval");
    assert_eq!(titles(&field).len(), 2);

    field.expect(&["plan", "approve", "PLAN.md"], 0);
    field.expect(&["run", "PLAN.md", "--resume", "--no-wait"], 0);
    check_all_passed(&field);
    assert_eq!(titles(&field).len(), 3);
}

#[test]
fn an_edit_inside_of_the_project_is_no_revision() {
    let field = field("off", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let plan = only_plan(&field);
    replace_hint(&plan.paths.plan(), with_third("Third").as_bytes()).unwrap();
    let refused = field.expect(&["run", plan.meta.plan_id.as_str(), "--no-wait"], 2);
    assert!(refused.stderr.contains("edited inside"), "{}", refused.stderr);
    let json = field.expect(&["plan", "diff", "PLAN.md", "--json"], 1).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["removed"], json!(["EPIC-003"]), "{json}");
}
