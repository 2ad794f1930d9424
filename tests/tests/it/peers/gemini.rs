//! A second real agent program: gemini, against a model's service that plays a script.

use ostwin_core::room::Outcome;
use ostwin_testkit::wait_until;
use rustix::process::Signal;
use serde_json::json;

use super::kit::{installed, node_program};
use super::model::{Manner, Model, PATIENCE};
use super::opencode::TWO_EPICS;
use crate::field::{self, Field, all_passed, lines_of, one_epic};

/// The value that stands for a person's key.
const KEY: &str = "key-of-the-scripted-model-0123456789";

/// A project whose sessions run gemini, as it is preconfigured, on this model.
fn field(model: &Model) -> Field {
    let program = installed("gemini", "package-lock.json").join("node_modules/.bin/gemini");
    // The service speaks below `/v1`, and this program adds a version of its own.
    let address = model.address().trim_end_matches("/v1").to_owned();
    let settings = json!({
        "default_agent": "gemini",
        "max_retries": 0,
        "agent_retries": 0,
        // Whoever judges what failed plays a script.
        "roles": { "manager": { "agent": "rehearsal" } },
        "agents": { "gemini": {
            "command": [node_program(), program, "--acp", "-m", "gemini-2.5-flash"],
            "env": { "GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": KEY },
            "home": "session",
        } },
    });
    Field::new(&json!({ "v": 1 }), &settings)
}

#[test]
fn two_epics_are_done_by_another_agent_of_other_people() {
    let model = Model::start(Manner::Work);
    let field = field(&model);
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
            let version = record.manifest.as_ref().unwrap().agent_version.clone().unwrap();
            assert!(version.starts_with("gemini-cli 0."), "{version}");
            let lines = lines_of(&attempt.paths.transcript());
            assert!(lines.iter().any(|line| line["type"] == "tool_call"), "{lines:?}");
            // It asks before each call of a tool, and is answered by the rule.
            assert!(lines.iter().any(|line| line["type"] == "permission"), "{lines:?}");
        }
    }
    assert!(model.asked().iter().any(|request| request.to_string().contains("EPIC-002")));
}

#[test]
fn its_session_is_cancelled_and_leaves_nothing() {
    let model = Model::start(Manner::Silence);
    let field = field(&model);
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    wait_until("a question to the model", PATIENCE, || (!model.asked().is_empty()).then_some(()))
        .unwrap();
    run.signal(Signal::INT).unwrap();
    assert_eq!(run.wait(field::PATIENCE).unwrap().code(), Some(130));
    field.check_no_process();
    let attempt = field.room(1).attempts().unwrap().remove(0).record;
    assert_eq!(attempt.outcome, Some(Outcome::Interrupted));
}
