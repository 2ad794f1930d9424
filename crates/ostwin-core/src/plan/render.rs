//! Diagnostics for people: the place, the line it stands in, a caret below, and what to do.

use serde::Serialize;

use super::diagnostic::{Code, Diagnostic, Severity};
use super::source::{LineIndex, Position, Span};

/// Characters of a source line shown on either side of the place.
const MAX_SIDE: usize = 80;

/// A diagnostic with lines and columns, as JSON output gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedDiagnostic {
    /// What kind of mistake.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// One-based line.
    pub line: usize,
    /// One-based column, in characters.
    pub column: usize,
    /// One-based line of the end.
    pub end_line: usize,
    /// One-based column behind the last character.
    pub end_column: usize,
    /// The bytes.
    pub span: Span,
    /// Other places.
    pub labels: Vec<LocatedLabel>,
}

/// A second place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedLabel {
    /// What is there.
    pub text: String,
    /// One-based line.
    pub line: usize,
    /// One-based column, in characters.
    pub column: usize,
    /// The bytes.
    pub span: Span,
}

/// Adds lines and columns in `source`, which is the text that was parsed.
pub fn locate(diagnostics: &[Diagnostic], source: &str) -> Vec<LocatedDiagnostic> {
    let index = LineIndex::new(source);
    diagnostics.iter().map(|diagnostic| located(diagnostic, &index)).collect()
}

fn located(diagnostic: &Diagnostic, index: &LineIndex<'_>) -> LocatedDiagnostic {
    let start = index.position(diagnostic.span.start);
    let end = index.position(diagnostic.span.end);
    let labels = diagnostic.labels.iter().map(|label| {
        let Position { line, column } = index.position(label.span.start);
        LocatedLabel { text: label.text.clone(), line, column, span: label.span }
    });
    LocatedDiagnostic {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        span: diagnostic.span,
        labels: labels.collect(),
    }
}

/// The diagnostics as text. `file` is the name to show, `source` the text that was parsed.
pub fn render(diagnostics: &[Diagnostic], file: &str, source: &str) -> String {
    let index = LineIndex::new(source);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        let Diagnostic { code, severity, message, .. } = diagnostic;
        out.push_str(&format!("{severity}[{code}]: {message}\n"));
        let mut places = vec![(diagnostic.span, "")];
        places.extend(diagnostic.labels.iter().map(|label| (label.span, label.text.as_str())));
        let widest = places.iter().map(|(span, _)| index.position(span.start).line).max();
        let width = widest.unwrap_or(1).to_string().len();
        for (number, (span, text)) in places.into_iter().enumerate() {
            let Position { line, column } = index.position(span.start);
            let arrow = if number == 0 { "-->" } else { ":::" };
            out.push_str(&format!("{:width$}{arrow} {file}:{line}:{column}\n", ""));
            snippet(&mut out, source, &index, span, text, width);
        }
        if let Some(help) = &diagnostic.help {
            out.push_str(&format!("{:width$} = help: {help}\n", ""));
        }
    }
    out
}

/// The source line and the caret.
fn snippet(
    out: &mut String,
    source: &str,
    index: &LineIndex<'_>,
    span: Span,
    text: &str,
    width: usize,
) {
    if source.is_empty() {
        return;
    }
    let position = index.position(span.start);
    let line = index.line_span(position.line - 1);
    let content = line.of(source);
    let before = position.column - 1;
    let in_line = Span::new(span.start, span.end.min(line.end));
    let marked = in_line.of(source).chars().count().max(1);
    // A long line is cut around the place.
    let skipped = before.saturating_sub(MAX_SIDE);
    let lead = if skipped > 0 { "…" } else { "" };
    let shown: Vec<char> = content.chars().skip(skipped).take(MAX_SIDE * 2).collect();
    let rest = content.chars().count() > skipped + shown.len();
    let visible: String = shown.iter().map(|c| printable(*c)).collect();
    let tail = if rest { "…" } else { "" };
    let pad: String =
        shown.iter().take(before - skipped).map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
    let pad = format!("{}{pad}", " ".repeat(lead.chars().count()));
    let carets = "^".repeat(marked.min((shown.len() + 1).saturating_sub(before - skipped)).max(1));
    out.push_str(&format!("{:width$} |\n", ""));
    out.push_str(format!("{:width$} | {lead}{visible}{tail}", position.line).trim_end());
    out.push('\n');
    out.push_str(format!("{:width$} | {pad}{carets} {text}", "").trim_end());
    out.push('\n');
}

/// Control characters must not reach a terminal.
fn printable(c: char) -> char {
    if c != '\t' && c.is_control() { '\u{fffd}' } else { c }
}
