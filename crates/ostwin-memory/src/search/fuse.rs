//! Fusing two ranked lists into one: pure, over numbers and points in time.

use std::collections::HashMap;

use ostwin_core::config::HalfLives;
use ostwin_core::time::Timestamp;

use super::question::Explain;
use crate::decay;
use crate::index::Place;

/// What softens the difference between the first ranks (Cormack, Clarke and Büttcher 2009).
pub const RRF_K: f64 = 60.0;

/// How far down each list entries take part.
pub const DEPTH: usize = 100;

/// An entry that holds words of the question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worded {
    pub(crate) place: Place,
    /// Its BM25 score.
    pub(crate) bm25: f64,
    /// Which part of the question it holds, from 0 to 1.
    pub(crate) share: f64,
}

/// An entry with its score and how that came about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) place: Place,
    pub(crate) score: f64,
    pub(crate) explain: Explain,
}

/// Fuses entries ranked by words and entries ranked by meaning, each best first; gives the `limit`
/// best. An entry that only one list holds has what that list gives it. Of equals the newer is
/// first.
///
/// A question in other words than the entry's still shares one or the other word with many
/// entries. They are the best by words, and would take every second place from what is near in
/// meaning, if a rank by words did not count by the part of the question that was found: by its
/// square, so that one word of six counts next to nothing and five of six nearly all. Of what was
/// tried on the labelled set in `benches/` (as it is, the part, its square, a least part) this is
/// best for paraphrases and changes least for the rest.
pub(crate) fn fuse(
    lexical: Vec<Worded>,
    semantic: Vec<(Place, f64)>,
    limit: usize,
    lives: &HalfLives,
    now: Timestamp,
) -> Vec<Ranked> {
    let mut all: Vec<Ranked> = Vec::with_capacity(lexical.len() + semantic.len());
    let mut at: HashMap<i64, usize> = HashMap::new();
    for (rank, Worded { place, bm25, share }) in (1..).zip(lexical) {
        at.insert(place.number, all.len());
        let explain = Explain {
            lexical: Some(bm25),
            lexical_rank: Some(rank),
            share: Some(share),
            ..aged(&place, lives, now)
        };
        all.push(Ranked { place, score: 0.0, explain });
    }
    for (rank, (place, score)) in (1..).zip(semantic) {
        let known = at.get(&place.number).and_then(|at| all.get_mut(*at));
        if let Some(known) = known {
            known.explain.cosine = Some(score);
            known.explain.cosine_rank = Some(rank);
        } else {
            let explain = Explain {
                cosine: Some(score),
                cosine_rank: Some(rank),
                ..aged(&place, lives, now)
            };
            all.push(Ranked { place, score: 0.0, explain });
        }
    }
    for ranked in &mut all {
        let explain = &mut ranked.explain;
        let part = |rank: Option<usize>| rank.map_or(0.0, |rank| 1.0 / (RRF_K + rank as f64));
        let share = explain.share.unwrap_or_default();
        let rrf = share * share * part(explain.lexical_rank) + part(explain.cosine_rank);
        explain.rrf = Some(rrf);
        ranked.score = rrf * explain.decay;
    }
    best_first(&mut all, limit);
    all
}

/// An explanation that knows the entry's age and nothing else.
pub(crate) fn aged(place: &Place, lives: &HalfLives, now: Timestamp) -> Explain {
    let age = now.since(place.ts);
    Explain {
        decay: decay::worth(lives, place.kind, age),
        age_hours: age.as_secs_f64() / 3600.0,
        ..Explain::default()
    }
}

/// Keeps the best `limit`, best first; of equals the one that came later.
pub(crate) fn best_first(ranked: &mut Vec<Ranked>, limit: usize) {
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.place.number.cmp(&a.place.number)));
    ranked.truncate(limit);
}

#[cfg(test)]
mod tests {
    use ostwin_core::ledger::Kind;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn now() -> Timestamp {
        Timestamp::from_millis(10_000 * HOUR)
    }

    fn place(number: i64, age_hours: i64) -> Place {
        Place {
            number,
            id: format!("mem-{number:026}"),
            start: 0,
            ts: Timestamp::from_millis((10_000 - age_hours) * HOUR),
            kind: Kind::Code,
        }
    }

    fn near(numbers: &[i64]) -> Vec<(Place, f64)> {
        numbers.iter().map(|number| (place(*number, 0), 1.0)).collect()
    }

    fn worded(number: i64, age_hours: i64, share: f64) -> Worded {
        Worded { place: place(number, age_hours), bm25: 9.0, share }
    }

    fn fused(lexical: Vec<Worded>, semantic: Vec<(Place, f64)>) -> Vec<(i64, f64)> {
        fuse(lexical, semantic, 10, &HalfLives::default(), now())
            .into_iter()
            .map(|ranked| (ranked.place.number, ranked.score))
            .collect()
    }

    #[test]
    fn what_both_lists_hold_is_before_what_one_holds() {
        assert_eq!(
            fused(vec![worded(1, 0, 1.0), worded(2, 0, 1.0)], near(&[3, 2])),
            [(2, 1.0 / 62.0 + 1.0 / 62.0), (3, 1.0 / 61.0), (1, 1.0 / 61.0)]
        );
        assert_eq!(fused(Vec::new(), near(&[])), []);
    }

    #[test]
    fn a_rank_by_words_counts_by_the_square_of_what_was_found() {
        assert_eq!(
            fused(vec![worded(1, 0, 0.25), worded(2, 0, 0.75)], near(&[3, 4])),
            [
                (3, 1.0 / 61.0),
                (4, 1.0 / 62.0),
                (2, 0.5625 * (1.0 / 62.0)),
                (1, 0.0625 * (1.0 / 61.0))
            ]
        );
    }

    #[test]
    fn age_takes_its_part_and_never_more_than_to_the_floor() {
        let old = vec![worded(1, 72, 1.0), worded(2, 0, 1.0), worded(3, 9_999, 1.0)];
        assert_eq!(fused(old, vec![]), [(2, 1.0 / 62.0), (1, 0.5 / 61.0), (3, 0.3 / 63.0)]);
    }

    #[test]
    fn each_part_is_explained() {
        let mut ranked = fuse(
            vec![worded(1, 72, 0.5)],
            vec![(place(1, 72), 0.6)],
            1,
            &HalfLives::default(),
            now(),
        );
        let rrf = 0.25 * (1.0 / 61.0) + 1.0 / 61.0;
        let explain = Explain {
            lexical: Some(9.0),
            lexical_rank: Some(1),
            share: Some(0.5),
            terms: Vec::new(),
            cosine: Some(0.6),
            cosine_rank: Some(1),
            rrf: Some(rrf),
            decay: 0.5,
            age_hours: 72.0,
        };
        assert_eq!(
            ranked.pop().map(|ranked| (ranked.score, ranked.explain)),
            Some((0.5 * rrf, explain))
        );
    }
}
