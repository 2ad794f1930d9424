//! The engine aborts at each named point of a review and of a revision, ever later, until it gets
//! through; the outcome is the same as without.

use std::os::unix::process::ExitStatusExt as _;

use ostwin_core::env;
use ostwin_core::plan_review;
use ostwin_core::plans;
use ostwin_testkit::Process;
use serde_json::json;

use super::{PLAN, check_all_passed, field, only_plan, review_room};
use crate::field::{Field, PATIENCE};

const SIGABRT: i32 = 6;

/// Runs `args` until it gets through, aborting at `point` ever later; gives how often it aborted.
fn walk(field: &Field, point: &str, args: &[&str]) -> usize {
    let mut aborted = 0;
    loop {
        let mut run = field.ostwin(args);
        run.env(env::FAIL, format!("{point}:{}", aborted + 1));
        let run = Process::finish(&mut run, PATIENCE).unwrap();
        if run.status.signal() == Some(SIGABRT) {
            aborted += 1;
            assert!(aborted < 200, "{point}: no end of it");
            continue;
        }
        let told = format!("{point}, {aborted}: {}\n{}", run.stdout, run.stderr);
        assert_eq!(run.status.code(), Some(0), "{told}");
        return aborted;
    }
}

/// A revised plan, reviewed and run.
fn reviewed(point: &str) -> usize {
    let revised = PLAN.replace("It works", "It works well");
    let field = field("auto", &json!({ "plan": { "revision": revised } }));
    field.plan("PLAN.md", PLAN);
    let aborted = walk(&field, point, &["run", "PLAN.md", "--no-wait"]);
    check_all_passed(&field);
    let plan = only_plan(&field);
    let refined = plans::sha256(&std::fs::read(plan.paths.refined()).unwrap());
    assert_eq!(plan.dag().unwrap().unwrap().plan_sha256, refined);
    let approval = plan_review::approval_of(&review_room(&field)).unwrap().unwrap();
    assert_eq!(approval.text_sha256, refined);
    assert_eq!(field.rooms(&plan.meta.plan_id).len(), 3, "{point}: an epic has two rooms");
    aborted
}

/// An edit that changes a passed epic, changes one that was cancelled, and adds one.
fn revised(point: &str) -> usize {
    let field = field("off", &json!({}));
    field.plan("PLAN.md", PLAN);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let edited = PLAN.replace("EPIC-001: First", "EPIC-001: First again")
        + "\n## EPIC-003: Third\n\n- Roles: engineer\n- skip_review: true\n\n\
           ### Definition of Done\n\n- [ ] x\n";
    field.plan("PLAN.md", &edited);
    let args = ["run", "PLAN.md", "--resume", "--begun", "redo", "--no-wait"];
    let aborted = walk(&field, point, &args);
    let plan = only_plan(&field);
    let states = field.states(&plan.meta.plan_id);
    assert!(crate::field::all_passed(&states) && states.len() == 3, "{point}: {states:?}");
    field.check_no_process();
    assert_eq!(plan.meta.revision, 2, "{point}: taken twice");
    assert_eq!(plan.dag().unwrap().unwrap().plan_sha256, plans::sha256(edited.as_bytes()));
    let rooms = field.rooms(&plan.meta.plan_id);
    assert_eq!(rooms.len(), 3, "{point}: an epic has two rooms");
    let first = rooms.iter().find(|(_, c)| c.task_ref.as_str() == "EPIC-001").unwrap();
    assert_eq!(first.1.assignment.title, "First again");
    aborted
}

macro_rules! points {
    ($walk:ident: $($point:ident at least $least:literal),* $(,)?) => {
        mod $walk {
            $(
                #[test]
                fn $point() {
                    let aborted = super::$walk(stringify!($point));
                    assert!(aborted >= $least, "only {aborted} aborts: is the point still there?");
                }
            )*
        }
    };
}

points! { reviewed:
    revision_kept at least 1,
    plan_signed_off at least 1,
    audit_recorded at least 3,
    status_written at least 3,
    room_built at least 2,
    after_rename at least 5,
}

points! { revised:
    revision_written at least 1,
    room_reset at least 1,
    room_rewritten at least 1,
    revision_applied at least 1,
    room_built at least 1,
    before_rename at least 5,
    after_rename at least 5,
}
