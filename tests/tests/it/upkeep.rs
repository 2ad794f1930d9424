//! Keeping a project tidy: `gc`, `migrate`, `room archive`, `man`.

use ostwin_testkit::Finished;
use serde_json::{Value, json};

use crate::field::{Field, one_epic};

/// A project whose one epic has passed.
fn passed() -> Field {
    let field = Field::built_in();
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    field
}

fn value(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn gc_removes_what_sessions_left_and_views_say_so() {
    let field = passed();
    let young = field.expect(&["gc"], 0);
    assert_eq!((young.stdout.as_str(), young.stderr.as_str()), ("", "nothing to remove\n"));

    let attempts = field.room(1).attempts().unwrap();
    let transcripts = || attempts.iter().filter(|one| one.paths.transcript().exists()).count();
    let dry = value(&field.expect(&["gc", "--keep", "0", "--dry-run", "--json"], 0));
    assert_eq!(transcripts(), attempts.len());
    let swept = value(&field.expect(&["gc", "--keep", "0", "--json"], 0));
    assert_eq!(transcripts(), 0);
    assert_eq!((&swept["items"], &swept["bytes"]), (&dry["items"], &dry["bytes"]));
    let sessions = swept["items"].as_array().unwrap();
    let sessions = sessions.iter().filter(|item| item["what"] == json!("session"));
    assert_eq!(sessions.count(), attempts.len());

    let shown = field.expect(&["attempt", "show", "room-001", "1"], 0);
    assert!(shown.stderr.contains("the transcript was removed on 20"), "{}", shown.stderr);
    let shown = value(&field.expect(&["attempt", "show", "room-001", "1", "--json"], 0));
    assert!(shown["removed"]["removed_at"].is_string(), "{shown}");
    for command in ["status", "doctor", "logs"] {
        field.expect(&[command], 0);
    }
    let refused = field.expect(&["gc", "--keep", "soon"], 2);
    assert!(refused.stderr.contains("`soon` is no age"), "{}", refused.stderr);
}

#[test]
fn a_damaged_plan_is_named_and_never_run_anew() {
    let field = passed();
    let plan = field.plans().remove(0);
    let meta = plan.paths.meta();
    let sound = std::fs::read(&meta).unwrap();
    for damaged in [b"{".as_slice(), br#"{"schema_version":2}"#] {
        ostwin_core::fs::replace_hint(&meta, damaged).unwrap();
        for command in [&["status"][..], &["run", "PLAN.md", "--no-wait"], &["stop"]] {
            let refused = field.finish(command);
            assert_ne!(refused.status.code(), Some(0), "{command:?}");
            assert!(refused.stderr.contains("PLAN.meta.json"), "{command:?}: {}", refused.stderr);
        }
        let listed = field.expect(&["plan", "list"], 0);
        assert!(listed.stderr.contains(plan.meta.plan_id.as_str()), "{}", listed.stderr);
        let doctor = field.expect(&["doctor"], 1).stdout;
        assert!(doctor.contains("PLAN.meta.json") && doctor.contains("restore"), "{doctor}");
    }
    ostwin_core::fs::replace_hint(&meta, &sound).unwrap();
    let folders = std::fs::read_dir(field.project.layout().plans()).unwrap().count();
    assert_eq!(folders, 1, "nothing was imported once more");
    field.expect(&["doctor"], 0);

    let attempt = field.room(1).attempts().unwrap().remove(0).paths.record();
    ostwin_core::fs::replace_hint(&attempt, b"{").unwrap();
    ostwin_core::fs::remove_file(&plan.paths.plan()).unwrap();
    let doctor = field.expect(&["doctor"], 1).stdout;
    assert!(doctor.contains("attempt.json") && doctor.contains("PLAN.md"), "{doctor}");
}

#[test]
fn an_archived_room_is_shown_by_every_view_and_comes_back() {
    let field = passed();
    let before = value(&field.expect(&["status", "--json"], 0));
    let archived = value(&field.expect(&["room", "archive", "room-001", "--json"], 0));
    assert!(field.project.layout().archive(field.room(1).id()).is_file(), "{archived}");

    let list = field.expect(&["room", "list"], 0);
    assert!(list.stdout.contains("passed (archived)"), "{}", list.stdout);
    assert!(field.expect(&["room", "show", "room-001"], 0).stdout.contains("room-001.tar.zst"));
    let after = value(&field.expect(&["status", "--json"], 0));
    assert_eq!(after["epics"], before["epics"]);
    let shown = field.expect(&["attempt", "show", "room-001", "1"], 0);
    assert!(shown.stderr.contains("was archived on"), "{}", shown.stderr);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let refused = field
        .expect(&["room", "set-status", "room-001", "fixing", "--force", "--reason", "again"], 2);
    assert!(refused.stderr.contains("--restore"), "{}", refused.stderr);
    // The number of an archived room is not given again.
    field.plan("NEXT.md", &one_epic(""));
    field.expect(&["run", "NEXT.md", "--no-wait"], 0);
    assert!(field.room_if_any(2).is_some());

    field.expect(&["room", "archive", "room-001", "--restore"], 0);
    let shown = field.expect(&["attempt", "show", "room-001", "1"], 0);
    assert!(!shown.stderr.contains("archived"), "{}", shown.stderr);
    field.expect(&["room", "archive", "room-009"], 2);
}

#[test]
fn migrate_names_versions_and_refuses_what_is_newer() {
    let field = passed();
    let done = field.expect(&["migrate"], 0);
    assert!(done.stderr.contains("nothing to do: every file is current"), "{}", done.stderr);
    assert!(done.stdout.contains("contract"), "{}", done.stdout);
    let lifecycle = field.room(1).paths().lifecycle();
    let text = std::fs::read_to_string(&lifecycle).unwrap();
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["schema_version"] = json!(7);
    ostwin_core::fs::replace_hint(&lifecycle, newer.to_string().as_bytes()).unwrap();
    let refused = field.expect(&["migrate"], 2);
    assert!(refused.stderr.contains("lifecycle.json` has version 7"), "{}", refused.stderr);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let field = Field::built_in();
    let main = field.expect(&["man"], 0).stdout;
    assert!(main.contains(".TH ostwin 1"), "{main}");
    field.expect(&["man", "--dir", "man1"], 0);
    let page = field.project.root().join("man1/ostwin-plan-check.1");
    assert!(std::fs::read_to_string(page).unwrap().contains(".SH NAME"));
}
