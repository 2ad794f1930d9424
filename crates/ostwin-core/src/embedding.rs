//! The lines between whoever searches by meaning and `ostwin-embedder`, the program that turns text
//! into vectors.
//!
//! The program writes one [`Greeting`] and then answers each [`Request`] with an [`Answer`], one
//! JSON object per line. The two sides are crates that do not know each other, so what they agree
//! on is here. This module owns no state.

use serde::{Deserialize, Serialize};

use crate::json::Version;

/// The name of the program.
pub const PROGRAM: &str = "ostwin-embedder";
/// The most texts of one request.
pub const MAX_TEXTS: usize = 256;
/// What is looked at of one text, in bytes; the rest is cut off. Encoders read less of it still.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;
/// The longest line of a request, in bytes.
pub const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// The first line: which encoder it is, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The model's name: safe in a file's name, and another one whenever the vectors would be
    /// others. Not there if there is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many numbers a vector has. Not there if there is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
    /// Why there is no encoder; the program ends after this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Version of these lines.
    pub v: Version<1>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Repeated in the answer.
    pub id: u64,
    /// At most [`MAX_TEXTS`], none of them blank.
    pub texts: Vec<String>,
}

/// What is answered: either vectors or an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's; none if its line could not be read.
    pub id: Option<u64>,
    /// One for each text, in their order: of unit length, or all zeros if the encoder knows no
    /// word of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<Vec<Vec<f32>>>,
    /// Why there are no vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// What went wrong with one request, or with all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// What it is, and what to do.
    pub message: String,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request, or a setting, makes no sense.
    InvalidArgument,
    /// The request is longer than is allowed.
    TooLarge,
    /// The encoder cannot be had: no such model, no such service, no answer from it.
    Unavailable,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The part of `text` that is looked at: at most [`MAX_TEXT_BYTES`], cut between characters.
pub fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_that_are_documented() {
        let greeting = Greeting {
            model: Some("minilm".to_owned()),
            dimensions: Some(384),
            error: None,
            v: Version::default(),
        };
        let line = r#"{"model":"minilm","dimensions":384,"v":1}"#;
        assert_eq!(serde_json::to_string(&greeting).unwrap(), line);
        let answer = Answer { id: Some(1), vectors: Some(vec![vec![0.5, -0.5]]), error: None };
        let line = r#"{"id":1,"vectors":[[0.5,-0.5]]}"#;
        assert_eq!(serde_json::to_string(&answer).unwrap(), line);
        let problem = Problem::new(Code::InvalidArgument, "no");
        let answer = Answer { id: None, vectors: None, error: Some(problem) };
        let line = r#"{"id":null,"error":{"code":"invalid_argument","message":"no"}}"#;
        assert_eq!(serde_json::to_string(&answer).unwrap(), line);
        assert_eq!(serde_json::from_str::<Answer>(line).unwrap(), answer);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(head("short"), "short");
        let text = format!("{}é", "a".repeat(MAX_TEXT_BYTES - 1));
        assert_eq!(head(&text).len(), MAX_TEXT_BYTES - 1);
    }
}
