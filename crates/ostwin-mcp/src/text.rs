//! Parts of files as text.

/// The bytes as text, without a character that the limit cut in two if there is `more`.
pub(crate) fn text_of(bytes: &[u8], more: bool) -> Option<&str> {
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
}
