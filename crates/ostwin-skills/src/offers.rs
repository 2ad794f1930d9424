//! What answers a search: skills that are there, and those that an index offers.

use ostwin_core::skills_index::IndexedSkill;

use crate::search::{Card, search};
use crate::tiers::Entry;

/// A skill that can be had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offer<'a> {
    /// It is there.
    Local(&'a Entry),
    /// It can be installed by its name.
    Indexed(&'a IndexedSkill),
}

impl Offer<'_> {
    /// What is known of it before it is read.
    pub fn card(&self) -> Card<'_> {
        match self {
            Self::Local(entry) => Card::from(&entry.skill),
            Self::Indexed(skill) => Card {
                name: skill.name.as_str(),
                description: &skill.description,
                tags: &skill.tags,
                triggers: &[],
            },
        }
    }

    /// Its version, if it says one.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Local(entry) => entry.skill.version.as_deref(),
            Self::Indexed(skill) => skill.version.as_deref(),
        }
    }

    /// Where it is, in a word: its tier, or `registry`.
    pub fn tier(&self) -> &'static str {
        match self {
            Self::Local(entry) => entry.tier.as_str(),
            Self::Indexed(_) => "registry",
        }
    }
}

/// What answers `query` and has all of `tags`, in any case, the best first. Of an index only what
/// is not there already, and of several versions of one skill only the first.
pub fn find<'a>(
    query: &str,
    tags: &[String],
    local: impl IntoIterator<Item = &'a Entry>,
    indexed: &'a [IndexedSkill],
) -> Vec<Offer<'a>> {
    let mut offers: Vec<Offer<'a>> = local.into_iter().map(Offer::Local).collect();
    for skill in indexed {
        if !offers.iter().any(|offer| offer.card().name == skill.name.as_str()) {
            offers.push(Offer::Indexed(skill));
        }
    }
    offers.retain(|offer| {
        let has = |wanted: &String| {
            offer.card().tags.iter().any(|tag| tag.to_lowercase() == wanted.to_lowercase())
        };
        tags.iter().all(has)
    });
    let cards: Vec<Card<'_>> = offers.iter().map(Offer::card).collect();
    let found = search(query, &cards);
    found.iter().filter_map(|found| offers.get(found.index).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Skill;
    use crate::place::SkillPlace;
    use crate::tiers::Tier;

    #[test]
    fn what_is_there_hides_what_could_be_installed() {
        let skill = |name: &str, version: &str, tag: &str| IndexedSkill {
            name: name.parse().unwrap(),
            description: "Checks prices".to_owned(),
            tags: vec![tag.to_owned()],
            version: Some(version.to_owned()),
            source: String::new(),
            sha256: String::new(),
        };
        let indexed =
            [skill("cents", "2", "Money"), skill("prices", "2", "money"), skill("prices", "1", "")];
        let entry = Entry {
            skill: Skill::new("cents".parse().unwrap(), "Counts prices in cents"),
            tier: Tier::Project,
            role: None,
            place: SkillPlace::Folder("/x/cents".into()),
            warnings: Vec::new(),
        };
        let shown = |tags: &[String]| -> Vec<String> {
            find("price", tags, [&entry], &indexed)
                .iter()
                .map(|offer| {
                    format!("{} {} {:?}", offer.tier(), offer.card().name, offer.version())
                })
                .collect()
        };
        assert_eq!(shown(&[]), ["registry prices Some(\"2\")", "project cents None"]);
        assert_eq!(shown(&["MONEY".to_owned()]), ["registry prices Some(\"2\")"]);
        assert_eq!(shown(&["MONEY".to_owned(), "other".to_owned()]), Vec::<String>::new());
    }
}
