//! Source text on its way into a value: which lines are claimed, and how a block's text is taken
//! out of its container.

use std::collections::BTreeMap;

use super::markdown::columns;
use super::source::{LineIndex, Span};

/// The text of a plan with the lines that some rule has claimed.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) lines: LineIndex<'a>,
    claimed: Vec<bool>,
    /// Texts that stand for claimed lines, by the first of these lines.
    inserts: BTreeMap<usize, String>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines = LineIndex::new(text);
        let claimed = vec![false; lines.line_count()];
        Self { text, lines, claimed, inserts: BTreeMap::new() }
    }

    /// The text at a span.
    pub(super) fn at(&self, span: Span) -> &'a str {
        span.of(self.text)
    }

    /// Marks the lines of a span as read by some rule.
    pub(super) fn claim(&mut self, span: Span) {
        let (first, last) = self.line_range(span);
        if let Some(lines) = self.claimed.get_mut(first..=last) {
            lines.fill(true);
        }
    }

    /// Claims a span whose lines are represented by `text` among the unclaimed ones.
    pub(super) fn replace(&mut self, span: Span, text: String) {
        self.claim(span);
        let (first, _) = self.line_range(span);
        self.inserts.insert(first, text);
    }

    /// First and last line of a span, zero-based. A line end at the end of the span is part of
    /// the line that it ends.
    pub(super) fn line_range(&self, span: Span) -> (usize, usize) {
        let first = self.lines.line_of(span.start);
        (first, self.lines.line_of(span.end.saturating_sub(1).max(span.start)))
    }

    /// The lines of a range that no rule has claimed, verbatim. Where claimed lines lay between,
    /// a blank line stands, so that their neighbours do not become one paragraph.
    pub(super) fn unclaimed(&self, first: usize, end: usize) -> String {
        let mut text = String::new();
        let mut gap = false;
        for line in first..end {
            if self.claimed.get(line).copied().unwrap_or(true) {
                gap = true;
                if let Some(insert) = self.inserts.get(&line) {
                    push_after_gap(&mut text, insert);
                }
                continue;
            }
            let content = self.at(self.lines.line_span(line));
            if gap {
                if content.trim().is_empty() {
                    continue;
                }
                gap = false;
                push_after_gap(&mut text, content);
            } else {
                text.push_str(content);
                text.push('\n');
            }
        }
        tidy(&text)
    }

    /// The text from `start` to `end` without the `indent` columns that its container puts before
    /// every further line, and without claimed lines.
    pub(super) fn contained(&self, span: Span, indent: usize) -> String {
        let (first, last) = self.line_range(span);
        let mut text = String::new();
        for line in first..=last {
            if line > first && self.claimed.get(line).copied().unwrap_or(false) {
                continue;
            }
            let whole = self.lines.line_span(line);
            let start = if line == first { span.start } else { whole.start };
            let content = self.at(Span::new(start.min(whole.end), whole.end));
            if line == first {
                text.push_str(content.trim_start());
            } else {
                push_dedented(&mut text, content, indent);
            }
            text.push('\n');
        }
        tidy(&text)
    }
}

/// Adds a text behind one blank line.
fn push_after_gap(text: &mut String, more: &str) {
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
    text.push('\n');
}

/// Adds a line without up to `indent` columns of blanks at its start.
fn push_dedented(text: &mut String, line: &str, indent: usize) {
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut cut = 0;
    while cut < blanks && columns(line.get(..cut).unwrap_or("")) < indent {
        cut += 1;
    }
    let surplus = columns(line.get(..cut).unwrap_or("")).saturating_sub(indent);
    text.extend(std::iter::repeat_n(' ', surplus));
    text.push_str(line.get(cut..).unwrap_or(""));
}

/// Without blank lines at the edges and blanks at the end, with `\n` as line end.
pub(super) fn tidy(text: &str) -> String {
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    let body = text.get(start..).unwrap_or("").trim_end();
    if !body.contains('\r') {
        return body.to_owned();
    }
    body.replace("\r\n", "\n").replace('\r', "\n")
}

/// A text on one line: every run of blanks and line ends is one blank.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The info string of a fence that stands for its content. The canonical form uses it where plain
/// text would be read as something else.
pub(super) const VERBATIM: &str = "verbatim";
