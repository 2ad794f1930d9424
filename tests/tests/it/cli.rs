//! The command line as scripts and people meet it: exit codes, what is written, what is said.

use std::path::Path;

use ostwin_core::control;
use ostwin_core::ids::RoomId;
use ostwin_testkit::wait_until;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::field::{Field, HELLO, PATIENCE, lines_of, messages, one_epic};

/// Every file below `dir` with its length.
fn files(dir: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path().display().to_string();
                found.push((path, entry.metadata().unwrap().len()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn bad_plans_exit_with_2_and_write_nothing() {
    let field = Field::built_in();
    let cycle =
        "# P\n\n## EPIC-001: A\ndepends_on: [EPIC-002]\n\n## EPIC-002: B\ndepends_on: [EPIC-001]\n";
    let unknown = "# P\n\n## EPIC-001: A\n\n## EPIC-002: B\ndepends_on: [EPIC-01]\n";
    let own = "# P\n\n## EPIC-001: A\ndepends_on: [EPIC-001]\n";
    let twice = "# P\n\n## EPIC-001: A\n\n## EPIC-001: B\n";
    let huge = "x".repeat(10 << 20);
    let plans = [
        ("cycle.md", cycle, "dependency-cycle"),
        ("unknown.md", unknown, "did you mean `EPIC-001`?"),
        ("self.md", own, "self-dependency"),
        ("twice.md", twice, "duplicate-id"),
        ("empty.md", "", "empty-plan"),
        ("binary.md", "# P\0", "binary-input"),
        ("huge.md", huge.as_str(), "too-large"),
    ];
    for (name, text, _) in &plans {
        field.plan(name, text);
    }
    let before = files(field.project.root());
    for (name, _, said) in plans {
        let checked = field.expect(&["plan", "check", name], 2);
        assert!(checked.stdout.contains(said), "{name}: {}", checked.stdout);
        let run = field.expect(&["run", name], 2);
        assert!(run.stderr.contains(said), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("nothing was changed"), "{name}: {}", run.stderr);
    }
    assert_eq!(files(field.project.root()), before);
}

#[test]
fn without_a_project_a_plan_can_be_looked_at_and_not_run() {
    let field = Field::built_in();
    let outside = tempfile::tempdir().unwrap();
    let plan = outside.path().join("PLAN.md");
    ostwin_core::fs::replace_hint(&plan, HELLO.as_bytes()).unwrap();
    let code = |args: &[&str]| {
        let mut command = field.ostwin(args);
        command.current_dir(outside.path());
        ostwin_testkit::Process::finish(&mut command, PATIENCE).unwrap().status.code()
    };
    assert_eq!(code(&["plan", "check", "PLAN.md"]), Some(0));
    assert_eq!(code(&["plan", "show", "PLAN.md", "--json"]), Some(0));
    let graph = |review: &str| {
        let mut command = field.ostwin(&["dag", "build", "PLAN.md", "--stdout"]);
        command.current_dir(outside.path()).env("OSTWIN_PLAN_REVIEW", review);
        let built = ostwin_testkit::Process::finish(&mut command, PATIENCE).unwrap();
        assert_eq!(built.status.code(), Some(0), "{}", built.stderr);
        let dag: Value = serde_json::from_str(&built.stdout).unwrap();
        (dag["waves"][0] == json!(["PLAN-REVIEW"]), dag["total_nodes"].clone())
    };
    assert_eq!(graph("auto"), (true, json!(4)), "the root, if there is a review");
    assert_eq!(graph("off"), (false, json!(3)));
    assert_eq!(code(&["run", "PLAN.md"]), Some(2));
    assert_eq!(code(&["status"]), Some(2));
}

#[test]
fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    let before = files(field.project.root());
    let told = field.expect(&["run", "PLAN.md", "--dry-run"], 0).stdout;
    for words in ["wave 0", "wave 1", "EPIC-003", "rehearsal", "no past attempts to forecast from"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    let told = field.expect(&["run", "PLAN.md", "--dry-run", "--json"], 0).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["epics"].as_array().unwrap().len(), 3);
    assert_eq!(told["forecast"], Value::Null);
    assert_eq!(files(field.project.root()), before);
}

#[test]
fn without_an_agent_a_run_says_which_line_to_add_and_writes_nothing() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    let config = json!({ "schema_version": 1 });
    let config_file = field.project.layout().config();
    ostwin_core::fs::replace_hint(&config_file, config.to_string().as_bytes()).unwrap();
    let before = files(field.project.root());
    let refused = field.expect(&["run", "PLAN.md"], 2).stderr;
    assert!(refused.contains("\"default_agent\""), "{refused}");
    assert!(refused.contains(&config_file.display().to_string()), "{refused}");
    assert!(refused.contains("--agent rehearsal"), "{refused}");
    assert_eq!(files(field.project.root()), before);
}

#[test]
fn json_events_are_the_lines_of_the_plan() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    let run = field.expect(&["run", "PLAN.md", "--json", "--no-wait"], 0);
    let told: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told, lines_of(&field.plans()[0].paths.events()));
    let board: Value =
        serde_json::from_str(&field.expect(&["status", "--json"], 0).stdout).unwrap();
    assert_eq!((&board["state"], &board["progress_percent"]), (&json!("finished"), &json!(100)));
    assert_eq!(board["rehearsed"], json!(true));
    assert!(board["rows"].as_array().unwrap().iter().all(|row| row["passed"] == json!(true)));
}

