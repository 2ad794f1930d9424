//! What must hold for any machine and any run of it.

use proptest::prelude::*;

use super::*;
use crate::ids::{AttemptId, RoleRef, SignalName, StateName};
use crate::json::{Extra, Version};
use crate::time::Timestamp;

fn role_list() -> impl Strategy<Value = Vec<RoleRef>> {
    let role = proptest::sample::select(vec!["engineer", "engineer:fe", "qa", "7", "qa-2"])
        .prop_map(|text| RoleRef::new(text).unwrap());
    proptest::collection::vec(role, 0..5)
}

prop_compose! {
    fn any_options()(
        review in any::<bool>(),
        skip_review in any::<bool>(),
        first in any::<bool>(),
        session in any::<bool>(),
        max_retries in 0_u32..4,
        max_triages in 0_u32..3,
    ) -> GenerateOptions {
        GenerateOptions {
            default_role: RoleRef::new("engineer").unwrap(),
            review_role: review.then(|| RoleRef::new("qa").unwrap()),
            skip_review,
            review_restart: if first { ReviewRestart::First } else { ReviewRestart::Stage },
            triage: if session {
                TriageMode::Session(RoleRef::new("manager").unwrap())
            } else {
                TriageMode::Person
            },
            max_retries,
            max_triages,
        }
    }
}

prop_compose! {
    fn generated()(roles in role_list(), options in any_options()) -> Machine {
        generate(&roles, &options).unwrap()
    }
}

const STATES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "end"];

fn any_edge() -> impl Strategy<Value = Edge> {
    let guard = proptest::option::of(proptest::sample::select(vec![
        "retries < 2",
        "retries < max_retries",
        "retries >= 2",
        "triages == 0 and attempts < 9",
    ]));
    let target = prop_oneof![
        8 => proptest::sample::select(STATES.to_vec())
            .prop_map(|state| Target::State(name(state))),
        1 => Just(Target::Previous),
    ];
    let actions = proptest::sample::subsequence(
        vec![Action::IncrementRetries, Action::GrantRetry, Action::PostFix],
        0..=2,
    );
    (guard, target, actions).prop_map(|(guard, target, actions)| Edge {
        guard: guard.map(|guard| guard.parse().unwrap()),
        actions,
        ..Edge::to(target)
    })
}

fn any_state() -> impl Strategy<Value = State> {
    let kind = proptest::sample::select(vec![
        StateKind::Wait,
        StateKind::Work,
        StateKind::Review,
        StateKind::Triage,
        StateKind::Decision,
        StateKind::Decision,
    ]);
    let signals = proptest::collection::vec(
        (proptest::sample::select(vec!["go", "done", "retry"]), any_edge()),
        0..3,
    );
    (kind, signals, any::<bool>()).prop_map(|(kind, signals, ends)| {
        let mut state = State::new(kind);
        state.role = kind.has_session().then(|| RoleRef::new("engineer").unwrap());
        state.signals =
            signals.into_iter().map(|(text, edge)| (signal(text), Edges(vec![edge]))).collect();
        if ends {
            let end = Edge::to(Target::State(name("end")));
            state.signals.insert(signal("exhaust"), Edges(vec![end]));
        }
        state
    })
}

prop_compose! {
    /// Any machine, sound or not.
    fn drawn()(
        states in proptest::collection::vec(any_state(), STATES.len() - 1),
        max_retries in 0_u32..4,
    ) -> Machine {
        let end = State::new(StateKind::Terminal);
        Machine {
            schema_version: Version::default(),
            initial_state: name("s0"),
            max_retries,
            max_triages: 1,
            states: STATES.iter().map(|text| name(text)).zip(states.into_iter().chain([end])).collect(),
            extra: Extra::new(),
        }
        .normalise()
    }
}

/// A naive model of a room beside its audit.
struct Model {
    state: StateName,
    left: Vec<(StateName, Option<SignalName>)>,
    actions: Vec<Action>,
}

