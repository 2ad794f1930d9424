use std::time::Duration;

use ostwin_core::ids::{AttemptId, RoomId};

use super::*;
use crate::snapshot::{AttemptView, PersonWait, RoomView};

const NOW: i64 = 1_000_000;

fn room(kind: StateKind) -> RoomView {
    RoomView {
        state: "some".parse().unwrap(),
        kind,
        passed: false,
        has_ready: kind == StateKind::Wait,
        awaits_approval: false,
        entered_at: Timestamp::from_millis(NOW),
        decision: None,
        attempt: None,
        waits: None,
        interruptions: 0,
    }
}

fn passed() -> RoomView {
    RoomView { passed: true, ..room(StateKind::Terminal) }
}

fn ended(outcome: Outcome) -> RoomView {
    let attempt = AttemptView {
        id: AttemptId::generate(Timestamp::from_millis(1), 1),
        outcome: Some(outcome),
        signal: None,
        gates: GateStanding::Passed,
        reason: Some("why".to_owned()),
        foreign_until: None,
        rests_until: None,
    };
    RoomView { attempt: Some(attempt), ..room(StateKind::Work) }
}

fn plan(epics: &[(&str, &[&str], RoomView)]) -> Snapshot {
    let epics = epics
        .iter()
        .enumerate()
        .map(|(order, (id, depends_on, standing))| {
            let view = EpicView {
                room: RoomId::numbered(u32::try_from(order).unwrap() + 1),
                depends_on: depends_on.iter().map(|id| id.parse().unwrap()).collect(),
                order,
                priority: 50,
                remaining: 900,
                serialize: false,
                retry_delay: Duration::ZERO,
                paused: false,
                standing: standing.clone(),
                session: Session::None,
            };
            (id.parse().unwrap(), view)
        })
        .collect();
    Snapshot {
        now: Timestamp::from_millis(NOW),
        epics,
        stopping: false,
        slots_full: false,
        budget: None,
    }
}

fn policy() -> Policy {
    Policy { max_sessions: 2, max_interruptions: 3, wait_for_people: false, approve_plans: true }
}

fn open(id: &str) -> Action {
    Action::OpenAttempt { epic: id.parse().unwrap() }
}

fn epic<'s>(snapshot: &'s mut Snapshot, id: &str) -> &'s mut EpicView {
    snapshot.epics.get_mut(&id.parse::<EpicId>().unwrap()).unwrap()
}

#[test]
fn an_epic_starts_when_its_own_dependencies_passed() {
    let snapshot = plan(&[
        ("A", &[], passed()),
        ("B", &[], room(StateKind::Review)),
        ("C", &["A"], room(StateKind::Wait)),
        ("D", &["A", "B"], room(StateKind::Wait)),
    ]);
    assert_eq!(decide(&snapshot, &policy()), [open("B"), open("C")]);
}

#[test]
fn slots_go_by_priority_then_longest_way_then_order() {
    let wait = || room(StateKind::Wait);
    let mut snapshot = plan(&[("A", &[], wait()), ("B", &[], wait()), ("C", &[], wait())]);
    assert_eq!(decide(&snapshot, &policy()), [open("A"), open("B")]);
    epic(&mut snapshot, "C").remaining = 901;
    assert_eq!(decide(&snapshot, &policy()), [open("C"), open("A")]);
    epic(&mut snapshot, "B").priority = 0;
    assert_eq!(decide(&snapshot, &policy()), [open("B"), open("C")]);
    epic(&mut snapshot, "B").session = Session::Running;
    assert_eq!(decide(&snapshot, &policy()), [open("C")]);
    snapshot.slots_full = true;
    assert_eq!(decide(&snapshot, &policy()), []);
}

#[test]
fn a_serialized_epic_never_runs_beside_another() {
    let wait = || room(StateKind::Wait);
    let mut snapshot = plan(&[("A", &[], wait()), ("B", &[], wait()), ("C", &[], wait())]);
    epic(&mut snapshot, "B").serialize = true;
    assert_eq!(decide(&snapshot, &policy()), [open("A"), open("C")]);
    epic(&mut snapshot, "B").priority = 0;
    assert_eq!(decide(&snapshot, &policy()), [open("B")]);
    // Between two attempts it is still the only one.
    epic(&mut snapshot, "B").standing = room(StateKind::Review);
    assert_eq!(decide(&snapshot, &policy()), [open("B")]);
}

