//! Tool servers by command: added, replaced, removed; and which of them a session gets.

use ostwin_testkit::Finished;
use serde_json::{Value, json};

use crate::field::Field;

fn value(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

fn file(field: &Field) -> Value {
    let text = std::fs::read_to_string(field.project.layout().mcp_config()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_server_comes_and_goes_and_the_rest_of_the_file_stays() {
    let field = Field::built_in();
    let before = json!({ "$schema": "s", "mcp": { "old": { "command": ["old"] } }, "later": [1] });
    field.project.write(".agents/mcp/config.json", &before.to_string()).unwrap();
    let add =
        ["mcp", "add", "db", "--env", "DB_PASSWORD=${vault:db/password}", "--", "db-mcp", "--ro"];
    field.expect(&add, 0);
    let mut expected = before.clone();
    expected["mcp"]["db"] = json!({
        "type": "local", "command": ["db-mcp", "--ro"],
        "environment": { "DB_PASSWORD": "${vault:db/password}" },
    });
    assert_eq!(file(&field), expected);
    let again = field.expect(&add, 2);
    assert!(again.stderr.contains("`--replace` replaces it"), "{}", again.stderr);
    field.expect(
        &[
            "mcp",
            "add",
            "db",
            "--replace",
            "--url",
            "https://mcp.example.org/db",
            "--header",
            "X-Team=shop",
        ],
        0,
    );
    expected["mcp"]["db"] = json!({
        "type": "remote", "url": "https://mcp.example.org/db", "headers": { "X-Team": "shop" },
    });
    assert_eq!(file(&field), expected);
    field.expect(&["mcp", "remove", "db"], 0);
    assert_eq!(file(&field), before);
    field.expect(&["mcp", "remove", "db"], 2);

    for refused in [
        &["mcp", "add", "x", "--env", "A=${B", "--", "x"][..],
        &["mcp", "add", "x", "--", "x", "${vault:a/b}"],
        &["mcp", "add", "warroom", "--", "x"],
        &["mcp", "add", "a b", "--", "x"],
        &["mcp", "add", "x", "--env", "novalue", "--", "x"],
        &["mcp", "add", "x"],
        &["mcp", "add", "x", "--url", "u", "--", "x"],
        &["mcp", "add", "x", "--url", "mcp.example.org"],
        &["mcp", "add", "x", "--url", "ftp://mcp.example.org"],
        &["mcp", "remove", "memory"],
    ] {
        field.expect(refused, 2);
        assert_eq!(file(&field), before, "{refused:?}");
    }
}

#[test]
fn a_server_of_the_user_is_hidden_in_the_project() {
    let field = Field::built_in();
    field.expect(&["mcp", "add", "browser", "--user", "--", "browser-mcp"], 0);
    let hidden = field.expect(&["mcp", "remove", "browser"], 0);
    assert!(hidden.stderr.contains("says `null` for `browser` now"), "{}", hidden.stderr);
    assert_eq!(file(&field), json!({ "mcp": { "browser": null } }));
    let listed = value(&field.expect(&["mcp", "list", "--json"], 0));
    let browser = listed.as_array().unwrap().iter().find(|one| one["name"] == "browser").unwrap();
    assert_eq!((&browser["state"], &browser["tier"]), (&json!("removed"), &json!("project")));
    field.expect(&["mcp", "remove", "browser", "--user"], 0);
    field.expect(&["mcp", "remove", "browser", "--user"], 2);
}

#[test]
fn a_value_that_looks_like_a_secret_is_remarked_on() {
    let field = Field::built_in();
    let plain = field.expect(&["mcp", "add", "x", "--env", "API_TOKEN=abcdef-123", "--", "x"], 0);
    assert!(plain.stderr.contains("ostwin vault set x API_TOKEN"), "{}", plain.stderr);
    assert!(!plain.stderr.contains("abcdef-123"));
    let named = field.expect(&["mcp", "add", "y", "--env", "API_TOKEN=${T}", "--", "y"], 0);
    assert!(!named.stderr.contains("warning"), "{}", named.stderr);
}

#[test]
fn what_a_session_gets_is_told_with_who_decided_it() {
    let field = Field::built_in();
    let servers = json!({ "mcp": {
        "db": { "command": ["db-mcp"], "environment": { "DB_TOKEN": "s3cr3t-value", "W": "${NO_SUCH_VARIABLE}" } },
        "web": { "command": ["web-mcp"] },
        "off": { "command": ["off"], "enabled": false },
    } });
    field.project.write(".agents/mcp/config.json", &servers.to_string()).unwrap();
    let spec = json!({ "mcp_refs": ["db", "off"], "denied_tools": ["memory_publish"] });
    field.project.write(".agents/roles/engineer/role.json", &spec.to_string()).unwrap();
    field.project.write(".agents/roles/engineer/ROLE.md", "# Engineer\n").unwrap();
    let shown = field.expect(&["resolve", "mcp", "--role", "engineer", "--json"], 0);
    assert!(!shown.stdout.contains("s3cr3t-value"), "{}", shown.stdout);
    let shown = value(&shown);
    let states: Vec<(&str, &str, &str)> = shown["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            (text("name"), text("tier"), text("state"))
        })
        .filter(|(_, tier, _)| *tier != "own")
        .collect();
    assert_eq!(
        states,
        [
            ("db", "project", "no_program"),
            ("off", "project", "disabled"),
            ("web", "project", "not_for_role"),
        ]
    );
    let db = shown["servers"].as_array().unwrap().iter().find(|one| one["name"] == "db").unwrap();
    assert_eq!(db["entry"]["env"], json!({ "DB_TOKEN": "***", "W": "${NO_SUCH_VARIABLE}" }));
    assert!(db["problem"].as_str().unwrap().contains("NO_SUCH_VARIABLE"), "{db}");
    assert_eq!(shown["rules"]["denied_tools"]["value"], json!(["memory_publish"]));
    assert_eq!(shown["rules"]["mcp_refs"]["source"]["kind"], "role_file");
    let text = field.expect(&["resolve", "mcp", "--role", "engineer"], 0);
    assert!(text.stdout.contains("not for role"), "{}", text.stdout);
    assert!(text.stderr.contains("problem: "), "{}", text.stderr);
}

#[test]
fn agent_model_and_limits_are_told_with_their_sources() {
    let field = Field::new(
        &json!({ "v": 1 }),
        &json!({ "default_model": "of-the-project", "roles": { "qa": { "timeout_seconds": 60 } } }),
    );
    field.plan("PLAN.md", &crate::field::one_epic("- model: of-the-epic\n- budget_tokens: 5000"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let of = |args: &[&str]| value(&field.expect(args, 0))["settings"].clone();
    let outside = of(&["resolve", "model", "--role", "qa", "--json"]);
    let inside = of(&["resolve", "model", "--role", "qa", "--room", "room-001", "--json"]);
    let told = |settings: &Value, key: &str| {
        (settings[key]["value"].clone(), settings[key]["source"]["kind"].clone())
    };
    assert_eq!(told(&outside, "model"), (json!("of-the-project"), json!("project")));
    assert_eq!(told(&inside, "model"), (json!("of-the-epic"), json!("epic")));
    assert_eq!(told(&inside, "budget_tokens"), (json!(5000), json!("epic")));
    assert_eq!(told(&inside, "timeout_seconds").0, json!(60));
    assert_eq!(told(&outside, "agent"), (json!("rehearsal"), json!("project")));
    let keys: Vec<&String> = outside.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 12, "{keys:?}");
    let text = field.expect(&["resolve", "model", "--role", "qa", "--room", "room-001"], 0);
    assert!(text.stdout.contains("of-the-epic"), "{}", text.stdout);
    assert!(!text.stderr.contains("has an effect only"), "{}", text.stderr);
}

#[test]
fn a_value_that_no_agent_is_sent_is_told_before_and_in_the_session() {
    let role = json!({ "temperature": 0.2, "max_tokens": 4000 });
    let field = Field::new(&json!({ "v": 1 }), &json!({ "roles": { "engineer": role } }));
    let told = "`temperature` (0.2) has an effect only if the agent's program offers an option";
    let text = field.expect(&["resolve", "model", "--role", "engineer"], 0);
    assert!(text.stderr.contains(told), "{}", text.stderr);
    let shown = value(&field.expect(&["resolve", "model", "--role", "engineer", "--json"], 0));
    let warnings = shown["warnings"].as_array().unwrap();
    assert!(warnings.len() == 2 && warnings[0].as_str().unwrap().starts_with(told), "{shown}");
    let other = value(&field.expect(&["resolve", "model", "--role", "qa", "--json"], 0));
    assert_eq!(other["warnings"], json!([]));

    field.plan("PLAN.md", &crate::field::one_epic(""));
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    for what in ["`temperature` (0.2)", "`max_tokens` (4000)"] {
        let text = format!("{what} has no effect: the agent's program offers no such option");
        assert_eq!(run.stderr.matches(&text).count(), 1, "{}", run.stderr);
        let attempts = field.room(1).attempts().unwrap();
        let lines = crate::field::lines_of(&attempts[0].paths.transcript());
        let notices = lines.iter().filter(|line| line["type"] == "notice");
        assert_eq!(notices.filter(|line| line["text"] == text.as_str()).count(), 1);
    }
}
