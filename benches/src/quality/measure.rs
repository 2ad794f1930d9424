//! Measures of a ranked answer.
//!
//! nDCG is the gain that the answer collects from the top down, discounted the later it comes,
//! divided by what the best possible order would collect (Järvelin and Kekäläinen, *Cumulated
//! gain-based evaluation of IR techniques*, 2002). The gain is the grade, and what stands at rank
//! r counts 1 / log2(1 + r), the discount in use today.

use std::collections::BTreeMap;

/// How good one answer is, or the mean of several; each from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Quality {
    /// Normalized discounted cumulated gain.
    pub(crate) ndcg: f64,
    /// Which part of what is relevant was found at all.
    pub(crate) recall: f64,
}

/// The quality of an answer, best first, down to `depth`.
pub(crate) fn quality(found: &[&str], relevant: &BTreeMap<String, u8>, depth: usize) -> Quality {
    let found = &found[..found.len().min(depth)];
    let grades = found.iter().map(|name| relevant.get(*name).copied().unwrap_or_default());
    let mut best: Vec<u8> = relevant.values().copied().collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal = gain(best.iter().copied().take(depth));
    let hits = grades.clone().filter(|grade| *grade > 0).count();
    let wanted = best.iter().filter(|grade| **grade > 0).count();
    if wanted == 0 {
        return Quality::default();
    }
    Quality { ndcg: gain(grades) / ideal, recall: hits as f64 / wanted as f64 }
}

/// Discounted cumulated gain.
fn gain(grades: impl Iterator<Item = u8>) -> f64 {
    (2_u32..).zip(grades).map(|(rank, grade)| f64::from(grade) / f64::from(rank).log2()).sum()
}

/// The mean of several; zero for none.
pub(crate) fn mean(all: impl Iterator<Item = Quality>) -> Quality {
    let mut count = 0.0;
    let mut sum = Quality::default();
    for quality in all {
        count += 1.0;
        sum.ndcg += quality.ndcg;
        sum.recall += quality.recall;
    }
    if count == 0.0 {
        return sum;
    }
    Quality { ndcg: sum.ndcg / count, recall: sum.recall / count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relevant() -> BTreeMap<String, u8> {
        [("a", 2), ("b", 1), ("c", 1)].map(|(name, grade)| (name.to_owned(), grade)).into()
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
    }

    #[test]
    fn values_computed_by_hand() {
        // Ideal: 2/log2(2) + 1/log2(3) + 1/log2(4) = 2 + 0.63093 + 0.5 = 3.13093.
        let perfect = quality(&["a", "c", "b"], &relevant(), 10);
        assert_near(perfect.ndcg, 1.0);
        assert_near(perfect.recall, 1.0);
        // 0 + 2/log2(3) + 0 + 1/log2(5) = 1.26186 + 0.43068 = 1.69254.
        let late = quality(&["x", "a", "y", "b"], &relevant(), 10);
        assert_near(late.ndcg, 1.69254 / 3.13093);
        assert_near(late.recall, 2.0 / 3.0);
        // Only the first two places count, of the answer and of the best order.
        let short = quality(&["x", "a", "b"], &relevant(), 2);
        assert_near(short.ndcg, 1.26186 / 2.63093);
        assert_near(short.recall, 1.0 / 3.0);
    }

    #[test]
    fn nothing_found_and_nothing_to_find() {
        assert_eq!(quality(&[], &relevant(), 10), Quality::default());
        assert_eq!(quality(&["a"], &BTreeMap::new(), 10), Quality::default());
    }

    #[test]
    fn the_mean_of_none_is_zero() {
        assert_eq!(mean(std::iter::empty()), Quality::default());
        let two = [Quality { ndcg: 1.0, recall: 0.0 }, Quality { ndcg: 0.5, recall: 1.0 }];
        assert_eq!(mean(two.into_iter()), Quality { ndcg: 0.75, recall: 0.5 });
    }
}
