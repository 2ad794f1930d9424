//! Words of a text, as ranking compares them.
//!
//! Summaries mix prose with names from code, and the same thing is written `cart_total`,
//! `cartTotal` and `cart-total`. So an identifier yields its parts and, as one more token, the
//! parts joined: any spelling finds any other, and the exact name still weighs more than one of
//! its words.

/// Longest token, in characters; a longer run is a hash or encoded data and finds nothing.
const MAX_TOKEN_CHARS: usize = 64;

/// The tokens of `text`, in order, lower-cased.
pub fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut parts = Vec::new();
    for run in runs(text) {
        parts.clear();
        split_identifier(run, &mut parts);
        let joined = (parts.len() > 1).then(|| parts.concat());
        found.extend(
            parts.drain(..).chain(joined).filter(|token| token.chars().count() <= MAX_TOKEN_CHARS),
        );
    }
    found
}

/// Words and identifiers: letters and digits, with `_`, `-`, `.` and `::` between them.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        rest = &rest[start..];
        let end = run_length(rest);
        let (run, behind) = rest.split_at(end);
        rest = behind;
        Some(run)
    })
}

/// Length of the run at the start of `text`, which starts with a letter or digit.
fn run_length(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    if text.starts_with(stands_alone) {
        return first;
    }
    let mut end = first;
    loop {
        let rest = &text[end..];
        let connector = match rest.as_bytes() {
            [b':', b':', ..] => 2,
            [b'_' | b'-' | b'.', ..] => 1,
            _ => 0,
        };
        match rest[connector..].chars().next() {
            Some(c) if c.is_alphanumeric() && !stands_alone(c) => end += connector + c.len_utf8(),
            Some('_') if connector == 1 => end += connector,
            _ => return end,
        }
    }
}

/// Scripts that put no spaces between words: each character is a token.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0E7F}'        // Thai
        | '\u{3040}'..='\u{30FF}'      // Hiragana, Katakana
        | '\u{3400}'..='\u{9FFF}'      // Han
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{2FA1F}')
}

/// Pushes the lower-cased parts of an identifier: cut at connectors and at changes of case, where
/// `HTTPServer` is `http` and `server`.
fn split_identifier(run: &str, parts: &mut Vec<String>) {
    let mut part = String::new();
    let mut chars = run.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            take_part(&mut part, parts);
            before = None;
            continue;
        }
        let starts_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase())
            });
        if starts_word {
            take_part(&mut part, parts);
        }
        part.extend(c.to_lowercase());
        before = Some(c);
    }
    take_part(&mut part, parts);
}

fn take_part(part: &mut String, parts: &mut Vec<String>) {
    if !part.is_empty() {
        parts.push(std::mem::take(part));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prose_is_words_and_identifiers_are_parts_and_whole() {
        let cases: &[(&str, &[&str])] = &[
            ("Use argon2, never MD5.", &["use", "argon2", "never", "md5"]),
            ("cart_total", &["cart", "total", "carttotal"]),
            ("cartTotal()", &["cart", "total", "carttotal"]),
            ("HTTPServer", &["http", "server", "httpserver"]),
            ("std::io::Error", &["std", "io", "error", "stdioerror"]),
            ("src/lib.rs", &["src", "lib", "rs", "librs"]),
            ("EPIC-007", &["epic", "007", "epic007"]),
            ("a__b_ -x", &["a", "b", "ab", "x"]),
            ("Größe ändern", &["größe", "ändern"]),
            ("認証 login", &["認", "証", "login"]),
            (" ... ", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(tokens(text), *expected, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_name_share_the_joined_token() {
        for spelling in ["cart_total", "cartTotal", "cart-total", "Cart::Total"] {
            assert!(tokens(spelling).contains(&"carttotal".to_owned()), "{spelling}");
        }
    }

    #[test]
    fn encoded_data_yields_no_token() {
        assert_eq!(tokens(&"a".repeat(65)), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_yields_lower_case_words(text in ".{0,200}") {
            for token in tokens(&text) {
                prop_assert!(!token.is_empty());
                prop_assert_eq!(token.to_lowercase(), token.clone());
            }
        }
    }
}
