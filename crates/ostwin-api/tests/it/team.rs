//! Roles, skills, tool servers, agents.

use serde_json::{Value, json};

use crate::settings::files;
use crate::support::Dashboard;

fn named(dashboard: &Dashboard, path: &str, name: &str) -> Vec<Value> {
    let page = dashboard.get(path);
    let items = page["items"].as_array().unwrap().iter();
    items.filter(|item| item["name"] == name).cloned().collect()
}

#[test]
fn a_role_is_written_found_and_removed() {
    let dashboard = Dashboard::new();
    let before = files(&dashboard);
    let shipped = dashboard.get("/api/roles/engineer");
    assert_eq!((&shipped["tier"], &shipped["of_project"]), (&json!("shipped"), &json!(false)));
    assert!(shipped["role_md"].as_str().is_some_and(|text| text.len() > 100));

    let new = json!({
        "role_json": { "description": "Writes", "agent": "nobody" },
        "role_md": "You write.",
    });
    let answer = dashboard.ask("PUT", "/api/roles/writer", Some(&new));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let story = dashboard.get("/api/roles/writer");
    assert_eq!(story, answer.json());
    assert_eq!((&story["role_md"], &story["tier"]), (&json!("You write."), &json!("project")));
    assert_eq!(story["role_json"]["description"], "Writes");
    let finding = &story["findings"][0];
    assert_eq!(finding["severity"], "error");
    assert!(finding["problem"].as_str().unwrap().contains("no agent `nobody`"), "{finding}");
    assert_eq!(named(&dashboard, "/api/roles", "writer")[0]["description"], "Writes");

    let own = json!({ "role_json": shipped["role_json"], "role_md": "Mine." });
    assert_eq!(dashboard.ask("PUT", "/api/roles/engineer", Some(&own)).status, 200);
    let tiers: Vec<Value> = named(&dashboard, "/api/roles", "engineer")
        .iter()
        .map(|role| json!([role["tier"], role["shadowed"]]))
        .collect();
    assert_eq!(tiers[..2], [json!(["project", false]), json!(["shipped", true])]);
    let answer = dashboard.ask("DELETE", "/api/roles/engineer", None);
    assert_eq!(answer.json(), json!({ "name": "engineer", "tier_now": "shipped" }));
    let answer = dashboard.ask("DELETE", "/api/roles/writer", None);
    assert_eq!(answer.json(), json!({ "name": "writer", "tier_now": null }));
    let mut after = files(&dashboard);
    // Making a role writes the registry of a project that had none; its entry is gone again.
    let registry = after.remove(&dashboard.layout().registry()).unwrap();
    let registry: Value = serde_json::from_slice(&registry).unwrap();
    let roles = registry["roles"].as_array().unwrap();
    assert!(roles.iter().all(|role| role["name"] != "writer"), "{registry}");
    assert!(roles.iter().any(|role| role["name"] == "engineer"), "{registry}");
    assert_eq!(after, before);
}

#[test]
fn a_wrong_role_changes_nothing() {
    let dashboard = Dashboard::new();
    let before = files(&dashboard);
    for (path, body, status) in [
        (
            "/api/roles/writer",
            json!({ "role_json": { "timeout_seconds": "x" }, "role_md": "a" }),
            422,
        ),
        ("/api/roles/writer", json!({ "role_json": {}, "role_md": " " }), 422),
        ("/api/roles/writer", json!({ "role_json": "{}", "role_md": "a" }), 422),
        ("/api/roles/writer", json!({ "role_md": "a" }), 422),
        ("/api/roles/..%2F..%2Fx", json!({ "role_json": {}, "role_md": "a" }), 400),
        ("/api/roles/Writer%20X", json!({ "role_json": {}, "role_md": "a" }), 400),
    ] {
        let answer = dashboard.ask("PUT", path, Some(&body));
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().is_some_and(|text| !text.is_empty()));
    }
    for path in ["/api/roles/engineer", "/api/roles/nobody"] {
        assert_eq!(dashboard.ask("DELETE", path, None).status, 404, "{path}");
    }
    assert_eq!(dashboard.ask("GET", "/api/roles/nobody", None).status, 404);
    assert_eq!(files(&dashboard), before);
}

