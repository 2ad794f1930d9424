//! The dashboard server: how plans and rooms stand, by nothing but the files.

use std::path::Path;

use ostwin_core::ledger::{Draft, Kind, Ledger};
use ostwin_core::room::Outcome;
use ostwin_core::store::{Durability, Store};
use serde_json::{Value, json};

use super::client::Client;
use super::shop::{DASHBOARD, Shop, each, walk};

#[test]
fn the_list_of_tools_is_an_interface() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let attempt = shop.open(1, "engineer");
    let mut own = shop.seat(DASHBOARD, 1, &attempt);
    let tools = own.request("tools/list", &json!({}))["result"]["tools"].clone();
    for tool in tools.as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    }
    insta::assert_json_snapshot!(DASHBOARD, tools);
    // Only a session may leave out its room.
    let listed = shop.person(DASHBOARD).request("tools/list", &json!({}));
    let room_state = &listed["result"]["tools"][1];
    assert_eq!(room_state["inputSchema"]["required"], json!(["room_id"]), "{room_state}");
}

#[test]
fn a_plan_is_told_with_its_epics() {
    let shop = Shop::new();
    shop.moved(1, &["ready", "done", "pass"]);
    shop.moved(2, &["ready"]);
    let attempt = shop.open(2, "engineer");
    shop.note(2, "Use the sandbox.");

    let mut own = shop.seat(DASHBOARD, 2, &attempt);
    let status = own.ok("get_plan_status", &json!({}));
    assert_eq!(status["plan_id"], shop.plan.meta.plan_id.as_str());
    assert_eq!((&status["chosen"], &status["state"]), (&json!("own"), &json!("stopped")));
    assert_eq!(status["progress_percent"], 33);
    assert_eq!(each(&status["epics"], "epic"), ["EPIC-001", "EPIC-002", "EPIC-003"]);
    assert_eq!(each(&status["epics"], "state"), ["passed", "developing", "pending"]);
    assert_eq!(status["epics"][1]["last_message"]["text"], "Use the sandbox.");
    assert_eq!(status["epics"][1]["depends_on"], json!(["EPIC-001"]));
    assert_eq!((status.get("dag"), &status["problems"]), (None, &json!([])));

    let mut person = shop.person(DASHBOARD);
    assert_eq!(person.ok("get_plan_status", &json!({}))["chosen"], "only");
    let graph = json!({ "include_epics": false, "include_dag": true, "limit": 2 });
    let first = person.ok("get_plan_status", &graph);
    assert_eq!(first.get("epics"), None);
    assert_eq!(
        (&first["dag"]["stage"], &first["dag"]["total_nodes"]),
        (&json!("solid"), &json!(3))
    );
    assert_eq!(each(&first["dag"]["nodes"], "epic"), ["EPIC-001", "EPIC-002"]);
    assert_eq!(first["dag"]["nodes"][0]["dependents"], json!(["EPIC-002"]));
    let rest = json!({ "include_dag": true, "cursor": first["next_cursor"] });
    let rest = person.ok("get_plan_status", &rest);
    assert_eq!(each(&rest["epics"], "epic"), ["EPIC-003"]);
    assert_eq!(each(&rest["dag"]["nodes"], "epic"), ["EPIC-003"]);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[test]
fn of_several_plans_the_one_that_is_driven_is_meant_else_the_newest() {
    let shop = Shop::new();
    let (newer, _) = shop.another();
    let mut person = shop.person(DASHBOARD);
    let status = person.ok("get_plan_status", &json!({}));
    // Both may have been imported within one millisecond.
    let newest = newer.meta.imported_at > shop.plan.meta.imported_at;
    assert_eq!(status["chosen"], "newest");
    assert!(!newest || status["plan_id"] == newer.meta.plan_id.as_str(), "{status}");

    let patience = std::time::Duration::ZERO;
    let lock = shop.plan.paths.engine_lock();
    let driven =
        ostwin_core::lock::exclusive(&lock, patience, || person.ok("get_plan_status", &json!({})));
    let driven = driven.unwrap();
    assert_eq!(driven["chosen"], "running");
    assert_eq!(driven["plan_id"], shop.plan.meta.plan_id.as_str());
    assert_eq!(driven["state"], "running");
    let named = json!({ "plan_id": newer.meta.plan_id });
    assert_eq!(person.ok("get_plan_status", &named)["chosen"], "named");
}

#[test]
fn a_room_tells_its_story_and_what_may_come_next() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    shop.open(1, "engineer");
    shop.close(1, Outcome::NoSignal);
    let attempt = shop.open(1, "engineer");
    for number in 1..=3 {
        shop.note(1, &format!("{number} {}", "x".repeat(3_000)));
    }
    let mut own = shop.seat(DASHBOARD, 1, &attempt);
    let state = own.ok("get_room_state", &json!({ "messages": 2, "audit_lines": 1 }));
    assert_eq!((&state["room_id"], &state["epic"]), (&json!("room-001"), &json!("EPIC-001")));
    assert_eq!((&state["state"], &state["state_type"]), (&json!("developing"), &json!("work")));
    assert_eq!(state["criteria"], json!(["AC-1", "AC-2"]));
    let allowed = &state["signals"]["agent"];
    assert_eq!(each(allowed, "signal"), ["done", "error", "escalate"]);
    assert_eq!(allowed[0]["leads_to"], json!(["review"]));
    assert_eq!(state["signals"]["person"], json!([]));
    assert_eq!(state["attempts_total"], 2);
    assert_eq!(state["attempts"][0]["outcome"], "no-signal");
    assert_eq!(
        (&state["attempts"][0]["tokens"], &state["attempts"][1]["outcome"]),
        (&json!(120), &Value::Null)
    );
    assert_eq!(state["transitions_total"], 2);
    assert_eq!(each(&state["transitions"], "to"), ["developing"]);
    assert_eq!(state["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!((&state["messages"][1]["seq"], &state["more_messages"]), (&json!(3), &json!(true)));
    assert_eq!(state["messages"][1]["left_out"], 1_002);
    assert_eq!((&state["skipped_lines"], &state["problems"]), (&json!(0), &json!([])));

    // Another room is named by its id; a person decides where a person is asked.
    shop.moved(3, &["ready", "escalate"]);
    let other = own.ok("get_room_state", &json!({ "room_id": "room-003" }));
    assert_eq!(
        (&other["state"], &other["shown_as"]),
        (&json!("escalated"), &json!("escalated (a person has to decide)"))
    );
    assert_eq!(other["signals"]["agent"], json!([]));
    assert!(each(&other["signals"]["person"], "signal").contains(&"fix"), "{other}");
    assert_eq!(other["why"], "escalate, as the test wants it");
    assert_eq!(other["messages"], json!([]));
}

#[test]
fn the_figures_add_up() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    shop.open(1, "engineer");
    shop.close(1, Outcome::Timeout);
    shop.open(1, "engineer");
    shop.moved(3, &["ready", "escalate"]);
    shop.note(1, "one");
    shop.note(3, "two");
    let (other, _) = shop.another();
    publish(&shop, Kind::Decision, Some(&shop.plan));
    publish(&shop, Kind::Decision, Some(&other));
    publish(&shop, Kind::Code, None);

    let mut person = shop.person(DASHBOARD);
    let all = person.ok("aggregate_stats", &json!({}));
    assert_eq!(all["plans"], json!({ "planned": 1, "stopped": 1 }));
    assert_eq!(all["rooms"], json!({ "developing": 1, "escalated": 1, "pending": 4 }));
    assert_eq!((&all["epics"]["total"], &all["completion_percent"]), (&json!(6), &json!(0)));
    assert_eq!(all["escalations_pending"], 1);
    assert_eq!(all["escalations"][0]["room"], "room-003");
    let attempts = json!({ "total": 2, "open": 1, "by_outcome": { "timeout": 1 } });
    assert_eq!(all["attempts"], attempts);
    assert_eq!((&all["tokens"]["total_tokens"], &all["cost_usd"]), (&json!(120), &json!(0.5)));
    assert_eq!((&all["messages"], &all["problems"]), (&json!({ "note": 2 }), &json!([])));
    assert_eq!(all["memories"], json!({ "code": 1, "decision": 2 }));

    let plan = json!({ "plan_id": shop.plan.meta.plan_id, "window_days": 1 });
    let plan = person.ok("aggregate_stats", &plan);
    assert_eq!(plan["plans"], json!({ "stopped": 1 }));
    assert_eq!(plan["rooms"], json!({ "developing": 1, "escalated": 1, "pending": 1 }));
    assert_eq!(plan["memories"], json!({ "decision": 1 }));
}

fn publish(shop: &Shop, kind: Kind, plan: Option<&ostwin_core::plans::StoredPlan>) {
    let store = Store { durability: Durability::Os, ..Store::default() };
    let draft = Draft {
        kind,
        room_id: None,
        plan_id: plan.map(|plan| plan.meta.plan_id.clone()),
        author_role: "human".parse().unwrap(),
        reference: None,
        tags: vec!["t".to_owned()],
        summary: "something".to_owned(),
        detail: None,
        supersedes: None,
        key: None,
    };
    Ledger::new(shop.project.layout().ledger()).publish(&store, draft).unwrap();
}

#[test]
fn lists_are_filtered_and_walked_by_cursor() {
    let shop = Shop::new();
    for _ in 0..4 {
        shop.another();
    }
    shop.moved(2, &["ready"]);
    let mut person = shop.person(DASHBOARD);
    let rooms = walk(&mut person, "list_rooms", "rooms", 4);
    let expected: Vec<_> = (1..=15).map(|number| format!("room-{number:03}")).collect();
    assert_eq!(each(&json!(rooms), "room_id"), expected);
    assert_eq!(rooms[0]["shown_as"], "planned");

    let plans = walk(&mut person, "list_plans", "plans", 2);
    assert_eq!(plans.len(), 5);
    let times = json!(plans);
    let mut sorted = each(&times, "imported_at");
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(each(&times, "imported_at"), sorted);

    let stopped = person.ok("list_plans", &json!({ "state": "stopped" }));
    assert_eq!(each(&stopped["plans"], "plan_id"), [shop.plan.meta.plan_id.as_str()]);
    let working = person.ok("list_rooms", &json!({ "state": "developing" }));
    assert_eq!(each(&working["rooms"], "room_id"), ["room-002"]);
    let own = json!({ "plan_id": shop.plan.meta.plan_id, "limit": 2 });
    let own = person.ok("list_rooms", &own);
    assert_eq!((each(&own["rooms"], "room_id").len(), &own["next_cursor"]), (2, &json!("2")));
    assert_eq!(
        person.refused("list_plans", &json!({ "cursor": "none-000000" })).0,
        "invalid_argument"
    );
}

#[test]
fn an_answer_keeps_to_its_bound_whatever_the_files_hold() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let attempt = shop.open(1, "engineer");
    for number in 1..=50 {
        shop.note(1, &format!("{number} {}", "\"".repeat(60_000)));
    }
    let progress = json!({
        "percent": 5, "message": "\"".repeat(3 << 20), "attempt": attempt.record.id,
        "updated_at": "2026-01-01T00:00:00.000Z"
    });
    write(&shop.room(1).paths().progress(), progress.to_string().as_bytes());
    // An epic on which thousands wait, and that waits for thousands.
    let many: Vec<String> = (0..9_000).map(|number| format!("EPIC-{number:05}-of-many")).collect();
    rewrite(&shop.plan.paths.dag(), |dag| {
        for list in ["depends_on", "dependents"] {
            dag["nodes"]["EPIC-001"][list] = json!(many);
        }
    });
    rewrite(&shop.room(1).paths().config(), |contract| contract["depends_on"] = json!(many));
    let mut person = shop.person(DASHBOARD);
    let calls = [
        ("get_room_state", json!({ "room_id": "room-001", "messages": 50, "audit_lines": 200 })),
        ("get_plan_status", json!({ "include_dag": true, "limit": 200 })),
        ("list_rooms", json!({ "limit": 200 })),
        ("list_plans", json!({ "limit": 100 })),
        ("aggregate_stats", json!({})),
    ];
    for (tool, arguments) in calls {
        let answer = person.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
        assert!(answer["result"]["isError"] != true, "{tool}: {}", answer["result"]["content"]);
        assert!(answer.to_string().len() <= 256 * 1024, "{tool}: {}", answer.to_string().len());
    }
}

