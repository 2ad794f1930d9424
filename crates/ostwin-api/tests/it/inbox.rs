//! What waits for a person, and that it waits no more once somebody decided.

use std::time::Duration;

use ostwin_core::channel::Draft;
use ostwin_core::ids::SignalName;
use ostwin_core::lifecycle::Cause;
use ostwin_core::room::{NewAttempt, Room, Why};
use serde_json::{Value, json};

use crate::support::Dashboard;

fn why(reason: &str) -> Why {
    Why {
        cause: Cause::Engine("test".to_owned()),
        attempt: None,
        actor: "engine".to_owned(),
        reason: reason.to_owned(),
    }
}

fn put_into(room: &Room, state: &str) {
    let state = state.parse().unwrap();
    room.locked(|room| room.set_state(&state, true, why("three tries failed"))).unwrap();
}

fn kinds(inbox: &Value) -> Vec<&str> {
    let items = inbox["items"].as_array().unwrap();
    items.iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_room_that_waits_for_a_decision_is_there_with_what_can_be_done() {
    let dashboard = Dashboard::new();
    assert_eq!(dashboard.get("/api/inbox"), json!({ "items": [], "next_cursor": null }));
    let (plan, room) = dashboard.room();
    put_into(&room, "escalated");
    let inbox = dashboard.until("/api/inbox", |inbox| kinds(inbox) == ["escalation"]);
    let item = &inbox["items"][0];
    assert_eq!(item["plan_id"], plan.as_str());
    assert_eq!((&item["room"], &item["epic"]), (&json!("room-001"), &json!("EPIC-001")));
    assert_eq!(item["title"], "three tries failed");
    let actions = json!(["fix", "redesign", "replan", "reject", "cancel"]);
    assert_eq!(item["actions"], actions, "nothing was tried, so there is no `retry`");
    assert!(item["since"].is_string() && item["until"].is_null());

    put_into(&room, "failed-final");
    let inbox = dashboard.until("/api/inbox", |inbox| kinds(inbox) == ["failed"]);
    assert_eq!(inbox["items"][0]["actions"], json!([]));
    put_into(&room, "passed");
    dashboard.until("/api/inbox", |inbox| kinds(inbox).is_empty());
}

#[test]
fn a_permission_that_was_given_waits_no_more() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    let ready = SignalName::new("ready").unwrap();
    room.locked(|room| room.signal(&ready, why("go"))).unwrap();
    let attempt = NewAttempt {
        role: "engineer".parse().unwrap(),
        agent: "rehearsal".to_owned(),
        model: None,
        rehearsed: true,
        run_id: "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        timeout: Duration::from_secs(900),
        provenance: Value::Null,
    };
    room.locked(|room| room.open_attempt(attempt)).unwrap();
    let attempt = room.last_attempt().unwrap().unwrap().record;
    let draft = Draft {
        attempt: Some(attempt.id),
        from: attempt.role,
        to: "human".parse().unwrap(),
        kind: "approval-request".parse().unwrap(),
        reference: None,
        body: "May I run `make`?".to_owned(),
        data: Some(json!({ "fingerprint": "f", "timeout_seconds": 600 })),
    };
    let store = room.project().store().clone();
    let (asked, _) = room.channel().post(&store, draft, &[], 1 << 20).unwrap();

    let inbox = dashboard.until("/api/inbox", |inbox| kinds(inbox) == ["approval"]);
    let item = &inbox["items"][0];
    assert_eq!(item["title"], "engineer asks: May I run `make`?");
    assert_eq!(item["message_id"], asked.id.as_str());
    assert_eq!(item["actions"], json!(["approve", "deny"]));
    assert!(item["until"].is_string());

    let word = json!({ "kind": "approve", "re": item["message_id"] });
    let answer = dashboard.ask("POST", "/api/rooms/room-001/channel", Some(&word));
    assert_eq!(answer.status, 201, "{}", answer.text());
    dashboard.until("/api/inbox", |inbox| kinds(inbox).is_empty());
}
