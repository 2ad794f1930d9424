//! Plans from a goal: drafted into a file, or written by the review of a plan that has only one.

use ostwin_core::plan::{ParseOptions, parse};
use serde_json::json;

use super::{check_all_passed, field, only_plan};
use crate::field::Field;

const GOAL: &str = "# Plan: A shop\n\n## Goal\n\nPeople find a book and buy it.\n";

#[test]
fn a_goal_becomes_a_file_that_runs() {
    let field = field("off", &json!({}));
    let created =
        field.expect(&["plan", "create", "People find a book and buy it.", "--out", "shop.md"], 0);
    assert!(created.stdout.contains("shop.md: written"), "{}", created.stdout);
    let file = field.project.root().join("shop.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let parsed = parse(&text, &ParseOptions::default());
    assert!(!parsed.has_errors() && parsed.plan.epics.len() == 2, "{text}");
    field.check_no_process();

    let again = field.expect(&["plan", "create", "Another goal", "--out", "shop.md"], 2);
    assert!(again.stderr.contains("not overwritten"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(field.plans().len(), 1, "a refused draft leaves nothing");

    field.expect(&["run", "shop.md", "--no-wait"], 0);
}

#[test]
fn a_plan_with_only_a_goal_is_valid_where_somebody_writes_its_epics() {
    let field = field("auto", &json!({}));
    field.plan("PLAN.md", GOAL);
    let refused = field.expect(&["run", "PLAN.md", "--review", "off"], 2);
    assert!(refused.stderr.contains("a goal and no epic"), "{}", refused.stderr);
    assert_eq!(field.plans().len(), 0, "nothing was imported");

    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
    let plan = only_plan(&field);
    assert_eq!(field.rooms(&plan.meta.plan_id).len(), 3, "the review and two epics");
}

#[test]
fn epics_that_a_review_wrote_run_also_where_none_is_reviewed() {
    let field = field("off", &json!({}));
    field.plan("PLAN.md", GOAL);
    field.expect(&["run", "PLAN.md", "--no-wait", "--review", "human"], 4);
    field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    let shown = field.expect(&["status", "--json"], 0).stdout;
    let board: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(board["counts"]["total"], 2, "{board}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
}

#[test]
fn a_plan_is_removed_with_its_rooms_only_when_asked() {
    let field = field("auto", &json!({}));
    field.plan("PLAN.md", super::PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let refused = field.expect(&["plan", "rm", "PLAN.md"], 2);
    assert!(refused.stderr.contains("--with-rooms"), "{}", refused.stderr);
    check_all_passed(&field);
    field.expect(&["plan", "rm", "PLAN.md", "--with-rooms"], 0);
    assert_eq!(field.plans().len(), 0);
    let left = std::fs::read_dir(field.project.layout().rooms()).unwrap().count();
    assert_eq!(left, 0);
    assert!(field.project.root().join("PLAN.md").exists(), "the person's own file stays");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
}

#[test]
fn a_draft_that_comes_to_nothing_writes_no_file_and_says_where_its_words_are() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "ref": ["PLAN-REVIEW"] }, "before": [{ "do": "crash" }] },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0 }));
    let failed = field.expect(&["plan", "create", "A shop", "--out", "shop.md"], 1);
    assert!(!field.project.root().join("shop.md").exists());
    let draft = only_plan(&field).meta.plan_id;
    let advice = format!("`ostwin plan rm {draft} --with-rooms` removes it");
    assert!(failed.stderr.contains(&advice), "{}", failed.stderr);
    field.expect(&["plan", "rm", draft.as_str(), "--with-rooms"], 0);
    assert_eq!(field.plans().len(), 0);
    field.check_no_process();
}
