//! How large an answer may be.
//!
//! An answer goes out twice in one line: as structured content and as text for callers that read
//! only text, where quotes are escaped. Both count.

use std::io::{self, Write};

use serde::Serialize;

/// Largest answer on the wire, in bytes, the envelope included.
pub const MAX_REPLY_BYTES: usize = 256 * 1024;

/// What the envelope of an answer takes at most.
const ENVELOPE_BYTES: usize = 512;

/// What is left for the answer itself.
const BUDGET_BYTES: usize = MAX_REPLY_BYTES - ENVELOPE_BYTES;

/// What a list's own fields beside its items may take.
const AROUND_A_LIST_BYTES: usize = 4 * 1024;

/// Counts the bytes that JSON takes on the wire: once as it is, once as an escaped text.
#[derive(Default)]
struct WireBytes(usize);

impl WireBytes {
    /// The bytes of a whole value.
    fn of(value: &impl Serialize) -> usize {
        let mut bytes = Self::default();
        // What cannot become JSON is refused where it is written.
        serde_json::to_writer(&mut bytes, value).map_or(0, |()| bytes.whole())
    }

    /// All of them, with the quotes around the text.
    fn whole(&self) -> usize {
        self.0 + 2
    }
}

impl Write for WireBytes {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let escapes = json.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        self.0 += 2 * json.len() + escapes;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether an answer with this JSON is small enough to be sent.
pub(crate) fn fits(json: &str) -> bool {
    let mut bytes = WireBytes::default();
    bytes.write_all(json.as_bytes()).is_ok() && bytes.whole() <= BUDGET_BYTES
}

/// Whether a text that stands once in an answer, escaped, is small enough to be sent.
pub(crate) fn fits_once(text: &str) -> bool {
    text.chars().map(escaped_bytes).sum::<usize>() <= BUDGET_BYTES
}

/// The bytes that a character takes in a JSON text.
fn escaped_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// Cuts a text that stands once in an answer to what fits; how many bytes were left out.
pub(crate) fn fit_text(text: &mut String) -> usize {
    let mut used = AROUND_A_LIST_BYTES;
    let end = text.char_indices().find(|(_, character)| {
        used += escaped_bytes(*character);
        used > BUDGET_BYTES
    });
    let Some((end, _)) = end else { return 0 };
    let left_out = text.len() - end;
    text.truncate(end);
    left_out
}

/// The first of `lines` that fit together into one text of an answer; whether there were more.
pub(crate) fn fit_lines(lines: impl Iterator<Item = String>) -> (Vec<String>, bool) {
    let mut used = AROUND_A_LIST_BYTES;
    let mut fitting = Vec::new();
    for line in lines {
        used += escaped_bytes('\n') + line.chars().map(escaped_bytes).sum::<usize>();
        if used > BUDGET_BYTES {
            return (fitting, true);
        }
        fitting.push(line);
    }
    (fitting, false)
}

/// Drops items from the end until the list fits into an answer; whether any was dropped. The first
/// item stays whatever its size, so that a caller who pages always moves on.
pub(crate) fn fit_list<T: Serialize>(items: &mut Vec<T>) -> bool {
    fit_share(items, 1)
}

/// The same for one of `lists` lists that share an answer.
pub(crate) fn fit_share<T: Serialize>(items: &mut Vec<T>, lists: usize) -> bool {
    let budget = BUDGET_BYTES / lists.max(1);
    let mut used = AROUND_A_LIST_BYTES;
    let fitting = items
        .iter()
        .take_while(|item| {
            used += WireBytes::of(item);
            used <= budget
        })
        .count()
        .max(1);
    let dropped = fitting < items.len();
    items.truncate(fitting);
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_to_what_fits_and_never_to_nothing() {
        let mut small = vec!["x"; 100];
        assert!(!fit_list(&mut small));
        let mut large = vec!["\"".repeat(1_000); 200];
        assert!(fit_list(&mut large));
        let json = serde_json::to_string(&large).unwrap();
        assert!(fits(&json) && large.len() > 40, "{}", large.len());
        let mut huge = vec!["x".repeat(MAX_REPLY_BYTES), "y".to_owned()];
        assert!(fit_list(&mut huge));
        assert_eq!(huge.len(), 1);
    }

    #[test]
    fn lists_that_share_an_answer_fit_together() {
        let list = || vec!["\"".repeat(1_000); 200];
        let mut both = (list(), list());
        assert!(fit_share(&mut both.0, 2) && fit_share(&mut both.1, 2));
        assert!(fits(&serde_json::to_string(&both).unwrap()));
    }

    #[test]
    fn a_text_is_cut_between_characters_to_what_fits() {
        for piece in ["x", "ö", "\"", "\n", "\u{1}", "\u{7f}"] {
            let mut text = piece.repeat(MAX_REPLY_BYTES);
            let whole = text.len();
            let left_out = fit_text(&mut text);
            assert_eq!((text.len() + left_out, text.len() % piece.len()), (whole, 0));
            assert!(fits_once(&text), "{piece:?}");
            let json = serde_json::to_string(&text).unwrap();
            assert!((200_000..MAX_REPLY_BYTES).contains(&json.len()), "{piece:?}: {}", json.len());
        }
        let mut short = "short".to_owned();
        assert_eq!((fit_text(&mut short), short.as_str()), (0, "short"));
    }

    #[test]
    fn both_copies_count() {
        assert!(fits(&"x".repeat(120 * 1024)));
        assert!(!fits(&"\"".repeat(120 * 1024)));
    }
}
