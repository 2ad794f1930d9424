mod archive;
mod person;

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::fs::power_cut::{Disk, Image};
use crate::fs::recorder::{Op, recording};
use crate::ids::{EpicId, PlanId, RoleRef, RunId, SignalName};
use crate::ledger::{Ledger, Query};
use crate::lifecycle::{Cause, GenerateOptions, generate};
use crate::plan::{Criterion, Entry, Epic};
use crate::store::{Durability, Store};
use crate::time::{Clock, Timestamp};

#[derive(Debug, Default)]
struct FakeClock(Mutex<i64>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let mut millis = self.0.lock().unwrap();
        *millis += 1;
        Timestamp::from_millis(*millis)
    }
}

struct Fixture {
    _dir: tempfile::TempDir,
    clock: std::sync::Arc<FakeClock>,
    room: Room,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Durability::Os)
    }

    fn with(durability: Durability) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = std::sync::Arc::new(FakeClock::default());
        let lock_timeout = Duration::from_secs(5);
        let store = Store { durability, lock_timeout, clock: clock.clone(), ..Store::default() };
        let (layout, _) = crate::project::init(dir.path(), None, &json!({}), &store).unwrap();
        let project = Project::new(layout, store);
        let room = create(&project, new_room(&["engineer", "qa"])).unwrap();
        Self { _dir: dir, clock, room }
    }

    /// A room whose manager decides, once, and that has no retry to begin with.
    fn with_triage() -> Self {
        let fixture = Self::new();
        let mut new = new_room(&["engineer", "qa"]);
        let options = GenerateOptions {
            triage: crate::lifecycle::TriageMode::Session("manager".parse().unwrap()),
            max_retries: 0,
            ..options()
        };
        new.machine = generate(&roles(&["engineer", "qa"]), &options).unwrap();
        let room = create(fixture.room.project(), new).unwrap();
        Self { room, ..fixture }
    }

    /// Runs one session to its signal and moves the room by it.
    fn session(&self, role: &str, kind: &str, data: Option<Value>) -> String {
        let attempt = self.open(role);
        assert_eq!(self.post(role, &attempt, kind, data), SIGNAL);
        let (signal, why) = by(&self.close(&attempt, Outcome::NoSignal));
        self.signal(signal.as_str(), why);
        self.state()
    }

    fn state(&self) -> String {
        let standing = self.room.standing().unwrap();
        let status = std::fs::read_to_string(self.room.paths().status()).unwrap();
        assert_eq!(status.trim_end(), standing.state.as_str(), "the status follows the audit");
        standing.state.to_string()
    }

    fn signal(&self, signal: &str, why: Why) {
        self.room.locked(|room| room.signal(&signal.parse().unwrap(), why)).unwrap();
    }

    fn open(&self, role: &str) -> Attempt {
        self.room.locked(|room| room.open_attempt(new_attempt(role))).unwrap()
    }

    fn close(&self, attempt: &Attempt, outcome: Outcome) -> Closed {
        let ended = Ended::with(outcome, "ended");
        self.room.locked(|room| room.close_attempt(&attempt.record.id, ended)).unwrap()
    }

    fn post(&self, role: &str, attempt: &Attempt, kind: &str, data: Option<Value>) -> Refusal {
        let speaker =
            Speaker { role: role.parse().unwrap(), attempt: Some(attempt.record.id.clone()) };
        let request = PostRequest {
            to: "qa".parse().unwrap(),
            kind: kind.parse().unwrap(),
            reference: None,
            body: format!("{kind} by {role}"),
            data,
        };
        match post(&self.room, &speaker, request) {
            Ok(posted) => Refusal::None { is_signal: posted.is_signal },
            Err(PostRefusal::Forbidden { .. }) => Refusal::Forbidden,
            Err(PostRefusal::Conflict { .. }) => Refusal::Conflict,
            Err(PostRefusal::Verdict(error)) => Refusal::Verdict(error.to_string()),
            Err(error) => panic!("{error}"),
        }
    }

    fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        self.room
            .channel()
            .scan(0, |message| {
                messages.push(message);
                ControlFlow::Continue(())
            })
            .unwrap();
        messages
    }
}

use crate::channel::Message;

#[derive(Debug, PartialEq)]
enum Refusal {
    None { is_signal: bool },
    Forbidden,
    Conflict,
    Verdict(String),
}

const SIGNAL: Refusal = Refusal::None { is_signal: true };

