//! The tools that a role's sessions may call, and those that they may not.

use serde_json::{Value, json};

use crate::field::{Field, lines_of, one_epic};

/// A project whose worker remembers something, asks whether it may query, and has these lists.
fn field(lists: &Value) -> Field {
    let before = json!([
        { "do": "remember", "kind": "decision", "summary": "Prices are cents" },
        { "do": "ask_permission", "title": "mcp__db__query" },
        { "do": "ask_permission", "title": "mcp__db__list" },
    ]);
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": before },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0, "roles": { "engineer": lists } }));
    let servers = json!({ "mcp": { "db": { "command": ["no-such-db-mcp"] } } });
    field.project.write(".agents/mcp/config.json", &servers.to_string()).unwrap();
    field.plan("PLAN.md", &one_epic(""));
    field
}

/// How the calls of a tool ended in the first attempt, each with the reason.
fn calls(field: &Field, tool: &str) -> Vec<(String, String)> {
    let attempts = field.room(1).attempts().unwrap();
    let lines = lines_of(&attempts[0].paths.tools());
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let of_tool = lines.iter().filter(|line| line["tool"] == tool);
    of_tool.map(|line| (text(line, "outcome"), text(line, "error"))).collect()
}

/// The answers to the two requests, each with who gave it.
fn answers(field: &Field) -> Vec<(Value, Value)> {
    let attempts = field.room(1).attempts().unwrap();
    let lines = lines_of(&attempts[0].paths.transcript());
    let asked = lines.into_iter().filter(|line| line["type"] == "permission");
    asked.map(|line| (line["choice"].clone(), line["decided_by"].clone())).collect()
}

fn prompt(field: &Field) -> String {
    std::fs::read_to_string(field.room(1).attempts().unwrap()[0].paths.prompt()).unwrap()
}

#[test]
fn what_is_denied_is_refused_by_name_and_the_session_goes_on() {
    let field = field(&json!({ "denied_tools": ["memory_publish", "db_query"] }));
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let why = "`publish` is not for the role `engineer`: its `denied_tools` names it";
    let published = calls(&field, "publish");
    assert!(!published.is_empty());
    assert!(published.iter().all(|call| *call == ("forbidden".to_owned(), why.to_owned())));
    assert_eq!(calls(&field, "post_message")[0].0, "ok");
    let denied = (json!("reject"), json!("`denied_tools` of the role"));
    assert_eq!(answers(&field), [denied, (json!("allow"), json!("auto"))]);
    assert!(!prompt(&field).contains("- `publish`:"));
    let warned = run.stderr.matches("a tool of `db` is kept back only if").count();
    assert_eq!(warned, 1, "{}", run.stderr);
}

#[test]
fn what_is_not_allowed_is_refused_and_a_session_can_always_end() {
    let allowed = ["query", "read_messages", "write_artifact", "report_progress"];
    let field = field(&json!({ "allowed_tools": allowed }));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let why = "`publish` is not for the role `engineer`: its `allowed_tools` does not name it";
    assert_eq!(calls(&field, "publish")[0], ("forbidden".to_owned(), why.to_owned()));
    assert_eq!(calls(&field, "read_messages")[0].0, "ok");
    assert_eq!(calls(&field, "post_message")[0].0, "ok");
    let denied = (json!("reject"), json!("`allowed_tools` of the role"));
    assert_eq!(answers(&field), [(json!("allow"), json!("auto")), denied]);
}

#[test]
fn no_session_begins_that_could_not_end() {
    let field = field(&json!({ "denied_tools": ["post_message"] }));
    let refused = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    assert!(refused.stderr.contains("names `post_message`: by it every"), "{}", refused.stderr);
    assert!(field.room_if_any(1).is_none_or(|room| room.attempts().unwrap().is_empty()));

    let field = Field::built_in();
    let spec = json!({ "denied_tools": ["warroom_post_message", "pubish"] });
    field.project.write(".agents/roles/qa/role.json", &spec.to_string()).unwrap();
    field.project.write(".agents/roles/qa/ROLE.md", "# QA\n").unwrap();
    let checked = field.expect(&["role", "check", "qa"], 2);
    let told = format!("{}{}", checked.stdout, checked.stderr);
    assert!(told.contains("`denied_tools` names `warroom_post_message`: by it every"), "{told}");
    assert!(told.contains("no tool is called `pubish` (did you mean `publish`?)"), "{told}");
}
