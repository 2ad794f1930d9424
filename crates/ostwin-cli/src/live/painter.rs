//! A block of lines at the end of the terminal that is replaced in place.
//!
//! No alternate screen and no raw mode: what scrolled by stays, Ctrl-C stays a signal, and a
//! killed process leaves a usable terminal. Only the echo of typed keys is off meanwhile, because
//! it would tear the block.

use std::io::{self, Write};

use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::view::line::Line;

/// Owns the block.
#[derive(Debug)]
pub(super) struct Painter {
    color: bool,
    /// The widths of the lines that are on the terminal now.
    drawn: Vec<usize>,
    _quiet: Quiet,
}

impl Painter {
    pub(super) fn new(color: bool) -> Self {
        Self { color, drawn: Vec::new(), _quiet: Quiet::new() }
    }

    /// Replaces the block by `lines`, none of which is wider than `columns`. What is higher than
    /// the terminal scrolls away and cannot be replaced.
    pub(super) fn draw(&mut self, lines: &[Line], columns: usize, height: usize) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(4096);
        self.write(&mut bytes, lines, columns, height)?;
        self.drawn = lines.iter().map(Line::width).collect();
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    }

    fn write(
        &self,
        out: &mut Vec<u8>,
        lines: &[Line],
        columns: usize,
        height: usize,
    ) -> io::Result<()> {
        queue!(out, BeginSynchronizedUpdate)?;
        let up = self.height(columns).min(height.saturating_sub(1));
        if up > 0 {
            queue!(out, MoveUp(u16::try_from(up).unwrap_or(u16::MAX)))?;
        }
        queue!(out, MoveToColumn(0))?;
        for line in lines {
            out.extend(line.render(self.color).into_bytes());
            queue!(out, Clear(ClearType::UntilNewLine))?;
            out.extend(b"\r\n");
        }
        queue!(out, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)
    }

    /// How many lines of the terminal the block takes: after the terminal became narrower, a line
    /// takes several.
    fn height(&self, columns: usize) -> usize {
        self.drawn.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum()
    }
}

/// The terminal without echo, until dropped.
#[derive(Debug)]
struct Quiet {
    before: Option<Termios>,
}

impl Quiet {
    fn new() -> Self {
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            // A terminal that keeps its echo is only less pretty.
            let _ = tcsetattr(stdin, OptionalActions::Now, &quiet);
        }
        Self { before }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_found_again_after_a_resize() {
        let painter =
            Painter { color: false, drawn: vec![80, 10, 0], _quiet: Quiet { before: None } };
        assert_eq!([80, 79, 40, 9].map(|columns| painter.height(columns)), [3, 4, 4, 12]);
        let mut out = Vec::new();
        painter.write(&mut out, &[Line::from("new")], 80, 24).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\u{1b}[?2026h\u{1b}[3A\u{1b}[1Gnew\u{1b}[K\r\n\u{1b}[J\u{1b}[?2026l");
        // Higher than the terminal: not further than its first line.
        let mut out = Vec::new();
        painter.write(&mut out, &[], 9, 5).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("\u{1b}[4A"));
    }
}