fn roles(names: &[&str]) -> Vec<RoleRef> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn options() -> GenerateOptions {
    GenerateOptions {
        default_role: "engineer".parse().unwrap(),
        review_role: None,
        skip_review: false,
        review_restart: crate::lifecycle::ReviewRestart::Stage,
        triage: crate::lifecycle::TriageMode::Person,
        max_retries: 3,
        max_triages: 1,
    }
}

fn new_room(names: &[&str]) -> NewRoom {
    let mut epic = Epic::new(EpicId::new("EPIC-001").unwrap(), Entry::Epic);
    epic.title = "A shop".to_owned();
    let criterion =
        |id: &str| Criterion { id: id.into(), text: format!("{id} holds"), checked: false };
    epic.definition_of_done = vec![criterion("DOD-1")];
    epic.acceptance_criteria = vec![criterion("AC-1")];
    let plan = PlanId::new("shop-000001").unwrap();
    let contract = Contract::of_epic(
        &epic,
        &plan,
        RoomId::numbered(1),
        &roles(names),
        "/srv/app".into(),
        Timestamp::from_millis(0),
    )
    .unwrap();
    let machine = generate(&roles(names), &options()).unwrap();
    NewRoom {
        brief: brief(&epic, &contract),
        tasks: tasks(&epic),
        contract,
        machine: machine.normalise(),
        actor: "engine".to_owned(),
    }
}

fn new_attempt(role: &str) -> NewAttempt {
    NewAttempt {
        role: role.parse().unwrap(),
        agent: "rehearsal".to_owned(),
        model: None,
        rehearsed: true,
        run_id: RunId::generate(Timestamp::from_millis(1), 1),
        timeout: Duration::from_secs(900),
        provenance: Value::Null,
    }
}

/// A `pass` that says itself what is not met.
fn half_met() -> Option<Value> {
    let mut data = verdict(false)?;
    data["verdict"] = "pass".into();
    Some(data)
}

fn verdict(met: bool) -> Option<Value> {
    Some(json!({
        "verdict": if met { "pass" } else { "fail" },
        "summary": "looked at it",
        "criteria": [
            { "id": "DOD-1", "met": true, "evidence": "cargo test: 3 passed" },
            { "id": "AC-1", "met": met, "evidence": "GET / answers 500" },
        ],
    }))
}

fn by(closed: &Closed) -> (SignalName, Why) {
    let signal = closed.signal.as_ref().unwrap();
    let why = Why {
        cause: Cause::Message(signal.message.id.clone()),
        attempt: Some(closed.attempt.record.id.clone()),
        actor: "engine".to_owned(),
        reason: String::new(),
    };
    (signal.name.clone(), why)
}

#[test]
fn a_room_goes_from_pending_to_passed_with_one_rejection() {
    let fixture = Fixture::new();
    assert_eq!(fixture.state(), "pending");
    fixture.signal("ready", Why::engine("dependencies", "all passed"));
    assert_eq!(fixture.state(), "developing");

    for (role, kind, data, next) in [
        ("engineer", "done", None, "review"),
        ("qa", "pass", half_met(), "fixing"),
        ("engineer", "done", None, "review"),
        ("qa", "pass", verdict(true), "passed"),
    ] {
        let attempt = fixture.open(role);
        assert_eq!(fixture.post(role, &attempt, kind, data), SIGNAL);
        let closed = fixture.close(&attempt, Outcome::NoSignal);
        let (signal, why) = by(&closed);
        fixture.room.locked(|room| room.signal(&signal, why)).unwrap();
        assert_eq!(fixture.state(), next);
    }

    let fix = fixture.messages().into_iter().find(|m| m.kind.as_str() == "fix").unwrap();
    assert_eq!((fix.from.to_string(), fix.to.to_string()), ("engine".into(), "engineer".into()));
    assert!(fix.body.contains("**AC-1** GET / answers 500"), "{}", fix.body);
    assert_eq!(fixture.room.standing().unwrap().replay.retries, 1);

    let ledger = Ledger::new(fixture.room.project().layout().ledger());
    let entries = ledger.query(&Query::default(), 9).unwrap().entries;
    assert_eq!(entries.len(), 1, "the work's summary is remembered once");
    assert_eq!(entries[0].summary, "EPIC-001: done by engineer");
}

