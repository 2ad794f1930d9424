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

/// Drives a machine with arbitrary signals as the engine and its agents would, writing the audit.
fn drive(machine: &Machine, choices: &[u8]) -> (Vec<AuditLine>, StateName, u32) {
    let first =
        AuditEntry::created(1, Timestamp::from_millis(0), machine.initial_state.clone(), "engine");
    let mut lines = vec![AuditLine::from(first), AuditLine::applied(1)];
    let (mut state, mut retries) = (machine.initial_state.clone(), 0);
    let mut seen: Vec<StateName> = Vec::new();
    for (index, choice) in choices.iter().enumerate() {
        let replay = Replay::of(machine, &lines);
        let now = Timestamp::from_millis(i64::try_from(index).unwrap() * 1000);
        let counters = replay.counters(machine, now, Spent::default());
        // The naive model of `@previous`: look back over every state that was left.
        let previous = seen.iter().rev().find(|name| machine.kind(name).unwrap().is_previous());
        let here = machine.state(&state).unwrap();
        let chosen = if here.kind == StateKind::Decision {
            machine.decide(&state, &counters, previous)
        } else {
            let signals: Vec<_> = here.signals.keys().collect();
            let Some(signal) = signals.get(usize::from(*choice) % signals.len().max(1)) else {
                break;
            };
            Some(((*signal).clone(), machine.next(&state, signal, &counters, previous).unwrap()))
        };
        let (signal, step) = chosen.expect("a checked decision always has an answer");
        retries += u32::try_from(
            step.actions.iter().filter(|action| **action == Action::IncrementRetries).count(),
        )
        .unwrap();
        let seq = replay.last_seq + 1;
        lines.push(AuditLine::from(AuditEntry {
            v: Version::default(),
            seq,
            ts: now,
            from: Some(state.clone()),
            to: step.target.clone(),
            signal: Some(signal),
            cause: Cause::Engine("test".to_owned()),
            attempt: None,
            actor: "engine".to_owned(),
            reason: String::new(),
            retries,
            actions: step.actions,
            forced: false,
            extra: Extra::new(),
        }));
        lines.push(AuditLine::applied(seq));
        seen.push(state);
        state = step.target;
    }
    (lines, state, retries)
}

proptest! {
    #[test]
    fn generated_machines_pass_the_check(machine in generated()) {
        prop_assert_eq!(check(&machine, &|_| true), Ok(()));
    }

    #[test]
    fn machines_survive_being_written(machine in generated()) {
        let text = serde_json::to_string_pretty(&machine).unwrap();
        prop_assert!(!text.contains("@triage"));
        prop_assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
    }

    #[test]
    fn replay_of_the_audit_is_the_state(
        machine in generated(),
        choices in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (lines, state, retries) = drive(&machine, &choices);
        let written: Vec<String> =
            lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        let read: Vec<AuditLine> =
            written.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&read, &lines);

        let mut replay = Replay::default();
        for line in &read {
            prop_assert_eq!(replay.feed(&machine, line), Ok(()));
        }
        prop_assert_eq!(replay.state.as_ref(), Some(&state));
        prop_assert_eq!(replay.unapplied(), None);
        prop_assert_eq!(replay.retries, retries);
        prop_assert!(replay.retries <= replay.max_retries(&machine));
        let last = read.iter().rev().find_map(AuditLine::entry).unwrap();
        prop_assert_eq!((replay.last_seq, replay.retries), (last.seq, last.retries));
        if machine.states.contains_key(names::TRIAGE) {
            prop_assert!(replay.triages <= machine.max_triages);
        }
        prop_assert_eq!(Replay::of(&machine, &read), replay);
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
    assert!(!machine.draws(&name("passed"), &name("cancelled")));
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