#[test]
fn nothing_outside_the_project_is_named() {
    let shop = Shop::new();
    let elsewhere = Shop::new();
    let theirs = elsewhere.plan.meta.plan_id.as_str();
    let mut person = shop.person(DASHBOARD);
    for room in ["../room-001", "/etc", "room-001/..", ".", "", "room-1", "ROOM-001", "room-001\0"]
    {
        let refused = person.refused("get_room_state", &json!({ "room_id": room }));
        assert_eq!(refused.0, "invalid_argument", "{room}: {}", refused.1);
    }
    assert_eq!(person.refused("get_room_state", &json!({ "room_id": "room-404" })).0, "not_found");
    assert_eq!(person.refused("get_room_state", &json!({})).0, "invalid_argument");
    let climbing = format!("../../../{theirs}");
    for tool in ["get_plan_status", "aggregate_stats", "list_rooms"] {
        assert_eq!(person.refused(tool, &json!({ "plan_id": theirs })).0, "not_found", "{tool}");
        for plan in ["..", "a/../b", "/etc/passwd", climbing.as_str()] {
            let refused = person.refused(tool, &json!({ "plan_id": plan }));
            assert_eq!(refused.0, "invalid_argument", "{tool} {plan}: {}", refused.1);
        }
    }
    let empty = Client::greeted(&ostwin_testkit::TestProject::new().unwrap(), DASHBOARD, &[])
        .refused("get_plan_status", &json!({}));
    assert_eq!(empty.0, "not_found");
    assert!(empty.1.contains("ostwin run"), "{}", empty.1);
}