#[test]
fn who_asks_for_the_latest_attempts_reads_no_earlier_ones() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    let ended = |attempt: &Attempt| fixture.close(attempt, Outcome::Interrupted).attempt;
    let first = ended(&fixture.open("engineer"));
    let second = ended(&fixture.open("engineer"));
    let (room, stay) = (&fixture.room, second.record.audit_seq);
    assert_eq!(room.attempts_of_stay(stay).unwrap(), [first.clone(), second.clone()]);

    fixture.signal("done", Why::engine("test", ""));
    let third = fixture.open("qa");
    fs::replace_hint(&first.paths.record(), b"{").unwrap();
    assert_eq!(room.last_attempt().unwrap().as_ref(), Some(&third));
    assert_eq!(room.attempt_before(third.record.number).unwrap().as_ref(), Some(&second));
    assert_eq!(room.attempts_of_stay(third.record.audit_seq).unwrap(), [third]);
    assert!(room.attempts_of_stay(stay).is_err());
    assert!(room.attempts().is_err());
    fs::remove_file(&first.paths.record()).unwrap();
    assert_eq!(room.attempt_before(second.record.number).unwrap(), None);
}

#[test]
fn what_may_not_move_the_room_is_refused_and_leaves_a_trace() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    let attempt = fixture.open("engineer");
    let before = fixture.room.standing().unwrap().replay;

    assert_eq!(fixture.post("qa", &attempt, "done", None), Refusal::Forbidden, "another role");
    assert_eq!(fixture.post("engineer", &attempt, "pass", verdict(true)), Refusal::Forbidden);
    let mut foreign = attempt.clone();
    foreign.record.id = crate::ids::AttemptId::generate(Timestamp::from_millis(7), 7);
    assert_eq!(fixture.post("engineer", &foreign, "done", None), Refusal::Conflict);
    let traces = fixture.messages();
    assert_eq!(traces.len(), 3);
    assert!(traces.iter().all(|trace| trace.kind.as_str() == "note"), "{traces:?}");

    assert_eq!(
        fixture.post("engineer", &attempt, "note", None),
        Refusal::None { is_signal: false }
    );
    assert_eq!(fixture.post("engineer", &attempt, "done", None), SIGNAL);
    assert_eq!(fixture.post("engineer", &attempt, "escalate", None), Refusal::Conflict, "a second");
    let closed = fixture.close(&attempt, Outcome::Timeout);
    assert_eq!(closed.attempt.record.outcome, Some(Outcome::Signal("done".parse().unwrap())));
    assert_eq!(fixture.post("engineer", &attempt, "done", None), Refusal::Conflict, "closed");
    assert_eq!(fixture.room.standing().unwrap().replay, before);
}

#[test]
fn a_signal_after_the_deadline_is_refused() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    let attempt = fixture.open("engineer");
    *fixture.clock.0.lock().unwrap() = attempt.record.deadline_at.as_millis();
    assert_eq!(fixture.post("engineer", &attempt, "done", None), Refusal::Conflict);
    let closed = fixture.close(&attempt, Outcome::Timeout);
    assert_eq!(closed.signal, None);
}

#[test]
fn a_pass_must_answer_every_criterion_with_evidence_and_may_be_mended() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    let attempt = fixture.open("engineer");
    fixture.post("engineer", &attempt, "done", None);
    let (signal, why) = by(&fixture.close(&attempt, Outcome::NoSignal));
    fixture.room.locked(|room| room.signal(&signal, why)).unwrap();
    let review = fixture.open("qa");
    let pass = |criteria: Value| {
        fixture.post("qa", &review, "pass", Some(json!({ "criteria": criteria })))
    };
    let Refusal::Verdict(problem) = fixture.post("qa", &review, "pass", None) else { panic!() };
    assert!(problem.contains("missing"), "{problem}");
    let incomplete = json!([
        { "id": "DOD-1", "met": true, "evidence": " " },
        { "id": "AC-9", "met": true, "evidence": "x" },
    ]);
    let Refusal::Verdict(problem) = pass(incomplete) else { panic!() };
    for part in ["AC-1 has no answer", "DOD-1 has no evidence", "`AC-9` is no criterion"] {
        assert!(problem.contains(part), "{problem}");
    }
    assert_eq!(fixture.post("qa", &review, "pass", verdict(true)), SIGNAL);
}

#[test]
fn a_transition_is_finished_once_whatever_a_kill_or_a_power_cut_left_of_it() {
    let whole = Rejection::new().ops.len();
    for cut in 0..=whole {
        for image in Image::ALL {
            let rejection = Rejection::new();
            rejection.disk.after(&rejection.ops[..cut]).leave(&mut image.rule()).unwrap();
            let fixture = &rejection.fixture;
            let case = format!("{image:?} after {cut} of {whole} operations");
            fixture
                .room
                .locked(|_| Ok::<_, RoomError>(()))
                .unwrap_or_else(|e| panic!("{case}: {e}"));
            let state = fixture.state();
            assert!(["review", "fixing"].contains(&state.as_str()), "{case}: {state}");
            if cut == whole {
                assert_eq!(state, "fixing", "{case}: what was acknowledged is there");
            }
            let fixes = fixture.messages().iter().filter(|m| m.kind.as_str() == "fix").count();
            assert_eq!(fixes, usize::from(state == "fixing"), "{case}");
            assert_eq!(fixture.room.standing().unwrap().replay.unapplied(), None, "{case}");
            let spent = fixture.room.standing().unwrap().replay.retries;
            assert_eq!(spent, u32::from(state == "fixing"), "{case}");
        }
    }
}

