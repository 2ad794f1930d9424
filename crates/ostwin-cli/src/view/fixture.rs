//! A board for the tests of views.

use ostwin_core::board::{Board, Counts, Engine, LastMessage, PlanState, Row};
use ostwin_core::ids::{EpicId, RoomId};
use ostwin_core::lifecycle::{DisplayState, Tone};
use ostwin_core::time::Timestamp;

fn row(number: u32, word: &str, tone: Tone, percent: u8) -> Row {
    let begun = !matches!(tone, Tone::Idle | Tone::Soon);
    Row {
        epic: EpicId::new(&format!("EPIC-{number:03}")).unwrap(),
        title: format!("Title of epic {number}, which says what is to be done"),
        room: Some(RoomId::numbered(number)),
        state: Some("developing".parse().unwrap()),
        display: DisplayState { word: word.to_owned(), detail: None, tone },
        role: Some("engineer".parse().unwrap()),
        agent: Some("rehearsal".to_owned()),
        model: None,
        percent,
        message: (tone == Tone::Active).then(|| "writes \u{1b}[31mthe parser".to_owned()),
        attempt: u32::from(begun),
        active: tone == Tone::Active,
        passed: tone == Tone::Passed,
        retries: u32::from(number == 2),
        max_retries: 3,
        elapsed_seconds: begun.then_some(u64::from(number) * 50),
        tokens: if begun { u64::from(number) * 1_500 } else { 0 },
        cost_usd: begun.then_some(0.02 * f64::from(number)),
        last_message: Some(LastMessage {
            seq: 1,
            ts: Timestamp::from_millis(0),
            from: "qa".parse().unwrap(),
            kind: "pass".parse().unwrap(),
            text: "fine".to_owned(),
        }),
        depends_on: Vec::new(),
        wave: 0,
        blocked_by: Vec::new(),
        why: None,
    }
}

/// Twelve epics in every tone.
pub(crate) fn board() -> Board {
    let mut rows = vec![
        row(1, "passed", Tone::Passed, 100),
        row(2, "passed", Tone::Passed, 100),
        row(3, "developing", Tone::Active, 45),
        row(4, "review", Tone::Active, 80),
        row(5, "escalated", Tone::Attention, 0),
        row(6, "failed-final", Tone::Failed, 0),
        row(7, "blocked by EPIC-006", Tone::Trouble, 0),
    ];
    rows.extend((8..=12).map(|number| row(number, "waiting", Tone::Idle, 0)));
    rows[4].why = Some("the criterion can be read in two ways".to_owned());
    rows[7].display.detail = Some("for EPIC-003".to_owned());
    Board {
        plan_id: "shop-3fa9c1".parse().unwrap(),
        title: "Shop".to_owned(),
        rehearsed: true,
        at: Timestamp::from_millis(1_769_847_330_250),
        state: PlanState::Running,
        paused: false,
        progress_percent: 27,
        engine: Some(Engine {
            run_id: "run-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            pid: 4711,
            host: "box".to_owned(),
            since: Timestamp::from_millis(1_769_847_300_000),
            alive: true,
        }),
        counts: Counts {
            total: 12,
            passed: 2,
            failed: 1,
            running: 2,
            attention: 1,
            blocked: 1,
            waiting: 5,
        },
        tokens: 123_456,
        cost_usd: Some(0.42),
        elapsed_seconds: Some(83),
        rows,
    }
}