impl Model {
    /// The latest work or review state that was left, and by which signal: looks back over all.
    fn previous(&self, machine: &Machine) -> Option<&(StateName, Option<SignalName>)> {
        self.left.iter().rev().find(|(left, _)| machine.kind(left).unwrap().is_previous())
    }

    fn count(&self, action: Action) -> u32 {
        u32::try_from(self.actions.iter().filter(|done| **done == action).count()).unwrap()
    }
}

/// Drives a machine with arbitrary signals as the engine, its agents and people would, writing the
/// audit. Where a machine has no answer, a person moves the room by force.
fn drive(machine: &Machine, choices: &[u8]) -> (Vec<AuditLine>, Model) {
    let initial = machine.initial_state.clone();
    let first = AuditEntry::created(1, Timestamp::from_millis(0), initial.clone(), "engine");
    let mut lines = vec![AuditLine::from(first), AuditLine::applied(1)];
    let mut model = Model { state: initial, left: Vec::new(), actions: Vec::new() };
    for (index, choice) in choices.iter().enumerate() {
        let replay = Replay::of(machine, &lines);
        let now = Timestamp::from_millis(i64::try_from(index).unwrap() * 1000);
        let counters = replay.counters(machine, now, Spent::default());
        let previous = model.previous(machine).map(|(state, _)| state);
        let here = machine.state(&model.state).unwrap();
        let chosen = if here.kind == StateKind::Decision {
            machine.decide(&model.state, &counters, previous)
        } else {
            let signals: Vec<_> = here.signals.keys().collect();
            let signal = signals.get(usize::from(*choice) % signals.len().max(1));
            signal.and_then(|signal| {
                let step = machine.next(&model.state, signal, &counters, previous).ok()?;
                Some(((*signal).clone(), step))
            })
        };
        let forced = chosen.is_none();
        let (signal, step) = match chosen {
            Some((signal, step)) => (Some(signal), step),
            None => {
                let states: Vec<_> = machine.states.keys().collect();
                let target = states[usize::from(*choice) % states.len()].clone();
                (None, Step { target, actions: Vec::new() })
            }
        };
        model.actions.extend(&step.actions);
        let seq = replay.last_seq + 1;
        lines.push(AuditLine::from(AuditEntry {
            from: Some(model.state.clone()),
            signal: signal.clone(),
            retries: model.count(Action::IncrementRetries),
            actions: step.actions,
            forced,
            ..AuditEntry::created(seq, now, step.target.clone(), "engine")
        }));
        lines.push(AuditLine::applied(seq));
        model.left.push((std::mem::replace(&mut model.state, step.target), signal));
    }
    (lines, model)
}

