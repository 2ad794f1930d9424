//! The dashboard against its own description, by a tester that reads nothing else: schemathesis
//! makes requests of every kind that the description allows and forbids, and holds each answer
//! against it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ostwin_testkit::Process;
use serde_json::{Value, json};

use super::kit;
use crate::dashboard::Dashboard;
use crate::field::Field;

/// Longest time that the whole may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(420);
/// Routes that are not called, with the reason in `schemathesis.toml`.
const LEFT_OUT: usize = 5;

const DONE: &str = "# Plan: Two greetings\n\n## EPIC-001: One\n\nWrite a greeting.\n\n\
    ## EPIC-002: Two\n\ndepends_on: [EPIC-001]\n\nWrite another.\n";
const ASKING: &str = "# Plan: Asking\n\n## EPIC-101: Tables\n\nRemove them.\n\n\
    ## EPIC-102: Port\n\nOpen it.\n";

/// A project with a plan that passed, and one whose rooms wait for a permission and an answer.
fn field() -> Field {
    let script = json!({ "v": 1, "rules": [
        {
            "when": { "ref": ["EPIC-101"], "state_type": ["work"] },
            "before": [{ "do": "ask_permission", "title": "Remove", "command": "psql -c drop" }],
        },
        {
            "when": { "ref": ["EPIC-102"], "state_type": ["work"] },
            "before": [{ "do": "ask_human", "question": "Which port?", "timeout_seconds": 1 }],
        },
    ] });
    let settings = json!({ "approvals": { "mode": "ask" }, "live_wait_seconds": 0 });
    let field = Field::new(&script, &settings);
    field.plan("DONE.md", DONE);
    field.plan("ASKING.md", ASKING);
    field.expect(&["run", "DONE.md", "--no-wait"], 0);
    field.expect(&["run", "ASKING.md", "--no-wait"], 4);
    field
}

/// The ids of what there is, by how the configuration calls them.
fn names(dashboard: &Dashboard) -> [(&'static str, String); 6] {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let plans = dashboard.get("/api/plans").unwrap();
    let plan = |title: &str| {
        let items = plans["items"].as_array().unwrap();
        text(&items.iter().find(|plan| plan["title"] == title).unwrap()["plan_id"])
    };
    let spare = || {
        let body = json!({ "markdown": DONE });
        let (status, made) = dashboard.ask("POST", "/api/plans", &body).unwrap();
        assert_eq!(status, 201, "{made}");
        text(&made["plan_id"])
    };
    [
        ("project", text(&dashboard.get("/api/projects").unwrap()["items"][0]["project"])),
        ("plan", plan("Two greetings")),
        ("asking", plan("Asking")),
        ("spare", spare()),
        ("other_spare", spare()),
        ("memory", text(&dashboard.get("/api/memories").unwrap()["items"][0]["id"])),
    ]
}

#[expect(clippy::disallowed_methods, reason = "the tester is started as a person would start it")]
fn schemathesis(field: &Field) -> Command {
    let folder = kit::installed("schemathesis", "requirements.txt");
    let mut command = Command::new(folder.join("venv/bin/schemathesis"));
    command.env_clear().envs(field.project.env()).current_dir(field.project.root());
    command
}

#[test]
fn nothing_is_answered_that_is_not_described() {
    let field = field();
    let dashboard = Dashboard::start(&field.project).unwrap();
    let document = dashboard.get("/api/openapi.json").unwrap();
    let routes: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|operations| operations.as_object().unwrap().len())
        .sum();
    let template = std::fs::read_to_string(kit::source("schemathesis/schemathesis.toml")).unwrap();
    let settings = names(&dashboard)
        .iter()
        .fold(template, |text, (name, id)| text.replace(&format!("@{name}@"), id));
    assert!(!settings.contains('@'), "{settings}");
    let settings = field.project.write("schemathesis.toml", &settings).unwrap();

    let mut tester = schemathesis(&field);
    let settings: &Path = &settings;
    tester.arg("--config-file").arg(settings).args(["run", "--no-color"]);
    // From its own address it would not test the route of the description.
    let document = field.project.write("openapi.json", &document.to_string()).unwrap();
    tester.arg(document).arg(format!("--url=http://{}", dashboard.address));
    tester.arg(format!("--header=Authorization: Bearer {}", dashboard.token));
    let finished = Process::finish(&mut tester, PATIENCE).unwrap();
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
    let tested = format!("Tested: {}", routes - LEFT_OUT);
    assert!(finished.stdout.contains(&tested), "{tested}\n{}", finished.stdout);
    // It has been asked for everything, and is as it was.
    assert_eq!(dashboard.get("/api/health").unwrap()["ok"], true);
}
