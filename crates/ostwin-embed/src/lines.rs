//! Lines of bounded length from a stream.

use std::io::{self, BufRead, Read};

use ostwin_core::embedding::MAX_LINE_BYTES;

/// One line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What it holds.
    Whole(Vec<u8>),
    /// It is longer than [`MAX_LINE_BYTES`] and was passed over.
    TooLong,
}

/// The next line, or none at the end of the stream. A last line without an end counts.
///
/// # Errors
/// Reading failed.
pub(crate) fn next(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    // One more than is allowed, and the end of the line.
    let limit = MAX_LINE_BYTES as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Line::Whole(line)));
    }
    if line.len() <= MAX_LINE_BYTES {
        return Ok(Some(Line::Whole(line)));
    }
    drop(line);
    input.skip_until(b'\n')?;
    Ok(Some(Line::TooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Line> {
        std::iter::from_fn(|| next(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_end_at_a_newline_or_at_the_end() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(all(b""), []);
        assert_eq!(all(b"a\n\nb"), [whole("a"), whole(""), whole("b")]);
        assert_eq!(all(b"a\n"), [whole("a")]);
    }

    #[test]
    fn a_long_line_is_passed_over_and_the_next_one_is_read() {
        let longest = "x".repeat(MAX_LINE_BYTES);
        let text = format!("{longest}\n{longest}x\nnext\n{longest}x");
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        let expected = [whole(&longest), Line::TooLong, whole("next"), Line::TooLong];
        assert_eq!(all(text.as_bytes()), expected);
    }
}
