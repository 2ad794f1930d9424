//! Text of others, made fit for a terminal: without control characters, and no wider than there
//! is room.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands for a character that must not reach a terminal.
const REPLACEMENT: char = '\u{fffd}';

/// `text` on one line: white space is one space, control characters are replaced.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(visible));
    }
    out
}

/// `text` with its lines and tabs, control characters replaced.
pub(crate) fn block(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().map(|c| if matches!(c, '\n' | '\t') { c } else { visible(c) }).collect()
}

/// Control characters could command the terminal; those that change the direction of writing could
/// make it show something else than what is there.
fn visible(c: char) -> char {
    let deceives =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || deceives || matches!(c, '\u{2028}' | '\u{2029}') { REPLACEMENT } else { c }
}

/// How many columns `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns; what is too long ends with `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        used += width;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// `text` in exactly `columns` columns.
pub(crate) fn fill(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let missing = columns.saturating_sub(out.width());
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// `text` in exactly `columns` columns, at their right end.
pub(crate) fn fill_left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let missing = columns.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_commands_a_terminal_gets_through() {
        assert_eq!(one_line("a\u{1b}[2Jb\r\n\tc\u{9b}d"), "a\u{fffd}[2Jb c\u{fffd}d");
        assert_eq!(one_line("\u{202e}gnp.exe"), "\u{fffd}gnp.exe");
        assert_eq!(block("a\r\n\tb\u{7}\u{8}"), "a\n\tb\u{fffd}\u{fffd}");
    }

    #[test]
    fn width_counts_columns_not_characters() {
        assert_eq!(cut("übermäßig", 6), "überm…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(fill("日本語", 4), "日… ");
        assert_eq!(fill("ab", 4), "ab  ");
        assert_eq!(fill_left("ab", 4), "  ab");
    }
}