/// Changes a file of JSON by hand.
fn rewrite(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    write(path, value.to_string().as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "what is written here is no good file")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_files_are_told_and_hide_nothing_else() {
    let long = [b"[".repeat(10 << 20), b"\n".to_vec()].concat();
    let rubbish: [&[u8]; 6] = [b"42\n", b"null\n", b"{}\n", b"\xff\xfe\n", &long, b"{\"v\":1,\"se"];
    for bytes in rubbish {
        let shop = Shop::new();
        shop.moved(1, &["ready"]);
        shop.moved(2, &["ready"]);
        shop.open(1, "engineer");
        shop.note(1, "still there");
        let (paths, name) = (shop.room(1).paths(), String::from_utf8_lossy(&bytes[..2]));
        // Lines beside good ones are counted, and the good ones stay.
        for file in [paths.channel(), paths.audit(), shop.project.layout().ledger()] {
            let good = std::fs::read(&file).unwrap_or_default();
            write(&file, &[good, bytes.to_vec()].concat());
        }
        let lines = usize::from(bytes.ends_with(b"\n"));
        let mut person = shop.person(DASHBOARD);
        let room = json!({ "room_id": "room-001", "messages": 5 });
        let state = person.ok("get_room_state", &room);
        assert_eq!(state["skipped_lines"], 2 * lines, "{name}");
        assert_eq!(state["messages"][0]["body"], "still there", "{name}");
        assert_eq!(person.ok("aggregate_stats", &json!({}))["skipped_lines"], 3 * lines, "{name}");

        // A damaged record takes away only what it alone holds.
        let attempt = shop.room(1).last_attempt().unwrap().unwrap().paths.record();
        for file in [paths.lifecycle(), paths.progress(), attempt] {
            write(&file, bytes);
        }
        write(&shop.room(3).paths().config(), bytes);
        let state = person.ok("get_room_state", &room);
        assert_eq!((&state["state"], &state["epic"]), (&Value::Null, &json!("EPIC-001")), "{name}");
        assert_eq!(each(&state["transitions"], "to"), ["pending", "developing"], "{name}");
        assert_eq!(state["messages"][0]["body"], "still there", "{name}");
        let told = state["problems"].to_string();
        assert!(told.contains("lifecycle.json") && told.contains("attempt.json"), "{name}: {told}");
        let status = person.ok("get_plan_status", &json!({}));
        assert_eq!(each(&status["epics"], "state"), ["", "developing", ""], "{name}");
        assert_eq!(each(&status["problems"], "what"), ["room-001", "room-003"], "{name}");
        let listed = person.ok("list_rooms", &json!({}));
        assert_eq!(listed["rooms"].as_array().map(Vec::len), Some(3), "{name}");
        assert_eq!(each(&listed["rooms"], "state"), ["", "developing", ""], "{name}");
        let stats = person.ok("aggregate_stats", &json!({}));
        assert_eq!(stats["rooms"], json!({ "(unreadable)": 2, "developing": 1 }), "{name}");
        assert_eq!(stats["messages"], json!({ "note": 1 }), "{name}");
        assert!(stats["problems"].to_string().contains("attempt.json"), "{name}: {stats}");

        // A plan whose graph or record is damaged is told as well.
        write(&shop.plan.paths.dag(), bytes);
        let (code, message) = person.refused("get_plan_status", &json!({}));
        assert!(["corrupt_state", "too_large"].contains(&code.as_str()), "{name}: {message}");
        assert!(message.contains("DAG.json"), "{name}: {message}");
        let plans = person.ok("list_plans", &json!({}));
        assert_eq!(
            (&plans["plans"][0]["state"], &plans["plans"][0]["title"]),
            (&Value::Null, &json!("Shop"))
        );
        assert!(plans["problems"][0]["problem"].as_str().unwrap().contains("DAG.json"), "{plans}");
        write(&shop.plan.paths.meta(), bytes);
        let plans = person.ok("list_plans", &json!({}));
        assert_eq!(plans["plans"], json!([]), "{name}");
        let what = format!("plan {}", shop.plan.meta.plan_id);
        assert_eq!(each(&plans["problems"], "what"), [what], "{name}");
        // No board shows the rooms any more; what their own audits say still counts.
        let stats = person.ok("aggregate_stats", &json!({}));
        let rooms = json!({ "(unreadable)": 1, "developing": 1, "pending": 1 });
        assert_eq!((&stats["plans"], &stats["rooms"]), (&json!({}), &rooms), "{name}");
        assert_eq!(person.hang_up().0.code(), Some(0));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is missing was taken away by nobody of ours")]
fn missing_files_are_told_too() {
    let shop = Shop::new();
    shop.moved(1, &["ready"]);
    let paths = shop.room(1).paths();
    for file in [paths.lifecycle(), paths.audit()] {
        std::fs::remove_file(file).unwrap();
    }
    std::fs::remove_dir_all(shop.room(3).paths().dir()).unwrap();
    let mut person = shop.person(DASHBOARD);
    let state = person.ok("get_room_state", &json!({ "room_id": "room-001", "messages": 1 }));
    assert_eq!((&state["state"], &state["title"]), (&Value::Null, &json!("Cart")));
    assert_eq!(person.refused("get_room_state", &json!({ "room_id": "room-003" })).0, "not_found");
    let status = person.ok("get_plan_status", &json!({}));
    assert_eq!(each(&status["problems"], "what"), ["room-001", "room-003"]);
    let stats = person.ok("aggregate_stats", &json!({}));
    assert_eq!(stats["rooms"], json!({ "(unreadable)": 2, "pending": 1 }));
    std::fs::remove_file(shop.plan.paths.meta()).unwrap();
    let plans = person.ok("list_plans", &json!({}));
    assert!(
        plans["problems"][0]["problem"].as_str().unwrap().contains("PLAN.meta.json"),
        "{plans}"
    );
}
