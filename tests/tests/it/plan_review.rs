//! The review of a plan, and of what is edited in it: what opens the gate, and everything that does
//! not. After each, the files are held against the invariants.

mod approval;
mod closed;
mod crash_points;
mod create;
mod revisions;

use ostwin_core::plan_review;
use ostwin_core::plans::StoredPlan;
use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::field::Field;

const PLAN: &str = "# Plan: Two\n\n\
    ## EPIC-001: First\n\n- Roles: engineer\n- skip_review: true\n\n\
    ### Definition of Done\n\n- [ ] It is there\n\n\
    ## EPIC-002: Second\n\n- Roles: engineer\n- skip_review: true\n- depends_on: [EPIC-001]\n\n\
    ### Acceptance Criteria\n\n- [ ] It works\n";

/// A field in which the architect answers like this, and everybody else as usual.
fn field(rule: &str, answer: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [{
        "when": { "ref": ["PLAN-REVIEW"] },
        "verdict": answer,
    }] });
    Field::new(&script, &json!({ "plan_review": rule, "max_interruptions": 1000 }))
}

fn only_plan(field: &Field) -> StoredPlan {
    let mut plans = field.plans();
    assert_eq!(plans.len(), 1, "{plans:?}");
    plans.remove(0)
}

fn review_room(field: &Field) -> Room {
    let plan = only_plan(field);
    plan_review::room_of(&field.core(), &plan.meta.plan_id).unwrap().unwrap().0
}

/// Nothing of the plan has begun: there is the review's room and no other, and no solid graph.
fn check_nothing_started(field: &Field) {
    let plan = only_plan(field);
    assert_eq!(plan.dag().unwrap(), None, "a graph with rooms was written");
    let rooms = field.rooms(&plan.meta.plan_id);
    let refs: Vec<String> = rooms.iter().map(|(_, c)| c.task_ref.to_string()).collect();
    assert_eq!(refs, ["PLAN-REVIEW"]);
    field.check_rooms(&plan.meta.plan_id);
    field.check_no_process();
}

/// Every epic passed after the review did.
fn check_all_passed(field: &Field) {
    let plan = only_plan(field);
    let states = field.states(&plan.meta.plan_id);
    assert!(crate::field::all_passed(&states), "{states:?}");
    assert!(states.contains_key("PLAN-REVIEW"), "{states:?}");
    field.check_rooms(&plan.meta.plan_id);
    field.check_no_process();
}
