//! The lexical half of a search: BM25 over the tokens of the question.

use std::collections::HashMap;

use ostwin_core::ledger::Kind;
use ostwin_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};

use super::open::Index;
use super::places::{Condition, kind};
use crate::error::MemoryError;
use crate::filter::Filter;

/// BM25 with k1 = 1.2 and b = 0.75, which is what FTS5 computes. What a word counts depends on the
/// field it stands in, in the order summary, tags, ref, detail: a tag was chosen to be found by.
const BM25: &str = "-bm25(words, 2.0, 3.0, 2.0, 1.0)";

/// Most words of a question that are compared.
const MAX_TERMS: usize = 32;

/// Most places at which the words of a question are looked at: it bounds the time of a search over
/// a large ledger. The words left out are the commonest, which say least; if even the rarest stands
/// in more places, the newest of them count.
const MAX_POSTINGS: i64 = 20_000;

/// A word of the question that some entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    token: String,
    entries: i64,
}

impl Term {
    pub(crate) fn as_str(&self) -> &str {
        &self.token
    }
}

/// The words of a question that are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Those that some entry holds, rarest first.
    pub(crate) known: Vec<Term>,
    /// How many no entry holds.
    pub(crate) unknown: usize,
}

/// An entry that holds a word of the question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    /// Its number in the index.
    pub(crate) number: i64,
    /// What it was weighed at.
    pub(crate) weight: f64,
    /// Its BM25 score.
    pub(crate) bm25: f64,
}

impl Index {
    /// The words of a question that are compared.
    pub(crate) fn terms(&self, tokens: Vec<String>) -> Result<Terms, MemoryError> {
        let mut statement = self.connection.prepare("SELECT doc FROM vocabulary WHERE term = ?")?;
        let mut terms = Vec::new();
        let mut unknown = 0;
        for token in tokens {
            match statement.query_row([&token], |row| row.get(0)).optional()? {
                Some(entries) => terms.push(Term { token, entries }),
                None => unknown += 1,
            }
        }
        terms.sort_by_key(|term| term.entries);
        terms.truncate(MAX_TERMS);
        let mut postings = 0;
        let affordable = terms.iter().take_while(|term| {
            let first = postings == 0;
            postings += term.entries;
            first || postings <= MAX_POSTINGS
        });
        let affordable = affordable.count();
        terms.truncate(affordable);
        Ok(Terms { known: terms, unknown })
    }

    /// The `limit` entries that hold any of the words, that `filter` takes and that weigh most;
    /// best first, and of equals the newer. `weigh` takes score, kind and time and gives at most
    /// the score.
    pub(crate) fn lexical(
        &self,
        terms: &[Term],
        filter: &Filter,
        limit: usize,
        weigh: impl Fn(f64, Kind, Timestamp) -> f64,
    ) -> Result<Vec<Scored>, MemoryError> {
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let Condition { sql, values } = Condition::of(filter);
        let sql = format!("SELECT e.kind, e.ts FROM entries e WHERE e.number = ? AND {sql}");
        let mut statement = self.connection.prepare(&sql)?;
        let mut found: Vec<Scored> = Vec::new();
        for (number, bm25) in self.matches(terms)? {
            // Nothing weighs more than its score, and what comes now scores less and less.
            if found.len() >= limit && found.last().is_none_or(|last| last.weight > bm25) {
                break;
            }
            let number_value = Value::from(number);
            let values = std::iter::once(&number_value).chain(&values);
            let mut rows = statement.query(params_from_iter(values))?;
            let Some(row) = rows.next()? else { continue };
            let weight = weigh(bm25, kind(row, 0)?, Timestamp::from_millis(row.get(1)?));
            insert(&mut found, Scored { number, weight, bm25 }, limit);
        }
        Ok(found)
    }

    /// The entries that hold any of the words with their scores, best first; the newest of them, if
    /// even the rarest word is in very many.
    fn matches(&self, terms: &[Term]) -> Result<Vec<(i64, f64)>, MemoryError> {
        let sql = format!(
            "SELECT rowid, {BM25} FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut matches = statement
            .query_map(params![any_of(terms), MAX_POSTINGS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(i64, f64)>>>()?;
        // Stable: of equals the newer stays first.
        matches.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(matches)
    }

    /// Which part of a question each of these entries holds, from 0 to 1: of its words, weighed by
    /// how rare they are.
    pub(crate) fn shares(
        &self,
        terms: &Terms,
        numbers: impl IntoIterator<Item = i64>,
    ) -> Result<HashMap<i64, f64>, MemoryError> {
        let all = self.count()? as f64;
        let rarity = |entries: i64| {
            let entries = entries as f64;
            (1.0 + ((all - entries).max(0.0) + 0.5) / (entries + 0.5)).ln()
        };
        let known: f64 = terms.known.iter().map(|term| rarity(term.entries)).sum();
        let whole = known + terms.unknown as f64 * rarity(0);
        let mut shares: HashMap<i64, f64> =
            numbers.into_iter().map(|number| (number, 0.0)).collect();
        // As far as they were looked at for their scores.
        let mut statement = self
            .connection
            .prepare("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?")?;
        for term in &terms.known {
            let one = any_of(std::slice::from_ref(term));
            let mut rows = statement.query(params![one, MAX_POSTINGS])?;
            while let Some(row) = rows.next()? {
                if let Some(share) = shares.get_mut(&row.get(0)?) {
                    *share += rarity(term.entries) / whole;
                }
            }
        }
        Ok(shares)
    }

    /// What one word adds to the score of an entry; nothing if it is not in it.
    pub(crate) fn term_score(&self, term: &Term, number: i64) -> Result<Option<f64>, MemoryError> {
        let sql = format!("SELECT {BM25} FROM words WHERE words MATCH ? AND rowid = ?");
        let one = any_of(std::slice::from_ref(term));
        Ok(self.connection.query_row(&sql, params![one, number], |row| row.get(0)).optional()?)
    }
}

/// The words as FTS5 reads them. Tokens are letters and digits, so quoting them is all it takes.
fn any_of(terms: &[Term]) -> String {
    let quoted: Vec<String> = terms.iter().map(|term| format!("\"{}\"", term.token)).collect();
    quoted.join(" OR ")
}

/// Inserts into a list of at most `limit`, best first; of equals the one that came later.
fn insert(found: &mut Vec<Scored>, scored: Scored, limit: usize) {
    let before = |other: &Scored| {
        other.weight.total_cmp(&scored.weight).then(other.number.cmp(&scored.number)).is_gt()
    };
    let at = found.partition_point(before);
    found.insert(at, scored);
    found.truncate(limit);
}
