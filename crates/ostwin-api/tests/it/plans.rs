//! Plans and rooms are changed by a person's word, and only by what the files allow.

use ostwin_core::events::{Event, EventKind};
use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::support::{Dashboard, PLAN};

#[test]
fn a_plan_is_imported_revised_and_removed() {
    let dashboard = Dashboard::new();
    let post = |body: Value| dashboard.ask("POST", "/api/plans", Some(&body));
    let made = post(json!({ "markdown": PLAN }));
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["plan_id"].as_str().unwrap().to_owned();
    let path = format!("/api/plans/{id}");
    let plan = dashboard.get(&path);
    assert_eq!(plan["markdown"], PLAN);
    assert_eq!((&plan["summary"]["state"], &plan["begun"]), (&json!("planned"), &json!(false)));
    assert_eq!(dashboard.get("/api/plans")["items"][0]["plan_id"], id.as_str());

    let revision = PLAN.replace("Third.", "Third, mended.");
    let save = |base: &Value| {
        let body = json!({ "markdown": revision, "base_sha256": base });
        dashboard.ask("PUT", &path, Some(&body))
    };
    assert_eq!(save(&json!("other")).status, 409);
    let saved = save(&plan["sha256"]);
    assert_eq!((saved.status, &saved.json()["revision"]), (200, &json!(2)), "{}", saved.text());
    assert_eq!(dashboard.get(&path)["markdown"], revision.as_str());
    assert_eq!(save(&plan["sha256"]).status, 409, "somebody saved meanwhile");

    assert_eq!(dashboard.ask("DELETE", &path, None).status, 200);
    assert_eq!(dashboard.ask("GET", &path, None).status, 404);
    assert_eq!(dashboard.get("/api/plans")["items"], json!([]));
    assert_eq!(dashboard.ask("DELETE", &path, None).status, 404);
}

#[test]
fn a_text_that_is_no_plan_says_where() {
    let dashboard = Dashboard::new();
    let wrong = PLAN.replace("EPIC-002]", "EPIC-009]");
    let refused = dashboard.ask("POST", "/api/plans", Some(&json!({ "markdown": wrong })));
    assert_eq!(refused.status, 422);
    let mistake = &refused.json()["errors"][0];
    assert_eq!(mistake["code"], "unknown-dependency", "{mistake}");
    assert!(mistake["line"].as_u64().is_some_and(|line| line > 1));
    assert_eq!(dashboard.get("/api/plans")["items"], json!([]));

    let check = |text: &str| {
        dashboard.ask("POST", "/api/plans/check", Some(&json!({ "markdown": text }))).json()
    };
    let checked = check(&wrong);
    assert_eq!(checked["ok"], false);
    let found = checked["diagnostics"].as_array().unwrap();
    assert_eq!(found.iter().filter(|found| found["severity"] == "error").count(), 1, "{checked}");
    let fine = check(PLAN);
    assert_eq!((&fine["ok"], &fine["title"]), (&json!(true), &json!("Shop")));
    assert_eq!(fine["dag"]["nodes"].as_array().unwrap().len(), 3);
    for nothing in [json!({}), json!({ "goal": " " }), json!({ "goal": "x", "markdown": "y" })] {
        assert_eq!(dashboard.ask("POST", "/api/plans", Some(&nothing)).status, 422, "{nothing}");
    }
    let goal = dashboard.ask("POST", "/api/plans", Some(&json!({ "goal": "A shop for books" })));
    assert_eq!(goal.status, 201, "{}", goal.text());
}

#[test]
fn a_plan_with_rooms_is_not_removed_by_mistake() {
    let dashboard = Dashboard::new();
    let (plan, room) = dashboard.room();
    let path = format!("/api/plans/{plan}");
    assert_eq!(dashboard.ask("DELETE", &path, None).status, 409);
    assert!(room.paths().dir().is_dir());
    let with_rooms = json!({ "with_rooms": true });
    assert_eq!(dashboard.ask("DELETE", &path, Some(&with_rooms)).status, 200);
    assert!(!room.paths().dir().exists());
}

