//! What is read: tags, pages, and the same answers as the files give.

use serde_json::{Value, json};

use crate::support::{Dashboard, PLAN, note};

#[test]
fn what_a_client_has_is_not_sent_again() {
    let dashboard = Dashboard::new();
    let plan = dashboard.import(PLAN);
    let path = format!("/api/plans/{plan}");
    dashboard.until(&path, |_| true);
    dashboard.until("/api/plans", |plans| plans["items"][0]["plan_id"] == plan.as_str());
    let first = dashboard.ask("GET", &path, None);
    let tag = first.header("etag").to_owned();
    let bearer = dashboard.bearer();
    let headers = [("Authorization", bearer.as_str()), ("If-None-Match", tag.as_str())];
    let again = dashboard.send("GET", &path, &headers, b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), tag);
    assert!(!again.header("ostwin-stream-id").is_empty());
    let other = [headers[0], ("If-None-Match", "\"other\"")];
    assert_eq!(dashboard.send("GET", &path, &other, b"").status, 200);
}

#[test]
fn a_long_channel_is_read_by_pages_to_its_end() {
    const MESSAGES: u64 = 10_000;
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    for number in 1..=MESSAGES {
        note(&room, &format!("message {number}"));
    }
    let page = |query: &str| dashboard.get(&format!("/api/rooms/room-001/channel{query}"));
    let seqs = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|message| message["seq"].as_u64().unwrap()).collect()
    };
    // Backwards from the newest.
    let mut seen = Vec::new();
    let mut query = "?limit=500".to_owned();
    loop {
        let part = page(&query);
        let mut numbers = seqs(&part);
        numbers.append(&mut seen);
        seen = numbers;
        match part["prev_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=500&before={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=MESSAGES).collect::<Vec<_>>());
    // Forwards from somewhere.
    let mut seen = Vec::new();
    let mut query = "?limit=400&after=8500".to_owned();
    loop {
        let part = page(&query);
        seen.extend(seqs(&part));
        match part["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=400&after={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (8_501..=MESSAGES).collect::<Vec<_>>());
    assert_eq!(seqs(&page("?q=message%207777")), [7_777]);
    assert_eq!(seqs(&page("?type=done")), Vec::<u64>::new());
    let both = dashboard.ask("GET", "/api/rooms/room-001/channel?after=1&before=3", None);
    assert_eq!(both.status, 400);
}

#[test]
fn a_plan_is_drawn_before_it_runs() {
    let dashboard = Dashboard::new();
    let plan = dashboard.import(PLAN);
    let dag = dashboard.get(&format!("/api/plans/{plan}/dag"));
    let edges = &dag["edges"];
    assert_eq!(dag["waves"], json!([["EPIC-001", "EPIC-002"], ["EPIC-003"]]));
    assert_eq!(edges.as_array().unwrap().len(), 2, "{edges}");
    assert_eq!(dag["nodes"][2]["title"], "Three");
    assert_eq!(dag["nodes"][0]["room"], Value::Null);
}

#[test]
fn a_room_tells_its_story() {
    let dashboard = Dashboard::new();
    let (plan, room) = dashboard.room();
    note(&room, "hello");
    let rooms =
        dashboard.until("/api/rooms", |rooms| rooms["items"].as_array().unwrap().len() == 1);
    assert_eq!(rooms["items"][0]["plan_id"], plan.as_str());
    let story = dashboard.get("/api/rooms/room-001");
    assert_eq!(story["contract"]["task_ref"], "EPIC-001");
    assert_eq!(story["lifecycle"]["current"], "pending");
    assert_eq!(story["brief"], "# Brief\n");
    assert_eq!(story["audit"].as_array().unwrap().len(), 1);
    let states = story["lifecycle"]["states"].as_array().unwrap();
    assert!(states.iter().any(|state| state["name"] == "developing" && state["kind"] == "work"));
    assert_eq!(dashboard.ask("GET", "/api/rooms/room-009", None).status, 404);
    assert_eq!(dashboard.ask("GET", "/api/rooms?project=nobody", None).status, 404);
}
