//! The board on a terminal: a headline, and one line per epic.

use ostwin_core::board::{Board, Counts, PlanState, Row};
use ostwin_core::lifecycle::Tone;

use super::figures;
use super::line::{Line, Style};
use super::text;

/// From this width on there is room for titles beside what happens.
const WIDE: usize = 112;
const TITLE_COLUMNS: usize = 28;
const MAX_WORD: usize = 18;
/// From this width on there is room for costs and for whole words.
const ROOMY: usize = 100;
const MAX_ROLE: usize = 16;

/// How the board is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns there are.
    pub(crate) width: usize,
    /// Whether the terminal shows more than ASCII.
    pub(crate) unicode: bool,
}

/// Plan, state and sums.
pub(crate) fn headline(board: &Board, look: Look) -> Vec<Line> {
    let mut first = Line::new().with(Style::Bold, text::one_line(&board.title));
    first.push(Style::Dim, format!("  {}", board.plan_id));
    if board.rehearsed {
        first.push(Style::Magenta, "  rehearsed");
    }
    if board.paused {
        first.push(Style::BoldYellow, "  paused");
    }
    let mut second = Line::new().with(state_style(board.state), board.state.words());
    if look.width >= ROOMY {
        second.push(Style::Plain, format!("  {}", bar(board.progress_percent, 12, look.unicode)));
    }
    let mut second = second
        .with(Style::Plain, format!("  {}%", board.progress_percent))
        .with(Style::Plain, format!("  {}", counts(&board.counts)));
    if let Some(elapsed) = board.elapsed_seconds {
        second.push(Style::Dim, format!("  {}", figures::seconds(elapsed)));
    }
    if board.tokens > 0 {
        second.push(Style::Dim, format!("  {} tokens", figures::count(board.tokens)));
    }
    if let Some(cost) = board.cost_usd {
        second.push(Style::Dim, format!("  {}", figures::dollars(cost)));
    }
    vec![first.cut(look.width), second.cut(look.width)]
}

/// The colour of a plan's state.
pub(crate) fn state_style(state: PlanState) -> Style {
    match state {
        PlanState::Planned => Style::Bold,
        PlanState::Running => Style::Cyan,
        PlanState::WaitingForPerson => Style::BoldYellow,
        PlanState::Stopped => Style::Yellow,
        PlanState::Finished => Style::BoldGreen,
        PlanState::Failed => Style::BoldRed,
    }
}

/// `5/12 passed, 3 running, 4 waiting`
pub(crate) fn counts(counts: &Counts) -> String {
    let mut out = format!("{}/{} passed", counts.passed, counts.total);
    let others = [
        (counts.running, "running"),
        (counts.attention, "for you"),
        (counts.failed, "failed"),
        (counts.blocked, "blocked"),
        (counts.waiting, "waiting"),
    ];
    for (count, word) in others.into_iter().filter(|(count, _)| *count > 0) {
        out.push_str(&format!(", {count} {word}"));
    }
    out
}

/// A bar of `cells` cells.
fn bar(percent: u8, cells: usize, unicode: bool) -> String {
    // Full only when it is done.
    let full = usize::from(percent.min(100)) * cells / 100;
    let (done, open) = if unicode { ("█", "░") } else { ("#", ".") };
    done.repeat(full) + &open.repeat(cells - full)
}

/// Widths that all rows of a board share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    epic: usize,
    word: usize,
    role: usize,
    bar: usize,
    cost: bool,
    retries: bool,
    title: usize,
    rehearsed: bool,
}

impl Columns {
    fn of(board: &Board, look: Look) -> Self {
        let widest = |of: fn(&Row) -> usize| board.rows.iter().map(of).max().unwrap_or(0);
        let role = |row: &Row| row.role.as_ref().map_or(0, |role| role.to_string().len());
        let roomy = look.width >= ROOMY;
        let word = if roomy { MAX_WORD } else { MAX_WORD - 6 };
        Self {
            epic: widest(|row| row.epic.as_str().len()).min(16),
            word: widest(|row| text::width(&row.display.word)).clamp(7, word),
            role: widest(role).clamp(4, MAX_ROLE),
            bar: if roomy { 10 } else { 6 },
            cost: roomy && board.cost_usd.is_some(),
            retries: board.rows.iter().any(|row| row.retries > 0),
            title: if look.width < WIDE { 0 } else { TITLE_COLUMNS },
            rehearsed: board.rehearsed,
        }
    }
}

