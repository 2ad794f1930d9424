//! Layers, their mistakes, and what comes out of them.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn file(kind: SourceKind, name: &str, text: &str) -> Result<Layer, String> {
    Layer::from_file(kind, Path::new(name), text.as_bytes()).map_err(|error| error.to_string())
}

fn user(text: &str) -> Layer {
    file(SourceKind::User, "user.json", text).unwrap()
}

fn project(text: &str) -> Layer {
    file(SourceKind::Project, "project.json", text).unwrap()
}

fn plan(values: Value) -> (Layer, Vec<String>) {
    let (layer, unknown) =
        Layer::from_plan(Path::new("PLAN.md"), &object(values), &|_| Some(4)).unwrap();
    (layer, unknown.iter().map(ToString::to_string).collect())
}

fn env(variables: &[(&str, &str)]) -> Result<(Layer, Vec<String>), String> {
    Layer::from_env(variables.iter().copied())
        .map(|(layer, odd)| (layer, odd.iter().map(ToString::to_string).collect()))
        .map_err(|errors| errors[0].to_string())
}

#[test]
fn shipped_values() {
    let config = Config::default();
    assert_eq!(config.default_agent, None);
    assert_eq!(config.plan_review, PlanReview::Auto);
    let value = serde_json::to_value(&config).unwrap();
    let expected = json!({
        "max_concurrent_rooms": 50, "max_retries": 3, "timeout_seconds": 900,
        "retry_delay_seconds": 0, "durability": "sync", "max_triages": 1, "max_interruptions": 3,
        "agent_retries": 5, "kill_grace_seconds": 10, "triage_timeout_seconds": 300,
        "dynamic_roles": true, "review_restart": "stage", "live_wait_seconds": 45,
        "ask_timeout_seconds": 86400, "watch": "auto", "lock_timeout_ms": 5000, "on_event": null,
        "redact": [], "budget_grace_seconds": 120,
        "skills": {"allow_experimental": false, "preflight": "error", "registry_url": null, "install_roles": []},
        "channel": {"max_message_bytes": 65536},
        "dashboard": {"bind": "127.0.0.1", "port": 3366, "hosts": []},
    });
    for (key, shipped) in object(expected) {
        assert_eq!(value[&key], shipped, "{key}");
    }
    let agents: Vec<_> = config.agents.keys().map(String::as_str).collect();
    assert_eq!(
        agents,
        [
            "claude",
            "codex",
            "copilot",
            "cursor",
            "gemini",
            "goose",
            "opencode",
            "qwen",
            "rehearsal"
        ]
    );
    assert_eq!(config.agents[REHEARSAL].command, ["ostwin-rehearsal"]);
    assert_eq!(serde_json::from_value::<Config>(value).unwrap(), config);
}