#[test]
fn what_an_attempt_left_is_what_moves_the_room() {
    let moved = |standing: RoomView| match decide(&plan(&[("A", &[], standing)]), &policy()).pop() {
        Some(Action::Move { signal, .. }) => signal.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(moved(ended(Outcome::Timeout)), "timeout");
    for outcome in [Outcome::NoSignal, Outcome::AgentError, Outcome::SpawnFailed, Outcome::Auth] {
        assert_eq!(moved(ended(outcome)), "error");
    }
    let mut signalled = ended(Outcome::Signal("done".parse().unwrap()));
    let message = MessageId::generate(Timestamp::from_millis(1), 2);
    signalled.attempt.as_mut().unwrap().signal = Some((message, "done".parse().unwrap()));
    assert_eq!(moved(signalled), "done");
}

#[test]
fn an_interrupted_attempt_is_opened_again_but_not_for_ever() {
    let mut standing = ended(Outcome::Interrupted);
    standing.interruptions = 3;
    let mut snapshot = plan(&[("A", &[], standing)]);
    assert_eq!(decide(&snapshot, &policy()), [open("A")]);
    epic(&mut snapshot, "A").standing.interruptions = 4;
    let actions = decide(&snapshot, &policy());
    assert!(matches!(&actions[..], [Action::Move { signal, .. }] if signal.as_str() == "error"));
}

#[test]
fn an_open_attempt_without_a_session_is_closed_unless_another_machine_may_run_it() {
    let mut standing = ended(Outcome::NoSignal);
    standing.attempt.as_mut().unwrap().outcome = None;
    let mut snapshot = plan(&[("A", &[], standing)]);
    let close = Action::CloseStale { epic: "A".parse().unwrap() };
    assert_eq!(decide(&snapshot, &policy()), std::slice::from_ref(&close));
    let until = Timestamp::from_millis(NOW + 1);
    epic(&mut snapshot, "A").standing.attempt.as_mut().unwrap().foreign_until = Some(until);
    assert_eq!(decide(&snapshot, &policy()), [Action::WakeAt(until)]);
    snapshot.now = until;
    assert_eq!(decide(&snapshot, &policy()), [close]);
}

#[test]
fn a_retry_waits_for_its_delay_and_nothing_else_happens_meanwhile() {
    let mut failed = room(StateKind::Decision);
    failed.decision = Some("retry".parse().unwrap());
    let mut snapshot = plan(&[("A", &[], failed)]);
    epic(&mut snapshot, "A").retry_delay = Duration::from_secs(60);
    let due = Timestamp::from_millis(NOW + 60_000);
    assert_eq!(decide(&snapshot, &policy()), [Action::WakeAt(due)]);
    snapshot.now = due;
    assert_eq!(decide(&snapshot, &policy()), [Action::Decide { epic: "A".parse().unwrap() }]);
    // Being exhausted needs no pause.
    snapshot.now = Timestamp::from_millis(NOW);
    epic(&mut snapshot, "A").standing.decision = Some("exhaust".parse().unwrap());
    assert_eq!(decide(&snapshot, &policy()), [Action::Decide { epic: "A".parse().unwrap() }]);
}

#[test]
fn the_end_is_told_apart() {
    let lost = || room(StateKind::Terminal);
    let wait = || room(StateKind::Wait);
    let escalated = || RoomView { has_ready: false, ..room(StateKind::Wait) };
    let finish = |snapshot: &Snapshot, policy: &Policy| decide(snapshot, policy);

    let all = plan(&[("A", &[], passed()), ("B", &["A"], passed())]);
    assert_eq!(finish(&all, &policy()), [Action::Finish(Finish::Passed)]);
    let failed = plan(&[("A", &[], lost()), ("B", &["A"], wait()), ("C", &["B"], wait())]);
    assert_eq!(finish(&failed, &policy()), [Action::Finish(Finish::Failed)]);
    let person = plan(&[("A", &[], escalated()), ("B", &["A"], wait()), ("C", &[], passed())]);
    assert_eq!(finish(&person, &policy()), [Action::Finish(Finish::NeedsPerson)]);
    let patient = Policy { wait_for_people: true, ..policy() };
    assert_eq!(finish(&person, &patient), []);
}

#[test]
fn a_stopping_engine_starts_nothing_and_still_records_what_ended() {
    let mut snapshot =
        plan(&[("A", &[], room(StateKind::Wait)), ("B", &[], ended(Outcome::Timeout))]);
    snapshot.stopping = true;
    let actions = decide(&snapshot, &policy());
    assert!(matches!(&actions[..], [Action::Move { .. }]), "{actions:?}");
}

#[test]
fn what_is_paused_opens_no_attempt_and_everything_else_goes_on() {
    let signalled = RoomView {
        attempt: Some(AttemptView {
            signal: Some((
                "msg-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
                "done".parse().unwrap(),
            )),
            ..ended(Outcome::Signal("done".parse().unwrap())).attempt.unwrap()
        }),
        ..room(StateKind::Work)
    };
    let mut snapshot =
        plan(&[("A", &[], room(StateKind::Wait)), ("B", &[], room(StateKind::Work))]);
    epic(&mut snapshot, "A").paused = true;
    assert_eq!(decide(&snapshot, &policy()), [Action::OpenAttempt { epic: "B".parse().unwrap() }]);

    // Its signal counts all the same.
    let mut snapshot = plan(&[("A", &[], signalled)]);
    epic(&mut snapshot, "A").paused = true;
    assert!(matches!(decide(&snapshot, &policy())[..], [Action::Move { .. }]));

    // With nothing but paused rooms, only a person can go on.
    let mut snapshot = plan(&[("A", &[], room(StateKind::Review))]);
    epic(&mut snapshot, "A").paused = true;
    assert_eq!(decide(&snapshot, &policy()), [Action::Finish(Finish::NeedsPerson)]);
    let patient = Policy { wait_for_people: true, ..policy() };
    assert_eq!(decide(&snapshot, &patient), []);
}

#[test]
fn a_room_rests_until_the_service_has_capacity_and_then_goes_on_for_free() {
    let limited = ended(Outcome::RateLimited);
    let mut snapshot = plan(&[("A", &[], limited)]);
    let until = snapshot.now.plus(Duration::from_secs(3600));
    let rest = |snapshot: &mut Snapshot, until| {
        if let Some(attempt) = &mut epic(snapshot, "A").standing.attempt {
            attempt.rests_until = until;
        }
    };
    rest(&mut snapshot, Some(until));
    assert_eq!(decide(&snapshot, &policy()), [Action::WakeAt(until)]);
    snapshot.now = until;
    assert_eq!(decide(&snapshot, &policy()), [Action::OpenAttempt { epic: "A".parse().unwrap() }]);

    // Without a time that is known, it is a failure like any other.
    rest(&mut snapshot, None);
    assert!(matches!(decide(&snapshot, &policy())[..], [Action::Move { .. }]));
}

#[test]
fn a_done_counts_once_its_gates_have_succeeded() {
    let done: SignalName = "done".parse().unwrap();
    let message: MessageId = "msg-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let act = |gates: GateStanding| {
        let mut standing = ended(Outcome::Signal(done.clone()));
        let attempt = standing.attempt.as_mut().unwrap();
        attempt.signal = Some((message.clone(), done.clone()));
        attempt.gates = gates;
        decide(&plan(&[("A", &[], standing)]), &policy())
    };
    let epic: EpicId = "A".parse().unwrap();
    let moved = |signal: &str, cause: MoveCause| {
        vec![Action::Move { epic: epic.clone(), signal: signal.parse().unwrap(), cause }]
    };
    assert_eq!(act(GateStanding::Passed), moved("done", MoveCause::Message(message.clone())));
    assert_eq!(act(GateStanding::Due), [Action::RunGates { epic: epic.clone() }]);
    let failed = act(GateStanding::Failed("lint".to_owned()));
    assert_eq!(failed, moved("error", MoveCause::Gate("lint".to_owned())));
}

