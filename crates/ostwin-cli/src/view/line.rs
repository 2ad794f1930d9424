//! Lines with colours: built as values, coloured at the very end or not at all.

use ostwin_core::lifecycle::Tone;

use super::text;

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Cyan,
    Magenta,
    BoldRed,
    BoldGreen,
    BoldYellow,
}

impl Style {
    /// The colour of a display word.
    pub(crate) fn of(tone: Tone) -> Self {
        match tone {
            Tone::Idle | Tone::Cancelled => Self::Dim,
            Tone::Soon => Self::Blue,
            Tone::Active => Self::Cyan,
            Tone::Trouble => Self::Yellow,
            Tone::Attention => Self::BoldYellow,
            Tone::Passed => Self::Green,
            Tone::Failed => Self::Red,
        }
    }

    /// The parameters of the sequence that selects it.
    fn codes(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Cyan => "36",
            Self::Magenta => "35",
            Self::BoldRed => "1;31",
            Self::BoldGreen => "1;32",
            Self::BoldYellow => "1;33",
        }
    }

    /// `text` in this style, if colours are used.
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        if !color || self == Self::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", self.codes())
    }
}

/// One line: pieces, each with its style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pieces: Vec<(Style, String)>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// This line and more.
    #[must_use]
    pub(crate) fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        self.push(style, text);
        self
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) {
        self.pieces.push((style, text.into()));
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text::width(text)).sum()
    }

    /// This line in at most `columns` columns.
    #[must_use]
    pub(crate) fn cut(mut self, columns: usize) -> Self {
        let mut left = columns;
        for (_, piece) in &mut self.pieces {
            *piece = text::cut(piece, left);
            left -= text::width(piece);
        }
        self
    }

    /// What it is made of, in order.
    pub(crate) fn pieces(&self) -> &[(Style, String)] {
        &self.pieces
    }

    /// This line as lines of at most `columns` columns, broken between words where it can be.
    pub(crate) fn fold(self, columns: usize) -> Vec<Self> {
        if columns == 0 || self.width() <= columns {
            return vec![self];
        }
        let letters =
            self.pieces.iter().flat_map(|(style, text)| text.chars().map(move |c| (*style, c)));
        let mut lines = Vec::new();
        let mut open: Vec<(Style, char)> = Vec::new();
        let mut used = 0;
        for (style, c) in letters {
            let wide = text::width(c.encode_utf8(&mut [0; 4]));
            if used + wide > columns && !open.is_empty() {
                let space = open.iter().rposition(|(_, c)| *c == ' ').filter(|at| *at > 0);
                let rest = space.map(|at| open.split_off(at + 1)).unwrap_or_default();
                lines.push(Self::of_letters(&open));
                used = rest.iter().map(|(_, c)| text::width(c.encode_utf8(&mut [0; 4]))).sum();
                open = rest;
            }
            used += wide;
            open.push((style, c));
        }
        lines.push(Self::of_letters(&open));
        lines
    }

    fn of_letters(letters: &[(Style, char)]) -> Self {
        let pieces = letters.chunk_by(|a, b| a.0 == b.0).filter_map(|same| {
            let (style, _) = same.first()?;
            Some((*style, same.iter().map(|(_, c)| c).collect()))
        });
        Self { pieces: pieces.collect() }
    }

    /// The line as it is written, without its end.
    pub(crate) fn render(&self, color: bool) -> String {
        let Some(end) = self.pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty())
        else {
            return String::new();
        };
        let mut out = String::new();
        for (at, (style, text)) in self.pieces.iter().enumerate().take(end + 1) {
            let text = if at == end { text.trim_end() } else { text };
            out.push_str(&style.paint(text, color));
        }
        out
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().with(Style::Plain, text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().with(Style::Plain, text)
    }
}

/// Lines as they are written.
pub(crate) fn render(lines: &[Line], color: bool) -> String {
    lines.iter().map(|line| line.render(color) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_last_and_do_not_count() {
        let line = Line::new().with(Style::Green, "passed").with(Style::Plain, "  ok  ");
        assert_eq!(line.width(), 12);
        assert_eq!(line.render(false), "passed  ok");
        assert_eq!(line.render(true), "\u{1b}[32mpassed\u{1b}[0m  ok");
        assert_eq!(line.cut(8).render(false), "passed …");
        assert_eq!(Line::from("   ").render(true), "");
    }

    #[test]
    fn a_long_line_is_folded_between_words_and_within_those_that_are_too_long() {
        let line = Line::from("one two ").with(Style::Green, "three Donaudampfschiff 日本語");
        let folded = line.fold(10);
        assert!(folded.iter().all(|line| line.width() <= 10));
        insta::assert_snapshot!(render(&folded, false), @r"
        one two
        three
        Donaudampf
        schiff
        日本語
        ");
        assert_eq!(Line::from("as it is").fold(0), [Line::from("as it is")]);
    }
}
