//! The shared memory, the search in it, and the figures.

use serde_json::{Value, json};

use crate::support::{Dashboard, note};

fn publish(dashboard: &Dashboard, memory: &Value) -> Value {
    let answer = dashboard.ask("POST", "/api/memories", Some(memory));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn texts<'a>(page: &'a Value, field: &str) -> Vec<&'a str> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[test]
fn a_memory_is_published_listed_and_replaced() {
    let dashboard = Dashboard::new();
    let first = publish(
        &dashboard,
        &json!({ "kind": "decision", "summary": "Prices are cents", "tags": ["money"] }),
    );
    assert_eq!((&first["author_role"], &first["room_id"]), (&json!("human"), &Value::Null));
    for number in 1..=4 {
        let summary = format!("Trap {number}");
        publish(&dashboard, &json!({ "kind": "warning", "summary": summary }));
    }
    let second = publish(
        &dashboard,
        &json!({ "kind": "decision", "summary": "Prices are mills", "supersedes": first["id"] }),
    );
    let page = dashboard.get("/api/memories?limit=3");
    assert_eq!(texts(&page, "summary"), ["Prices are mills", "Trap 4", "Trap 3"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = dashboard.get(&format!("/api/memories?limit=3&after={cursor}"));
    assert_eq!(texts(&page, "summary"), ["Trap 2", "Trap 1"]);
    assert_eq!(page["next_cursor"], Value::Null);
    let decisions = dashboard.get("/api/memories?kind=decision&superseded=true");
    assert_eq!(texts(&decisions, "summary"), ["Prices are mills", "Prices are cents"]);
    let tagged = dashboard.get("/api/memories?tag=MONEY&superseded=true");
    assert_eq!(texts(&tagged, "summary"), ["Prices are cents"]);

    let story = dashboard.get(&format!("/api/memories/{}", first["id"].as_str().unwrap()));
    assert_eq!(story["superseded_by"], second["id"]);
    assert_eq!(story["replaced_by"][0]["summary"], "Prices are mills");
    let story = dashboard.get(&format!("/api/memories/{}", second["id"].as_str().unwrap()));
    assert_eq!(story["superseded_by"], Value::Null);
    assert_eq!(story["replaced"][0]["id"], first["id"]);
}

#[test]
fn what_is_no_memory_is_refused_and_not_kept() {
    let dashboard = Dashboard::new();
    let nobody = "mem-01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (memory, status) in [
        (json!({ "kind": "rumour", "summary": "x" }), 422),
        (json!({ "kind": "decision", "summary": " " }), 422),
        (json!({ "kind": "decision" }), 422),
        (json!({ "kind": "decision", "summary": "x", "room": "room-001" }), 422),
        (json!({ "kind": "decision", "summary": "x", "supersedes": nobody }), 422),
        (json!({ "kind": "decision", "summary": "x", "plan_id": "nothing-000000" }), 404),
        (json!({ "kind": "decision", "summary": "x".repeat(5_000) }), 422),
    ] {
        let answer = dashboard.ask("POST", "/api/memories", Some(&memory));
        assert_eq!(answer.status, status, "{memory}: {}", answer.text());
        assert_eq!(answer.json()["status"], status);
    }
    assert_eq!(dashboard.get("/api/memories")["items"], json!([]));
    for (path, status) in [
        ("/api/memories?after=x", 400),
        ("/api/memories?kind=rumour", 400),
        ("/api/memories/x", 400),
        ("/api/memories/mem-01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
    ] {
        assert_eq!(dashboard.ask("GET", path, None).status, status, "{path}");
    }
}

#[test]
fn a_search_says_why_it_found_something() {
    let dashboard = Dashboard::new();
    publish(&dashboard, &json!({ "kind": "decision", "summary": "Tokens expire after an hour" }));
    publish(&dashboard, &json!({ "kind": "warning", "summary": "The cache is never emptied" }));
    let search = |search: &Value| {
        let answer = dashboard.ask("POST", "/api/search", Some(search));
        (answer.status, answer.json())
    };
    let (status, found) = search(&json!({ "query": "tokens", "mode": "lexical" }));
    assert_eq!(status, 200, "{found}");
    assert_eq!(texts(&found, "text"), ["Tokens expire after an hour"]);
    assert_eq!(found["mode_used"], "lexical");
    let why = found["items"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("holds \u{201c}token") && why.ends_with("an hour old"), "{why}");
    assert!(found["items"][0]["score"].as_f64().unwrap() > 0.0);
    let (_, none) = search(&json!({ "query": "tokens", "mode": "lexical", "kind": "warning" }));
    assert_eq!(none["items"], json!([]));

    let (_, room) = dashboard.room();
    note(&room, "the port is 8080");
    note(&room, "nothing of that");
    let (_, found) = search(&json!({ "query": "PORT", "in": "channels" }));
    assert_eq!(texts(&found, "text"), ["the port is 8080"]);
    assert_eq!(
        (&found["items"][0]["room"], &found["items"][0]["seq"]),
        (&json!("room-001"), &json!(1))
    );
    let (_, found) = search(&json!({ "query": "report", "in": "artifacts" }));
    assert_eq!(found["items"], json!([]));
    for (wrong, status) in [
        (json!({ "query": "  " }), 422),
        (json!({ "query": "x".repeat(2_001) }), 422),
        (json!({ "query": "x", "in": "attic" }), 422),
        (json!({ "query": "x", "mode": "psychic" }), 422),
    ] {
        assert_eq!(search(&wrong).0, status, "{wrong}");
    }
}

#[test]
fn figures_are_those_of_the_window() {
    let dashboard = Dashboard::new();
    let (plan, room) = dashboard.room();
    note(&room, "hello");
    publish(&dashboard, &json!({ "kind": "warning", "summary": "x" }));
    let stats = dashboard.get("/api/stats?window=24h");
    assert_eq!(stats["plans"], json!({ "planned": 1 }));
    assert_eq!(stats["epics"]["total"], 3);
    assert_eq!(stats["rooms"], json!({ "pending": 1 }));
    assert_eq!(
        (&stats["messages"], &stats["memories"]),
        (&json!({ "note": 1 }), &json!({ "warning": 1 }))
    );
    assert_eq!(stats["attempts"]["total"], 0);
    assert_eq!((&stats["by_role"], stats["series"].as_array().unwrap().len()), (&json!([]), 24));
    let of_plan = dashboard.get(&format!("/api/stats?window=all&plan={plan}"));
    assert_eq!((&of_plan["epics"]["total"], &of_plan["memories"]), (&json!(3), &json!({})));
    assert_eq!(dashboard.ask("GET", "/api/stats?window=2w", None).status, 400);
    assert_eq!(dashboard.ask("GET", "/api/stats?plan=nothing-000000", None).status, 404);
}
