//! Words of a text, as ranking compares them.
//!
//! Summaries mix prose with names from code, and the same thing is written `cart_total`,
//! `cartTotal` and `cart-total`. So an identifier yields its parts and, as one more token, the
//! parts joined: any spelling finds any other, and the exact name still weighs more than one of
//! its words. A name of several segments (`AuthService.verify`) yields each segment joined too.
//!
//! Entries and questions go through the same function, so that what was written finds itself
//! whatever its language. English stemming is decided word by word, by what a word is made of and
//! never by a guess at the language of a text: a question of two words has none.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;

/// Longest token, in characters; a longer run is a hash or encoded data and finds nothing.
const MAX_TOKEN_CHARS: usize = 64;

/// English words that say nothing about what a text is about.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had",
    "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "may", "me", "must", "my",
    "no", "not", "of", "on", "one", "or", "our", "should", "so", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "us", "was", "we",
    "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
];

/// The tokens of an entry's text, in order: lower-cased, without diacritics, English words stemmed.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    words(text).map(Word::into_token).collect()
}

/// The tokens of a question, each once: as [`tokens`], without the English words that stand in
/// every text, unless there are no others.
pub(crate) fn question_tokens(text: &str) -> Vec<String> {
    let mut saying = Vec::new();
    let mut rest = Vec::new();
    for word in words(text) {
        let list = if word.says_nothing() { &mut rest } else { &mut saying };
        let token = word.into_token();
        if !list.contains(&token) {
            list.push(token);
        }
    }
    if saying.is_empty() { rest } else { saying }
}

/// A word as it stands in a text, lower-cased.
struct Word {
    text: String,
    /// It is a name put together from parts, which no rule of a language applies to.
    joined: bool,
}

impl Word {
    fn says_nothing(&self) -> bool {
        !self.joined && STOP_WORDS.binary_search(&self.text.as_str()).is_ok()
    }

    fn into_token(self) -> String {
        let english = !self.joined
            && self.text.len() > 2
            && self.text.bytes().all(|byte| byte.is_ascii_lowercase());
        if !english {
            return self.text;
        }
        match Stemmer::create(Algorithm::English).stem(&self.text) {
            Cow::Borrowed(stem) => stem.to_owned(),
            Cow::Owned(stem) => stem,
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = Word> {
    let mut found = Vec::new();
    let text = without_diacritics(text);
    for run in runs(&text) {
        split_run(run, &mut found);
    }
    found.retain(|word| word.text.chars().count() <= MAX_TOKEN_CHARS);
    found.into_iter()
}

/// Pushes the words of a run: of each segment its parts and, if there are several, the parts
/// joined; of several segments all parts joined.
fn split_run(run: &str, found: &mut Vec<Word>) {
    let mut whole = String::new();
    let mut parts = Vec::new();
    let mut segments = 0;
    for segment in run.split(['.', ':']).filter(|segment| !segment.is_empty()) {
        split_identifier(segment, &mut parts);
        let joined = parts.concat();
        whole.push_str(&joined);
        let several = parts.len() > 1;
        found.extend(parts.drain(..).map(|text| Word { text, joined: false }));
        if several {
            found.push(Word { text: joined, joined: true });
        }
        segments += 1;
    }
    if segments > 1 {
        found.push(Word { text: whole, joined: true });
    }
}

/// The text with its letters bare: `café` is found by `cafe`, however its accent was written.
fn without_diacritics(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mark = |c: &char| ('\u{0300}'..='\u{036F}').contains(c);
    Cow::Owned(text.nfd().filter(|c| !mark(c)).nfc().collect())
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
            (
                "AuthService.verify",
                &["auth", "servic", "authservice", "verifi", "authserviceverify"],
            ),
            ("src/lib.rs", &["src", "lib", "rs", "librs"]),
            ("EPIC-007", &["epic", "007", "epic007"]),
            ("a__b_ -x", &["a", "b", "ab", "x"]),
            ("migrations failed", &["migrat", "fail"]),
            ("Größe ändern", &["große", "andern"]),
            ("Café cafe\u{301} e\u{301}", &["cafe", "cafe", "e"]),
            ("ガイド", &["ガ", "イ", "ド"]),
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
    fn a_question_loses_what_says_nothing_unless_that_is_all() {
        assert_eq!(question_tokens("How do we verify the tokens?"), ["verifi", "token"]);
        assert_eq!(question_tokens("to be or not to be"), ["to", "be", "or", "not"]);
        assert_eq!(question_tokens("is_in"), ["isin"]);
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn encoded_data_yields_no_token() {
        assert_eq!(tokens(&"a".repeat(65)), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_yields_bare_lower_case_words(text in ".{0,200}") {
            for token in tokens(&text) {
                prop_assert!(!token.is_empty());
                prop_assert!(token.chars().all(char::is_alphanumeric), "{token:?}");
                prop_assert_eq!(token.to_lowercase(), token.clone());
            }
        }

        #[test]
        fn a_question_in_the_words_of_a_text_asks_for_its_tokens(text in ".{0,200}") {
            let held = tokens(&text);
            for token in question_tokens(&text) {
                prop_assert!(held.contains(&token), "{token:?} not in {held:?}");
            }
        }
    }
}
