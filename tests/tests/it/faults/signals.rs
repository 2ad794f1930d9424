//! Signals to the engine and to what it started.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use ostwin_testkit::Process;
use rustix::process::Signal;
use serde_json::json;

use super::{check_passed, first_attempt, outcomes, processes, send, wait_until_deaf};
use crate::field::{Field, PATIENCE, one_epic};

/// Time enough for each attempt that is to end by itself, on a slow and busy machine too.
const SHORT: &str = "- timeout: 10\n";

#[test]
fn terminated_it_says_so_and_the_next_run_goes_on() {
    for signal in [Signal::TERM, Signal::HUP] {
        let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
        field.plan("PLAN.md", &one_epic(""));
        let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
        field.wait_for_session(1);
        run.signal(signal).unwrap();
        assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(143), "{signal:?}");
        field.check_no_process();
        field.expect(&["run", "PLAN.md", "--no-wait"], 0);
        check_passed(&field);
        assert_eq!(outcomes(&field.room(1)), ["interrupted", "done", "pass"]);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_agent() {
    let settings = json!({ "kill_grace_seconds": 3600 });
    let field = first_attempt(&json!({ "do": "hang", "stubborn": true }), &settings);
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = Process::spawn(&mut command).unwrap();
    wait_until_deaf(&field);
    run.signal(Signal::INT).unwrap();
    // Two signals at once are one: the second is sent when the first was heard.
    let mut said = BufReader::new(run.child().stderr.take().unwrap()).lines();
    let heard = said.any(|line| line.unwrap().contains("once more kills them"));
    assert!(heard, "it ended without saying how to hurry it");
    let early = run.wait(Duration::from_millis(300));
    assert!(early.is_err(), "the agent gets its grace first: {early:?}");
    run.signal(Signal::INT).unwrap();
    // Otherwise it would take the hour of the grace.
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(130));
    field.check_no_process();
    assert_eq!(outcomes(&field.room(1)), ["interrupted"]);
}

#[test]
fn a_reader_that_has_gone_does_not_end_the_run() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = Process::spawn(&mut command).unwrap();
    drop((run.child().stdout.take(), run.child().stderr.take()));
    field.wait_for_session(1);
    send(processes(&field, "ostwin-rehearsal")[0], Signal::KILL);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    check_passed(&field);
}

#[test]
fn a_reader_that_has_gone_does_not_make_a_failure_a_success() {
    let script = json!({ "v": 1, "rules": [{ "when": {}, "verdict": { "fail_first": 9 } }] });
    let field = Field::new(&script, &json!({ "max_retries": 0, "plan_review": "off" }));
    field.plan("PLAN.md", &one_epic(""));
    let mut command = field.ostwin(&["run", "PLAN.md", "--no-wait"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = Process::spawn(&mut command).unwrap();
    drop(run.child().stdout.take());
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(1));
}

#[test]
fn without_its_cache_a_run_goes_on() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(SHORT));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    ostwin_core::fs::remove_dir_all(&field.project.layout().cache()).unwrap();
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    check_passed(&field);
}

#[test]
fn a_stopped_agent_is_ended_at_its_deadline() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(SHORT));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    send(processes(&field, "ostwin-rehearsal")[0], Signal::STOP);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["timeout", "done", "pass"]);
}

#[test]
fn a_stopped_guardian_does_not_stop_the_plan() {
    let field = first_attempt(&json!({ "do": "hang" }), &json!({}));
    field.plan("PLAN.md", &one_epic(SHORT));
    let mut run = field.spawn(&["run", "PLAN.md", "--no-wait"]);
    field.wait_for_session(1);
    send(processes(&field, "__session")[0], Signal::STOP);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0));
    check_passed(&field);
    assert_eq!(outcomes(&field.room(1)), ["timeout", "done", "pass"]);
}
