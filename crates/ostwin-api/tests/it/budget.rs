//! What a plan or a room may use is seen, and raised by a person's word.

use ostwin_core::events::EventKind;
use ostwin_core::plans;
use serde_json::json;

use crate::support::{Dashboard, PLAN};

#[test]
fn a_plan_may_use_more_from_now_on() {
    let dashboard = Dashboard::new();
    let text = PLAN.replace("# Plan: Shop\n", "# Plan: Shop\n\n## Config\n\nbudget_tokens: 500\n");
    let plan = dashboard.import(&text);
    let path = format!("/api/plans/{plan}/budget");
    let before = dashboard.get(&path);
    assert_eq!(
        before,
        json!({
            "plan_id": plan, "budget_tokens": 500, "budget_usd": null, "tokens": 0,
            "cost_usd": null, "percent": 0, "used_up": false, "set_by": null,
        })
    );
    let set = dashboard.ask("POST", &path, Some(&json!({ "tokens": 900, "usd": 2.5 })));
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(set.json(), dashboard.get(&path));
    let now = set.json();
    assert_eq!((&now["budget_tokens"], &now["budget_usd"]), (&json!(900), &json!(2.5)));
    assert_eq!(now["set_by"], "ada");
    // What is left out stays; a plan that may use nothing is at its end.
    let nothing = dashboard.ask("POST", &path, Some(&json!({ "tokens": 0 }))).json();
    assert_eq!((&nothing["budget_usd"], &nothing["used_up"]), (&json!(2.5), &json!(true)));
    let stored = plans::open(&dashboard.project(), &plan).unwrap();
    let events = stored.events().read_all().unwrap();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventKind::Budget)
        .filter_map(|event| event.reason.clone())
        .collect();
    let words = "ada set the plan's budget: 900 tokens, 2.50 US dollars";
    assert_eq!(told, [words, "ada set the plan's budget: 0 tokens"]);

    for wrong in [
        json!({}),
        json!({ "usd": -1 }),
        json!({ "tokens": -1 }),
        json!({ "tokens": "many" }),
        json!({ "dollars": 1 }),
    ] {
        assert_eq!(dashboard.ask("POST", &path, Some(&wrong)).status, 422, "{wrong}");
    }
    let missing = "/api/plans/nothing-000000/budget";
    assert_eq!(dashboard.ask("POST", missing, Some(&json!({ "tokens": 1 }))).status, 404);
}

#[test]
fn a_room_has_values_of_its_own() {
    let dashboard = Dashboard::new();
    let (_, room) = dashboard.room();
    let path = "/api/rooms/room-001/settings";
    let set = |key: &str, value: serde_json::Value| {
        dashboard.ask("PUT", path, Some(&json!({ "key": key, "value": value })))
    };
    assert_eq!(set("budget_tokens", json!(1_000)).status, 200);
    assert_eq!(set("model", json!("large")).status, 200);
    assert_eq!(set("agent", json!("rehearsal")).status, 200);
    let now = set("model", json!(null));
    assert_eq!(now.json()["budget_tokens"], 1_000);
    assert!(now.json()["model"].is_null(), "{}", now.text());
    let settings = room.settings().unwrap();
    assert_eq!((settings.budget_tokens, settings.model), (Some(1_000), None));
    assert_eq!(dashboard.get("/api/rooms/room-001")["settings"], now.json());
    for (key, value) in [
        ("budget_tokens", json!("many")),
        ("timeout_seconds", json!(0)),
        ("agent", json!("rehersal")),
        ("modell", json!("x")),
    ] {
        let answer = set(key, value);
        assert_eq!(answer.status, 422, "{key}: {}", answer.text());
    }
    let near = set("agent", json!("rehersal"));
    assert!(near.text().contains("did you mean `rehearsal`?"), "{}", near.text());
}
