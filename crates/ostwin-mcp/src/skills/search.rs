//! `search_skills`: skills by words, those that are there and those of an index.

use ostwin_core::skills_index::IndexedSkill;
use ostwin_skills::search::{Card, search};
use ostwin_skills::tiers::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::args::{Text, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::waiting::Waiting;

/// Where skills are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Where {
    /// Among those that are there.
    #[default]
    Local,
    /// In the index of the project.
    Registry,
    /// In both.
    All,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchSkills {
    /// What you want to do, in a few words; everything is listed if it is empty.
    query: Text<0, 500>,
    /// Where to search.
    #[serde(default)]
    source: Where,
    /// Having all of these tags, in any case.
    #[serde(default)]
    #[schemars(length(max = 20))]
    tags: Vec<Text<1, 64>>,
    /// At most this many; 10 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 100>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Skill {
    /// Its name, as load_skill takes it.
    name: String,
    /// What it does and when to use it.
    description: String,
    /// Words to find it by.
    tags: Vec<String>,
    /// Its version, if it says one.
    version: Option<String>,
    /// Where it was found: `room`, `role`, `project`, `user`, `shipped`; `registry` for one that
    /// has to be installed first.
    tier: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// The skills, best match first.
    skills: Vec<Skill>,
    /// How many more match.
    more: usize,
    /// What could not be searched, and why.
    problems: Vec<String>,
}

pub(super) fn search_skills(
    desk: &Desk,
    args: SearchSkills,
    waiting: &Waiting,
) -> Result<Found, ToolError> {
    if args.tags.len() > 20 {
        return Err(ToolError::invalid("tags", "`tags` are more than 20"));
    }
    let mut problems = Vec::new();
    let catalog = (args.source != Where::Registry).then(|| desk.catalog());
    let local = catalog.as_ref().map(|catalog| desk.usable(catalog)).unwrap_or_default();
    let mut indexed = Vec::new();
    if args.source != Where::Local {
        match index(desk, waiting) {
            Ok(skills) => indexed = skills,
            Err(error) if args.source == Where::Registry => return Err(error),
            Err(error) => problems.push(error.message),
        }
    }
    // One name may stand in an index in several versions, and be there already.
    let mut names: Vec<&str> = local.iter().map(|entry| entry.skill.name.as_str()).collect();
    let mut candidates: Vec<Candidate<'_>> = local.into_iter().map(Candidate::Local).collect();
    for skill in &indexed {
        if !names.contains(&skill.name.as_str()) {
            names.push(skill.name.as_str());
            candidates.push(Candidate::Indexed(skill));
        }
    }
    let has_tags = |candidate: &Candidate<'_>| {
        let has = |wanted: &str| {
            candidate.card().tags.iter().any(|tag| tag.to_lowercase() == wanted.to_lowercase())
        };
        args.tags.iter().all(|tag| has(tag))
    };
    candidates.retain(has_tags);
    let cards: Vec<Card<'_>> = candidates.iter().map(Candidate::card).collect();
    let matches = search(&args.query, &cards);
    let found = matches.iter().filter_map(|found| candidates.get(found.index));
    let limit = args.limit.map_or(10, Whole::count);
    let mut skills: Vec<Skill> = found.take(limit).map(Candidate::view).collect();
    fit_list(&mut skills);
    Ok(Found { more: matches.len() - skills.len(), skills, problems })
}

fn index(desk: &Desk, waiting: &Waiting) -> Result<Vec<IndexedSkill>, ToolError> {
    match desk.registry()? {
        Some(registry) => Ok(registry.read(&|time| waiting.wait(time))?.skills),
        None => Ok(Vec::new()),
    }
}

/// Something that may answer the query.
enum Candidate<'a> {
    Local(&'a Entry),
    Indexed(&'a IndexedSkill),
}

impl Candidate<'_> {
    fn card(&self) -> Card<'_> {
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

    fn view(&self) -> Skill {
        let card = self.card();
        let (version, tier) = match self {
            Self::Local(entry) => (entry.skill.version.clone(), entry.tier.as_str()),
            Self::Indexed(skill) => (skill.version.clone(), "registry"),
        };
        Skill {
            name: card.name.to_owned(),
            description: card.description.to_owned(),
            tags: card.tags.to_vec(),
            version,
            tier: tier.to_owned(),
        }
    }
}
