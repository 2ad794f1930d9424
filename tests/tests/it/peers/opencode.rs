//! A real agent program: opencode, against a model's service that plays a script.

use ostwin_core::channel::Message;
use ostwin_core::events::EventKind;
use ostwin_core::ledger::{Ledger, Query};
use ostwin_core::room::{AttemptRecord, Outcome};
use ostwin_testkit::{Process, wait_until};
use rustix::process::Signal;
use serde_json::json;

use super::kit::installed;
use super::model::{Manner, Model, PATIENCE};
use crate::field::{self, Field, all_passed, lines_of, messages, one_epic};

pub(super) const TWO_EPICS: &str = "# Plan: Two\n\n\
    ## EPIC-001: First\n\n- Roles: engineer, qa\n\n### Definition of Done\n\n- [ ] It is there\n\n\
    ### Acceptance Criteria\n\n- [ ] It works\n\n\
    ## EPIC-002: Second\n\n- Roles: engineer, qa\n\n### Definition of Done\n\n- [ ] It is there\n\n\
    ### Acceptance Criteria\n\n- [ ] It works\n\ndepends_on: [EPIC-001]\n";

/// The value that stands for a person's key.
const KEY: &str = "sk-of-the-scripted-model-0123456789";

/// A project whose sessions run opencode on this model.
fn field(model: &Model, settings: &serde_json::Value) -> Field {
    let program = installed("agents", "package-lock.json")
        .join("node_modules/opencode-linux-x64/bin/opencode");
    let config = json!({
        "provider": { "scripted": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Scripted",
            "options": { "baseURL": model.address(), "apiKey": KEY },
            "models": { "scripted": { "name": "Scripted" } },
        } },
        "model": "scripted/scripted",
        "small_model": "scripted/scripted",
        "autoupdate": false,
        "share": "disabled",
    });
    let mut all = json!({
        "default_agent": "opencode",
        "max_retries": 0,
        "agent_retries": 0,
        // Whoever judges what failed plays a script.
        "roles": { "manager": { "agent": "rehearsal" } },
        "agents": { "opencode": {
            "command": [program, "acp", "--print-logs", "--log-level", "ERROR"],
            "env": {
                "OPENCODE_CONFIG_CONTENT": config.to_string(),
                "OPENCODE_DISABLE_AUTOUPDATE": "1",
                "OPENCODE_DISABLE_MODELS_FETCH": "1",
                "SCRIPTED_API_KEY": KEY,
            },
            "home": "session",
        } },
    });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Field::new(&json!({ "v": 1 }), &all)
}

/// The record of the first attempt of the only room, after a run of one epic.
fn first_attempt(field: &Field) -> AttemptRecord {
    field.room(1).attempts().unwrap().remove(0).record
}

#[test]
fn two_epics_are_done_by_an_agent_of_other_people() {
    let model = Model::start(Manner::Work);
    let field = field(&model, &json!({}));
    field.plan("PLAN.md", TWO_EPICS);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);

    let plan = field.plans().remove(0);
    let states = field.states(&plan.meta.plan_id);
    assert!(all_passed(&states) && states.len() == 2, "{states:?}");
    field.check_rooms(&plan.meta.plan_id);
    field.check_no_process();
    for (room, _) in field.rooms(&plan.meta.plan_id) {
        let attempts = room.attempts().unwrap();
        assert_eq!(attempts.len(), 2, "one by the worker, one by the reviewer");
        for attempt in &attempts {
            let record = &attempt.record;
            assert!(matches!(record.outcome, Some(Outcome::Signal(_))), "{record:?}");
            let usage = record.usage.unwrap();
            assert!(usage.input_tokens > 0 && usage.output_tokens > 0, "{usage:?}");
            let manifest = record.manifest.as_ref().unwrap();
            let version = manifest.agent_version.as_deref().unwrap();
            assert!(version.starts_with("OpenCode 1."), "{version}");
            let tools = lines_of(&attempt.paths.transcript());
            assert!(tools.iter().any(|line| line["type"] == "tool_call"), "{tools:?}");
        }
        let said: Vec<Message> =
            messages(&room).into_iter().filter(|message| message.attempt.is_some()).collect();
        let kinds: Vec<&str> = said.iter().map(|message| message.kind.as_str()).collect();
        assert!(kinds.ends_with(&["done", "pass"]), "{kinds:?}");
    }
    let ledger = Ledger::new(field.project.layout().ledger());
    let memories = ledger.query(&Query::default(), 100).unwrap().entries;
    let published = memories.iter().filter(|entry| entry.summary == "Cents are integers").count();
    assert_eq!(published, 2, "the agent reached the memory");
    assert!(model.asked().iter().any(|request| request.to_string().contains("EPIC-002")));
}

