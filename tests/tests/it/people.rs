//! A session that needs a person: permissions, questions, and what happens when nobody is there.

use ostwin_core::events::{Event, EventKind};
use ostwin_core::room::{Asks, Outcome, Question, Room};
use ostwin_testkit::wait_until;
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, lines_of, messages, one_epic};

const ASK: &str = "Remove the old tables";

/// A project in which the worker asks first.
fn field(before: &Value, settings: &Value) -> Field {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": before },
    ] });
    let field = Field::new(&script, settings);
    field.plan("PLAN.md", &one_epic(""));
    field
}

fn asks_permission() -> Value {
    json!([{ "do": "ask_permission", "title": ASK, "command": "psql -c 'drop table t'" }])
}

/// Waits until the room asks a person something.
fn question(field: &Field) -> Question {
    wait_until("a question", PATIENCE, || {
        let room = field.room_if_any(1)?;
        room.open_questions(PATIENCE).ok()?.pop()
    })
    .unwrap()
}

fn outcomes(room: &Room) -> Vec<String> {
    let attempts = room.attempts().unwrap();
    attempts.iter().filter_map(|a| Some(a.record.outcome.as_ref()?.to_string())).collect()
}

fn permissions(field: &Field) -> Vec<Event> {
    let mut events = field.plans().remove(0).events().read_all().unwrap();
    events.retain(|event| event.kind == EventKind::Permission);
    events
}

/// Who decided about a permission, by the transcript of an attempt.
fn decided(room: &Room, attempt: usize) -> Vec<Value> {
    let lines = lines_of(&room.attempts().unwrap()[attempt].paths.transcript());
    lines.into_iter().filter(|line| line["type"] == "permission").collect()
}

