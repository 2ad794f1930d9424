//! The screen in the cells of a terminal.

use ostwin_core::board::Board;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style as CellStyle};
use ratatui::text::{Line as CellLine, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use super::screen::{Pane, Screen};
use crate::view::board::{self as view, Look};
use crate::view::line::{Line, Style};
use crate::view::text;

/// The pane keeps at least so many lines of text if there is any room.
const LEAST_PANE: u16 = 6;
const KEYS: &str = "↑↓ epic   Tab pane   PgUp PgDn scroll   Enter only the pane   ? keys   q quit";
const ASCII_KEYS: &str =
    "j/k epic   Tab pane   PgUp PgDn scroll   Enter only the pane   ? keys   q quit";

const HELP: [(&str, &str); 8] = [
    ("Up Down, k j", "the epic above or below"),
    ("Home End, g G", "the first or the last epic"),
    ("Tab, Left Right", "the next pane"),
    ("1 2 3", "messages, session, events"),
    ("PgUp PgDn", "back in the pane, and on to what is new"),
    ("Enter", "only the pane, or everything"),
    ("?, h", "these keys"),
    ("q, Esc, Ctrl-C", "leave; the plan runs on"),
];

/// Everything that is drawn.
pub(super) struct Seen<'a> {
    /// The plan.
    pub(super) board: &'a Board,
    /// What is chosen.
    pub(super) screen: &'a Screen,
    /// The lines of the pane, folded to its width.
    pub(super) lines: &'a [Line],
    /// What the terminal can show.
    pub(super) unicode: bool,
    /// Whether there are colours.
    pub(super) color: bool,
}

/// Where the parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    head: Rect,
    epics: Rect,
    pane: Rect,
    keys: Rect,
}

impl Parts {
    /// The parts of a terminal of this size that shows so many epics.
    pub(super) fn of(area: Rect, epics: usize, only_pane: bool) -> Self {
        let wanted = u16::try_from(epics).unwrap_or(u16::MAX);
        let free = area.height.saturating_sub(3 + LEAST_PANE + 1);
        let shown = if only_pane { 0 } else { wanted.min(free.max(area.height / 3)) };
        let [head, epics, pane, keys] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(shown),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);
        Self { head, epics, pane, keys }
    }

    /// How many lines of the pane are seen at once.
    pub(super) fn page(&self) -> usize {
        usize::from(self.pane.height.saturating_sub(1))
    }
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, seen: &Seen<'_>) {
    let Seen { board, screen, .. } = seen;
    let parts = Parts::of(frame.area(), board.rows.len(), screen.only_pane);
    let look = Look { width: usize::from(frame.area().width), unicode: seen.unicode };
    put(frame, parts.head, seen, &view::headline(board, look));
    epics(frame, parts.epics, seen, look);
    pane(frame, &parts, seen);
    let keys = if seen.unicode { KEYS } else { ASCII_KEYS };
    let keys = Line::new().with(Style::Dim, text::cut(keys, look.width));
    put(frame, parts.keys, seen, &[keys]);
    if screen.help {
        help(frame, seen);
    }
}