#[test]
fn a_key_that_is_refused_is_told_apart() {
    let model = Model::start(Manner::Refuse(401, "Incorrect API key provided".to_owned()));
    let field = field(&model, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let attempt = first_attempt(&field);
    assert_eq!(attempt.outcome, Some(Outcome::Auth), "{attempt:?}");
    let attempts = field.room(1).attempts().unwrap();
    let worked = attempts.iter().filter(|attempt| attempt.record.agent == "opencode").count();
    assert_eq!(worked, 1, "asking again would not help");
    field.check_no_process();
}

#[test]
fn a_limit_with_a_known_end_parks_the_room() {
    let message = "Rate limit reached for the scripted model. Please try again in 2h5m.";
    let model = Model::start(Manner::Refuse(429, message.to_owned()));
    let field = field(&model, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md"]);
    let parked = wait_until("a parked room", field::PATIENCE, || {
        let attempt = field.room_if_any(1)?.last_attempt().ok()??.record;
        attempt.closed_at.map(|_| attempt)
    })
    .unwrap();
    assert_eq!(parked.outcome, Some(Outcome::RateLimited), "{parked:?}");
    let until = parked.resume_at.unwrap();
    let wait = until.since(parked.closed_at.unwrap()).as_secs();
    assert!((7_000..=7_500).contains(&wait), "{wait}");

    // The engine waits for it; nothing of the session is left, and nothing was spent.
    assert!(run.is_running().unwrap());
    let status = field.expect(&["status"], 0).stdout;
    assert!(status.contains("retrying in 2 h") || status.contains("retrying in"), "{status}");
    field.expect(&["stop"], 0);
    assert_eq!(run.wait(field::PATIENCE).unwrap().code(), Some(5));
    let standing = field.room(1).standing().unwrap();
    assert_eq!((standing.state.as_str(), standing.replay.retries), ("developing", 0));
    field.check_no_process();

    // An engine that starts meanwhile waits on.
    let mut again = field.spawn(&["run", "PLAN.md"]);
    wait_until("an engine", field::PATIENCE, || {
        let events = field.plans().remove(0).events().read_all().ok()?;
        (events.iter().filter(|event| event.kind == EventKind::Resumed).count() == 1).then_some(())
    })
    .unwrap();
    field.expect(&["stop"], 0);
    assert_eq!(again.wait(field::PATIENCE).unwrap().code(), Some(5));
    assert_eq!(field.room(1).attempts().unwrap().len(), 1, "no attempt before its time");
}

#[test]
fn a_service_in_trouble_fails_the_attempt() {
    let message = "The server had an error while processing your request";
    fails(Manner::Refuse(500, message.to_owned()));
}

#[test]
fn an_answer_that_breaks_off_fails_the_attempt() {
    fails(Manner::Break);
}

/// A service of this manner fails the attempt, with a word for it, and parks nothing.
fn fails(manner: Manner) {
    let model = Model::start(manner);
    // The program itself asks six times, within one and a half minutes, before it says so.
    let field = field(&model, &json!({ "timeout_seconds": 600 }));
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    let run = Process::finish(&mut command, 2 * field::PATIENCE).unwrap();
    assert_eq!(run.status.code(), Some(4), "{}", run.stderr);
    let attempt = first_attempt(&field);
    assert_eq!(attempt.outcome, Some(Outcome::RateLimited), "{attempt:?}");
    let reason = attempt.reason.unwrap();
    assert!(reason.starts_with("the model service is not available for now"), "{reason}");
    assert_eq!(attempt.resume_at, None, "nobody said when it goes on");
    assert!(model.asked().len() > 1, "the program asks again by itself");
    field.check_no_process();
}

#[test]
fn a_service_that_is_silent_ends_at_the_deadline() {
    let model = Model::start(Manner::Silence);
    let field = field(&model, &json!({ "timeout_seconds": 60 }));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 4);
    let attempt = first_attempt(&field);
    assert_eq!(attempt.outcome, Some(Outcome::Timeout), "{attempt:?}");
    field.check_no_process();
}

#[test]
fn a_session_is_cancelled_and_leaves_nothing() {
    let model = Model::start(Manner::Silence);
    let field = field(&model, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    wait_until("a question to the model", PATIENCE, || (!model.asked().is_empty()).then_some(()))
        .unwrap();
    run.signal(Signal::INT).unwrap();
    assert_eq!(run.wait(field::PATIENCE).unwrap().code(), Some(130));
    field.check_no_process();
    assert_eq!(first_attempt(&field).outcome, Some(Outcome::Interrupted));

    // The next run loads the session again, and now the service answers.
    model.turn(Manner::Work);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let standing = field.room(1).standing().unwrap();
    assert_eq!((standing.state.as_str(), standing.replay.retries), ("passed", 0));
    field.check_no_process();
}
