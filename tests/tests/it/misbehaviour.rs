//! Agents that hang, die, lie, flood or leave something behind.

use ostwin_core::room::Outcome;
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, lines_of, messages, one_epic};

/// Runs a plan of one epic whose worker has no retry and plays `before` first, and gives how the
/// first attempt ended.
fn worker(before: &Value, lines: &str) -> (Field, Outcome, String) {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": before },
    ] });
    let field = Field::new(&script, &json!({ "max_retries": 0, "agent_retries": 1 }));
    field.plan("PLAN.md", &one_epic(lines));
    let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
    let room = field.room(1);
    let state = room.standing().unwrap().state.to_string();
    let expected = if state == "passed" { 0 } else { 4 };
    assert_eq!(run.status.code(), Some(expected), "{state}\n{}\n{}", run.stdout, run.stderr);
    let first = room.attempts().unwrap().remove(0).record.outcome.unwrap();
    field.check_no_process();
    (field, first, state)
}

#[test]
fn one_that_hangs_is_ended_at_its_deadline() {
    let (_field, outcome, state) =
        worker(&json!([{ "do": "hang", "stubborn": true }]), "- timeout: 2\n");
    assert_eq!((outcome, state.as_str()), (Outcome::Timeout, "escalated"));
}

#[test]
fn one_that_dies_has_failed() {
    for crash in [json!({ "do": "crash", "exit_code": 0 }), json!({ "do": "crash" })] {
        let (_field, outcome, state) = worker(&json!([crash]), "");
        assert_eq!((outcome, state.as_str()), (Outcome::AgentError, "escalated"));
    }
}

#[test]
fn one_that_says_nothing_is_asked_once_more() {
    let answer = json!([{ "do": "silence", "nudge": "answer" }]);
    let (_field, outcome, state) = worker(&answer, "");
    assert_eq!((outcome.to_string().as_str(), state.as_str()), ("done", "passed"));

    let ignore = json!([{ "do": "silence", "nudge": "ignore" }]);
    let (field, outcome, state) = worker(&ignore, "");
    assert_eq!((outcome, state.as_str()), (Outcome::NoSignal, "escalated"));
    let attempt = field.room(1).attempts().unwrap().remove(0);
    let prompts = lines_of(&attempt.paths.transcript())
        .iter()
        .filter(|line| line["type"] == "prompt")
        .count();
    assert_eq!(prompts, 2, "the prompt and one nudge");
}

#[test]
fn one_that_floods_costs_bounded_space_and_time() {
    for to in ["updates", "noise", "stderr"] {
        let (field, _, state) = worker(&json!([{ "do": "flood", "to": to, "mib": 64 }]), "");
        assert_eq!(state, "passed", "{to}");
        let attempt = field.room(1).attempts().unwrap().remove(0);
        let size = |path: std::path::PathBuf| std::fs::metadata(path).map_or(0, |m| m.len());
        let kept = size(attempt.paths.transcript()) + size(attempt.paths.stderr());
        assert!(kept < 40 << 20, "{to}: {kept} bytes were kept");
    }
    let (_field, outcome, state) = worker(&json!([{ "do": "flood", "to": "line", "mib": 64 }]), "");
    assert_eq!((outcome, state.as_str()), (Outcome::AgentError, "escalated"));
}

#[test]
fn one_that_floods_leaves_the_engine_small() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "before": [
            { "do": "flood", "to": "noise", "mib": 256 },
            { "do": "flood", "to": "stderr", "mib": 256 },
        ] },
    ] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    let status = format!("/proc/{}/status", run.id());
    let mut peak = 0;
    while run.is_running().unwrap() {
        // The figure is gone the moment the process ends.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(found.unwrap_or(0));
        std::thread::yield_now();
    }
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    assert!((1..120 * 1024).contains(&peak), "the engine's memory rose to {peak} KiB");
}

