//! Whose skills a call is about: those of the session's role, or those that a person names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::layout::AttemptPaths;
use ostwin_skills::SkillError;
use ostwin_skills::format::Skill;
use ostwin_skills::install::{Registry, Shelf};
use ostwin_skills::place::SkillPlace;
use ostwin_skills::resolve::Gates;
use ostwin_skills::tiers::{Catalog, Entry, Hit, Places};
use serde_json::Value;

use super::server::Skills;
use crate::binding::Binding;
use crate::error::{Code, ToolError};
use crate::schema;
use crate::tool::Arguments;

/// The argument by which a person's client names a role; a session has no such argument.
const ROLE: &str = "role";

/// Whose skills a call is about.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) binding: Binding,
    pub(super) home: Option<PathBuf>,
    /// The role whose skills are looked at; none for everything there is.
    pub(super) role: Option<RoleName>,
}

/// A skill that a name means.
pub(super) struct Found {
    pub(super) name: SkillName,
    pub(super) place: SkillPlace,
    /// Where it was found, in a word.
    pub(super) tier: &'static str,
}

impl Desk {
    /// The desk of whoever this server's client is, by whatever it was started for.
    pub(super) fn of_client(skills: &Skills) -> Self {
        let role = skills.binding.session.is_some().then(|| skills.binding.speaker.role.clone());
        Self { binding: skills.binding.clone(), home: skills.home.clone(), role }
    }

    /// The desk of a call by a session: its own role's.
    pub(super) fn of_session(skills: &Skills, _: &mut Arguments) -> Result<Self, ToolError> {
        Ok(Self::of_client(skills))
    }

