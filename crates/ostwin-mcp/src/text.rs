//! Parts of files as text.

use schemars::JsonSchema;
use serde::Serialize;

/// A part of a text file, as an answer.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TextPart {
    /// The content from the offset on.
    content: String,
    /// The length of the whole file, in bytes.
    total_bytes: u64,
    /// Where to go on; null at the end.
    next_offset: Option<u64>,
}

impl TextPart {
    /// The part with these bytes, which stand at `offset` of `total`. A character that its end cuts
    /// in two is left for the next part. `None` if it is no text.
    pub(crate) fn new(bytes: &[u8], offset: u64, total: u64) -> Option<Self> {
        let behind = |length: usize| offset.saturating_add(length as u64);
        let content = text_of(bytes, behind(bytes.len()) < total)?.to_owned();
        let next = behind(content.len());
        Some(Self { content, total_bytes: total, next_offset: (next < total).then_some(next) })
    }
}

/// The bytes as text, without a character that the limit cut in two if there is `more`.
fn text_of(bytes: &[u8], more: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if more && error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_on_the_limit_is_left_for_the_next_part() {
        let bytes = "größe".as_bytes();
        assert_eq!(text_of(&bytes[..3], true), Some("gr"));
        assert_eq!(text_of(&bytes[..3], false), None);
        assert_eq!(text_of(&bytes[..4], true), Some("grö"));
        assert_eq!(text_of(&bytes[3..], true), None);
        assert_eq!(text_of(b"\xff\xfe", true), None);
        assert_eq!(text_of(b"", false), Some(""));
    }

    #[test]
    fn parts_follow_each_other_to_the_end() {
        let file = "größe".as_bytes();
        let total = file.len() as u64;
        let part = |content: &str, next_offset| {
            Some(TextPart { content: content.to_owned(), total_bytes: total, next_offset })
        };
        assert_eq!(TextPart::new(&file[..3], 0, total), part("gr", Some(2)));
        assert_eq!(TextPart::new(&file[2..], 2, total), part("öße", None));
        assert_eq!(TextPart::new(b"", 99, total), part("", None));
        assert_eq!(TextPart::new(&file[3..], 3, total), None);
    }
}
