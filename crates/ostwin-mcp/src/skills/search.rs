//! `search_skills`: skills by words, those that are there and those of an index.

use ostwin_core::skills_index::IndexedSkill;
use ostwin_skills::offers::{Offer, find};
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
    let tags: Vec<String> = args.tags.into_iter().map(Text::into_string).collect();
    let offers = find(&args.query, &tags, local, &indexed);
    let limit = args.limit.map_or(10, Whole::count);
    let mut skills: Vec<Skill> = offers.iter().take(limit).map(Skill::from).collect();
    fit_list(&mut skills);
    Ok(Found { more: offers.len() - skills.len(), skills, problems })
}

fn index(desk: &Desk, waiting: &Waiting) -> Result<Vec<IndexedSkill>, ToolError> {
    match desk.registry()? {
        Some(registry) => Ok(registry.read(&|time| waiting.wait(time))?.skills),
        None => Ok(Vec::new()),
    }
}

impl From<&Offer<'_>> for Skill {
    fn from(offer: &Offer<'_>) -> Self {
        let card = offer.card();
        Self {
            name: card.name.to_owned(),
            description: card.description.to_owned(),
            tags: card.tags.to_vec(),
            version: offer.version().map(str::to_owned),
            tier: offer.tier().to_owned(),
        }
    }
}
