//! The skills of a session: who asks for which, and what comes of it.

use std::collections::BTreeSet;

use ostwin_core::config::Settings;
use ostwin_core::ids::{RoleRef, SkillName};
use ostwin_core::layout::{Layout, RoomPaths};
use ostwin_skills::resolve::{
    Asker, Gates, LeftOut, Reference, Request, Resolution, ResolvedSkill, resolve,
};
use ostwin_skills::tiers::{Catalog, Hit, Places};
use serde::Serialize;

use super::error::PrepareError;
use super::session::Host;
use crate::mcp::{self, OwnQuestion, ServerFilter};
use crate::resolve::SourceKind;
use crate::roles::ResolvedRole;

/// Whose skills are asked for.
#[derive(Clone, Copy, Debug)]
pub struct SkillQuestion<'a> {
    /// The project.
    pub layout: &'a Layout,
    /// The room, if the session is in one.
    pub room: Option<&'a RoomPaths>,
    /// What its epic names, and where that is written.
    pub epic: Option<(&'a [SkillName], &'a str)>,
    /// The role, with instance.
    pub role: &'a RoleRef,
    /// What its tiers say.
    pub resolved: &'a ResolvedRole,
    /// The settings in force.
    pub settings: &'a Settings,
    /// Which MCP servers the session may see.
    pub filter: &'a ServerFilter,
    /// The machine and the user.
    pub host: &'a Host,
}

/// The skills of a session, with who asked for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettledSkills {
    /// The skills, by name.
    pub given: Vec<ResolvedSkill>,
    /// What was asked for and left out, by name.
    pub left_out: Vec<LeftOut>,
    /// Whether the session may install some.
    #[serde(skip)]
    pub may_install: bool,
    /// What is odd.
    #[serde(skip)]
    pub warnings: Vec<String>,
    /// Every tier with its place, as it was searched.
    #[serde(skip)]
    pub searched: Vec<String>,
}

/// Settles the skills of a session, before anything is started.
///
/// # Errors
/// Skills build on each other in a circle; one that is named cannot be had, if the setting
/// `skills.preflight` is `error`; a file of MCP servers is broken.
pub fn settle_skills(question: &SkillQuestion<'_>) -> Result<SettledSkills, PrepareError> {
    let SkillQuestion { layout, room, role, settings, host, .. } = *question;
    let places = Places::of_session(layout, room, &role.role, host.home.as_deref());
    let catalog = Catalog::discover(&places);
    let rules = &settings.config.skills;
    let may_install = rules.install_roles.contains(&role.role);
    let servers = servers(question)?;
    let request = Request {
        references: &references(question),
        disabled: &disabled(question),
        gates: Gates {
            role: &role.role,
            platform: std::env::consts::OS,
            servers: &servers,
            allow_experimental: rules.allow_experimental,
        },
    };
    let resolution = resolve(&request, &catalog)?;
    let mut warnings = oddities(&resolution, &catalog);
    warnings.extend(resolution.preflight(rules.preflight)?);
    let Resolution { skills: given, left_out, searched } = resolution;
    Ok(SettledSkills { given, left_out, may_install, warnings, searched })
}

/// What the files of the given skills say wrongly.
fn oddities(resolution: &Resolution, catalog: &Catalog) -> Vec<String> {
    let found = resolution.skills.iter().filter_map(|skill| match catalog.find(&skill.name)? {
        Hit::Skill(entry) => Some(entry.warnings.iter().cloned()),
        Hit::Broken(_) => None,
    });
    found.flatten().collect()
}

/// The MCP servers that a skill may need: one that needs `skills` brings it along.
fn servers(question: &SkillQuestion<'_>) -> Result<BTreeSet<String>, PrepareError> {
    let SkillQuestion { layout, room, filter, resolved, host, .. } = *question;
    let (merged, _) = mcp::read_tiers(host.config_dir.as_deref(), layout, room)?;
    let own = OwnQuestion { filter, capabilities: &resolved.spec.capabilities, skills: true };
    let own = own.names().into_iter();
    Ok(own.chain(mcp::available(&merged, filter)).map(str::to_owned).collect())
}

/// Every skill that is named, and by whom.
fn references(question: &SkillQuestion<'_>) -> Vec<Reference> {
    let SkillQuestion { epic, resolved, settings, .. } = *question;
    let role_file = resolved.dir.display().to_string();
    let mut all = named(&resolved.spec.skill_refs, SourceKind::RoleFile, &role_file);
    let overrides = Overrides::of(question);
    all.extend(overrides.named(|of_role| of_role.skill_refs, "skill_refs"));
    if let Some((names, place)) = epic {
        all.extend(named(names, SourceKind::Epic, place));
    }
    for (name, source) in settings.skill_refs() {
        let source = crate::resolve::Source::from(source);
        let by = Asker { by: source.kind.as_str(), place: source.place };
        all.push(Reference { name, by });
    }
    all
}

/// Every skill that is not wanted, and by whom.
fn disabled(question: &SkillQuestion<'_>) -> Vec<Reference> {
    let spec = &question.resolved.spec;
    let role_file = question.resolved.dir.display().to_string();
    let mut all = named(&spec.disabled_skills, SourceKind::RoleFile, &role_file);
    all.extend(Overrides::of(question).named(|of_role| of_role.disabled, "disabled_skills"));
    all
}

fn named(names: &[SkillName], kind: SourceKind, place: &str) -> Vec<Reference> {
    let by = Asker::at(kind.as_str(), place);
    names.iter().map(|name| Reference { name: name.clone(), by: by.clone() }).collect()
}

/// What the settings of a role say about skills, or those of its instance.
#[derive(Clone, Copy)]
struct Lists<'a> {
    skill_refs: &'a [SkillName],
    disabled: &'a [SkillName],
}

/// The settings of a role and of its instance, whose lists are joined.
struct Overrides<'a> {
    all: Vec<(SourceKind, String, Lists<'a>)>,
}

impl<'a> Overrides<'a> {
    fn of(question: &SkillQuestion<'a>) -> Self {
        let RoleRef { role, instance } = question.role;
        let mut all = Vec::new();
        let of_role = question.settings.config.roles.get(role);
        if let Some(said) = of_role {
            let lists = Lists {
                skill_refs: said.skill_refs.as_deref().unwrap_or_default(),
                disabled: said.disabled_skills.as_deref().unwrap_or_default(),
            };
            all.push((SourceKind::Role, format!("roles.{role}"), lists));
        }
        if let Some(instance) = instance
            && let Some(said) = of_role.and_then(|said| said.instances.get(instance))
        {
            let lists = Lists {
                skill_refs: said.skill_refs.as_deref().unwrap_or_default(),
                disabled: said.disabled_skills.as_deref().unwrap_or_default(),
            };
            all.push((
                SourceKind::RoleInstance,
                format!("roles.{role}.instances.{instance}"),
                lists,
            ));
        }
        Self { all }
    }

    fn named(&self, pick: fn(Lists<'a>) -> &'a [SkillName], field: &str) -> Vec<Reference> {
        let each = self.all.iter();
        each.flat_map(|(kind, key, lists)| named(pick(*lists), *kind, &format!("{key}.{field}")))
            .collect()
    }
}
