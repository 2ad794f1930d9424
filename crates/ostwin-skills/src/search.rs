//! Finding skills by words: a small ranking, by pure functions.
//!
//! What is searched is short (a name, a line, some tags), so a word counts by where it stands and
//! by how few of the skills have it, and not by how often it is said.

use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};

use crate::format::Skill;

const IN_NAME: f64 = 4.0;
const IN_TRIGGERS: f64 = 3.0;
const IN_TAGS: f64 = 3.0;
const IN_DESCRIPTION: f64 = 1.0;
/// What a word counts of which the query has only the beginning.
const BEGINNING: f64 = 0.5;
/// Shortest beginning of a word that finds it.
const MIN_BEGINNING: usize = 3;

/// What is known of a skill before it is read: one from a tier or from an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card<'s> {
    /// Its name.
    pub name: &'s str,
    /// What it does and when to use it.
    pub description: &'s str,
    /// Words to find it by.
    pub tags: &'s [String],
    /// Phrases that call for it.
    pub triggers: &'s [String],
}

impl<'s> From<&'s Skill> for Card<'s> {
    fn from(skill: &'s Skill) -> Self {
        Self {
            name: skill.name.as_str(),
            description: &skill.description,
            tags: &skill.tags,
            triggers: &skill.triggers,
        }
    }
}

/// One skill that answers a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Its place among the cards.
    pub index: usize,
    /// How well it answers; only to be compared within one search.
    pub score: f64,
}

/// The cards that share a word with the query, the best first, equal ones by name. A query without
/// a word finds every card.
pub fn search(query: &str, cards: &[Card<'_>]) -> Vec<Match> {
    let stemmer = Stemmer::create(Algorithm::English);
    let wanted = words(&stemmer, query);
    let indexed: Vec<BTreeMap<String, f64>> =
        cards.iter().map(|card| weigh(&stemmer, card)).collect();
    let mut found: Vec<Match> = indexed
        .iter()
        .enumerate()
        .map(|(index, card)| {
            let score = wanted.iter().map(|word| weight(card, word) * rarity(&indexed, word)).sum();
            Match { index, score }
        })
        .filter(|found| wanted.is_empty() || found.score > 0.0)
        .collect();
    found.sort_by(|a, b| {
        let name = |found: &Match| cards.get(found.index).map(|card| card.name);
        b.score.total_cmp(&a.score).then_with(|| name(a).cmp(&name(b)))
    });
    found
}

/// The words of a text, lower-cased and without their endings.
fn words(stemmer: &Stemmer, text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| stemmer.stem(&word.to_lowercase()).into_owned())
        .collect()
}

/// Each word of a card with the weight of the best place it stands in.
fn weigh(stemmer: &Stemmer, card: &Card<'_>) -> BTreeMap<String, f64> {
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    let mut add = |text: &str, weight: f64| {
        for word in words(stemmer, text) {
            let known = weights.entry(word).or_default();
            *known = known.max(weight);
        }
    };
    add(card.name, IN_NAME);
    card.triggers.iter().for_each(|text| add(text, IN_TRIGGERS));
    card.tags.iter().for_each(|text| add(text, IN_TAGS));
    add(card.description, IN_DESCRIPTION);
    weights
}

/// What a word of the query counts for a card.
fn weight(card: &BTreeMap<String, f64>, word: &str) -> f64 {
    if let Some(weight) = card.get(word) {
        return *weight;
    }
    if word.chars().count() < MIN_BEGINNING {
        return 0.0;
    }
    let longer = card.range(word.to_owned()..).take_while(|(known, _)| known.starts_with(word));
    BEGINNING * longer.map(|(_, weight)| *weight).fold(0.0, f64::max)
}

/// A word counts the more, the fewer cards have it.
fn rarity(cards: &[BTreeMap<String, f64>], word: &str) -> f64 {
    let having = cards.iter().filter(|card| weight(card, word) > 0.0).count();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    (1.0 + (count(cards.len()) - count(having) + 0.5) / (count(having) + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(query: &str) -> Vec<String> {
        let tags = ["quality".to_owned(), "ci".to_owned()];
        let triggers = ["why is it red".to_owned()];
        let card = |name, description| Card { name, description, tags: &[], triggers: &[] };
        let cards = [
            card("writing-tests", "How to write tests."),
            Card { tags: &tags, ..card("reviewing", "How to review what others wrote.") },
            Card { triggers: &triggers, ..card("debugging", "Finding the cause of a failure.") },
            card("documentation", "How to write for people who test nothing."),
        ];
        search(query, &cards).iter().map(|found| cards[found.index].name.to_owned()).collect()
    }

    #[test]
    fn words_are_found_in_every_field_and_form() {
        assert_eq!(names("testing"), ["writing-tests", "documentation"]);
        assert_eq!(names("CI"), ["reviewing"]);
        assert_eq!(names("red?"), ["debugging"]);
        assert_eq!(names("docu"), ["documentation"]);
        assert_eq!(names("write"), ["writing-tests", "documentation"]);
        assert_eq!(names("quantum"), Vec::<String>::new());
    }

    #[test]
    fn a_rare_word_counts_more_than_a_common_one() {
        assert_eq!(names("how to find the cause")[0], "debugging");
    }

    #[test]
    fn no_words_find_everything_by_name() {
        let all = ["debugging", "documentation", "reviewing", "writing-tests"];
        assert_eq!(names(" - "), all);
    }
}
