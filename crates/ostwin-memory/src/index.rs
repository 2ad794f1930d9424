//! The lexical index: which entries hold the words of a question, and how much those words say.
//!
//! Ranking is BM25 over the whole entry, where a word counts by the field it stands in, multiplied
//! by what is left of the entry's worth at its age. An index only grows, like the ledger it
//! mirrors; an entry that a later one supersedes stays counted but never appears.

use std::collections::{HashMap, HashSet};

use ostwin_core::config::HalfLives;
use ostwin_core::ids::{MemoryId, RoomId};
use ostwin_core::ledger::{Entry, Kind};
use ostwin_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::decay;
use crate::tokens::tokens;

/// How soon a repeated word stops adding to the score.
pub const K1: f64 = 1.2;
/// How much a long entry is held against the words it holds.
pub const B: f64 = 0.75;

/// What a word in each field counts: a tag was chosen to be found by.
const SUMMARY_WEIGHT: f32 = 2.0;
const TAG_WEIGHT: f32 = 3.0;
const REFERENCE_WEIGHT: f32 = 2.0;
const DETAIL_WEIGHT: f32 = 1.0;

/// Which entries may be hits; an empty filter takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Having any of these tags, in any case.
    pub tags: Vec<String>,
    /// Published by this room.
    pub room: Option<RoomId>,
    /// Not published by this room.
    pub exclude_room: Option<RoomId>,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let tagged =
            |wanted: &String| entry.tags.iter().any(|tag| tag.eq_ignore_ascii_case(wanted));
        self.kind.is_none_or(|kind| kind == entry.kind)
            && (self.tags.is_empty() || self.tags.iter().any(tagged))
            && self.room.as_ref().is_none_or(|room| entry.room_id.as_ref() == Some(room))
            && self.exclude_room.as_ref().is_none_or(|room| entry.room_id.as_ref() != Some(room))
    }
}

/// What one word of the question added.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TermScore {
    /// The word.
    pub term: String,
    /// Its part of the lexical score.
    pub score: f64,
}

/// How a score came about: `lexical` times `decay`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Explain {
    /// The BM25 score; 1 where nothing was asked for and only the age counts.
    pub lexical: f64,
    /// What is left of the entry's worth at its age.
    pub decay: f64,
    /// The entry's age in hours.
    pub age_hours: f64,
    /// The words that were found.
    pub terms: Vec<TermScore>,
}

/// An entry that answers a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// How well it answers; comparable within one answer only.
    pub score: f64,
    /// How the score came about.
    pub explain: Explain,
}

#[derive(Clone, Copy, Debug)]
struct Posting {
    document: u32,
    /// Occurrences, each counted by the weight of its field.
    frequency: f32,
}

/// A word of a question that some entry holds.
struct Term<'a> {
    token: String,
    /// How much the word says: the rarer, the more.
    idf: f64,
    postings: &'a [Posting],
}

/// The entries of a ledger and where their words are.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    superseded: HashSet<MemoryId>,
    postings: HashMap<String, Vec<Posting>>,
    /// Words of each entry, unweighted.
    lengths: Vec<u32>,
    total_length: u64,
}