#[test]
fn an_edited_plan_shows_what_was_edited_and_changes_nothing() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    field.plan("PLAN.md", &format!("{HELLO}\n## EPIC-009: One more\n"));
    let before = files(field.project.root());
    let refused = field.expect(&["run", "PLAN.md", "--no-wait"], 2).stderr;
    assert!(refused.contains("added: EPIC-009"), "{refused}");
    assert_eq!(files(field.project.root()), before);
    field.plan("NEW.md", HELLO);
    field.expect(&["run", "NEW.md", "--resume", "--no-wait"], 2);
    field.expect(&["run", "PLAN.md", "--new", "--no-wait"], 0);
    assert_eq!(field.plans().len(), 2);
}

#[test]
fn a_detached_run_outlives_its_command_and_is_stopped_from_elsewhere() {
    let script = json!({ "v": 1, "rules": [{ "before": [{ "do": "hang" }] }] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let told = field.expect(&["run", "PLAN.md", "--detach", "--json"], 0).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    let plan = &field.plans()[0];
    assert_eq!(told["plan_id"], json!(plan.meta.plan_id));
    assert!(control::is_driven(&plan.paths).unwrap());
    let record = control::engine_record(&plan.paths).unwrap().unwrap();
    assert_eq!(
        (&told["run_id"], &told["pid"]),
        (&json!(record.run_id), &json!(record.pid)),
        "it names the process that drives the plan"
    );
    field.wait_for_session(1);
    let second = field.expect(&["run", "PLAN.md", "--detach"], 3).stderr;
    assert!(second.contains(&record.pid.to_string()), "{second}");
    field.expect(&["stop"], 0);
    assert!(!control::is_driven(&plan.paths).unwrap(), "stop returns once the engine is gone");
    wait_until("no process", PATIENCE, || field.project.processes().is_empty().then_some(()))
        .unwrap();
    let log = std::fs::read_to_string(plan.paths.engine_log()).unwrap();
    assert!(log.contains("EPIC-001"), "{log}");
    field.expect(&["stop"], 2);
}

#[test]
fn a_terminated_run_ends_in_order_and_can_be_gone_on_with_by_its_id() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "attempt_number": { "max": 1 } }, "before": [{ "do": "hang" }] },
    ] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    run.signal(Signal::TERM).unwrap();
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(143));
    field.check_no_process();
    let plan = field.plans()[0].meta.plan_id.clone();
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("stopped") && status.contains(plan.as_str()), "{status}");
    field.expect(&["run", plan.as_str(), "--resume", "--no-wait"], 0);
}