#[test]
fn a_person_decides_about_a_room_with_a_reason() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    let decide = |body: Value| dashboard.ask("POST", "/api/rooms/room-001/status", Some(&body));
    assert_eq!(decide(json!({ "state": "passed", "reason": " " })).status, 422);
    assert_eq!(decide(json!({ "state": "passed", "reason": "seen" })).status, 409, "not drawn");
    assert_eq!(decide(json!({ "reason": "seen" })).status, 422);
    assert_eq!(decide(json!({ "verdict": "fix", "reason": "seen" })).status, 409);
    assert_eq!(state(&room), "pending");
    let forced = decide(json!({ "state": "passed", "reason": "seen", "force": true }));
    assert_eq!((forced.status, &forced.json()["result"]), (200, &json!("done")));
    assert_eq!(state(&room), "passed");
    let audit = room.audit().unwrap();
    let entry = audit.iter().rev().find_map(|line| line.entry()).unwrap();
    assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("ada", "seen"));
}

fn state(room: &Room) -> String {
    room.standing().unwrap().state.to_string()
}

#[test]
fn a_plan_is_paused_and_goes_on() {
    let dashboard = Dashboard::new();
    let (plan, _) = dashboard.room();
    let ask = |what: &str, body: Value| {
        dashboard.ask("POST", &format!("/api/plans/{plan}/{what}"), Some(&body))
    };
    assert_eq!(ask("pause", json!({})).status, 200);
    assert_eq!(ask("pause", json!({})).status, 409);
    assert_eq!(dashboard.get("/api/plans")["items"][0]["paused"], true);
    assert_eq!(ask("resume", json!({})).status, 200);
    assert_eq!(dashboard.get("/api/plans")["items"][0]["paused"], false);
    assert_eq!(ask("stop", json!({})).status, 409, "nobody drives it");
    assert_eq!(ask("approve", json!({})).status, 409, "nothing to approve");
    assert_eq!(ask("reject", json!({ "reason": "no" })).status, 409);
    let missing = dashboard.ask("POST", "/api/plans/nothing-000000/pause", None);
    assert_eq!(missing.status, 404);
}

#[test]
fn a_person_speaks_in_a_room() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    let say = |body: Value| dashboard.ask("POST", "/api/rooms/room-001/channel", Some(&body));
    let said = say(json!({ "kind": "message", "body": "Mind the tests." }));
    assert_eq!((said.status, &said.json()["seq"]), (201, &json!(1)), "{}", said.text());
    let message = &room.channel().newest(&Default::default(), 1, None).unwrap().messages[0];
    assert_eq!(
        (message.from.to_string().as_str(), message.to.to_string().as_str(), message.body.as_str()),
        ("human", "engineer", "Mind the tests.")
    );
    assert_eq!(say(json!({ "kind": "message", "body": " " })).status, 422);
    assert_eq!(say(json!({ "kind": "answer", "body": "80" })).status, 409, "nothing is asked");
    assert_eq!(say(json!({ "kind": "approve", "body": "" })).status, 409);
    assert_eq!(say(json!({ "kind": "shout", "body": "x" })).status, 422);
}

#[test]
fn a_plan_tells_its_settings_with_their_sources() {
    let dashboard = Dashboard::new();
    let text = PLAN.replace("# Plan: Shop\n", "# Plan: Shop\n\n## Config\n\nmax_retries: 7\n");
    let plan = dashboard.import(&text);
    let set = json!({ "key": "max_triages", "value": 2 });
    assert_eq!(dashboard.ask("PUT", "/api/config", Some(&set)).status, 200);
    let path = format!("/api/plans/{plan}");
    let told = |key: &str| {
        let plan = dashboard.get(&path);
        assert_eq!(plan["config_problem"], Value::Null);
        let items = plan["config"].as_array().unwrap();
        items.iter().find(|item| item["key"] == key).cloned().unwrap_or_default()
    };
    let retries = told("max_retries");
    assert_eq!((&retries["value"], &retries["layer"]), (&json!(7), &json!("plan")));
    assert!(retries["source"].as_str().unwrap().contains("PLAN.md:5"), "{retries}");
    assert_eq!(told("max_triages")["layer"], "project");
    assert_eq!(told("lock_timeout_ms"), Value::Null, "what is shipped is told by `/api/config`");
    // What stands beside the text counts too, and is told where it is wrong.
    let stored = ostwin_core::plans::open(&dashboard.project(), &plan).unwrap();
    let roles = r#"{"roles": {"qa": {"model": "large"}}}"#;
    ostwin_core::fs::replace_hint(&stored.paths.roles(), roles.as_bytes()).unwrap();
    assert_eq!(told("roles.qa.model")["value"], "large");
    ostwin_core::fs::replace_hint(&stored.paths.roles(), b"[]").unwrap();
    let broken = dashboard.get(&path);
    assert!(broken["config_problem"].as_str().unwrap().contains("PLAN.roles.json"), "{broken}");
}

