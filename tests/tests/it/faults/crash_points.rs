//! The engine aborts at each named point, at the first time it comes there, at the second, and so
//! on, until it gets through.

use std::os::unix::process::ExitStatusExt as _;

use ostwin_core::env;
use ostwin_core::ledger::{Ledger, Query};
use ostwin_testkit::Process;
use serde_json::json;

use super::{check_passed, unfinished_rooms};
use crate::field::{Field, PATIENCE};

const SIGABRT: i32 = 6;

/// The second epic is rejected once, so that every action of a transition takes place.
const PLAN: &str = "# Plan: Two\n\n\
    ## EPIC-001: First\n\n- Roles: engineer\n- skip_review: true\n\n\
    ### Definition of Done\n\n- [ ] It is there\n\n\
    ## EPIC-002: Second\n\n- Roles: engineer, qa\n- depends_on: [EPIC-001]\n\n\
    ### Acceptance Criteria\n\n- [ ] It works\n";

/// Runs the plan until it passes, aborting at `point` ever later, and gives how often it aborted.
fn walk(point: &str) -> usize {
    let field = Field::new(&json!({ "v": 1 }), &json!({ "max_interruptions": 1000 }));
    field.plan("PLAN.md", PLAN);
    let mut aborted = 0;
    loop {
        let mut run = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
        run.env(env::FAIL, format!("{point}:{}", aborted + 1));
        let run = Process::finish(&mut run, PATIENCE).unwrap();
        if run.status.signal() == Some(SIGABRT) {
            aborted += 1;
            assert!(aborted < 200, "{point}: no end of it");
            continue;
        }
        assert_eq!(
            run.status.code(),
            Some(0),
            "{point}, {aborted}: {}\n{}",
            run.stdout,
            run.stderr
        );
        break;
    }
    check_passed(&field);
    assert_eq!(unfinished_rooms(&field), Vec::<std::path::PathBuf>::new(), "{point}");
    let retries: Vec<u32> =
        [1, 2].map(|number| field.room(number).standing().unwrap().replay.retries).to_vec();
    assert_eq!(retries, [0, 1], "{point}: the outcome is another");
    let ledger = Ledger::new(field.project.layout().ledger());
    let entries = ledger.query(&Query::default(), 1000).unwrap().entries;
    let keys: Vec<_> = entries.iter().filter_map(|entry| entry.key.clone()).collect();
    let unique: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(keys.len(), unique.len(), "{point}: published twice: {keys:?}");
    aborted
}

macro_rules! points {
    ($($point:ident at least $least:literal),* $(,)?) => {
        $(
            #[test]
            fn $point() {
                let aborted = walk(stringify!($point));
                assert!(aborted >= $least, "only {aborted} aborts: is the point still there?");
            }
        )*
    };
}

points! {
    line_written at least 4,
    before_rename at least 4,
    after_rename at least 4,
    audit_recorded at least 2,
    action_done at least 1,
    status_written at least 2,
    attempt_opened at least 2,
    attempt_closed at least 2,
    room_built at least 1,
}