#[test]
fn one_that_lies_about_itself_moves_nothing_and_leaves_a_trace() {
    let foreign = "att-01J8Z3K9V7Q2M5N4P6R8S0T1W3";
    let lies = json!([
        { "do": "impersonate", "role": "qa", "signal": "done" },
        { "do": "impersonate", "role": "manager", "signal": "escalate" },
        { "do": "impersonate", "attempt": foreign, "signal": "done" },
        { "do": "impersonate", "signal": "pass" },
        { "do": "impersonate", "status": "passed" },
        { "do": "silence", "nudge": "ignore" },
    ]);
    let (field, outcome, state) = worker(&lies, "");
    assert_eq!((outcome, state.as_str()), (Outcome::NoSignal, "escalated"));
    let room = field.room(1);
    let moved: Vec<_> = room
        .audit()
        .unwrap()
        .iter()
        .filter_map(|line| line.entry().map(|entry| entry.to.to_string()))
        .collect();
    assert_eq!(moved, ["pending", "developing", "failed", "triage", "escalated"]);
    let traces: Vec<_> =
        messages(&room).into_iter().filter(|m| m.from.to_string() == "engine").collect();
    assert!(traces.len() >= 4, "{traces:#?}");
    assert!(traces.iter().all(|trace| trace.body.starts_with("Refused `")), "{traces:#?}");
}

#[test]
fn one_that_speaks_after_its_time_moves_nothing() {
    // Its processes are ended before it gets a word in; that the server itself refuses a late
    // signal is tested with the servers.
    let (field, outcome, state) = worker(&json!([{ "do": "late" }]), "- timeout: 2\n");
    assert_eq!((outcome, state.as_str()), (Outcome::Timeout, "escalated"));
    let spoken: Vec<_> =
        messages(&field.room(1)).into_iter().filter(|m| m.kind.as_str() == "done").collect();
    assert_eq!(spoken, []);
}

#[test]
fn one_that_signals_twice_is_heard_once() {
    let script = json!({ "v": 1, "rules": [
        { "when": { "state_type": ["work"] }, "after": [{ "do": "verdict_again" }] },
    ] });
    let field = Field::new(&script, &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let said = messages(&field.room(1));
    assert_eq!(said.iter().filter(|m| m.kind.as_str() == "done").count(), 1, "{said:#?}");
    assert!(said.iter().any(|m| m.body.starts_with("Refused `done`")), "{said:#?}");
}

#[test]
fn one_that_leaves_processes_behind_leaves_none() {
    for fork in [
        json!({ "do": "fork" }),
        json!({ "do": "fork", "keep_mark": false }),
        json!({ "do": "fork", "hold_output": true }),
    ] {
        let (_field, outcome, state) = worker(&json!([fork]), "");
        assert_eq!((outcome.to_string().as_str(), state.as_str()), ("done", "passed"));
    }
}

#[test]
fn one_whose_service_refuses_is_told_apart() {
    let (_field, outcome, _) = worker(&json!([{ "do": "auth_required" }]), "");
    assert_eq!(outcome, Outcome::Auth);
    let (_field, outcome, _) =
        worker(&json!([{ "do": "agent_error", "text": "out of ideas" }]), "");
    assert_eq!(outcome, Outcome::AgentError);
    let (_field, outcome, state) = worker(&json!([{ "do": "rate_limit", "times": 1 }]), "");
    assert_eq!((outcome.to_string().as_str(), state.as_str()), ("done", "passed"));
    let (_field, outcome, _) = worker(&json!([{ "do": "rate_limit", "times": 9 }]), "");
    assert_eq!(outcome, Outcome::RateLimited);
}

#[test]
fn one_that_is_not_there_fails_its_attempt() {
    let field = Field::new(
        &json!({ "v": 1 }),
        &json!({
            "max_retries": 0,
            "default_agent": "absent",
            "agents": { "absent": { "protocol": "acp", "command": ["no-such-agent-program"] } },
        }),
    );
    field.plan("PLAN.md", &one_epic(""));
    let run = field.finish(&["run", "PLAN.md", "--no-wait"]);
    assert!(matches!(run.status.code(), Some(2 | 4 | 6)), "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("no-such-agent-program")
            || run.stdout.contains("no-such-agent-program"),
        "{}\n{}",
        run.stdout,
        run.stderr
    );
    field.check_no_process();
}
