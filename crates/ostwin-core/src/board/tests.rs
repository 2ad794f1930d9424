//! The board of a plan with four epics in a diamond: 1, then 2 and 3, then 4.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::control::{EngineRecord, Pauses};
use crate::dag::{self, BuildOptions, Dag};
use crate::ids::{EpicId, PlanId, RoomId};
use crate::json::{Extra, Version};
use crate::lifecycle::{
    AuditLine, GenerateOptions, Machine, Replay, ReviewRestart, Spent, TriageMode, generate,
};
use crate::plan::{ParseOptions, Plan, parse};
use crate::plans::PlanMeta;
use crate::room::{AttemptRecord, Contract, Outcome, Progress, Standing};
use crate::time::Timestamp;

const PLAN: &str = "# Plan: Diamond\n\n## EPIC-001: One\nRoles: engineer, qa\n\n## EPIC-002: Two\n\
                    depends_on: [EPIC-001]\nRoles: engineer, qa\n\n## EPIC-003: Three\n\
                    depends_on: [EPIC-001]\nRoles: engineer, qa\n\n## EPIC-004: Four\n\
                    depends_on: [EPIC-002, EPIC-003]\nRoles: engineer, qa\n";

fn plan() -> Plan {
    parse(PLAN, &ParseOptions::default()).plan
}

fn id() -> PlanId {
    "diamond-3fa9c1".parse().unwrap()
}