/// One line per epic of `board`, for those that `wanted` takes.
pub(crate) fn rows(board: &Board, look: Look, wanted: impl Fn(&Row) -> bool) -> Vec<Line> {
    let columns = Columns::of(board, look);
    board.rows.iter().filter(|row| wanted(row)).map(|r| row(r, columns, look)).collect()
}

fn row(row: &Row, columns: Columns, look: Look) -> Line {
    let style = Style::of(row.display.tone);
    let role = row.role.as_ref().map(ToString::to_string).unwrap_or_default();
    let begun = row.attempt > 0 || row.passed;
    let faint = if begun { Style::Plain } else { Style::Dim };
    let gauge = if begun { bar(row.percent, columns.bar, look.unicode) } else { String::new() };
    let percent = if begun { format!("{}%", row.percent) } else { String::new() };
    let elapsed = row.elapsed_seconds.map(figures::seconds).unwrap_or_default();
    let tokens = if row.tokens > 0 { figures::count(row.tokens) } else { String::new() };
    let mut line = Line::new()
        .with(Style::Bold, text::fill(row.epic.as_str(), columns.epic))
        .with(Style::Plain, " ")
        .with(style, text::fill(&row.display.word, columns.word))
        .with(Style::Plain, " ")
        .with(faint, text::fill(&role, columns.role))
        .with(Style::Plain, " ")
        .with(style, text::fill(&gauge, columns.bar))
        .with(Style::Plain, text::fill_left(&percent, 5))
        .with(Style::Dim, text::fill_left(&elapsed, 7))
        .with(Style::Dim, text::fill_left(&tokens, 6));
    if columns.cost {
        let cost = row.cost_usd.map(figures::dollars).unwrap_or_default();
        line.push(Style::Dim, text::fill_left(&cost, 7));
    }
    if columns.retries {
        let mark = if look.unicode { "↻" } else { "x" };
        let retries = (row.retries > 0).then(|| format!("{mark}{}", row.retries));
        line.push(Style::Yellow, text::fill_left(&retries.unwrap_or_default(), 4));
    }
    line.push(Style::Plain, "  ");
    let (note, note_style) = note(row, columns);
    if columns.title > 0 {
        line.push(faint, text::fill(&text::one_line(&row.title), columns.title));
        line.push(Style::Plain, "  ");
    }
    line.push(note_style, note);
    line.cut(look.width)
}

/// What happens in the room, else its title.
fn note(row: &Row, columns: Columns) -> (String, Style) {
    let message = row.message.as_deref().filter(|_| row.active);
    // The headline says it for all of them.
    let message = message.map(|message| match columns.rehearsed {
        true => message.trim_start().trim_start_matches("[rehearsed]").trim_start(),
        false => message,
    });
    let detail = row.display.detail.as_deref().filter(|_| !row.active);
    let why = row.why.as_deref();
    let style = match row.display.tone {
        Tone::Attention => Style::BoldYellow,
        Tone::Failed | Tone::Trouble => Style::Yellow,
        _ => Style::Dim,
    };
    match message.or(why).or(detail) {
        Some(note) => (text::one_line(note), style),
        None if columns.title > 0 => (String::new(), Style::Plain),
        None => (text::one_line(&row.title), Style::Dim),
    }
}

