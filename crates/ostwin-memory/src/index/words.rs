//! The lexical half of a search: BM25 over the tokens of the question.

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

/// Most places at which the words of a question are looked at, beyond the rarest one: it bounds the
/// time of a search over a large ledger. The words left out are the commonest, which say least.
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
    /// The words of a question that are compared: those that some entry holds, rarest first.
    pub(crate) fn terms(&self, tokens: Vec<String>) -> Result<Vec<Term>, MemoryError> {
        let mut statement = self.connection.prepare("SELECT doc FROM vocabulary WHERE term = ?")?;
        let mut terms = Vec::new();
        for token in tokens {
            let entries = statement.query_row([&token], |row| row.get(0)).optional()?;
            terms.extend(entries.map(|entries| Term { token, entries }));
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
        Ok(terms)
    }

    /// The `limit` entries that hold any of the words, that `filter` takes and that weigh most, by
    /// their score, kind and time; best first, and of equals the newer.
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
        let sql = format!(
            "SELECT e.number, {BM25}, e.ts, e.kind FROM words CROSS JOIN entries e
             WHERE words MATCH ? AND e.number = words.rowid AND {sql}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let any = Value::from(any_of(terms));
        let mut rows = statement.query(params_from_iter(std::iter::once(&any).chain(&values)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let bm25: f64 = row.get(1)?;
            let weight = weigh(bm25, kind(row, 3)?, Timestamp::from_millis(row.get(2)?));
            found.push(Scored { number: row.get(0)?, weight, bm25 });
        }
        best_first(&mut found, limit);
        Ok(found)
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

/// Keeps the best `limit`, best first; of equals the one that came later.
fn best_first(found: &mut Vec<Scored>, limit: usize) {
    let order =
        |a: &Scored, b: &Scored| b.weight.total_cmp(&a.weight).then(b.number.cmp(&a.number));
    if limit == 0 {
        found.clear();
    } else if found.len() > limit {
        found.select_nth_unstable_by(limit - 1, order);
        found.truncate(limit);
    }
    found.sort_unstable_by(order);
}