#[test]
fn a_run_that_makes_no_sense_starts_nothing() {
    let dashboard = Dashboard::new();
    let plan = dashboard.import(PLAN);
    let run = |body: Value| dashboard.ask("POST", &format!("/api/plans/{plan}/run"), Some(&body));
    assert_eq!(run(json!({ "begun": "redo" })).status, 422);
    assert_eq!(run(json!({ "resume": true, "new": true })).status, 422);
    assert_eq!(run(json!({ "resume": true, "begun": "perhaps" })).status, 422);
    let no_file = run(json!({ "resume": true }));
    assert_eq!(no_file.status, 409, "{}", no_file.text());
    assert_eq!(dashboard.get(&format!("/api/plans/{plan}"))["source_differs"], Value::Null);
}

#[test]
fn a_source_that_was_edited_is_told() {
    let dashboard = Dashboard::new();
    let source = dashboard.files.write("PLAN.md", PLAN).unwrap();
    let project = dashboard.project();
    let plan = ostwin_core::plans::import(&project, &source, PLAN.as_bytes(), "Shop", false);
    let path = format!("/api/plans/{}", plan.unwrap().meta.plan_id);
    assert_eq!(dashboard.get(&path)["source_differs"], false);
    dashboard.files.write("PLAN.md", &PLAN.replace("Third", "Last")).unwrap();
    assert_eq!(dashboard.get(&path)["source_differs"], true);
}

#[test]
fn lists_come_in_parts() {
    let dashboard = Dashboard::new();
    let plans: Vec<String> = (0..3).map(|_| dashboard.import(PLAN).to_string()).collect();
    dashboard.until("/api/plans", |plans| plans["items"].as_array().unwrap().len() == 3);
    let mut seen = Vec::new();
    let mut path = "/api/plans?limit=2".to_owned();
    loop {
        let part = dashboard.get(&path);
        let items = part["items"].as_array().unwrap();
        seen.extend(items.iter().map(|plan| plan["plan_id"].as_str().unwrap().to_owned()));
        let Some(next) = part["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 2);
        path = format!("/api/plans?limit=2&after={next}");
    }
    seen.sort();
    let mut expected = plans;
    expected.sort();
    assert_eq!(seen, expected);
    let (_, room) = dashboard.room();
    let rooms = dashboard.until("/api/rooms?limit=1", |rooms| rooms["items"][0].is_object());
    assert_eq!(
        (&rooms["items"][0]["room"], &rooms["next_cursor"]),
        (&json!(room.id()), &json!(null))
    );
    let gone = dashboard.ask("GET", "/api/rooms?after=nothing", None);
    assert_eq!(gone.status, 404, "{}", gone.text());
    assert_eq!(dashboard.ask("GET", "/api/plans?after=nothing", None).status, 404);
}

#[test]
fn older_events_are_read_backwards() {
    let dashboard = Dashboard::new();
    let plan = dashboard.import(PLAN);
    let project = dashboard.project();
    let events = ostwin_core::plans::open(&project, &plan).unwrap().events();
    for _ in 0..5 {
        let event = Event::new(EventKind::Paused);
        events.append(project.store(), event).unwrap();
    }
    let numbers = |query: &str| -> Vec<u64> {
        let page = dashboard.get(&format!("/api/plans/{plan}/events?limit=2{query}"));
        page["items"].as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(""), [4, 5]);
    assert_eq!(numbers("&before=4"), [2, 3]);
    assert_eq!(numbers("&before=2"), [1]);
    assert_eq!(numbers("&before=1"), [0_u64; 0]);
    assert_eq!(numbers("&after=3"), [4, 5]);
}

#[test]
fn what_can_only_be_read_takes_no_other_method() {
    let dashboard = Dashboard::new();
    for path in ["/", "/plans", "/nothing"] {
        let origin = format!("http://{}", dashboard.address);
        let bearer = dashboard.bearer();
        let headers = [("Authorization", bearer.as_str()), ("Origin", origin.as_str())];
        assert_eq!(dashboard.send("POST", path, &headers, b"").status, 405, "{path}");
    }
    let unknown = dashboard.ask("GET", "/api/stream?topics=plan,nonsense", None);
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    assert!(unknown.text().contains("`nonsense`"), "{}", unknown.text());
}