/// What a person should do next, if anything.
pub(crate) fn advice(board: &Board) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in board.rows.iter().filter(|row| row.display.tone == Tone::Attention) {
        let (Some(room), Some(why)) = (&row.room, row.why.as_deref().or(Some("it waits for you")))
        else {
            continue;
        };
        lines.push(
            Line::new()
                .with(Style::BoldYellow, row.epic.to_string())
                .with(Style::Plain, format!(" needs you: {}", text::one_line(why))),
        );
        if row.epic.is_plan_review() {
            let id = &board.plan_id;
            lines.push(Line::from(format!("  ostwin plan diff {id}")));
            lines.push(Line::from(format!("  ostwin plan approve {id}")));
        } else {
            lines.push(Line::from(format!("  ostwin room show {room}")));
        }
    }
    let engine = board.engine.as_ref().filter(|engine| engine.alive);
    match (board.state, engine) {
        (PlanState::Planned | PlanState::Stopped, _) => {
            let verb = if board.state == PlanState::Planned { "begins" } else { "goes on" };
            let line = format!("No engine drives it: `ostwin run {}` {verb}.", board.plan_id);
            lines.push(Line::new().with(Style::Yellow, line));
        }
        (PlanState::Running, Some(engine)) => {
            let since = figures::moment(engine.since);
            let line =
                format!("Driven by process {} on {} since {since}.", engine.pid, engine.host);
            lines.push(Line::new().with(Style::Dim, text::one_line(&line)));
        }
        _ => {}
    }
    lines
}

/// The whole board, as `status` prints it.
pub(crate) fn board(board: &Board, look: Look) -> Vec<Line> {
    let mut lines = headline(board, look);
    lines.push(Line::new());
    lines.extend(rows(board, look, |_| true));
    let advice = advice(board);
    if !advice.is_empty() {
        lines.push(Line::new());
        lines.extend(advice);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{fixture, line};

    fn text(width: usize, unicode: bool) -> String {
        line::render(&super::board(&fixture::board(), Look { width, unicode }), false)
    }

    #[test]
    fn a_wide_board_has_titles_and_costs() {
        insta::assert_snapshot!(text(130, true), @r"
        Shop  shop-3fa9c1  rehearsed
        running  ███░░░░░░░░░  27%  2/12 passed, 2 running, 1 for you, 1 failed, 1 blocked, 5 waiting  1m23s  123k tokens  $0.42

        EPIC-001 passed             engineer ██████████ 100%    50s  1.5k  $0.02      Title of epic 1, which says…
        EPIC-002 passed             engineer ██████████ 100%  1m40s  3.0k  $0.04  ↻1  Title of epic 2, which says…
        EPIC-003 developing         engineer ████░░░░░░  45%  2m30s  4.5k  $0.06      Title of epic 3, which says…  writes �[31mthe parser
        EPIC-004 review             engineer ████████░░  80%  3m20s  6.0k  $0.08      Title of epic 4, which says…  writes �[31mthe parser
        EPIC-005 escalated          engineer ░░░░░░░░░░   0%  4m10s  7.5k  $0.10      Title of epic 5, which says…  the criterion can be …
        EPIC-006 failed-final       engineer ░░░░░░░░░░   0%  5m00s  9.0k  $0.12      Title of epic 6, which says…
        EPIC-007 blocked by EPIC-0… engineer ░░░░░░░░░░   0%  5m50s 10.5k  $0.14      Title of epic 7, which says…
        EPIC-008 waiting            engineer                                          Title of epic 8, which says…  for EPIC-003
        EPIC-009 waiting            engineer                                          Title of epic 9, which says…
        EPIC-010 waiting            engineer                                          Title of epic 10, which say…
        EPIC-011 waiting            engineer                                          Title of epic 11, which say…
        EPIC-012 waiting            engineer                                          Title of epic 12, which say…

        EPIC-005 needs you: the criterion can be read in two ways
          ostwin room show room-005
        Driven by process 4711 on box since 2026-01-31 08:15:00Z.
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_ascii_is_enough() {
        for width in [20, 40, 80, 99, 112, 200] {
            let board = fixture::board();
            let look = Look { width, unicode: false };
            let lines = [headline(&board, look), rows(&board, look, |_| true)].concat();
            assert!(lines.iter().all(|line| line.width() <= width), "{width}");
        }
        assert!(text(90, false).contains("##.... "), "{}", text(90, false));
    }
}
