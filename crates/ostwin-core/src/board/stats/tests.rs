//! The figures of the diamond's boards, and of what happened in them.

use proptest::prelude::*;
use serde_json::json;

use super::super::tests::{DONE, ESCALATED, REVIEW, at, board, line, machine, room, working};
use super::*;
use crate::board::RoomInput;

fn figures(since: i64, now: i64) -> Figures {
    Figures::new(at(since), at(now))
}

fn tally<const N: usize>(names: [(&str, u64); N]) -> Tally {
    Tally(names.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
}

#[test]
fn plans_and_rooms_are_counted_as_their_boards_show_them() {
    let damaged = RoomInput { reading: Err("no JSON".to_owned()), ..room(4, &[]) };
    let busy =
        board([room(1, &DONE), room(2, &ESCALATED), working(room(3, &REVIEW), 50), damaged], true);
    let done = board((1..=4).map(|number| room(number, &DONE)), false);
    let mut figures = figures(0, 100);
    figures.board(&busy);
    figures.board(&done);
    figures.stray_room(None);
    let stats = figures.finish();
    assert_eq!(stats.plans, tally([("finished", 1), ("running", 1)]));
    assert_eq!(
        stats.rooms,
        tally([("(unreadable)", 2), ("escalated", 1), ("passed", 5), ("review", 1)])
    );
    assert_eq!((stats.epics.total, stats.epics.passed, stats.epics.running), (8, 5, 1));
    assert_eq!(stats.completion_percent, Some(68));
    assert_eq!(stats.escalations_pending, 1);
    assert_eq!(stats.escalations[0].epic.as_str(), "EPIC-002");
    assert_eq!(stats.problems, [Unreadable::new("room-004", "no JSON")]);
}

#[test]
fn nothing_is_complete_where_nothing_is() {
    assert_eq!(figures(0, 1).finish().completion_percent, None);
}

#[test]
fn time_is_counted_within_the_window_and_not_after_the_end() {
    // Transitions at 10, 20, 30 and 40 seconds.
    let way = [(None, "pending"), (Some("pending"), "developing"), (Some("developing"), "review")];
    let mut audit: Vec<_> =
        (1..).zip(way).map(|(seq, (from, to))| line(seq, from, to, Some("x"))).collect();
    let mut early = figures(15, 100);
    early.transitions(&machine(), &audit);
    let time = |stays, seconds| StateTime { stays, seconds };
    let expected = |states: &[(&str, StateTime)]| -> BTreeMap<String, StateTime> {
        states.iter().map(|(name, time)| ((*name).to_owned(), *time)).collect()
    };
    assert_eq!(
        early.finish().time_by_state,
        expected(&[("developing", time(1, 10)), ("pending", time(1, 5)), ("review", time(1, 70))])
    );
    audit.push(line(4, Some("review"), "passed", Some("pass")));
    let mut late = figures(35, 100);
    late.transitions(&machine(), &audit);
    assert_eq!(late.finish().time_by_state, expected(&[("review", time(1, 5))]));
}

#[test]
fn attempts_count_if_they_worked_in_the_window() {
    let attempt = |closed: Option<i64>, outcome: Option<&str>| -> AttemptRecord {
        serde_json::from_value(json!({
            "id": "att-01ARZ3NDEKTSV4RRFFQ69G5FAV", "number": 1, "state": "review",
            "audit_seq": 1, "role": "qa", "agent": "rehearsal",
            "run_id": "run-01ARZ3NDEKTSV4RRFFQ69G5FAV", "host": "h", "boot_id": "b",
            "opened_at": at(1), "deadline_at": at(900), "channel_offset": 0,
            "closed_at": closed.map(at), "outcome": outcome, "cost_usd": 0.25,
            "usage": { "input_tokens": 10, "output_tokens": 5 },
        }))
        .unwrap()
    };
    let mut figures = figures(50, 100);
    figures.attempt(&attempt(Some(49), Some("pass")));
    figures.attempt(&attempt(Some(50), Some("pass")));
    figures.attempt(&attempt(Some(60), Some("timeout")));
    figures.attempt(&attempt(None, None));
    let stats = figures.finish();
    let by_outcome = tally([("pass", 1), ("timeout", 1)]);
    assert_eq!(stats.attempts, Attempts { total: 3, open: 1, by_outcome });
    let tokens = Usage { input_tokens: 30, output_tokens: 15, cached_tokens: 0, total_tokens: 45 };
    assert_eq!((stats.tokens, stats.cost_usd), (tokens, Some(0.75)));
}

#[test]
fn problems_are_listed_once_and_not_without_end() {
    let mut figures = figures(0, 1);
    for number in 0..MAX_LISTED + 5 {
        figures.unreadable("room-001", &format!("problem {number}"));
        figures.unreadable("room-001", "problem 0");
    }
    let stats = figures.finish();
    assert_eq!((stats.problems.len(), stats.problems_left_out), (MAX_LISTED, 5));
    assert_eq!(Unreadable::new("x", &"y".repeat(10_000)).problem.len(), MAX_TEXT);
}

proptest! {
    #[test]
    fn a_tally_forgets_nothing_and_stays_small(names in prop::collection::vec("[a-z]{1,2}", 0..900)) {
        let mut tally = Tally::default();
        for name in &names {
            tally.add(name);
        }
        prop_assert_eq!(tally.total(), names.len() as u64);
        prop_assert!(tally.0.len() <= MAX_NAMES + 1);
        for name in tally.0.keys().filter(|name| *name != OTHERS) {
            let counted = names.iter().filter(|found| *found == name).count() as u64;
            prop_assert_eq!(tally.of(name), counted);
        }
    }
}
