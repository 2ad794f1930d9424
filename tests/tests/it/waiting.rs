//! Waiting is free: a room that waits for a dependency, for the delay of a retry, for a person or
//! for the window of a model's service holds no slot and no process, and the engine that waits for
//! it takes no time of the processor. And it wakes by itself.

use std::time::Duration;

use ostwin_core::lock;
use ostwin_core::room::{Outcome, Room};
use ostwin_testkit::{Process, wait_until};
use serde_json::{Value, json};

use crate::field::{Field, PATIENCE, one_epic};

/// How long an engine is watched that waits.
const QUIET: Duration = Duration::from_millis(1_500);

/// Most ticks of the processor, each a hundredth of a second, that it may take meanwhile. One that
/// looks again and again takes more than a hundred.
const FEW_TICKS: u64 = 10;

const TWO: &str = "# Plan: Two\n\n\
    ## EPIC-001: First\n\n- Roles: engineer\n- skip_review: true\n\n\
    ### Definition of Done\n\n- [ ] It is there\n\n\
    ## EPIC-002: Second\n\n- Roles: engineer\n- skip_review: true\n- depends_on: [EPIC-001]\n\n\
    ### Definition of Done\n\n- [ ] It is there\n";

/// A plan whose first worker does this, and an engine that waits for people.
fn begun(plan: &str, before: &Value, settings: &Value) -> (Field, Process) {
    let script = json!({ "v": 1, "rules": [
        { "when": { "ref": ["EPIC-001"], "attempt_number": { "max": 1 } }, "before": before },
    ] });
    let field = Field::new(&script, settings);
    field.plan("PLAN.md", plan);
    let run = field.spawn(&["run", "PLAN.md", "--wait"]);
    (field, run)
}

/// Waits until the room of EPIC-001 is in a state and its first session has ended.
fn wait_for(field: &Field, state: &str) -> Room {
    wait_until(state, PATIENCE, || {
        let room = field.room_if_any(1)?;
        let is_there = room.standing().ok()?.state.as_str() == state;
        let ended = room.last_attempt().ok()??.record.closed_at.is_some();
        (is_there && ended).then_some(room)
    })
    .unwrap()
}

/// Time on the processor so far, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
}

/// How many slots of the project are held.
fn slots_held(field: &Field) -> usize {
    let slots = std::fs::read_dir(field.project.layout().slots("rooms")).unwrap();
    slots.flatten().filter(|slot| lock::is_held(&slot.path()).unwrap()).count()
}

/// The engine sleeps.
fn check_asleep(engine: u32) {
    let before = ticks(engine);
    // The interval is what is watched.
    std::thread::sleep(QUIET);
    let taken = ticks(engine) - before;
    assert!(taken < FEW_TICKS, "a waiting engine took {taken} ticks");
}

/// The engine sleeps and is all that there is: no guardian, no session, no slot.
fn check_free(field: &Field, run: &mut Process) {
    let engine = run.id();
    wait_until("nothing but the engine", PATIENCE, || {
        (field.project.processes() == [engine]).then_some(())
    })
    .unwrap();
    assert_eq!(slots_held(field), 0);
    check_asleep(engine);
    assert!(run.is_running().unwrap());
}

fn stop(field: &Field, mut run: Process) {
    field.expect(&["stop"], 0);
    assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(5));
    field.check_no_process();
}

fn word(field: &Field, row: usize) -> String {
    let said = field.expect(&["status", "--json"], 0).stdout;
    let board: Value = serde_json::from_str(&said).unwrap();
    board["rows"][row]["display"]["word"].as_str().unwrap().to_owned()
}

#[test]
fn for_a_dependency() {
    let (field, mut run) = begun(TWO, &json!([{ "do": "hang" }]), &json!({}));
    field.wait_for_session(1);
    // The one session is that of the first epic, and its engine has nothing to do either.
    assert_eq!(word(&field, 1), "waiting");
    assert_eq!(slots_held(&field), 1);
    assert_eq!(field.room(2).attempts().unwrap(), []);
    check_asleep(run.id());
    assert!(run.is_running().unwrap());
    stop(&field, run);
}

