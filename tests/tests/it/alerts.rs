//! The command that is told of alerts.

use serde_json::{Value, json};

use crate::field::{Field, one_epic};

/// A project whose alerts go to a file, through a command that also shows its environment.
fn alerted(command: &str) -> Field {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": [{ "do": "crash" }] },
    ] });
    let field =
        Field::new(&script, &json!({ "max_retries": 0, "on_event": ["sh", "-c", command] }));
    field.plan("PLAN.md", &one_epic(""));
    field
}

#[test]
fn an_alert_is_told_as_json_and_without_the_environments_secrets() {
    let field = alerted("cat >> alerts.jsonl; env > environment");
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    command.env("SHOP_API_KEY", "hunter2-hunter2");
    let run = ostwin_testkit::Process::finish(&mut command, crate::field::PATIENCE).unwrap();
    assert_eq!(run.status.code(), Some(4), "{}", run.stderr);
    let told = crate::field::lines_of(&field.project.root().join("alerts.jsonl"));
    let [alert] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(alert["event"]["type"], "escalated");
    assert_eq!(alert["event"]["epic"], "EPIC-001");
    assert_eq!(alert["plan"]["plan_id"], Value::from(field.plans()[0].meta.plan_id.to_string()));
    let environment = std::fs::read_to_string(field.project.root().join("environment")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains("hunter2"), "{environment}");
    field.check_no_process();
}

#[test]
fn a_command_that_fails_changes_nothing() {
    let field = alerted("exit 3");
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert!(run.stderr.contains("`on_event` failed"), "{}", run.stderr);
    let missing = alerted("no-such-program-here");
    missing.expect(&["run", "PLAN.md", "--no-wait"], 4);
}