const SKILL: &str =
    "---\nname: greet\ndescription: How to greet.\ntags: [hello]\n---\nSay hello.\n";

#[test]
fn a_skill_is_installed_told_and_removed() {
    let dashboard = Dashboard::new();
    dashboard.files.write("parts/greet/SKILL.md", SKILL).unwrap();
    let install = |body: &Value| dashboard.ask("POST", "/api/skills/install", Some(body));
    let look = install(&json!({ "source": "./parts/greet", "dry_run": true }));
    assert_eq!((look.status, &look.json()["outcome"]), (201, &json!("added")), "{}", look.text());
    assert_eq!(named(&dashboard, "/api/skills", "greet"), Vec::<Value>::new());

    let answer = install(&json!({ "source": "./parts/greet" }));
    assert_eq!((answer.status, &answer.json()["files"]), (201, &json!(1)), "{}", answer.text());
    let skill = &named(&dashboard, "/api/skills", "greet")[0];
    assert_eq!((&skill["tier"], &skill["installed"]), (&json!("project"), &json!(true)));
    assert_eq!((&skill["description"], &skill["edited"]), (&json!("How to greet."), &json!(false)));
    let again = install(&json!({ "source": "./parts/greet" }));
    assert_eq!(again.json()["outcome"], "unchanged");

    let path = std::path::Path::new(skill["path"].as_str().unwrap()).join("SKILL.md");
    let edited = SKILL.replace("hello.", "good day.");
    let relative = path.strip_prefix(dashboard.files.root()).unwrap();
    dashboard.files.write(relative.to_str().unwrap(), &edited).unwrap();
    assert_eq!(named(&dashboard, "/api/skills", "greet")[0]["edited"], true);
    let refused = dashboard.ask("DELETE", "/api/skills/greet", None);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(path.is_file());
    let forced = dashboard.ask("DELETE", "/api/skills/greet", Some(&json!({ "force": true })));
    assert_eq!((forced.status, &forced.json()["name"]), (200, &json!("greet")));
    assert_eq!(named(&dashboard, "/api/skills", "greet"), Vec::<Value>::new());
}