#[test]
fn a_person_allows_while_the_session_waits() {
    let field = field(&asks_permission(), &json!({ "approvals": { "mode": "ask" } }));
    let mut run = field.spawn(&["run", "PLAN.md"]);
    let asked = question(&field);
    assert_eq!(asked.asks, Asks::Permission);
    assert!(asked.text.contains(ASK) && asked.text.contains("drop table"), "{}", asked.text);
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("waiting"), "{status}");
    // An answer in words is none.
    let wrong = field.expect(&["room", "answer", "room-001", "yes"], 2);
    assert!(wrong.stderr.contains("ostwin room approve"), "{}", wrong.stderr);
    field.expect(&["room", "approve", "room-001", "--note", "they are backed up"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    let room = field.room(1);
    assert_eq!(outcomes(&room)[0], "done", "one session, which went on");
    let choice = decided(&room, 0).remove(0);
    assert_eq!(choice["choice"], "allow", "{choice}");
    let event = permissions(&field).remove(0);
    let by = event.data.unwrap()["decided_by"].as_str().unwrap().to_owned();
    assert!(choice["decided_by"] == by.as_str() && by.contains("msg-"), "{by}");
    field.expect(&["room", "approve", "room-001"], 2);
}

#[test]
fn nobody_answers_and_the_next_session_gets_the_answer() {
    let settings =
        json!({ "approvals": { "mode": "ask" }, "live_wait_seconds": 0, "max_retries": 0 });
    let field = field(&asks_permission(), &settings);
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.check_no_process();
    let room = field.room(1);
    assert_eq!(outcomes(&room), ["waiting"]);
    assert_eq!(room.standing().unwrap().state.as_str(), "developing");
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("waiting") && status.contains(ASK), "{status}");
    // Nothing has changed, so nothing is started.
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    assert_eq!(outcomes(&room), ["waiting"]);

    field.expect(&["room", "deny", "room-001", "--note", "not on a Friday"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    assert_eq!(outcomes(&room)[..2], ["waiting", "done"], "and no retry was spent");
    assert_eq!(room.standing().unwrap().replay.retries, 0);
    let attempts = room.attempts().unwrap();
    let session = |at: usize| attempts[at].record.agent_session.clone().unwrap();
    assert_eq!(session(0), session(1), "the agent's own session is gone on with");
    let prompt = std::fs::read_to_string(attempts[1].paths.prompt()).unwrap();
    let first = prompt.lines().next().unwrap();
    assert!(first.contains("What you asked, and the answer"), "{first}");
    assert!(prompt.contains("not on a Friday"), "{prompt}");
    // Asked again, it is answered at once, and nobody is asked twice.
    assert_eq!(decided(&room, 1)[0]["choice"], "reject");
    let asked = messages(&room).iter().filter(|m| m.kind.as_str() == "approval-request").count();
    assert_eq!(asked, 1);
}

#[test]
fn without_an_answer_it_is_denied_in_time() {
    let settings = json!({ "approvals": { "mode": "ask" }, "ask_timeout_seconds": 1 });
    let field = field(&asks_permission(), &settings);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let room = field.room(1);
    assert_eq!(outcomes(&room)[0], "done");
    let denied = decided(&room, 0).remove(0);
    assert_eq!(
        (&denied["choice"], &denied["decided_by"]),
        (&json!("reject"), &json!("time limit: nobody answered"))
    );
}

#[test]
fn rules_decide_without_anybody() {
    let before = json!([
        { "do": "ask_permission", "title": "Run tests", "command": "cargo test" },
        { "do": "ask_permission", "title": "Both", "command": "cargo test; rm -rf /" },
        { "do": "ask_permission", "title": "Else", "command": "make" },
    ]);
    let approvals = json!({ "mode": "rules", "allow": ["execute:cargo *"],
                            "deny": ["execute:rm *"], "otherwise": "deny" });
    let field = field(&before, &json!({ "approvals": approvals }));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let told: Vec<(Value, Value)> = permissions(&field)
        .into_iter()
        .map(|event| event.data.unwrap())
        .map(|data| (data["allowed"].clone(), data["decided_by"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!(true), json!("rule allow `execute:cargo *`")),
            (json!(false), json!("rule deny `execute:rm *`")),
            (json!(false), json!("rules: no pattern fits, otherwise deny")),
        ]
    );
}

#[test]
fn a_question_outlives_its_session_and_its_answer_comes_first() {
    let before = json!([{ "do": "ask_human", "question": "Which time zone?" }]);
    let settings = json!({ "live_wait_seconds": 0 });
    let field = field(&before, &settings);
    let mut run = field.spawn(&["run", "PLAN.md", "--wait"]);
    let room = wait_until("the end of the first session", PATIENCE, || {
        let room = field.room_if_any(1)?;
        let last = room.last_attempt().ok()??;
        (last.record.outcome == Some(Outcome::Waiting)).then_some(room)
    })
    .unwrap();
    let asked = question(&field);
    assert_eq!((asked.asks, asked.text.as_str()), (Asks::Answer, "Which time zone?"));
    field.expect(&["room", "answer", "room-001", "UTC, everywhere"], 0);
    let second =
        wait_until("the next session", PATIENCE, || room.attempts().ok()?.into_iter().nth(1));
    let second = second.unwrap();
    let prompt =
        wait_until("its prompt", PATIENCE, || std::fs::read_to_string(second.paths.prompt()).ok());
    assert!(prompt.unwrap().contains("UTC, everywhere"));
    // It asks again, as the script says; this time the plan is stopped.
    field.expect(&["stop"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(5));
    field.check_no_process();
}

#[test]
fn what_a_session_has_cost_is_counted_once_when_it_is_gone_on_with() {
    let costs =
        |cost_usd: f64| json!({ "input_tokens": 10, "output_tokens": 1, "cost_usd": cost_usd });
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"], "attempt_number": { "max": 1 } },
          "before": [{ "do": "ask_human", "question": "Which time zone?" }], "usage": costs(0.5) },
        { "when": { "state_type": ["work"] }, "usage": costs(0.75) },
        { "when": { "state_type": ["review"] }, "usage": costs(0.125) },
    ] });
    let field = Field::new(&script, &json!({ "live_wait_seconds": 0 }));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    field.expect(&["room", "answer", "room-001", "UTC"], 0);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let attempts = field.room(1).attempts().unwrap();
    let of = |at: usize| &attempts[at].record;
    assert_eq!(of(0).agent_session, of(1).agent_session, "one session, two attempts");
    let costs: Vec<Option<f64>> = attempts.iter().map(|attempt| attempt.record.cost_usd).collect();
    assert_eq!(costs, [Some(0.5), Some(0.25), Some(0.125)]);
    assert_eq!(field.room(1).spent().unwrap().cost_usd, Some(0.875));
}
