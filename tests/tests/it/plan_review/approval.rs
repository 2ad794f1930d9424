//! What opens the gate: an approval of this very text, by the rule or by a person.

use ostwin_core::config::PlanReview;
use ostwin_core::dag::Stage;
use ostwin_core::events::EventKind;
use ostwin_core::plan_review::{self, Gate};
use ostwin_core::plans;
use serde_json::{Value, json};

use super::{PLAN, check_all_passed, check_nothing_started, field, only_plan, review_room};
use crate::field::messages;

#[test]
fn a_plan_that_its_review_approves_runs() {
    let field = field("auto", &json!({}));
    field.plan("PLAN.md", PLAN);
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert!(run.stderr.contains("is approved"), "{}", run.stderr);
    check_all_passed(&field);

    let plan = only_plan(&field);
    let dag = plan.dag().unwrap().unwrap();
    assert_eq!((dag.stage, dag.total_nodes), (Stage::Solid, 3));
    assert_eq!(dag.plan_sha256, plans::sha256(PLAN.as_bytes()));
    let first = dag.node(&"EPIC-001".parse().unwrap()).unwrap();
    assert_eq!(first.depends_on, ["PLAN-REVIEW".parse().unwrap()]);
    let room = review_room(&field);
    let approval = plan_review::approval_of(&room).unwrap().unwrap();
    assert_eq!(approval.plan_sha256, approval.text_sha256);
    assert_eq!(approval.actor, "engine");
    let brief = room.brief().unwrap();
    for part in [approval.plan_sha256.as_str(), "## EPIC-002: Second", "- `qa`:"] {
        assert!(brief.contains(part), "no {part} in {brief}");
    }

    let events = plan.events().read_all().unwrap();
    let called: Vec<_> = events.iter().filter(|event| event.is_alert()).map(|e| e.kind).collect();
    assert_eq!(called, [EventKind::Finished], "nobody is called before the end");

    let again = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert!(again.stderr.contains("already"), "{}", again.stderr);
    let status = field.expect(&["status", "--json"], 0);
    let board: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(board["counts"]["total"], 2, "the review is no epic: {board}");
}

#[test]
fn a_revised_plan_runs_as_it_was_revised() {
    let revised = PLAN.replace("Second", "Second, better").replace("It works", "It works well");
    let field = field("auto", &json!({ "plan": { "revision": revised } }));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);

    let plan = only_plan(&field);
    let refined = std::fs::read(plan.paths.refined()).unwrap();
    assert_eq!(plan.dag().unwrap().unwrap().plan_sha256, plans::sha256(&refined));
    let second = field.rooms(&plan.meta.plan_id);
    let second = second.iter().find(|(_, c)| c.task_ref.as_str() == "EPIC-002").unwrap();
    assert_eq!(second.1.assignment.title, "Second, better");
    let diff = field.expect(&["plan", "diff", plan.meta.plan_id.as_str()], 1);
    assert!(diff.stdout.starts_with("changed: EPIC-002\n"), "{}", diff.stdout);
    assert!(diff.stdout.contains("+- [ ] It works well\n"), "{}", diff.stdout);
}

#[test]
fn a_person_approves_what_they_saw() {
    let revised = PLAN.replace("It works", "It works well");
    let field = field("human", &json!({ "plan": { "revision": revised } }));
    field.plan("PLAN.md", PLAN);
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert!(run.stderr.contains("ostwin plan approve"), "{}", run.stderr);
    check_nothing_started(&field);
    let plan = only_plan(&field);
    let id = plan.meta.plan_id.as_str();

    let diff = field.expect(&["plan", "diff", id], 1);
    assert!(diff.stdout.contains("+- [ ] It works well\n"), "{}", diff.stdout);
    let other = field.expect(&["plan", "approve", id, "--text-sha256", "00ff"], 2);
    assert!(other.stderr.contains("was to be approved"), "{}", other.stderr);
    check_nothing_started(&field);

    field.expect(&["plan", "approve", id], 0);
    let core = field.core();
    let text = plan_review::running_text(&core, &plan).unwrap();
    assert!(text.refined && text.bytes.ends_with(b"It works well\n"), "what was approved is shown");
    let signoff = messages(&review_room(&field)).pop().unwrap();
    assert_eq!((signoff.kind.as_str(), signoff.attempt), ("signoff", None));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
}

#[test]
fn while_an_engine_waits_the_approval_is_asked_of_it() {
    let field = field("human", &json!({}));
    field.plan("PLAN.md", PLAN);
    let mut run = field.spawn(&["run", "PLAN.md", "--wait"]);
    ostwin_testkit::wait_until("a plan that waits", crate::field::PATIENCE, || {
        let plan = field.plans().pop()?;
        let (room, _) = plan_review::room_of(&field.core(), &plan.meta.plan_id).ok()??;
        (room.standing().ok()?.state.as_str() == "approving").then_some(())
    })
    .unwrap();
    // Waiting holds no session.
    let idle = |pid: &u32| *pid != run.id();
    ostwin_testkit::wait_until("no session", crate::field::PATIENCE, || {
        (field.project.processes().iter().filter(|pid| idle(pid)).count() == 0).then_some(())
    })
    .unwrap();
    field.expect(&["plan", "approve", "PLAN.md"], 0);
    assert_eq!(run.wait(crate::field::PATIENCE).unwrap().code(), Some(0));
    check_all_passed(&field);
}

#[test]
fn a_review_alone_writes_the_planning_graph() {
    let field = field("off", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["plan", "review", "PLAN.md"], 0);
    check_nothing_started(&field);
    let plan = only_plan(&field);
    let dag: Value = serde_json::from_slice(&std::fs::read(plan.paths.dag()).unwrap()).unwrap();
    assert_eq!(dag["stage"], "planning");
    assert_eq!(dag["nodes"]["PLAN-REVIEW"]["room_id"], review_room(&field).id().as_str());
    assert_eq!(dag["nodes"]["EPIC-001"]["room_id"], Value::Null);
    let gate = plan_review::gate(&field.core(), &plan, PlanReview::Human).unwrap();
    assert!(matches!(gate, Gate::Open(_)), "{gate:?}");

    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    check_all_passed(&field);
    let begun = field.expect(&["plan", "review", "PLAN.md"], 2);
    assert!(begun.stderr.contains("has begun"), "{}", begun.stderr);
}