#[test]
fn a_wrong_skill_changes_nothing() {
    let dashboard = Dashboard::new();
    dashboard.files.write("parts/broken/SKILL.md", "no front matter").unwrap();
    let before = files(&dashboard);
    for (body, status) in [
        (json!({ "source": "./nowhere" }), 422),
        (json!({ "source": "./parts/broken" }), 422),
        (json!({ "source": "" }), 422),
        (json!({ "source": "greet" }), 422),
        (json!({ "source": "./parts/broken", "sha256": "x" }), 422),
        (json!({ "from": "./parts/broken" }), 422),
    ] {
        let answer = dashboard.ask("POST", "/api/skills/install", Some(&body));
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    for (path, status) in [("/api/skills/greet", 404), ("/api/skills/..%2Fx", 400)] {
        assert_eq!(dashboard.ask("DELETE", path, None).status, status, "{path}");
    }
    assert_eq!(files(&dashboard), before);
}

#[test]
fn tool_servers_are_told_with_their_state() {
    let dashboard = Dashboard::new();
    let config = json!({ "mcp": {
        "files": { "type": "local", "command": ["no-such-program-here", "--root", "."] },
        "wiki": { "type": "remote", "url": "https://wiki.example/mcp" },
        "old": { "type": "local", "command": ["true"], "enabled": false },
    } });
    let file = dashboard.layout().mcp_config();
    let relative = file.strip_prefix(dashboard.files.root()).unwrap();
    dashboard.files.write(relative.to_str().unwrap(), &config.to_string()).unwrap();
    let told = |name: &str| {
        let server = named(&dashboard, "/api/mcp", name).swap_remove(0);
        json!([server["tier"], server["transport"], server["state"]])
    };
    assert_eq!(told("files"), json!(["project", "stdio", "no-program"]));
    assert_eq!(told("wiki"), json!(["project", "http", "enabled"]));
    assert_eq!(told("old"), json!(["project", "stdio", "disabled"]));
    assert_eq!(told("warroom")[0], "own");
    for (path, status) in [("/api/mcp/nobody/test", 404), ("/api/mcp/--help/test", 400)] {
        assert_eq!(dashboard.ask("POST", path, None).status, status, "{path}");
    }
}

#[test]
fn a_tool_server_is_named_and_taken_out() {
    const SECRET: &str = "s3cr3t-of-the-test";
    let dashboard = Dashboard::new();
    let before = files(&dashboard);
    let put =
        |name: &str, body: Value| dashboard.ask("PUT", &format!("/api/mcp/{name}"), Some(&body));
    let made = put("files", json!({ "command": ["true", "--root", "."] }));
    assert_eq!(made.status, 200, "{}", made.text());
    let file = dashboard.layout().mcp_config().display().to_string();
    let expected = json!({ "name": "files", "file": file, "replaced": false, "warnings": [] });
    assert_eq!(made.json(), expected);
    let listed = named(&dashboard, "/api/mcp", "files").swap_remove(0);
    assert_eq!(
        (&listed["state"], &listed["command"]),
        (&json!("enabled"), &json!("true --root ."))
    );
    let wiki = json!({ "url": "https://wiki.example/mcp", "headers": { "Authorization": SECRET } });
    let wiki = put("wiki", wiki);
    assert_eq!(wiki.json()["warnings"].as_array().unwrap().len(), 1, "{}", wiki.text());
    assert!(!wiki.text().contains(SECRET));
    let again = put("files", json!({ "command": ["false"], "environment": { "LANG": "C" } }));
    assert_eq!(again.json()["replaced"], true);

    for (name, body, status) in [
        ("warroom", json!({ "command": ["true"] }), 409),
        ("files", json!({}), 422),
        ("files", json!({ "command": [] }), 422),
        ("files", json!({ "command": ["a"], "url": "https://x" }), 422),
        ("files", json!({ "command": ["a"], "headers": { "A": "b" } }), 422),
        ("files", json!({ "command": ["a"], "environment": { "A": "${b" } }), 422),
        ("-files", json!({ "command": ["a"] }), 400),
    ] {
        let answer = put(name, body.clone());
        assert_eq!(answer.status, status, "{name} {body}: {}", answer.text());
    }
    for name in ["files", "wiki"] {
        let gone = dashboard.ask("DELETE", &format!("/api/mcp/{name}"), None);
        let expected = json!({ "name": name, "hidden": false, "user_now": false });
        assert_eq!((gone.status, gone.json()), (200, expected));
    }
    assert_eq!(dashboard.ask("DELETE", "/api/mcp/files", None).status, 404);
    assert_eq!(dashboard.ask("DELETE", "/api/mcp/memory", None).status, 409);
    assert_eq!(named(&dashboard, "/api/mcp", "files"), Vec::<Value>::new());
    let mut after = files(&dashboard);
    after.remove(&dashboard.layout().mcp_config());
    assert_eq!(after, before);
}

#[test]
fn agents_are_told_with_what_is_here() {
    let dashboard = Dashboard::new();
    let set = json!({ "key": "agents.mine.command", "value": ["no-such-program-here"] });
    assert_eq!(dashboard.ask("PUT", "/api/config", Some(&set)).status, 200);
    let mine = &named(&dashboard, "/api/agents", "mine")[0];
    assert_eq!((&mine["found"], &mine["default"]), (&json!(false), &json!(false)));
    assert_eq!(mine["command"], json!(["no-such-program-here"]));
    for (path, status) in [("/api/agents/nobody/test", 404), ("/api/agents/--x/test", 400)] {
        assert_eq!(dashboard.ask("POST", path, None).status, status, "{path}");
    }
}