#[test]
fn a_review_is_approved_by_the_rule_or_waits_for_a_person() {
    let approving =
        || RoomView { has_ready: false, awaits_approval: true, ..room(StateKind::Wait) };
    let snapshot = plan(&[("PLAN-REVIEW", &[], approving())]);
    let approve = Action::Approve { epic: "PLAN-REVIEW".parse().unwrap() };
    assert_eq!(decide(&snapshot, &policy()), [approve]);
    let asking = Policy { approve_plans: false, ..policy() };
    assert_eq!(decide(&snapshot, &asking), [Action::Finish(Finish::NeedsPerson)]);
}

#[test]
fn a_room_that_waits_for_a_person_opens_nothing_until_it_is_denied() {
    let until = Timestamp::from_millis(NOW + 5_000);
    let waits = PersonWait { why: "asks".to_owned(), until: Some(until) };
    let view = RoomView { waits: Some(waits.clone()), ..ended(Outcome::Waiting) };
    let mut snapshot = plan(&[("A", &[], view), ("B", &[], room(StateKind::Work))]);
    assert_eq!(decide(&snapshot, &policy()), [open("B"), Action::WakeAt(until)]);

    // With nothing else to do it is a person's turn; who waits for people wakes to deny.
    let mut snapshot_alone =
        plan(&[("A", &[], RoomView { waits: Some(waits), ..ended(Outcome::Waiting) })]);
    assert_eq!(decide(&snapshot_alone, &policy()), [Action::Finish(Finish::NeedsPerson)]);
    let patient = Policy { wait_for_people: true, ..policy() };
    assert_eq!(decide(&snapshot_alone, &patient), [Action::WakeAt(until)]);

    // Denied or answered, the next attempt opens, and costs no retry.
    snapshot_alone.now = until;
    assert_eq!(decide(&snapshot_alone, &policy()), [open("A")]);
    epic(&mut snapshot, "A").standing.waits = None;
    assert_eq!(decide(&snapshot, &policy()), [open("A"), open("B")]);
}

#[test]
fn nothing_starts_beyond_a_budget() {
    let used_up = |why: &str| PersonWait { why: why.to_owned(), until: None };
    let mut snapshot = plan(&[
        ("A", &[], RoomView { waits: Some(used_up("room")), ..ended(Outcome::Budget) }),
        ("B", &[], room(StateKind::Review)),
    ]);
    assert_eq!(decide(&snapshot, &policy()), [open("B")]);
    snapshot.budget = Some("1000 of 1000 tokens".to_owned());
    assert_eq!(decide(&snapshot, &policy()), [Action::Finish(Finish::NeedsPerson)]);
    epic(&mut snapshot, "B").session = Session::Running;
    assert_eq!(decide(&snapshot, &policy()), [], "what runs may finish its turn");
    snapshot.budget = None;
    epic(&mut snapshot, "A").standing.waits = None;
    assert_eq!(decide(&snapshot, &policy()), [open("A")]);
}