impl Index {
    /// The index of these entries, in the order of the ledger.
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut index = Self::default();
        for entry in entries {
            index.add(entry);
        }
        index
    }

    /// Adds the next entry of the ledger.
    pub fn add(&mut self, entry: Entry) {
        let Ok(document) = u32::try_from(self.entries.len()) else { return };
        let mut frequencies: HashMap<String, f32> = HashMap::new();
        let mut length = 0_u32;
        let mut count = |text: &str, weight: f32| {
            for token in tokens(text) {
                *frequencies.entry(token).or_default() += weight;
                length += 1;
            }
        };
        count(&entry.summary, SUMMARY_WEIGHT);
        for tag in &entry.tags {
            count(tag, TAG_WEIGHT);
        }
        count(entry.reference.as_deref().unwrap_or_default(), REFERENCE_WEIGHT);
        count(entry.detail.as_deref().unwrap_or_default(), DETAIL_WEIGHT);

        for (token, frequency) in frequencies {
            self.postings.entry(token).or_default().push(Posting { document, frequency });
        }
        self.lengths.push(length);
        self.total_length += u64::from(length);
        self.superseded.extend(entry.supersedes.clone());
        self.entries.push(entry);
    }

    /// How many entries were added, superseded ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The best `limit` entries that hold a word of `text` and that `filter` takes, best first;
    /// of equals the newer one first.
    pub fn search(
        &self,
        text: &str,
        filter: &Filter,
        limit: usize,
        lives: &HalfLives,
        now: Timestamp,
    ) -> Vec<Hit<'_>> {
        let terms = self.terms_of(text);
        let mut lexical = vec![0.0_f64; self.entries.len()];
        for term in &terms {
            for posting in term.postings {
                lexical[posting.document as usize] += self.term_score(term.idf, *posting);
            }
        }
        let mut hits: Vec<(f64, usize)> = lexical
            .iter()
            .enumerate()
            .filter(|(_, score)| **score > 0.0)
            .filter(|(document, _)| self.may_appear(*document, filter))
            .map(|(document, score)| (score * self.worth(document, lives, now), document))
            .collect();
        best_first(&mut hits, limit);
        hits.into_iter()
            .map(|(score, document)| {
                let terms = self.explain_terms(&terms, document);
                self.hit(score, document, lexical[document], terms, lives, now)
            })
            .collect()
    }

    /// The `limit` entries that `filter` takes and that are worth most at their age, best first.
    /// For when there is nothing to search by.
    pub fn freshest(
        &self,
        filter: &Filter,
        limit: usize,
        lives: &HalfLives,
        now: Timestamp,
    ) -> Vec<Hit<'_>> {
        let mut hits: Vec<(f64, usize)> = (0..self.entries.len())
            .filter(|document| self.may_appear(*document, filter))
            .map(|document| (self.worth(document, lives, now), document))
            .collect();
        best_first(&mut hits, limit);
        hits.into_iter()
            .map(|(score, document)| self.hit(score, document, 1.0, Vec::new(), lives, now))
            .collect()
    }

    /// The different words of `text` that some entry holds.
    fn terms_of(&self, text: &str) -> Vec<Term<'_>> {
        let mut seen = HashSet::new();
        tokens(text)
            .into_iter()
            .filter(|token| seen.insert(token.clone()))
            .filter_map(|token| {
                let postings = self.postings.get(&token)?.as_slice();
                let (all, having) = (self.entries.len() as f64, postings.len() as f64);
                let idf = ((all - having + 0.5) / (having + 0.5)).ln_1p();
                Some(Term { token, idf, postings })
            })
            .collect()
    }

    fn term_score(&self, idf: f64, posting: Posting) -> f64 {
        let average = self.total_length as f64 / self.entries.len().max(1) as f64;
        let length = f64::from(self.lengths[posting.document as usize]);
        let frequency = f64::from(posting.frequency);
        let norm = K1 * (1.0 - B + B * length / average.max(1.0));
        idf * frequency * (K1 + 1.0) / (frequency + norm)
    }

    fn explain_terms(&self, terms: &[Term<'_>], document: usize) -> Vec<TermScore> {
        terms
            .iter()
            .filter_map(|term| {
                let at = term
                    .postings
                    .binary_search_by_key(&document, |posting| posting.document as usize)
                    .ok()?;
                let score = self.term_score(term.idf, term.postings[at]);
                Some(TermScore { term: term.token.clone(), score })
            })
            .collect()
    }

    fn may_appear(&self, document: usize, filter: &Filter) -> bool {
        let entry = &self.entries[document];
        !self.superseded.contains(&entry.id) && filter.takes(entry)
    }

    fn worth(&self, document: usize, lives: &HalfLives, now: Timestamp) -> f64 {
        let entry = &self.entries[document];
        decay::worth(lives, entry.kind, now.since(entry.ts))
    }

    fn hit(
        &self,
        score: f64,
        document: usize,
        lexical: f64,
        terms: Vec<TermScore>,
        lives: &HalfLives,
        now: Timestamp,
    ) -> Hit<'_> {
        let entry = &self.entries[document];
        let explain = Explain {
            lexical,
            decay: self.worth(document, lives, now),
            age_hours: now.since(entry.ts).as_secs_f64() / 3600.0,
            terms,
        };
        Hit { entry, score, explain }
    }
}

/// Keeps the best `limit`, best first; of equals the one that was added later.
fn best_first(hits: &mut Vec<(f64, usize)>, limit: usize) {
    let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1));
    if limit == 0 {
        hits.clear();
    } else if hits.len() > limit {
        hits.select_nth_unstable_by(limit - 1, order);
        hits.truncate(limit);
    }
    hits.sort_unstable_by(order);
}

