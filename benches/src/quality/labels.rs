//! The labelled set: `benches/retrieval/`, built into the program so that it runs anywhere.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ostwin_core::ledger::Kind;
use serde::Deserialize;
use serde::de::DeserializeOwned;

const ENTRIES: &str = include_str!("../../retrieval/entries.jsonl");
const QUERIES: &str = include_str!("../../retrieval/queries.jsonl");

/// Entries, and questions about them.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) entries: Vec<LabelledEntry>,
    pub(crate) queries: Vec<LabelledQuery>,
}

/// An entry as it is published, with the name that labels use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelledEntry {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) tags: Vec<String>,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) summary: String,
    pub(crate) detail: Option<String>,
}

/// A question, and how well entries answer it: 2 answers it, 1 helps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelledQuery {
    pub(crate) id: String,
    pub(crate) class: Class,
    pub(crate) text: String,
    pub(crate) relevant: BTreeMap<String, u8>,
}

/// What a question is hard for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// It uses the entry's words.
    Exact,
    /// It uses none of the entry's words.
    Paraphrase,
    /// It is a name in another spelling, or a part of one.
    Identifier,
    /// It is not in English.
    NonEnglish,
}

impl Class {
    pub(crate) const ALL: [Self; 4] =
        [Self::Exact, Self::Paraphrase, Self::Identifier, Self::NonEnglish];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Paraphrase => "paraphrase",
            Self::Identifier => "identifier",
            Self::NonEnglish => "non-English",
        }
    }
}

/// Reads the set.
///
/// # Errors
/// A line is not as it should be, or a label names no entry.
pub(crate) fn read() -> Result<Labelled> {
    let entries: Vec<LabelledEntry> = lines("entries.jsonl", ENTRIES)?;
    let queries: Vec<LabelledQuery> = lines("queries.jsonl", QUERIES)?;
    for query in &queries {
        let is_answered = query.relevant.values().any(|grade| *grade > 0);
        ensure!(is_answered, "question `{}` has no answer", query.id);
        for name in query.relevant.keys() {
            let is_there = entries.iter().any(|entry| entry.id == *name);
            ensure!(is_there, "question `{}`: there is no entry `{name}`", query.id);
        }
    }
    Ok(Labelled { entries, queries })
}

fn lines<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>> {
    let lines = text.lines().zip(1..);
    lines
        .map(|(line, number)| {
            serde_json::from_str(line).with_context(|| format!("{file}, line {number}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_can_be_read_and_has_every_class() {
        let set = read().unwrap();
        assert!(set.entries.len() >= 200 && set.queries.len() >= 100);
        for class in Class::ALL {
            assert!(set.queries.iter().any(|query| query.class == class), "{class:?}");
        }
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        let error = lines::<LabelledQuery>("queries.jsonl", "{}").unwrap_err();
        assert_eq!(error.to_string(), "queries.jsonl, line 1");
    }
}