/// The epics around the chosen one.
fn epics(frame: &mut Frame<'_>, area: Rect, seen: &Seen<'_>, look: Look) {
    let height = usize::from(area.height);
    let chosen = seen.screen.chosen;
    let first = (chosen + 1).saturating_sub(height);
    let rows = view::rows(seen.board, look, |_| true);
    let lines: Vec<CellLine<'_>> = rows
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(at, row)| {
            let line = cells(row, seen.color);
            if at == chosen { line.patch_style(Modifier::REVERSED) } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// The pane, its end or as far back as somebody scrolled.
fn pane(frame: &mut Frame<'_>, parts: &Parts, seen: &Seen<'_>) {
    let screen = seen.screen;
    let row = seen.board.rows.get(screen.chosen);
    let mut title = Line::new();
    for pane in Pane::ALL {
        let style = if pane == screen.pane { Style::Bold } else { Style::Dim };
        title.push(Style::Plain, " ");
        title.push(style, pane.title());
    }
    title.push(Style::Plain, " ");
    if let Some(row) = row.filter(|_| screen.pane != Pane::Events) {
        title.push(Style::Dim, format!("{} {} ", row.epic, text::one_line(&row.title)));
    }
    let block = Block::new().borders(Borders::TOP).title(cells(&title, seen.color));
    let block = if seen.unicode {
        block
    } else {
        block.border_set(ratatui::symbols::border::Set {
            horizontal_top: "-",
            ..ratatui::symbols::border::PLAIN
        })
    };
    let inner = block.inner(parts.pane);
    frame.render_widget(block, parts.pane);
    let end = seen.lines.len().saturating_sub(screen.back);
    let start = end.saturating_sub(usize::from(inner.height));
    put(frame, inner, seen, seen.lines.get(start..end).unwrap_or_default());
    if screen.back > 0 {
        let note = format!(" {} more below ", screen.back);
        let width = u16::try_from(note.len()).unwrap_or(u16::MAX).min(parts.pane.width);
        let x = parts.pane.right().saturating_sub(width);
        let area = Rect { x, width, height: 1, ..parts.pane };
        put(frame, area, seen, &[Line::new().with(Style::Yellow, note)]);
    }
}

fn help(frame: &mut Frame<'_>, seen: &Seen<'_>) {
    let lines: Vec<Line> = HELP
        .iter()
        .map(|(keys, meaning)| {
            Line::new()
                .with(Style::Bold, format!(" {}", text::fill(keys, 17)))
                .with(Style::Plain, format!("{meaning} "))
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 2;
    let area = frame.area();
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let area = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    let block = Block::bordered().title(" keys ");
    frame.render_widget(Clear, area);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    put(frame, inner, seen, &lines);
}

fn put(frame: &mut Frame<'_>, area: Rect, seen: &Seen<'_>, lines: &[Line]) {
    let lines: Vec<CellLine<'_>> = lines.iter().map(|line| cells(line, seen.color)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn cells(line: &Line, color: bool) -> CellLine<'_> {
    let spans = line.pieces().iter().map(|(style, text)| {
        // Cells have no tabs.
        Span::styled(text.replace('\t', "    "), look_of(*style, color))
    });
    CellLine::from_iter(spans)
}

fn look_of(style: Style, color: bool) -> CellStyle {
    let plain = CellStyle::new();
    let (hue, modifier) = match style {
        Style::Plain => return plain,
        Style::Bold => return plain.add_modifier(Modifier::BOLD),
        Style::Dim => return plain.add_modifier(Modifier::DIM),
        Style::Red => (Color::Red, Modifier::empty()),
        Style::Green => (Color::Green, Modifier::empty()),
        Style::Yellow => (Color::Yellow, Modifier::empty()),
        Style::Blue => (Color::Blue, Modifier::empty()),
        Style::Cyan => (Color::Cyan, Modifier::empty()),
        Style::Magenta => (Color::Magenta, Modifier::empty()),
        Style::BoldRed => (Color::Red, Modifier::BOLD),
        Style::BoldGreen => (Color::Green, Modifier::BOLD),
        Style::BoldYellow => (Color::Yellow, Modifier::BOLD),
    };
    let styled = plain.add_modifier(modifier);
    if color { styled.fg(hue) } else { styled }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn drawn(width: u16, height: u16, screen: &Screen) -> String {
        let board = crate::view::fixture::board();
        let lines: Vec<Line> = (1..=40).map(|n| Line::from(format!("line {n}"))).collect();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let seen = Seen { board: &board, screen, lines: &lines, unicode: true, color: true };
        terminal.draw(|frame| draw(frame, &seen)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn the_chosen_epic_and_the_end_of_its_pane_are_seen() {
        let screen = Screen { chosen: 4, ..Screen::default() };
        insta::assert_snapshot!(drawn(80, 20, &screen), @r"
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
         messages session events EPIC-005 Title of epic 5, which says what is to be done
        line 35
        line 36
        line 37
        line 38
        line 39
        line 40
        ↑↓ epic   Tab pane   PgUp PgDn scroll   Enter only the pane   ? keys   q quit
        ");
    }

    #[test]
    fn a_plan_that_is_too_long_is_seen_around_the_chosen_epic() {
        let screen = Screen { chosen: 11, back: 3, pane: Pane::Events, ..Screen::default() };
        insta::assert_snapshot!(drawn(60, 16, &screen), @r"
        Shop  shop-3fa9c1  rehearsed
        running  27%  2/12 passed, 2 running, 1 for you, 1 failed, …
        EPIC-007 blocked by … engineer ░░░░░░   0%  5m50s 10.5k    …
        EPIC-008 waiting      engineer                             …
        EPIC-009 waiting      engineer                             …
        EPIC-010 waiting      engineer                             …
        EPIC-011 waiting      engineer                             …
        EPIC-012 waiting      engineer                             …
         messages session events ───────────────────── 3 more below
        line 32
        line 33
        line 34
        line 35
        line 36
        line 37
        ↑↓ epic   Tab pane   PgUp PgDn scroll   Enter only the pane…
        ");
    }

    #[test]
    fn it_fits_any_terminal() {
        for width in [1, 3, 20, 200] {
            for height in 1..30 {
                for help in [false, true] {
                    let screen = Screen { chosen: 7, back: 50, help, ..Screen::default() };
                    drawn(width, height, &screen);
                }
            }
        }
    }
}
