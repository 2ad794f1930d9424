//! The patterns of the setting `redact`.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::Error;

/// Largest program that a pattern may become, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern {number} (`{pattern}`){place}: {problem}")]
pub struct PatternError {
    number: usize,
    pattern: String,
    place: String,
    problem: String,
}

/// Whether these patterns can be used.
///
/// # Errors
/// The first that cannot: with its number, and with the column at which it is wrong.
pub fn check_patterns(patterns: &[String]) -> Result<(), PatternError> {
    compile(patterns).map(drop)
}

pub(super) fn compile(patterns: &[String]) -> Result<Vec<Regex>, PatternError> {
    let numbered = patterns.iter().enumerate();
    numbered.map(|(index, pattern)| one(index + 1, pattern)).collect()
}

fn one(number: usize, pattern: &str) -> Result<Regex, PatternError> {
    let wrong = |place: String, problem: String| PatternError {
        number,
        pattern: pattern.to_owned(),
        place,
        problem,
    };
    // Parsed as one for text, so that no match ends in the middle of a character.
    if let Err(error) = regex_syntax::parse(pattern) {
        let (column, problem) = match &error {
            Error::Parse(error) => (error.span().start.column, error.kind().to_string()),
            Error::Translate(error) => (error.span().start.column, error.kind().to_string()),
            other => return Err(wrong(String::new(), other.to_string())),
        };
        return Err(wrong(format!(", column {column}"), problem));
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|_| {
            let limit = MAX_COMPILED_BYTES >> 10;
            wrong(String::new(), format!("it is too large: compiled it exceeds {limit} KiB"))
        })?;
    if regex.is_match(b"") {
        let problem = "it matches the empty text, so it would match everywhere";
        return Err(wrong(String::new(), problem.to_owned()));
    }
    Ok(regex)
}
