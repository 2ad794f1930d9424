//! Every skill of every tier.

use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;

use ostwin_core::fs::FsError;
use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::json::nearest;
use serde::Serialize;

use super::places::{Place, Places, Tier};
use crate::error::SkillError;
use crate::format::Skill;
use crate::place::{SkillPlace, shipped_skills};

/// Most skills of one folder that are looked at.
const MAX_SKILLS: usize = 2_000;

/// A skill that can be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// What its front matter says.
    pub skill: Skill,
    /// Where it was found.
    pub tier: Tier,
    /// The role whose skill it is, in [`Tier::Role`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// Its folder.
    pub place: SkillPlace,
    /// What is odd about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Something that stands where a skill would and cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The name of its folder; bytes that are no text are replaced.
    pub name: String,
    /// Where it was found.
    pub tier: Tier,
    /// The role whose skill it is, in [`Tier::Role`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hit<'c> {
    /// This skill.
    Skill(&'c Entry),
    /// This, which is broken.
    Broken(&'c Broken),
}

/// The shipped tier, which never changes: an engine settles thousands of sessions.
static SHIPPED: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog::default();
    for name in shipped_skills() {
        catalog.add(name.to_string(), Tier::Shipped, None, SkillPlace::Shipped(name));
    }
    catalog
});

/// Every skill of every tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Catalog {
    /// The skills: by tier in the order of the search, by name within one.
    pub skills: Vec<Entry>,
    /// What cannot be read, in the same order.
    pub broken: Vec<Broken>,
    /// Every tier with its place, as it was searched.
    pub searched: Vec<String>,
}

impl Catalog {
    /// Looks into every place. Nothing is an error: what cannot be read is listed as broken.
    pub fn discover(places: &Places) -> Self {
        let mut catalog = Self { searched: places.searched(), ..Self::default() };
        for place in &places.folders {
            catalog.folder(place);
        }
        catalog.skills.extend(SHIPPED.skills.iter().cloned());
        catalog.broken.extend(SHIPPED.broken.iter().cloned());
        catalog
    }

    /// What a name means: the first tier that has it, broken or not.
    pub fn find(&self, name: &SkillName) -> Option<Hit<'_>> {
        let skill = self.skills.iter().find(|entry| entry.skill.name == *name);
        let broken = self.broken.iter().find(|broken| broken.name == name.as_str());
        match (skill, broken) {
            (Some(skill), Some(broken)) if broken.tier < skill.tier => Some(Hit::Broken(broken)),
            (Some(skill), _) => Some(Hit::Skill(skill)),
            (None, broken) => broken.map(Hit::Broken),
        }
    }

    /// The skills that names mean, without those that a nearer tier hides.
    pub fn in_force(&self) -> impl Iterator<Item = &Entry> {
        self.skills.iter().filter(|entry| {
            matches!(self.find(&entry.skill.name), Some(Hit::Skill(hit)) if std::ptr::eq(hit, *entry))
        })
    }

    /// The name nearest to `name`, if one is near enough to be what was meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.skills.iter().map(|entry| entry.skill.name.as_str()))
    }

    fn folder(&mut self, place: &Place) {
        let names = match folders_in(place) {
            Ok(names) => names,
            Err(error) => {
                let problem = SkillError::from(error).to_string();
                return self.broken.push(Broken {
                    name: ".".to_owned(),
                    tier: place.tier,
                    role: place.role.clone(),
                    path: place.dir.clone(),
                    problem,
                });
            }
        };
        for name in names {
            let dir = SkillPlace::Folder(place.dir.join(&name));
            let name = name.to_string_lossy().into_owned();
            self.add(name, place.tier, place.role.clone(), dir);
        }
    }

    fn add(&mut self, name: String, tier: Tier, role: Option<RoleName>, place: SkillPlace) {
        match read(&name, &place) {
            Ok((skill, warnings)) => {
                self.skills.push(Entry { skill, tier, role, place, warnings });
            }
            Err(problem) => {
                let (path, problem) = (place.path(), problem.to_string());
                self.broken.push(Broken { name, tier, role, path, problem });
            }
        }
    }
}

fn read(folder: &str, place: &SkillPlace) -> Result<(Skill, Vec<String>), SkillError> {
    let bad = |problem| SkillError::BadFolder { path: place.path(), problem };
    SkillName::new(folder).map_err(bad)?;
    let document = place.document()?;
    document.check_folder(&place.document_path(), folder)?;
    Ok((document.skill, document.warnings))
}

/// The names of the folders in one place, sorted. Files and hidden folders are no skills; a missing
/// place has none.
fn folders_in(place: &Place) -> Result<Vec<std::ffi::OsString>, FsError> {
    let failed = |error| FsError::new("read", &place.dir, error);
    let entries = match std::fs::read_dir(&place.dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        // A link may be a skill's folder; one to nothing is a broken skill.
        let is_file = entry.path().metadata().is_ok_and(|found| !found.is_dir());
        if !is_file && !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
        if names.len() > MAX_SKILLS {
            let error = format!("it holds more than {MAX_SKILLS} folders, which are not read");
            return Err(failed(io::Error::other(error)));
        }
    }
    names.sort();
    Ok(names)
}