proptest! {
    #[test]
    fn generated_machines_pass_the_check(machine in generated()) {
        prop_assert_eq!(check(&machine, &|_| true), Ok(()));
    }

    #[test]
    fn the_flow_of_a_generated_machine_makes_it_again(
        roles in role_list(), options in any_options(),
    ) {
        let machine = generate(&roles, &options).unwrap();
        let flow = Flow::of(&machine).unwrap();
        prop_assert_eq!(&flow, &Flow::of_roles(&roles, &options).unwrap());
        prop_assert_eq!(flow.machine(&options).unwrap(), machine);
    }

    #[test]
    fn machines_survive_being_written(machine in prop_oneof![generated(), drawn()]) {
        let text = serde_json::to_string_pretty(&machine).unwrap();
        prop_assert!(!text.contains("@triage"));
        prop_assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
    }

    #[test]
    fn replay_of_the_audit_is_the_state(
        machine in prop_oneof![generated(), drawn()],
        choices in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (lines, model) = drive(&machine, &choices);
        let written: Vec<String> =
            lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        let read: Vec<AuditLine> =
            written.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&read, &lines);

        let mut replay = Replay::default();
        for line in &read {
            prop_assert_eq!(replay.feed(&machine, line), Ok(()));
        }
        prop_assert_eq!(replay.state.as_ref(), Some(&model.state));
        prop_assert_eq!(replay.unapplied(), None);
        prop_assert_eq!(replay.retries, model.count(Action::IncrementRetries));
        prop_assert_eq!(replay.granted_retries, model.count(Action::GrantRetry));
        let (previous, left_by) = model.previous(&machine).cloned().unzip();
        prop_assert_eq!((replay.previous.clone(), replay.left_by.clone()), (previous, left_by.flatten()));
        let last = read.iter().rev().find_map(AuditLine::entry).unwrap();
        prop_assert_eq!((replay.last_seq, replay.retries), (last.seq, last.retries));
        prop_assert_eq!(Replay::of(&machine, &read), replay);
    }

    #[test]
    fn generated_machines_keep_their_limits(
        machine in generated(),
        choices in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let (lines, _) = drive(&machine, &choices);
        for upto in 0..lines.len() {
            let replay = Replay::of(&machine, &lines[..upto]);
            prop_assert!(replay.retries <= replay.max_retries(&machine));
        }
        // Only a person's force leads out of an end; else the limit of triage holds too.
        let forced = lines.iter().filter_map(AuditLine::entry).any(|entry| entry.forced);
        if !forced {
            prop_assert!(Replay::of(&machine, &lines).triages <= machine.max_triages);
        }
    }

    #[test]
    fn checked_decisions_end(
        machine in drawn(), retries in 0_u32..9, previous in any::<proptest::sample::Index>(),
    ) {
        // A decision has an answer whatever the counters are, and comes to a state that is none.
        if check(&machine, &|_| true).is_err() {
            return Ok(());
        }
        let earlier: Vec<_> = machine.states.iter().filter(|(_, s)| s.kind.is_previous()).collect();
        let previous = (!earlier.is_empty()).then(|| previous.get(&earlier).0);
        let mut state = name("s0");
        let mut counters =
            Counters { retries, max_retries: machine.max_retries, max_triages: 1, ..Counters::default() };
        let mut steps = 0;
        while machine.kind(&state) == Some(StateKind::Decision) {
            steps += 1;
            prop_assert!(steps < 200, "decisions go on for ever");
            let decided = machine.decide(&state, &counters, previous);
            let Some((_, step)) = decided else { panic!("{state} has no answer") };
            for action in step.actions {
                match action {
                    Action::IncrementRetries => counters.retries += 1,
                    Action::GrantRetry => counters.max_retries += 1,
                    _ => {}
                }
            }
            state = step.target;
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,60}") {
        let _ = serde_json::from_str::<Machine>(&text);
        let _ = serde_json::from_str::<AuditLine>(&text);
    }
}

fn machine(triage: TriageMode) -> Machine {
    let role = |text| RoleRef::new(text).unwrap();
    generate(
        &[role("engineer"), role("qa")],
        &GenerateOptions {
            default_role: role("engineer"),
            review_role: None,
            skip_review: false,
            review_restart: ReviewRestart::Stage,
            triage,
            max_retries: 1,
            max_triages: 1,
        },
    )
    .unwrap()
}

fn name(text: &str) -> StateName {
    StateName::new(text).unwrap()
}

fn signal(text: &str) -> SignalName {
    SignalName::new(text).unwrap()
}

fn entry(seq: u64, from: &str, to: &str) -> AuditEntry {
    AuditEntry {
        from: Some(name(from)),
        ..AuditEntry::created(seq, Timestamp::from_millis(0), name(to), "engine")
    }
}

#[test]
fn a_transition_without_its_mark_is_to_be_finished() {
    let machine = machine(TriageMode::Person);
    let moved = entry(2, "pending", "developing");
    let mut replay = Replay::of(
        &machine,
        &[
            AuditLine::from(AuditEntry::created(
                1,
                Timestamp::from_millis(0),
                name("pending"),
                "engine",
            )),
            AuditLine::applied(1),
            AuditLine::from(moved.clone()),
        ],
    );
    assert_eq!(replay.unapplied(), Some(&moved));
    assert_eq!(replay.feed(&machine, &AuditLine::applied(2)), Ok(()));
    assert_eq!(replay.unapplied(), None);
}

