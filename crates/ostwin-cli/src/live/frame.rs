//! What is to be seen at one moment, for a terminal of some size.

use std::collections::VecDeque;

use ostwin_core::board::{Board, Row};
use ostwin_core::lifecycle::Tone;

use crate::view::board::{self as view, Look};
use crate::view::figures::plural;
use crate::view::line::{Line, Style};

/// Lines of the log that are shown where there is room.
const WANTED_LOG: usize = 8;
const LEAST_LOG: usize = 3;

/// The frame of a running plan; at most `height` lines.
pub(super) fn running(board: &Board, log: &VecDeque<Line>, look: Look, height: usize) -> Vec<Line> {
    let mut lines = view::headline(board, look);
    lines.push(Line::new());
    let room = height.saturating_sub(lines.len());
    // With so few lines the epics matter more than the log.
    let log_room = if room > 10 { LEAST_LOG + 1 } else { 0 };
    let asks = for_a_person(board).map(|line| line.cut(look.width));
    let asks_room = if asks.is_some() { 2 } else { 0 };
    lines.extend(epics(board, look, room.saturating_sub(log_room + asks_room)));
    if let Some(asks) = asks {
        lines.extend([Line::new(), asks]);
    }
    let left = height.saturating_sub(lines.len() + 1).min(WANTED_LOG);
    if left > 0 && !log.is_empty() {
        lines.push(Line::new());
        lines.extend(
            log.iter()
                .skip(log.len().saturating_sub(left))
                .cloned()
                .map(|line| line.cut(look.width)),
        );
    }
    lines.truncate(height);
    lines
}

/// The first room that waits for a person, and what to type.
fn for_a_person(board: &Board) -> Option<Line> {
    let row = board.rows.iter().find(|row| row.display.tone == Tone::Attention)?;
    let room = row.room.as_ref()?;
    let epic = Line::new().with(Style::BoldYellow, format!("{} needs you: ", row.epic));
    Some(epic.with(Style::Plain, format!("ostwin room show {room}")))
}

/// One line per epic; where they do not fit, those that matter now, and how many are not shown.
fn epics(board: &Board, look: Look, height: usize) -> Vec<Line> {
    if board.rows.len() <= height {
        return view::rows(board, look, |_| true);
    }
    let places = height.saturating_sub(1);
    let mut ranked: Vec<(u8, usize)> =
        board.rows.iter().enumerate().map(|(at, row)| (rank(row), at)).collect();
    ranked.sort_unstable();
    let shown: Vec<usize> = ranked.into_iter().take(places).map(|(_, at)| at).collect();
    let is_shown = |row: &Row| {
        let at = board.rows.iter().position(|other| other.epic == row.epic);
        at.is_some_and(|at| shown.contains(&at))
    };
    let mut lines = view::rows(board, look, is_shown);
    let hidden = board.rows.len() - lines.len();
    let passed = board.rows.iter().filter(|row| row.passed && !is_shown(row)).count();
    let text = format!("… and {}, {passed} of them passed", plural(hidden, "more epic"));
    lines.push(Line::new().with(Style::Dim, text).cut(look.width));
    lines
}

/// Lower is more worth a line.
fn rank(row: &Row) -> u8 {
    match row.display.tone {
        Tone::Attention => 0,
        Tone::Active => 1,
        Tone::Soon => 2,
        Tone::Trouble => 3,
        Tone::Failed => 4,
        Tone::Idle => 5,
        Tone::Cancelled => 6,
        Tone::Passed => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_terminal_shows_what_matters_and_counts_the_rest() {
        let board = crate::view::fixture::board();
        let look = Look { width: 80, unicode: true };
        let log: VecDeque<Line> = (1..20).map(|n| Line::from(format!("log {n}"))).collect();
        let text = |height| crate::view::line::render(&running(&board, &log, look, height), false);
        insta::assert_snapshot!(text(8), @r"
        Shop  shop-3fa9c1  rehearsed
        running  27%  2/12 passed, 2 running, 1 for you, 1 failed, 1 blocked, 5 waiting…

        EPIC-003 developing   engineer ██░░░░  45%  2m30s  4.5k      writes �[31mthe pa…
        EPIC-005 escalated    engineer ░░░░░░   0%  4m10s  7.5k      the criterion can …
        … and 10 more epics, 2 of them passed

        EPIC-005 needs you: ostwin room show room-005
        ");
        insta::assert_snapshot!(text(24), @r"
        Shop  shop-3fa9c1  rehearsed
        running  27%  2/12 passed, 2 running, 1 for you, 1 failed, 1 blocked, 5 waiting…

        EPIC-001 passed       engineer ██████ 100%    50s  1.5k      Title of epic 1, w…
        EPIC-002 passed       engineer ██████ 100%  1m40s  3.0k  ↻1  Title of epic 2, w…
        EPIC-003 developing   engineer ██░░░░  45%  2m30s  4.5k      writes �[31mthe pa…
        EPIC-004 review       engineer ████░░  80%  3m20s  6.0k      writes �[31mthe pa…
        EPIC-005 escalated    engineer ░░░░░░   0%  4m10s  7.5k      the criterion can …
        EPIC-006 failed-final engineer ░░░░░░   0%  5m00s  9.0k      Title of epic 6, w…
        EPIC-007 blocked by … engineer ░░░░░░   0%  5m50s 10.5k      Title of epic 7, w…
        EPIC-008 waiting      engineer                               for EPIC-003
        EPIC-009 waiting      engineer                               Title of epic 9, w…
        EPIC-010 waiting      engineer                               Title of epic 10, …
        EPIC-011 waiting      engineer                               Title of epic 11, …
        EPIC-012 waiting      engineer                               Title of epic 12, …

        EPIC-005 needs you: ostwin room show room-005

        log 14
        log 15
        log 16
        log 17
        log 18
        log 19
        ");
        for height in 0..30 {
            let lines = running(&board, &log, look, height);
            assert!(lines.len() <= height);
            assert!(lines.iter().all(|line| line.width() <= 80));
        }
    }
}
