//! Settings and secrets.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::Dashboard;

/// Every file of the project, with what it holds. Locks are empty and come and go.
pub(crate) fn files(dashboard: &Dashboard) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(&dashboard.layout().agents(), &mut files);
    files.retain(|path, _| path.extension().is_none_or(|ending| ending != "lock"));
    files
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

fn setting(dashboard: &Dashboard, key: &str) -> Value {
    let settings = dashboard.get("/api/config");
    let items = settings["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["key"] == key);
    found.unwrap_or_else(|| panic!("no `{key}`")).clone()
}

#[test]
fn a_setting_is_told_with_its_source_and_set() {
    let dashboard = Dashboard::new();
    let before = setting(&dashboard, "max_retries");
    assert_eq!((&before["layer"], &before["value"]), (&json!("shipped"), &before["default"]));
    for field in ["type", "doc", "env", "source"] {
        assert!(before[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    let set = |value: Value| {
        let change = json!({ "key": "max_retries", "value": value });
        dashboard.ask("PUT", "/api/config", Some(&change))
    };
    let answer = set(json!(7));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((&answer.json()["value"], &answer.json()["layer"]), (&json!(7), &json!("project")));
    let now = setting(&dashboard, "max_retries");
    assert_eq!((&now["value"], &now["layer"]), (&json!(7), &json!("project")));
    assert!(now["source"].as_str().unwrap().contains("config.json"), "{now}");
    let answer = set(Value::Null);
    assert_eq!(answer.json()["value"], before["default"]);
    assert_eq!(setting(&dashboard, "max_retries"), before);
}

#[test]
fn a_wrong_setting_changes_nothing() {
    let dashboard = Dashboard::new();
    let before = files(&dashboard);
    for change in [
        json!({ "key": "max_retrys", "value": 1 }),
        json!({ "key": "max_retries", "value": "many" }),
        json!({ "key": "max_retries", "value": -1 }),
        json!({ "key": "plan_review", "value": "perhaps" }),
        json!({ "key": "max_retries" }),
        json!({ "key": "max_retries", "value": 1, "user": true }),
    ] {
        let answer = dashboard.ask("PUT", "/api/config", Some(&change));
        assert_eq!(answer.status, 422, "{change}: {}", answer.text());
        assert_eq!(files(&dashboard), before, "{change}");
    }
    let unknown = json!({ "key": "max_retrys", "value": 1 });
    let answer = dashboard.ask("PUT", "/api/config", Some(&unknown));
    assert!(answer.text().contains("did you mean `max_retries`?"), "{}", answer.text());
}

#[test]
fn writers_at_once_lose_nothing() {
    let dashboard = Dashboard::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dashboard = &dashboard;
            scope.spawn(move || {
                for number in 0..5 {
                    let key = format!("roles.role-{writer}-{number}.model");
                    let set = json!({ "key": key, "value": "m" });
                    let answer = dashboard.ask("PUT", "/api/config", Some(&set));
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
    });
    let text = std::fs::read_to_string(dashboard.layout().config()).unwrap();
    assert_eq!(text.matches("\"model\": \"m\"").count(), 20, "{text}");
}

#[test]
fn a_secret_goes_in_and_never_comes_out() {
    const SECRET: &str = "s3cr3t-of-the-test";
    let dashboard = Dashboard::new();
    let path = "/api/vault/github/token";
    let answer = dashboard.ask("PUT", path, Some(&json!({ "value": SECRET })));
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    let vault = dashboard.layout().vault();
    assert_eq!(std::fs::metadata(&vault).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = |names: &Value| {
        let items = names["items"].as_array().unwrap().iter();
        items.filter(|item| item["of_project"] == true).count()
    };
    let names = dashboard.get("/api/vault");
    assert_eq!((&names["items"][0]["server"], kept(&names)), (&json!("github"), 1));
    for path in ["/api/vault", "/api/config", "/api/mcp", "/api/inbox"] {
        let answer = dashboard.ask("GET", path, None);
        assert!(!answer.text().contains(SECRET), "{path}");
    }
    // What is a secret is kept out of what is recorded, from that moment on.
    let memory = json!({ "kind": "warning", "summary": format!("the key is {SECRET}") });
    let answer = dashboard.ask("POST", "/api/memories", Some(&memory));
    assert!(answer.status == 201 && !answer.text().contains(SECRET), "{}", answer.text());

    assert_eq!(dashboard.ask("DELETE", path, None).status, 200);
    assert_eq!(kept(&dashboard.get("/api/vault")), 0);
    assert_eq!(dashboard.ask("DELETE", path, None).status, 404);
}

#[test]
fn a_wrong_secret_changes_nothing() {
    let dashboard = Dashboard::new();
    let before = files(&dashboard);
    for (path, body, status) in [
        ("/api/vault/git%20hub/token", json!({ "value": "long enough" }), 422),
        ("/api/vault/..%2Fx/token", json!({ "value": "long enough" }), 422),
        ("/api/vault/github/token", json!({ "value": "" }), 422),
        ("/api/vault/github/token", json!({ "secret": "long enough" }), 422),
    ] {
        let answer = dashboard.ask("PUT", path, Some(&body));
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(!answer.text().contains("long enough"), "{}", answer.text());
    }
    assert_eq!(dashboard.ask("DELETE", "/api/vault/github/token", None).status, 404);
    assert_eq!(files(&dashboard), before);
}
