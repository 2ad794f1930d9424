//! Budgets: a warning, a stop, a person who raises them, and agents that tell nothing.

use ostwin_core::events::EventKind;
use ostwin_core::room::Room;
use serde_json::{Value, json};

use crate::field::{Field, one_epic};

/// A worker that uses 600 tokens and 0.5 dollars in its turn, and a reviewer that uses 300.
fn field(settings: &Value, more: &Value) -> Field {
    let mut work = json!({
        "when": { "state_type": ["work"] },
        "usage": { "input_tokens": 500, "output_tokens": 100, "cost_usd": 0.5 },
    });
    work.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let review = json!({
        "when": { "state_type": ["review"] },
        "usage": { "input_tokens": 200, "output_tokens": 100 },
    });
    let field = Field::new(&json!({ "v": 1, "rules": [work, review] }), settings);
    field.plan("PLAN.md", &one_epic(""));
    field
}

fn budget_events(field: &Field) -> Vec<String> {
    let events = field.plans().remove(0).events().read_all().unwrap();
    let budget = events.into_iter().filter(|event| event.kind == EventKind::Budget);
    budget.filter_map(|event| event.reason).collect()
}

fn outcomes(room: &Room) -> Vec<String> {
    let attempts = room.attempts().unwrap();
    attempts.iter().filter_map(|a| Some(a.record.outcome.as_ref()?.to_string())).collect()
}

#[test]
fn at_the_cap_nothing_new_starts_until_a_person_raises_it() {
    let field = field(&json!({ "budget_tokens": 600 }), &json!({}));
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert_eq!(outcomes(&room), ["done"], "what was done counts\n{}", run.stdout);
    assert_eq!(room.standing().unwrap().state.as_str(), "review");
    assert_eq!(budget_events(&field), ["the plan has used all of its budget: 600 of 600 tokens"]);
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("budget"), "{status}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(outcomes(&room), ["done"]);

    let raised = field.expect(&["plan", "budget", "--tokens", "1100"], 0).stdout;
    assert!(raised.contains("600 of 1100 tokens"), "{raised}");
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let told = budget_events(&field);
    assert!(
        told.iter().any(|text| text.contains("80 %") && text.contains("900 of 1100")),
        "{told:?}"
    );
    let refused = field.expect(&["plan", "budget", "--usd=-1"], 2).stderr;
    assert!(refused.contains("0 or a positive number"), "{refused}");
}

#[test]
fn a_session_that_has_not_finished_ends_as_budget_and_goes_on_when_raised() {
    let silence = json!({ "before_verdict": [{ "do": "silence", "nudge": "ignore" }] });
    let field = field(&json!({ "max_retries": 0 }), &silence);
    field.plan("PLAN.md", &one_epic("- budget_usd: 0.5\n"));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert_eq!(outcomes(&room), ["budget"], "no nudge is paid for");
    assert_eq!(room.standing().unwrap().replay.retries, 0);
    let wrong = field.expect(&["room", "set", "room-001", "budget_us", "2"], 2).stderr;
    assert!(wrong.contains("`budget_usd`?"), "{wrong}");
    field.expect(&["room", "set", "room-001", "budget_usd", "0.9"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(outcomes(&room), ["budget", "budget"], "it had room for one more turn");
    field.check_no_process();
}

#[test]
fn an_agent_that_tells_nothing_is_refused_under_a_cap() {
    let silent = json!({ "unmetered": true });
    let field = self::field(&json!({ "budget_tokens": 10_000 }), &silent);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let room = field.room(1);
    assert_eq!(outcomes(&room), ["done"]);
    assert!(room.last_attempt().unwrap().unwrap().record.is_unmetered());
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("does not report what it uses"), "{status}");
    field.expect(&["config", "set", "budget_unmetered", "true"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
}