fn epic(number: u32) -> EpicId {
    EpicId::new(&format!("EPIC-{number:03}")).unwrap()
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn dag() -> Dag {
    dag::build(&plan(), &BuildOptions::new(id(), "00", at(0))).unwrap()
}

pub(super) fn machine() -> Machine {
    let roles = ["engineer".parse().unwrap(), "qa".parse().unwrap()];
    let options = GenerateOptions {
        default_role: "engineer".parse().unwrap(),
        review_role: None,
        skip_review: false,
        review_restart: ReviewRestart::Stage,
        triage: TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    };
    generate(&roles, &options).unwrap().normalise()
}

/// A room of the plan that went through these states by these signals, ten seconds apart.
pub(super) fn room(number: u32, way: &[(&str, &str)]) -> RoomInput {
    let plan = plan();
    let epic = plan.epic(&epic(number)).unwrap();
    let room = RoomId::numbered(number);
    let contract =
        Contract::of_epic(epic, &id(), room.clone(), &epic.roles, "/w".into(), at(0)).unwrap();
    let machine = machine();
    let mut lines = vec![line(1, None, "pending", None)];
    let mut from = "pending";
    for (number, (signal, to)) in (2..).zip(way) {
        lines.push(line(number, Some(from), to, Some(signal)));
        from = to;
    }
    let replay = Replay::of(&machine, &lines);
    let state = replay.state.clone().unwrap();
    let reading = RoomReading {
        questions: Vec::new(),
        caps: crate::budget::Caps::default(),
        contract,
        standing: Standing { machine, replay, state },
        progress: None,
        attempt: None,
        spent: Spent::default(),
        last_message: None,
    };
    RoomInput { room, reading: Ok(Box::new(reading)) }
}

pub(super) fn line(seq: u64, from: Option<&str>, to: &str, signal: Option<&str>) -> AuditLine {
    serde_json::from_value(serde_json::json!({
        "v": 1, "seq": seq, "ts": at(i64::try_from(seq).unwrap() * 10), "from": from, "to": to,
        "signal": signal, "cause": {"engine": "test"}, "actor": "engine",
        "reason": format!("because of line {seq}"), "retries": 0,
    }))
    .unwrap()
}

/// The same room with an open attempt of this percentage.
pub(super) fn working(mut input: RoomInput, percent: u8) -> RoomInput {
    let reading = input.reading.as_mut().unwrap();
    let record: AttemptRecord = serde_json::from_value(serde_json::json!({
        "id": "att-01ARZ3NDEKTSV4RRFFQ69G5FAV", "number": 2, "state": reading.standing.state,
        "audit_seq": reading.standing.replay.last_seq, "role": "qa", "agent": "rehearsal",
        "run_id": "run-01ARZ3NDEKTSV4RRFFQ69G5FAV", "host": "h", "boot_id": "b",
        "opened_at": at(20), "deadline_at": at(900), "channel_offset": 0,
    }))
    .unwrap();
    reading.progress = Some(Progress {
        schema_version: Version::default(),
        percent,
        message: "at it".to_owned(),
        step: None,
        total_steps: None,
        attempt: Some(record.id.clone()),
        updated_at: at(25),
        extra: Extra::new(),
    });
    reading.attempt = Some(record);
    reading.spent = Spent { cost_usd: Some(0.5), tokens: 100 };
    input
}

pub(super) const DONE: [(&str, &str); 3] =
    [("ready", "developing"), ("done", "review"), ("pass", "passed")];
pub(super) const ESCALATED: [(&str, &str); 2] =
    [("ready", "developing"), ("escalate", "escalated")];
pub(super) const REVIEW: [(&str, &str); 2] = [("ready", "developing"), ("done", "review")];

pub(super) fn board(rooms: impl IntoIterator<Item = RoomInput>, driven: bool) -> Board {
    let rooms = rooms.into_iter().map(|room| (epic(room.room.number()), room)).collect();
    board_of(&rooms, driven)
}

fn board_of(rooms: &BTreeMap<EpicId, RoomInput>, driven: bool) -> Board {
    let meta = PlanMeta {
        schema_version: Version::default(),
        plan_id: id(),
        title: "Diamond".to_owned(),
        source_path: "/w/PLAN.md".into(),
        source_sha256: "00".to_owned(),
        revision: 1,
        imported_at: at(0),
        rehearsed: false,
        answers: BTreeMap::new(),
        extra: Extra::new(),
    };
    let record = EngineRecord {
        schema_version: Version::default(),
        run_id: "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        pid: 7,
        start_time: 0,
        host: "h".to_owned(),
        boot_id: "b".to_owned(),
        started_at: at(1),
        version: "0".to_owned(),
        extra: Extra::new(),
    };
    build(&Inputs {
        meta: &meta,
        dag: &dag(),
        engine: EngineInput { record: Some(record), driven },
        rooms,
        pauses: &Pauses::default(),
        max_sessions: 50,
        retry_delay: Duration::ZERO,
        caps: crate::budget::Caps::default(),
        unmetered_is_fine: false,
        now: at(100),
    })
}

/// State of the plan, percent, and each row's word with its percent.
fn told(board: &Board) -> String {
    let rows: Vec<String> = board
        .rows
        .iter()
        .map(|row| {
            let detail = row.display.detail.as_deref().map(|d| format!(" ({d})"));
            format!("{}{} {}", row.display.word, detail.unwrap_or_default(), row.percent)
        })
        .collect();
    format!("{} {}: {}", board.state, board.progress_percent, rows.join("; "))
}

#[test]
fn a_plan_that_was_never_run() {
    assert_eq!(told(&board([], false)), "planned 0: planned 0; planned 0; planned 0; planned 0");
}

#[test]
fn a_plan_that_was_only_reviewed_was_not_begun() {
    let review = BTreeMap::from([(EpicId::plan_review(), room(1, &DONE))]);
    assert_eq!(board_of(&review, false).state, PlanState::Planned);
}

#[test]
fn a_running_plan_counts_what_running_epics_say() {
    let rooms = [room(1, &DONE), working(room(2, &REVIEW), 60), room(3, &[]), room(4, &[])];
    let board = board(rooms, true);
    assert_eq!(
        told(&board),
        "running 40: passed 100; review 60; ready 0; waiting (for EPIC-002, EPIC-003) 0"
    );
    let row = &board.rows[1];
    assert_eq!((row.role.as_ref().unwrap().to_string().as_str(), row.active), ("qa", true));
    assert_eq!((row.message.as_deref(), row.elapsed_seconds), (Some("at it"), Some(80)));
    assert_eq!((board.tokens, board.cost_usd), (100, Some(0.5)));
    assert_eq!(board.elapsed_seconds, Some(80));
    let Counts { total, passed, running, waiting, .. } = board.counts;
    assert_eq!((total, passed, running, waiting), (4, 1, 1, 2));
    assert!(board.engine.unwrap().alive);
}

#[test]
fn what_waits_for_a_person_is_as_far_as_it_came() {
    let ended = |outcome: Outcome| {
        let mut room = working(room(1, &REVIEW), 60);
        let attempt = room.reading.as_mut().unwrap().attempt.as_mut().unwrap();
        (attempt.closed_at, attempt.outcome) = (Some(at(30)), Some(outcome));
        board([room], true).rows[0].percent
    };
    assert_eq!(ended(Outcome::Waiting), 60);
    assert_eq!(ended(Outcome::Budget), 60);
    assert_eq!(ended(Outcome::AgentError), 0);
}

#[test]
fn without_an_engine_nothing_runs() {
    let rooms = [room(1, &DONE), working(room(2, &REVIEW), 60), room(3, &[]), room(4, &[])];
    let board = board(rooms, false);
    assert_eq!(
        told(&board),
        "stopped 40: passed 100; review (no engine drives it) 60; planned 0; planned 0"
    );
    assert_eq!(board.counts.running, 0);
}

#[test]
fn a_plan_waits_for_a_person_once_nothing_else_can_go_on() {
    let rooms = || [room(1, &DONE), room(2, &ESCALATED), room(3, &DONE), room(4, &[])];
    for driven in [true, false] {
        assert_eq!(board(rooms(), driven).state, PlanState::WaitingForPerson);
    }
    let row = board(rooms(), true).rows[1].clone();
    assert_eq!(row.why.as_deref(), Some("because of line 3"));
    // Another epic can still be worked on.
    let [one, two, _, four] = rooms();
    assert_eq!(board([one, two, room(3, &[]), four], true).state, PlanState::Running);
}

#[test]
fn what_a_failure_blocks_says_so_and_why() {
    let given_up = [("ready", "developing"), ("escalate", "escalated"), ("reject", "failed-final")];
    let rooms = [room(1, &DONE), room(2, &given_up), room(3, &DONE), room(4, &[])];
    let board = board(rooms, false);
    assert_eq!(
        told(&board),
        "failed 50: passed 100; failed-final 0; passed 100; blocked by EPIC-002 0"
    );
    assert_eq!(board.rows[3].why.as_deref(), Some("EPIC-002 did not pass"));
    assert_eq!((board.counts.failed, board.counts.blocked), (1, 1));
    // It is over: the clock stands still.
    assert_eq!(board.elapsed_seconds, Some(20));
}

#[test]
fn every_epic_passed() {
    let board = board((1..=4).map(|number| room(number, &DONE)), true);
    assert_eq!(told(&board), "finished 100: passed 100; passed 100; passed 100; passed 100");
}

#[test]
fn a_damaged_room_is_shown_and_asks_for_attention() {
    let damaged = RoomInput { room: RoomId::numbered(2), reading: Err("no audit".to_owned()) };
    let board = board([room(1, &DONE), damaged, room(3, &DONE), room(4, &[])], true);
    assert_eq!(board.rows[1].display.word, "damaged");
    assert_eq!(board.rows[1].why.as_deref(), Some("no audit"));
    assert_eq!(board.state, PlanState::WaitingForPerson);
}