#[test]
fn for_the_delay_of_a_retry() {
    let settings = json!({ "retry_delay_seconds": 3600 });
    let (field, mut run) = begun(&one_epic(""), &json!([{ "do": "crash" }]), &settings);
    wait_for(&field, "failed");
    check_free(&field, &mut run);
    stop(&field, run);
}

#[test]
fn for_a_person_who_decides() {
    let settings = json!({ "max_retries": 0 });
    let (field, mut run) = begun(TWO, &json!([{ "do": "crash" }]), &settings);
    wait_for(&field, "escalated");
    check_free(&field, &mut run);
    assert_eq!(word(&field, 1), "waiting", "for an epic that waits for a person");
    stop(&field, run);
}

#[test]
fn for_a_person_who_answers() {
    let asks = json!([{ "do": "ask_human", "question": "Which time zone?" }]);
    let (field, mut run) = begun(&one_epic(""), &asks, &json!({ "live_wait_seconds": 0 }));
    let room = wait_for(&field, "developing");
    assert_eq!(room.last_attempt().unwrap().unwrap().record.outcome, Some(Outcome::Waiting));
    check_free(&field, &mut run);
    stop(&field, run);
}

#[test]
fn for_a_window_and_then_the_room_wakes_by_itself() {
    let refusal = json!([{ "do": "rate_limit", "times": 1, "resets_in_seconds": 7200 }]);
    let (field, mut run) = begun(&one_epic(""), &refusal, &json!({ "max_retries": 0 }));
    let room = wait_for(&field, "developing");
    let parked = room.last_attempt().unwrap().unwrap();
    assert_eq!(parked.record.outcome, Some(Outcome::RateLimited));
    let until = parked.record.resume_at.unwrap();
    assert!(until.since(parked.record.closed_at.unwrap()) > Duration::from_secs(7_000));
    check_free(&field, &mut run);
    assert!(word(&field, 0).starts_with("retrying in"), "{}", word(&field, 0));
    stop(&field, run);

    // The file is all that knows the time: it comes sooner now, while no engine runs.
    let soon = field.core().store().now().plus(Duration::from_secs(3));
    let record = ostwin_core::room::AttemptRecord { resume_at: Some(soon), ..parked.record };
    ostwin_core::fs::replace_json_hint(&parked.paths.record(), &record).unwrap();
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let standing = room.standing().unwrap();
    assert_eq!((standing.state.as_str(), standing.replay.retries), ("passed", 0));
    let attempts = room.attempts().unwrap();
    assert!(attempts[1].record.opened_at >= soon, "it went on before the window opened");
    field.check_no_process();
}

#[test]
fn for_a_window_that_opens_soon_when_the_session_has_no_try_or_no_time_left() {
    for (settings, seconds) in
        [(json!({ "agent_retries": 0 }), 8), (json!({ "timeout_seconds": 10 }), 12)]
    {
        let refusal = json!([{ "do": "rate_limit", "times": 1, "resets_in_seconds": seconds }]);
        let mut all = json!({ "max_retries": 0 });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let (field, mut run) = begun(&one_epic(""), &refusal, &all);
        let room = wait_for(&field, "developing");
        let parked = room.last_attempt().unwrap().unwrap().record;
        assert_eq!(parked.outcome, Some(Outcome::RateLimited), "{settings}");
        let until = parked.resume_at.unwrap();
        check_free(&field, &mut run);
        assert_eq!(run.wait(PATIENCE).unwrap().code(), Some(0), "{settings}");
        let standing = room.standing().unwrap();
        assert_eq!((standing.state.as_str(), standing.replay.retries), ("passed", 0));
        let next = &room.attempts().unwrap()[1].record;
        assert!(next.opened_at >= until, "it went on before the window opened");
    }
}
