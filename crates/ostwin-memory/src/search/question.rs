//! Questions and answers.

use ostwin_core::ledger::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::Filter;

/// How entries are compared with a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By words and by meaning.
    #[default]
    Hybrid,
    /// By words only.
    Lexical,
    /// By meaning only.
    Semantic,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Hybrid, Self::Lexical, Self::Semantic];

    /// The mode's name, as tools and commands write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Lexical => "lexical",
            Self::Semantic => "semantic",
        }
    }
}

/// What is asked of the shared memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// What to look for.
    pub text: String,
    /// Which entries may be hits.
    pub filter: Filter,
    /// How they are compared with the text.
    pub mode: Mode,
    /// Most hits.
    pub limit: usize,
    /// Say how each score came about.
    pub explain: bool,
}

/// What one word of the question added.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TermScore {
    /// The word, as it is compared: lower-cased and stemmed.
    pub term: String,
    /// Its part of the lexical score.
    pub score: f64,
}

/// How a score came about. Searching by words it is `lexical` times `decay`, by meaning `cosine`
/// times `decay`, by both `rrf` times `decay`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Explain {
    /// The BM25 score, if a word of the question is in the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexical: Option<f64>,
    /// Its rank among the entries with words of the question, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexical_rank: Option<usize>,
    /// Which part of the question's words the entry holds, weighed by how rare they are, from 0 to
    /// 1; if the ranks were fused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The words that were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermScore>,
    /// How near the meanings are, up to 1; if they are near enough to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    /// Its rank among the entries of a similar meaning, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine_rank: Option<usize>,
    /// The ranks fused: `share`² / (60 + `lexical_rank`) + 1 / (60 + `cosine_rank`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrf: Option<f64>,
    /// What is left of the entry's worth at its age.
    pub decay: f64,
    /// The entry's age in hours.
    pub age_hours: f64,
}

/// An entry that answers a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The entry.
    pub entry: Entry,
    /// How well it answers; comparable within one answer only.
    pub score: f64,
    /// How the score came about, if that was asked for.
    pub explain: Option<Explain>,
}

/// What the shared memory answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The entries that answer, best first.
    pub hits: Vec<Hit>,
    /// How they were compared with the question.
    pub mode_used: Mode,
    /// What the caller should know about that.
    pub note: Option<String>,
    /// Entries whose meaning is not known yet; later searches go on with them.
    pub not_yet_embedded: usize,
    /// Lines of the ledger that cannot be read.
    pub skipped_lines: usize,
}