/// Searches entries that are already at hand, with the default half-lives. Whoever asks more than
/// once keeps an [`Index`].
pub fn search(
    entries: &[Entry],
    text: &str,
    filter: &Filter,
    limit: usize,
    now: Timestamp,
) -> Vec<Entry> {
    Index::from_entries(entries.iter().cloned())
        .search(text, filter, limit, &HalfLives::default(), now)
        .into_iter()
        .map(|hit| hit.entry.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::tests::entry;

    const HOUR: i64 = 3_600_000;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000 * HOUR)
    }

    fn index(entries: &[Entry]) -> Index {
        Index::from_entries(entries.iter().cloned())
    }

    fn found<'a>(hits: &[Hit<'a>]) -> Vec<&'a str> {
        hits.iter().map(|hit| hit.entry.summary.as_str()).collect()
    }

    fn ask<'a>(index: &'a Index, text: &str, filter: &Filter) -> Vec<Hit<'a>> {
        index.search(text, filter, 10, &HalfLives::default(), now())
    }

    fn at(hours: i64, mut entry: Entry) -> Entry {
        entry.ts = Timestamp::from_millis(hours * HOUR);
        entry
    }

    #[test]
    fn rare_words_weigh_more_than_common_ones() {
        let entries = [
            at(1000, entry(1, Kind::Decision, "the cart uses integers", &[])),
            at(1000, entry(2, Kind::Decision, "the cart uses sessions", &[])),
            at(1000, entry(3, Kind::Decision, "the payment uses webhooks", &[])),
        ];
        let index = index(&entries);
        let hits = ask(&index, "cart webhooks", &Filter::default());
        assert_eq!(found(&hits)[0], "the payment uses webhooks");
        assert_eq!(hits.len(), 3);
        assert_eq!(found(&ask(&index, "zebra", &Filter::default())), Vec::<&str>::new());
    }

    #[test]
    fn the_score_is_bm25_times_decay() {
        let entries = [
            at(1000 - 72, entry(1, Kind::Code, "alpha beta", &[])),
            at(1000, entry(2, Kind::Code, "gamma delta", &[])),
        ];
        let index = index(&entries);
        let hits = ask(&index, "alpha", &Filter::default());
        // One of two entries has the word, twice weighted, in an entry of average length.
        let idf = (1.0_f64 + (2.0 - 1.0 + 0.5) / (1.0 + 0.5)).ln();
        let lexical = idf * 2.0 * (K1 + 1.0) / (2.0 + K1);
        assert!((hits[0].explain.lexical - lexical).abs() < 1e-9, "{:?}", hits[0]);
        assert_eq!(hits[0].explain.decay, 0.5);
        assert!((hits[0].score - lexical * 0.5).abs() < 1e-9);
        assert_eq!(hits[0].explain.terms.len(), 1);
        assert_eq!(hits[0].explain.age_hours, 72.0);
    }

    #[test]
    fn age_decides_between_equals() {
        let entries = [
            at(10, entry(1, Kind::Warning, "flaky clock", &[])),
            at(990, entry(2, Kind::Warning, "flaky disk", &[])),
        ];
        let index = index(&entries);
        assert_eq!(found(&ask(&index, "flaky", &Filter::default())), ["flaky disk", "flaky clock"]);
        let fresh = index.freshest(&Filter::default(), 1, &HalfLives::default(), now());
        assert_eq!(found(&fresh), ["flaky disk"]);
    }

    #[test]
    fn superseded_and_filtered_entries_never_appear() {
        let mut new = at(1000, entry(2, Kind::Decision, "use argon2 for auth", &["Auth"]));
        let old = at(1000, entry(1, Kind::Decision, "use md5 for auth", &["auth"]));
        new.supersedes = Some(old.id.clone());
        let mut other = at(1000, entry(3, Kind::Code, "auth in rust", &[]));
        other.room_id = Some(RoomId::numbered(9));
        let index = index(&[old, new, other]);

        let all = Filter::default();
        assert_eq!(found(&ask(&index, "auth", &all)).len(), 2);
        let tagged = Filter { tags: vec!["AUTH".into()], ..Filter::default() };
        assert_eq!(found(&ask(&index, "auth", &tagged)), ["use argon2 for auth"]);
        let code = Filter { kind: Some(Kind::Code), ..Filter::default() };
        assert_eq!(found(&ask(&index, "auth", &code)), ["auth in rust"]);
        let elsewhere = Filter { exclude_room: Some(RoomId::numbered(9)), ..Filter::default() };
        assert_eq!(found(&ask(&index, "auth", &elsewhere)), ["use argon2 for auth"]);
        let there = Filter { room: Some(RoomId::numbered(9)), ..Filter::default() };
        assert_eq!(found(&ask(&index, "auth", &there)), ["auth in rust"]);
    }

    #[test]
    fn a_limit_keeps_the_best() {
        let entries: Vec<Entry> = (1..=50)
            .map(|number| {
                let summary = if number % 10 == 0 { "rate limit" } else { "limit" };
                at(1000, entry(number, Kind::Decision, summary, &[]))
            })
            .collect();
        let index = index(&entries);
        let best = index.search("rate", &Filter::default(), 3, &HalfLives::default(), now());
        let numbers: Vec<u64> = best.iter().map(|hit| hit.entry.seq).collect();
        assert_eq!(numbers, [50, 40, 30]);
        assert!(
            index.search("rate", &Filter::default(), 0, &HalfLives::default(), now()).is_empty()
        );
    }
}