    /// The desk of a call by a person: of the role that `arguments` name, which is taken out of
    /// them, or of none.
    pub(super) fn of_person(skills: &Skills, arguments: &mut Arguments) -> Result<Self, ToolError> {
        let role = match arguments.remove(ROLE) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(
                RoleName::new(&text)
                    .map_err(|error| ToolError::invalid(ROLE, format!("`{ROLE}`: {error}")))?,
            ),
            Some(_) => {
                return Err(ToolError::invalid(ROLE, format!("`{ROLE}` is no text: name a role")));
            }
        };
        Ok(Self { binding: skills.binding.clone(), home: skills.home.clone(), role })
    }

    /// Adds the argument that names the role.
    pub(super) fn with_role(input: &mut Arguments) {
        let mut role = schema::of_arguments::<RoleName>();
        let words = "What this role finds; everything there is if left out.";
        role.insert("description".to_owned(), words.into());
        if let Some(Value::Object(properties)) = input.get_mut("properties") {
            properties.insert(ROLE.to_owned(), Value::Object(role));
        }
    }

    /// The folders that are searched.
    pub(super) fn places(&self) -> Places {
        let layout = self.binding.project.layout();
        let room = self.binding.session.as_ref().map(|session| session.room.paths());
        match &self.role {
            Some(role) => Places::of_session(layout, room, role, self.home.as_deref()),
            None => Places::everywhere(Some(layout), self.home.as_deref()),
        }
    }

    /// Every skill of these folders.
    pub(super) fn catalog(&self) -> Catalog {
        Catalog::discover(&self.places())
    }

    /// Why a skill that nobody named for who asks is not for them; `None` if it is, or if a person
    /// asks about everything.
    pub(super) fn refusal(&self, skill: &Skill) -> Option<String> {
        let role = self.role.as_ref()?;
        // Which servers the session has is not known here: the engine settled that before.
        let servers: BTreeSet<String> = skill.requires_mcp.iter().cloned().collect();
        let gates = Gates {
            role,
            platform: std::env::consts::OS,
            servers: &servers,
            allow_experimental: self.binding.settings.skills.allow_experimental,
        };
        gates.refuse_unnamed(skill).map(|reason| reason.to_string())
    }

    /// The skills that names mean and that who asks may use.
    pub(super) fn usable<'c>(&self, catalog: &'c Catalog) -> Vec<&'c Entry> {
        catalog.in_force().filter(|entry| self.refusal(&entry.skill).is_none()).collect()
    }

    /// The skill of this name: what the session was given at its start, else what the tiers have.
    pub(super) fn find(&self, name: &str) -> Result<Found, ToolError> {
        let name =
            SkillName::new(name).map_err(|error| ToolError::invalid("name", error.to_string()))?;
        match self.staged(&name) {
            Some(found) => Ok(found),
            None => self.in_tiers(&self.catalog(), name),
        }
    }

    /// Every skill that can be found, by name.
    pub(super) fn all(&self) -> Vec<Found> {
        let catalog = self.catalog();
        let usable = self.usable(&catalog);
        let mut names: BTreeSet<SkillName> =
            usable.iter().map(|entry| entry.skill.name.clone()).collect();
        names.extend(self.staged_names());
        let find = |name: SkillName| match self.staged(&name) {
            Some(found) => Some(found),
            None => self.in_tiers(&catalog, name).ok(),
        };
        names.into_iter().filter_map(find).collect()
    }

    fn in_tiers(&self, catalog: &Catalog, name: SkillName) -> Result<Found, ToolError> {
        match catalog.find(&name) {
            Some(Hit::Skill(entry)) => match self.refusal(&entry.skill) {
                None => Ok(Found { name, place: entry.place.clone(), tier: entry.tier.as_str() }),
                Some(reason) => {
                    let text = format!("the skill `{name}` is not for you: {reason}");
                    Err(ToolError {
                        field: Some("name".to_owned()),
                        ..ToolError::new(Code::Forbidden, text)
                    })
                }
            },
            Some(Hit::Broken(broken)) => {
                let text = format!("the skill `{name}` is broken: {}", broken.problem);
                Err(ToolError::new(Code::CorruptState, text))
            }
            None => {
                let near = catalog
                    .nearest(name.as_str())
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let text = format!("there is no skill `{name}`{near}; search_skills finds them");
                let error = ToolError::new(Code::NotFound, text);
                Err(ToolError { field: Some("name".to_owned()), ..error })
            }
        }
    }

    /// The copy of a skill that the engine laid ready for the session.
    fn staged(&self, name: &SkillName) -> Option<Found> {
        let attempt: AttemptPaths = self.binding.attempt()?;
        let dir = attempt.skills().join(name.as_str());
        let place = SkillPlace::Folder(dir.clone());
        dir.is_dir().then(|| Found { name: name.clone(), place, tier: "session" })
    }

    fn staged_names(&self) -> Vec<SkillName> {
        let Some(attempt) = self.binding.attempt() else { return Vec::new() };
        let entries = std::fs::read_dir(attempt.skills()).into_iter().flatten().flatten();
        entries.filter_map(|entry| SkillName::new(entry.file_name().to_str()?).ok()).collect()
    }

    /// The place that skills are installed into for a whole project, or for one role.
    pub(super) fn project_shelf(&self, role: Option<RoleName>) -> Shelf {
        Shelf::of_project(self.binding.project.layout().clone(), role)
    }

    /// The place of the user's own skills, if there is a home.
    pub(super) fn user_shelf(&self) -> Option<Shelf> {
        self.home.clone().map(Shelf::of_user)
    }

    /// The index of skills, if one is set.
    pub(super) fn registry(&self) -> Result<Option<Registry>, ToolError> {
        let root = self.binding.project.layout().root();
        let set = self.binding.settings.skills.registry_url.as_deref();
        set.map(|text| Registry::parse(text, root)).transpose().map_err(|error| {
            ToolError::new(Code::Unavailable, format!("`skills.registry_url`: {error}"))
        })
    }
}

impl From<SkillError> for ToolError {
    fn from(error: SkillError) -> Self {
        let code = match &error {
            SkillError::NoFile { .. } | SkillError::NoDocument { .. } => Code::NotFound,
            SkillError::Link { .. } => Code::Forbidden,
            SkillError::WrongKind { .. } => Code::InvalidArgument,
            SkillError::Format(_) | SkillError::OtherName { .. } | SkillError::BadFolder { .. } => {
                Code::CorruptState
            }
            SkillError::Fs(error) if error.is_not_found() => Code::NotFound,
            SkillError::Fs(_) => Code::IoError,
        };
        Self::because(code, &error)
    }
}
