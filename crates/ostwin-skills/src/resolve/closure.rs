//! From who asks to what is given.

use std::collections::{BTreeMap, BTreeSet};

use ostwin_core::ids::SkillName;

use super::circle::{self, CircleError};
use super::gates::Gates;
use super::outcome::{
    Asker, DEPENDENCY, FOLDER, LeftOut, Reason, Reference, Resolution, ResolvedSkill,
};
use crate::tiers::{Catalog, Entry, Hit, Tier};

/// What a session asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The skills that are named, by whom.
    pub references: &'a [Reference],
    /// The skills that are not wanted, by whom.
    pub disabled: &'a [Reference],
    /// What the session is.
    pub gates: Gates<'a>,
}

/// Settles the skills of a session. The order of references makes no difference.
///
/// # Errors
/// Skills that it would get build on each other in a circle.
pub fn resolve(request: &Request<'_>, catalog: &Catalog) -> Result<Resolution, CircleError> {
    let wanted = Wanted::gather(request, catalog);
    circle::find(&wanted.builds_on())?;
    Ok(wanted.settle(catalog))
}

/// Everything that somebody asks for, directly or because another skill builds on it.
#[derive(Default)]
struct Wanted<'c> {
    askers: BTreeMap<SkillName, BTreeSet<Asker>>,
    fit: BTreeMap<SkillName, &'c Entry>,
    left_out: BTreeMap<SkillName, Reason>,
    /// What lies in a folder for other roles: not given, unless somebody else asks for it.
    for_others: Vec<(&'c Entry, Asker)>,
    /// Folders that are no skills; their names may be none either.
    nameless: Vec<LeftOut>,
}

impl<'c> Wanted<'c> {
    fn gather(request: &Request<'_>, catalog: &'c Catalog) -> Self {
        let mut wanted = Self::default();
        let mut queue: Vec<(SkillName, Asker)> = Vec::new();
        queue.extend(request.references.iter().map(|said| (said.name.clone(), said.by.clone())));
        let in_folder = |tier: Tier| Asker::at(FOLDER, tier.as_str());
        for entry in catalog.in_force().filter(|entry| gives(entry.tier)) {
            let (name, asker) = (entry.skill.name.clone(), in_folder(entry.tier));
            match entry.skill.is_for(request.gates.role) {
                true => queue.push((name, asker)),
                false => wanted.for_others.push((entry, asker)),
            }
        }
        for broken in catalog.broken.iter().filter(|broken| gives(broken.tier)) {
            match SkillName::new(&broken.name) {
                Ok(name) => queue.push((name, in_folder(broken.tier))),
                Err(_) => wanted.nameless.push(LeftOut {
                    name: broken.name.clone(),
                    why: Reason::Broken { problem: broken.problem.clone() },
                    asked_by: vec![in_folder(broken.tier)],
                }),
            }
        }
        while let Some((name, asker)) = queue.pop() {
            let is_new = !wanted.askers.contains_key(&name);
            wanted.askers.entry(name.clone()).or_default().insert(asker);
            if !is_new {
                continue;
            }
            match judge(request, catalog, &name) {
                Ok(entry) => {
                    for below in &entry.skill.dependencies {
                        queue.push((below.clone(), Asker::at(DEPENDENCY, name.as_str())));
                    }
                    wanted.fit.insert(name, entry);
                }
                Err(reason) => {
                    wanted.left_out.insert(name, reason);
                }
            }
        }
        wanted
    }

    fn builds_on(&self) -> BTreeMap<&SkillName, BTreeSet<&SkillName>> {
        let below = |entry: &'c Entry| entry.skill.dependencies.iter().collect();
        self.fit.iter().map(|(name, entry)| (name, below(entry))).collect()
    }