#[test]
fn a_person_posts_as_a_person_and_moves_nothing() {
    let field = Field::built_in();
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let count = messages(&field.room(1)).len();
    field.expect(&["room", "post", "room-001", "--body", "well done"], 0);
    let refused = field.expect(&["room", "post", "room-001", "--type", "pass", "--body", "x"], 2);
    assert!(refused.stderr.contains("set-status"), "{}", refused.stderr);
    let messages = messages(&field.room(1));
    // The refusal leaves its trace.
    assert_eq!(messages.len(), count + 2);
    assert_eq!(messages[count].from.to_string(), "human");
    assert_eq!(messages[count].body, "well done");

    // Whoever claims an attempt has to be it.
    let mut forged = field.ostwin(&["room", "post", "room-001", "--type", "done", "--body", "x"]);
    let attempt = field.room(1).last_attempt().unwrap().unwrap().record.id.to_string();
    forged.env("OSTWIN_ATTEMPT", attempt).env("OSTWIN_ROLE", "qa");
    let forged = ostwin_testkit::Process::finish(&mut forged, PATIENCE).unwrap();
    assert_eq!(forged.status.code(), Some(2), "{}", forged.stderr);
    assert_eq!(field.room(1).standing().unwrap().state.as_str(), "passed");
    field.expect(&["room", "post", "room-009", "--body", "x"], 2);
}

#[test]
fn a_room_made_by_hand_is_taken_by_the_run() {
    let field = Field::built_in();
    field.plan("PLAN.md", HELLO);
    let source = std::fs::canonicalize(field.project.root().join("PLAN.md")).unwrap();
    let plan = ostwin_core::plans::import(&field.core(), &source, HELLO.as_bytes(), "Hello", true)
        .unwrap();
    let id = plan.meta.plan_id.as_str();
    field.expect(&["dag", "build", id], 0);
    field.expect(&["room", "new", "--plan", id, "--epic", "EPIC-002"], 0);
    field.expect(&["room", "new", "--plan", id, "--epic", "EPIC-002"], 2);
    let unknown = field.expect(&["room", "new", "--plan", id, "--epic", "EPIC-007"], 2).stderr;
    assert!(unknown.contains("EPIC-001"), "{unknown}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(field.rooms(&plan.meta.plan_id).len(), 3);
    let room = ostwin_core::room::Room::open(&field.core(), &RoomId::numbered(1)).unwrap();
    assert_eq!(room.contract().unwrap().task_ref.as_str(), "EPIC-002");
    assert_eq!(room.standing().unwrap().state.as_str(), "passed");
}

#[test]
fn the_demo_leaves_a_finished_project() {
    let field = Field::built_in();
    let dir = field.project.root().join("demo");
    let dir = dir.to_str().unwrap();
    let run = field.expect(&["demo", "--plan", "hello", "--pace", "0", "--keep", dir], 0);
    // Nothing is set, so the plan is reviewed first.
    assert!(run.stderr.contains("is approved"), "{}", run.stderr);
    let told = run.stdout;
    assert!(told.contains("Every epic passed"), "{told}");
    assert!(told.contains(dir), "{told}");
    let status = field.expect(&["status", "--project", dir], 0).stdout;
    assert!(status.contains("finished") && status.contains("rehearsed"), "{status}");
    field.expect(&["doctor", "--project", dir], 0);
    field.expect(&["demo", "--keep", dir], 2);
    field.check_no_process();
}

#[test]
fn a_plan_file_that_is_missing_is_named() {
    let field = Field::built_in();
    let refused = field.expect(&["run", "absent.md", "--no-wait"], 2).stderr;
    assert!(refused.contains("cannot read `absent.md`"), "{refused}");
}