#[test]
fn odd_lines_are_named_and_the_audit_still_counts() {
    let machine = machine(TriageMode::Person);
    let mut replay = Replay::default();
    let created = AuditEntry::created(1, Timestamp::from_millis(0), name("pending"), "engine");
    assert_eq!(replay.feed(&machine, &created.clone().into()), Ok(()));
    assert_eq!(
        replay.feed(&machine, &created.into()).unwrap_err().to_string(),
        "transition 1 is here again after 1; the line is ignored"
    );
    assert_eq!(
        replay.feed(&machine, &entry(2, "review", "passed").into()).unwrap_err().to_string(),
        "transition 2 starts in `review`, but the state was `pending`"
    );
    assert_eq!(replay.state, Some(name("passed")));
    assert_eq!(
        replay.feed(&machine, &entry(5, "passed", "developing").into()),
        Err(Oddity::Gap { last: 2, found: 5 })
    );
    assert_eq!(replay.state, Some(name("developing")));
    assert_eq!(
        replay.feed(&machine, &AuditLine::applied(9)),
        Err(Oddity::EarlyMark { last: 5, seq: 9 })
    );
}

#[test]
fn an_audit_line_reads_as_documented() {
    let text = r#"{"seq":4,"ts":"2026-01-31T08:15:30.250Z","from":"review","to":"fixing","signal":"fail","cause":{"message":"msg-01J8Z3K9V7Q2M5N4P6R8S0T1W3"},"attempt":"att-01J8Z3K9V7Q2M5N4P6R8S0T1W3","actor":"engine","reason":"1 of 3 criteria unmet","retries":1,"later":true}"#;
    let line: AuditLine = serde_json::from_str(text).unwrap();
    let entry = line.entry().unwrap();
    assert_eq!(entry.attempt, Some(AttemptId::new("att-01J8Z3K9V7Q2M5N4P6R8S0T1W3").unwrap()));
    assert_eq!(entry.extra["later"], true);
    assert_eq!(serde_json::to_string(&line).unwrap(), text.replacen('{', "{\"v\":1,", 1));
    assert_eq!(serde_json::to_string(&AuditLine::applied(4)).unwrap(), r#"{"v":1,"applied":4}"#);
    assert!(serde_json::from_str::<AuditLine>(r#"{"v":2,"applied":4}"#).is_err());
}

#[test]
fn out_of_tries_the_room_waits_for_a_person() {
    let machine = machine(TriageMode::Person);
    let spent = Counters { retries: 1, max_retries: 1, ..Counters::default() };
    let fresh = Counters { retries: 0, ..spent };
    let step = |state: &str, text: &str, counters: &Counters| {
        machine.next(&name(state), &signal(text), counters, None).unwrap().target
    };
    assert_eq!(step("review", "fail", &fresh), name("fixing"));
    assert_eq!(step("review", "fail", &spent), name("escalated"));
    assert_eq!(step("developing", "escalate", &fresh), name("escalated"));
    let decide = |counters: &Counters| {
        let (signal, step) =
            machine.decide(&name("failed"), counters, Some(&name("review"))).unwrap();
        (signal.to_string(), step.target)
    };
    assert_eq!(decide(&fresh), ("retry".to_owned(), name("review")));
    assert_eq!(decide(&spent), ("exhaust".to_owned(), name("escalated")));
    assert_eq!(machine.decide(&name("review"), &fresh, None), None);
}

#[test]
fn a_signal_that_is_not_drawn_is_refused_with_those_that_are() {
    let machine = machine(TriageMode::Person);
    let refuse = |state: &str, text: &str| {
        machine
            .next(&name(state), &signal(text), &Counters::default(), None)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse("developing", "pass"),
        "signal `pass` means nothing in state `developing`; it has done, error, timeout, escalate"
    );
    assert_eq!(
        refuse("passed", "done"),
        "signal `done` means nothing in state `passed`; it has no signals"
    );
    assert_eq!(refuse("nowhere", "done"), "the machine has no state `nowhere`");
}

#[test]
fn agents_and_people_have_their_own_signals() {
    let machine = machine(TriageMode::Session(RoleRef::new("manager").unwrap()));
    let agent = |state: &str| {
        machine
            .allowed_agent_signals(&name(state))
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(agent("developing"), ["done", "error", "escalate"]);
    assert_eq!(agent("review"), ["pass", "fail", "error", "escalate"]);
    assert_eq!(agent("triage"), ["fix", "redesign", "replan", "reject", "error"]);
    assert_eq!(agent("escalated"), Vec::<String>::new());
    assert_eq!(machine.allowed_person_signals(&name("triage")).len(), 4);
    assert_eq!(machine.allowed_person_signals(&name("pending")), []);
}

#[test]
fn a_timeout_that_is_not_drawn_is_an_error() {
    let machine: Machine = serde_json::from_str(
        r#"{"initial_state":"a","states":{
            "a":{"type":"work","role":"x","signals":{"error":{"target":"b"}}},
            "b":{"type":"terminal"}}}"#,
    )
    .unwrap();
    let step = machine.next(&name("a"), &signal("timeout"), &Counters::default(), None).unwrap();
    assert_eq!(step.target, name("b"));
}

#[test]
fn overrides_may_follow_what_is_drawn() {
    let machine = machine(TriageMode::Person);
    assert!(machine.draws(&name("review"), &name("passed")));
    assert!(machine.draws(&name("failed"), &name("review")));
    assert!(machine.draws(&name("pending"), &name("cancelled")));
    assert!(machine.draws(&name("passed"), &name("developing")));
    assert!(!machine.draws(&name("passed"), &name("cancelled")));
    assert!(!machine.draws(&name("passed"), &name("nowhere")));
    assert!(!machine.draws(&name("pending"), &name("passed")));
}

#[test]
fn mistakes_in_the_text_name_state_signal_and_place() {
    let read = |text: &str| {
        crate::json::from_slice_located::<Machine>(
            std::path::Path::new("lifecycle.json"),
            text.as_bytes(),
        )
        .unwrap_err()
        .to_string()
    };
    assert_eq!(
        read(
            "{\"initial_state\":\"a\",\"states\":{\n \"a\":{\"type\":\"wait\",\"signals\":{\n  \
             \"go\":{\"guard\":\"retrys < 3\",\"target\":\"b\"}}}}}"
        ),
        "lifecycle.json:3:28: state `a`: signal `go`: guard `retrys < 3`: expected a counter, \
         found `retrys`; did you mean `retries`?"
    );
    assert_eq!(
        read(r#"{"initial_state":"a","states":{"a":{"type":"wait","signals":{"go":"@tirage"}}}}"#),
        "lifecycle.json:1:75: state `a`: signal `go`: invalid value: string \"@tirage\", expected \
         an edge `{\"target\": ..}`, a list of edges, or `\"@triage\"`"
    );
    assert_eq!(
        read(
            r#"{"initial_state":"a","states":{"a":{"type":"wait","signals":{"go":{"target":"b","actions":["post_fixes"]}}}}}"#
        ),
        "lifecycle.json:1:104: state `a`: signal `go`: action `post_fixes` is unknown; did you \
         mean `post_fix`?"
    );
    assert_eq!(
        read(r#"{"initial_state":"a","states":{"a":{"type":"wait"},"a":{"type":"wait"}}}"#),
        "lifecycle.json:1:71: state `a` is here twice"
    );
    assert!(
        read(r#"{"initial_state":"a","states":{"a":{"type":"sleep"}}}"#)
            .contains("unknown variant `sleep`")
    );
}

#[test]
fn unknown_fields_of_a_machine_survive() {
    let text = r#"{"schema_version":1,"initial_state":"a","max_retries":3,"max_triages":1,"states":{"a":{"type":"wait","signals":{"go":{"target":"b","note":1}},"colour":"red"},"b":{"type":"terminal"}},"$schema":"x"}"#;
    let machine: Machine = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&machine).unwrap(), text);
}