    fn settle(mut self, catalog: &Catalog) -> Resolution {
        self.leave_out_what_lacks_something();
        let given: BTreeMap<SkillName, &Entry> = self.still_asked_for();
        let is_given = |asker: &&Asker| {
            asker.by != DEPENDENCY
                || asker.place.as_deref().is_some_and(|name| given.contains_key(name))
        };
        let skills = given.iter().map(|(name, entry)| ResolvedSkill {
            name: name.clone(),
            description: entry.skill.description.clone(),
            version: entry.skill.version.clone(),
            tier: entry.tier,
            place: entry.place.clone(),
            applicable_roles: entry.skill.applicable_roles.clone(),
            asked_by: self
                .askers
                .get(name)
                .into_iter()
                .flatten()
                .filter(is_given)
                .cloned()
                .collect(),
        });
        let skills = skills.collect();
        let mut left_out = self.nameless;
        for (name, why) in self.left_out {
            let asked_by = self.askers.remove(&name).unwrap_or_default().into_iter().collect();
            left_out.push(LeftOut { name: name.to_string(), why, asked_by });
        }
        for (entry, asker) in self.for_others {
            let Entry { skill, .. } = entry;
            let is_told = given.contains_key(&skill.name)
                || left_out.iter().any(|left| left.name == skill.name.as_str());
            if !is_told {
                let why = Reason::OtherRoles { roles: skill.applicable_roles.clone() };
                left_out.push(LeftOut { name: skill.name.to_string(), why, asked_by: vec![asker] });
            }
        }
        left_out.sort_by(|a, b| a.name.cmp(&b.name));
        Resolution { skills, left_out, searched: catalog.searched.clone() }
    }

    /// Takes out what builds on something that is left out, until nothing does.
    fn leave_out_what_lacks_something(&mut self) {
        loop {
            let lacking: Vec<(SkillName, SkillName)> = self
                .fit
                .iter()
                .filter_map(|(name, entry)| {
                    let mut below = entry.skill.dependencies.iter();
                    let missing = below.find(|below| !self.fit.contains_key(*below))?;
                    Some((name.clone(), missing.clone()))
                })
                .collect();
            if lacking.is_empty() {
                return;
            }
            for (name, skill) in lacking {
                self.fit.remove(&name);
                self.left_out.insert(name, Reason::Needs { skill });
            }
        }
    }

    /// What fits and is asked for by somebody else than a skill that is left out.
    fn still_asked_for(&self) -> BTreeMap<SkillName, &'c Entry> {
        let is_direct = |name: &SkillName| {
            self.askers.get(name).into_iter().flatten().any(|asker| asker.by != DEPENDENCY)
        };
        let mut queue: Vec<&SkillName> = self.fit.keys().filter(|name| is_direct(name)).collect();
        let mut given = BTreeMap::new();
        while let Some(name) = queue.pop() {
            if let Some(entry) = self.fit.get(name).filter(|_| !given.contains_key(name)) {
                given.insert(name.clone(), *entry);
                queue.extend(&entry.skill.dependencies);
            }
        }
        given
    }
}

/// Whether what lies in a tier is given without being named.
fn gives(tier: Tier) -> bool {
    match tier {
        Tier::Room | Tier::Role | Tier::Project => true,
        Tier::User | Tier::Shipped => false,
    }
}

/// The skill of this name, or why the session does not get it.
fn judge<'c>(
    request: &Request<'_>,
    catalog: &'c Catalog,
    name: &SkillName,
) -> Result<&'c Entry, Reason> {
    let against = request.disabled.iter().filter(|said| said.name == *name).map(|said| &said.by);
    if let Some(by) = against.min() {
        return Err(Reason::Disabled { by: by.clone() });
    }
    match catalog.find(name) {
        None => {
            let near = catalog.nearest(name.as_str()).map(str::to_owned);
            Err(Reason::Missing { near })
        }
        Some(Hit::Broken(broken)) => Err(Reason::Broken { problem: broken.problem.clone() }),
        Some(Hit::Skill(entry)) => match request.gates.refuse(&entry.skill) {
            Some(reason) => Err(reason),
            None => Ok(entry),
        },
    }
}