#[test]
fn higher_layers_win_and_every_value_knows_its_source() {
    let (planned, _) = plan(json!({"max_retries": 1, "dashboard.port": "4000"}));
    let (environment, _) = env(&[("OSTWIN_TIMEOUT_SECONDS", "60"), ("HOME", "/x")]).unwrap();
    let flags = Layer::default().with_flag("--max-rooms", "max_concurrent_rooms", 2).unwrap();
    let settings = Settings::merge([
        flags,
        environment,
        planned,
        project(r#"{"$schema":"s","schema_version":1,"max_retries":2,"timeout_seconds":30,"default_agent":"codex"}"#),
        user(r#"{"max_retries":9,"default_model":"m","agents":{"codex":{"max_sessions":8}}}"#),
    ])
    .unwrap();
    let config = &settings.config;
    assert_eq!(
        (config.max_retries, config.timeout_seconds, config.max_concurrent_rooms),
        (1, 60, 2)
    );
    assert_eq!(config.agents["codex"].max_sessions, Some(8));
    assert_eq!(config.agents["codex"].command, ["codex-acp"]);
    let from = |key: &str| settings.provenance(key).to_string();
    assert_eq!(from("max_retries"), "plan PLAN.md:4");
    assert_eq!(from("dashboard.port"), "plan PLAN.md:4");
    assert_eq!(from("dashboard.bind"), "shipped");
    assert_eq!(from("timeout_seconds"), "environment OSTWIN_TIMEOUT_SECONDS");
    assert_eq!(from("max_concurrent_rooms"), "flag --max-rooms");
    assert_eq!(from("default_agent"), "project project.json");
    assert_eq!(from("agents.codex"), "user user.json");
    assert_eq!(from("agents.codex.command"), "shipped");
    assert_eq!(settings.get("dashboard.port").unwrap().0, json!(4000));
    assert_eq!(settings.get("roles.qa.model"), Some((Value::Null, Source::shipped())));
    assert_eq!(settings.get("max_retrys"), None);
    assert_eq!(settings.get("agents.nobody"), None);
    assert!(settings.list().iter().any(|(key, value, source)| {
        key == "agents.codex.max_sessions" && *value == json!(8) && source.kind == SourceKind::User
    }));
}

#[test]
fn mistakes_name_file_key_and_what_was_expected() {
    let wrong = |text: &str| file(SourceKind::Project, "config.json", text).unwrap_err();
    assert_eq!(
        wrong(r#"{"max_retrys":1,"dashbord":{},"agents":{"x":{"comand":[]}}}"#),
        "project config.json: setting `max_retrys` is unknown; did you mean `max_retries`?\n\
         project config.json: setting `dashbord` is unknown; did you mean `dashboard`?\n\
         project config.json: setting `agents.x.comand` is unknown; did you mean `agents.x.command`?"
    );
    assert_eq!(
        wrong(r#"{"max_retries":"three"}"#),
        "project config.json: setting `max_retries` is \"three\", expected a whole number from 0 on"
    );
    assert_eq!(
        wrong(r#"{"max_retries":-1}"#),
        "project config.json: setting `max_retries` is -1, expected a whole number from 0 on"
    );
    assert_eq!(
        wrong(r#"{"plan_review":"maybe"}"#),
        "project config.json: setting `plan_review` is \"maybe\", expected `off` or `auto` or `human`"
    );
    assert_eq!(
        wrong(r#"{"max_concurrent_rooms":0}"#),
        "project config.json: setting `max_concurrent_rooms` is 0, expected a number from 1 on"
    );
    assert_eq!(
        wrong(r#"{"dashboard":3}"#),
        "project config.json: setting `dashboard` is 3, expected an object"
    );
    assert_eq!(
        wrong(r#"{"dashboard":{"port":70000}}"#),
        "project config.json: setting `dashboard.port` is 70000, expected a whole number from 0 to 65535"
    );
    assert_eq!(
        wrong(r#"{"redact":["sk-\\w+","(a"]}"#),
        "project config.json: setting `redact`, pattern 2 (`(a`), column 1: unclosed group"
    );
    assert_eq!(
        wrong(r#"{"redact":["a",1]}"#),
        "project config.json: setting `redact` is [\"a\",1], expected a list of texts"
    );
    assert_eq!(
        wrong(r#"{"roles":{"../x":{"model":"m"}}}"#),
        "project config.json: setting `roles.\"../x\".model` is \"m\", expected a text or null"
    );
    assert_eq!(wrong("{\n \"max_retries\": ,\n}"), "config.json:2:17: expected value");
    assert_eq!(
        wrong("{\"schema_version\": 2}"),
        "config.json:1:21: schema version 2 is newer than 1, the newest this program knows; \
         use a newer ostwin"
    );
}

#[test]
fn settings_must_fit_together() {
    let wrong = |text: &str| Settings::merge([project(text)]).unwrap_err()[0].to_string();
    assert_eq!(
        wrong(r#"{"default_agent":"opencod"}"#),
        "project project.json: setting `default_agent` names the agent `opencod`, which `agents` \
         does not have; did you mean `opencode`?"
    );
    assert_eq!(
        wrong(r#"{"roles":{"qa":{"instances":{"x":{"agent":"mine"}}}}}"#),
        "project project.json: setting `roles.qa.instances.x.agent` names the agent `mine`, which \
         `agents` does not have"
    );
    assert_eq!(
        wrong(r#"{"agents":{"mine":{}}}"#),
        "project project.json: agent `mine` has no program: set `agents.mine.command` to a list \
         such as [\"mine\", \"--acp\"]"
    );
}

#[test]
fn the_environment_sets_values_by_their_names() {
    let (layer, odd) = env(&[
        ("OSTWIN_DEFAULT_MODEL", "7"),
        ("OSTWIN_AGENTS__CODEX__COMMAND", "codex-acp, --fast"),
        ("OSTWIN_REDACT", "[\"a,b\"]"),
        ("OSTWIN_DYNAMIC_ROLES", "false"),
        ("OSTWIN_BUDGET_USD", "2.5"),
        ("OSTWIN_PROJECT", "/somewhere"),
        ("OSTWIN_DEFAULT_AGENT", ""),
        ("OSTWIN_MAX_RETRYS", "2"),
    ])
    .unwrap();
    assert_eq!(
        odd,
        [
            "environment OSTWIN_MAX_RETRYS: setting `max_retrys` is unknown; did you mean `max_retries`?"
        ]
    );
    let config = Settings::merge([layer]).unwrap().config;
    assert_eq!(config.default_model.as_deref(), Some("7"));
    assert_eq!(config.agents["codex"].command, ["codex-acp", "--fast"]);
    assert_eq!(config.redact, ["a,b"]);
    assert!(!config.dynamic_roles);
    assert_eq!(config.budget_usd, Some(2.5));
    assert_eq!(
        env(&[("OSTWIN_WATCH", "always")]).unwrap_err(),
        "environment OSTWIN_WATCH: setting `watch` is \"always\", expected `auto` or `poll`"
    );
}

#[test]
fn a_plan_only_warns_about_what_it_does_not_know() {
    let (layer, unknown) = plan(json!({"max_retrys": 2, "default_model": 5, "skill_refs": "a, b"}));
    assert_eq!(
        unknown,
        ["plan PLAN.md:4: setting `max_retrys` is unknown; did you mean `max_retries`?"]
    );
    let config = Settings::merge([layer]).unwrap().config;
    assert_eq!(config.default_model.as_deref(), Some("5"));
    assert_eq!(serde_json::to_value(&config.skill_refs).unwrap(), json!(["a", "b"]));
}

#[test]
fn every_place_adds_to_the_skills_of_all_sessions() {
    let layer = |kind, names: &[&str]| {
        let values = json!({ "skill_refs": names });
        Layer::from_values(&Source::file(kind, "f.json"), values.as_object().unwrap()).unwrap()
    };
    let user = layer(SourceKind::User, &["a", "b"]);
    let project = layer(SourceKind::Project, &["c", "b"]);
    let settings = Settings::merge([project, user]).unwrap();
    assert_eq!(serde_json::to_value(&settings.config.skill_refs).unwrap(), json!(["a", "b", "c"]));
    let sources = settings.skill_refs();
    let sources: Vec<_> = sources.iter().map(|(name, by)| (name.as_str(), by.kind)).collect();
    let (user, project) = (SourceKind::User, SourceKind::Project);
    assert_eq!(sources, [("a", user), ("b", project), ("c", project)]);
    assert_eq!(settings.provenance("skill_refs").kind, project);
}

#[test]
fn one_value_is_set_and_the_rest_stays() {
    let path = Path::new("config.json");
    let text = br#"{"$schema":"s","schema_version":1,"mistake":true,"dashboard":{"port":1}}"#;
    let changed = set(path, Some(text), "agents.mine", Some(r#"{"command":["mine"]}"#)).unwrap();
    assert_eq!(
        Value::Object(changed),
        json!({"$schema":"s","schema_version":1,"mistake":true,"dashboard":{"port":1},
               "agents":{"mine":{"command":["mine"]}}})
    );
    let changed = set(path, Some(text), "dashboard.port", None).unwrap();
    assert_eq!(Value::Object(changed), json!({"$schema":"s","schema_version":1,"mistake":true}));
    let fresh = set(path, None, "default_agent", Some("opencode")).unwrap();
    assert_eq!(Value::Object(fresh), json!({"schema_version":1,"default_agent":"opencode"}));
    let refused = |key, text| set(path, None, key, Some(text)).unwrap_err().to_string();
    assert_eq!(
        refused("max_retrys", "1"),
        "project config.json: setting `max_retrys` is unknown; did you mean `max_retries`?"
    );
    assert_eq!(
        refused("dashboard", "1"),
        "project config.json: setting `dashboard` is 1, expected an object"
    );
    assert!(set(path, Some(b"{\"schema_version\":9}"), "max_retries", Some("1")).is_err());
}

#[test]
fn every_setting_is_documented() {
    let docs = reference();
    for doc in &docs {
        assert!(doc.doc.ends_with('.') || doc.doc.ends_with("..`"), "{}: {:?}", doc.key, doc.doc);
        assert!(!doc.kind.is_empty(), "{}", doc.key);
        assert_eq!(nearest_key(&doc.key), Ok(()));
    }
    let find = |key: &str| docs.iter().find(|doc| doc.key == key).cloned().unwrap();
    assert_eq!(
        find("agents.NAME.protocol"),
        KeyDoc {
            key: "agents.NAME.protocol".to_owned(),
            kind: "`acp` or `command`".to_owned(),
            default: json!("acp"),
            env: "OSTWIN_AGENTS__NAME__PROTOCOL".to_owned(),
            doc: "How sessions talk to it.".to_owned(),
        }
    );
    assert_eq!(find("dashboard.port").default, json!(3366));
    assert_eq!(find("roles.NAME.instances.NAME.model").kind, "a text or null");
    assert_eq!(find("approvals.mode").default, json!("auto"));
    assert_eq!(nearest_key("dashboard.prot"), Err(Some("dashboard.port".to_owned())));
    assert!(known_keys().contains(&"memory.half_life_hours.code".to_owned()));
    assert!(!known_keys().contains(&"schema_version".to_owned()));
}

#[test]
fn files_are_read_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let layout = crate::layout::Layout::new(dir.path());
    crate::fs::create_dirs(&layout.agents()).unwrap();
    let write = |text: &str| {
        let durability = crate::store::Durability::Os;
        crate::fs::replace_record(&layout.config(), text.as_bytes(), durability).unwrap();
    };
    write("{\"max_retries\": 7}");
    let places = Places {
        user: Some(dir.path().join("nothing.json")),
        project: Some(layout.config()),
        environment: vec![("OSTWIN_MAX_TRIAGES".to_owned(), "2".to_owned())],
    };
    let loaded = load(&places, Vec::new()).unwrap();
    assert_eq!((loaded.settings.config.max_retries, loaded.settings.config.max_triages), (7, 2));
    assert_eq!(loaded.settings.provenance("max_retries").file, Some(layout.config()));
    assert_eq!(loaded.warnings, []);
    write("{\"max_retries\": [}");
    assert!(load(&places, Vec::new()).unwrap_err().to_string().contains("config.json:1:18"));
}

proptest! {
    #[test]
    fn merging_does_not_depend_on_the_order_of_layers(
        low in 0_u32..9, high in 0_u32..9, port in 1_u16..9,
    ) {
        let user = user(&format!(r#"{{"max_retries":{low},"dashboard":{{"port":{port}}}}}"#));
        let project = project(&format!(r#"{{"max_retries":{high}}}"#));
        let one = Settings::merge([user.clone(), project.clone()]).unwrap();
        prop_assert_eq!(one.config.max_retries, high);
        prop_assert_eq!(one.config.dashboard.port, port);
        prop_assert_eq!(Settings::merge([project.clone(), user, project]).unwrap(), one);
    }

    #[test]
    fn no_value_makes_loading_panic(key in "[a-z._\"]{0,20}", text in "\\PC{0,20}") {
        let _ = set(Path::new("config.json"), None, &key, Some(&text));
        let _ = env(&[(&format!("OSTWIN_{}", key.to_uppercase()), &text)]);
        let _ = nearest_key(&key);
    }
}