/// A room in review that was rejected, the operations that this took, and the disk before them.
struct Rejection {
    fixture: Fixture,
    disk: Disk,
    ops: Vec<Op>,
}

impl Rejection {
    fn new() -> Self {
        let fixture = Fixture::with(Durability::Sync);
        fixture.signal("ready", Why::engine("dependencies", ""));
        let attempt = fixture.open("engineer");
        fixture.post("engineer", &attempt, "done", None);
        let (signal, why) = by(&fixture.close(&attempt, Outcome::NoSignal));
        fixture.room.locked(|room| room.signal(&signal, why)).unwrap();
        let review = fixture.open("qa");
        fixture.post("qa", &review, "fail", verdict(false));
        let (signal, why) = by(&fixture.close(&review, Outcome::NoSignal));
        let disk = Disk::of(fixture.room.paths().dir()).unwrap();
        let (_, ops) = recording(|| fixture.room.locked(|room| room.signal(&signal, why)).unwrap());
        Self { fixture, disk, ops }
    }
}

#[test]
fn an_open_attempt_survives_a_power_cut() {
    let fixture = Fixture::with(Durability::Sync);
    fixture.signal("ready", Why::engine("dependencies", "all passed"));
    let (attempt, ops) = recording(|| fixture.open("engineer"));
    let at = |wanted: Op| ops.iter().position(|op| *op == wanted);
    let made = at(Op::CreateDir { path: attempt.paths.dir().to_owned() }).unwrap();
    let kept = at(Op::SyncDir { path: fixture.room.paths().attempts() });
    assert!(kept.is_some_and(|kept| kept > made), "{ops:#?}");
}

#[test]
fn two_makers_never_get_the_same_room() {
    let fixture = Fixture::new();
    let project = fixture.room.project();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..4)
            .map(|maker| {
                scope.spawn(move || {
                    let mut new = new_room(&["engineer", "qa"]);
                    new.contract.plan_id = PlanId::new(&format!("plan-{maker}")).unwrap();
                    (0..5).map(|_| create(project, new.clone()).unwrap().id().to_string()).collect()
                })
            })
            .collect();
        makers.into_iter().flat_map(|m| -> Vec<String> { m.join().unwrap() }).collect()
    });
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (20, 20));
    assert_eq!(Room::list(project).unwrap().len(), 21);
}

#[test]
fn an_override_needs_a_drawn_way_or_force_and_no_open_attempt() {
    let fixture = Fixture::new();
    let set = |to: &str, force: bool| {
        let why = Why { actor: "ada".into(), ..Why::engine("override", "because") };
        fixture.room.locked(|room| room.set_state(&to.parse().unwrap(), force, why))
    };
    assert!(set("nowhere", true).unwrap_err().to_string().contains("has no state"));
    assert!(set("passed", false).unwrap_err().to_string().contains("--force"));
    assert!(set("passed", true).unwrap().forced);
    assert_eq!(fixture.state(), "passed");
    assert!(!set("developing", false).unwrap().forced, "a finished room can be opened again");
    let attempt = fixture.open("engineer");
    assert!(set("cancelled", false).unwrap_err().to_string().contains("open"));
    fixture.close(&attempt, Outcome::Cancelled);
    assert!(!set("cancelled", false).unwrap().forced);
}

#[test]
fn counters_and_states_survive_garbage_in_the_audit() {
    let fixture = Fixture::new();
    fixture.signal("ready", Why::engine("dependencies", ""));
    use std::io::Write;
    let mut audit = fs::open_append(&fixture.room.paths().audit()).unwrap();
    audit.write_all(b"null\n7\n{}\n{\"seq\":9").unwrap();
    assert_eq!(fixture.state(), "developing");
    let attempt = fixture.open("engineer");
    fixture.post("engineer", &attempt, "done", None);
    let (signal, why) = by(&fixture.close(&attempt, Outcome::NoSignal));
    fixture.room.locked(|room| room.signal(&signal, why)).unwrap();
    assert_eq!(fixture.state(), "review");
}
