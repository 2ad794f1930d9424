//! The search through the tiers.

use std::path::{Path, PathBuf};

use ostwin_core::fs;
use ostwin_core::ids::RoleName;
use ostwin_core::json::nearest;
use ostwin_core::layout::{self, Layout, RolePaths, RoomPaths};
use ostwin_core::registry::{Registry, RegistryRole};
use ostwin_core::roles::RoleSpec;
use serde::Serialize;

use super::dynamic::role_template;
use super::error::RoleError;
use super::listing::list_roles;
use super::read::{Read, from_folder, from_shipped};
use super::shipped;

/// Largest registry that is read, in bytes.
const MAX_REGISTRY_BYTES: u64 = 4 << 20;

/// Where a role was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleTier {
    /// In the room's own `roles/`.
    Room,
    /// In the project's `.agents/roles/`.
    Project,
    /// In the user's `~/.agents/roles/`.
    User,
    /// Inside the binary.
    Shipped,
    /// Where an entry of the registry points, or by the capabilities of one.
    Registry,
    /// Nowhere: made from the template.
    Dynamic,
}

impl RoleTier {
    /// The tier in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Project => "project",
            Self::User => "user",
            Self::Shipped => "shipped",
            Self::Registry => "registry",
            Self::Dynamic => "dynamic",
        }
    }
}

/// A role, and where everything about it came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedRole {
    /// The role that was asked for.
    pub name: RoleName,
    /// Its settings.
    pub spec: RoleSpec,
    /// Its prompt, without front matter.
    pub prompt: String,
    /// The tier that had it.
    pub tier: RoleTier,
    /// Its folder, or `built in/<role>`.
    pub dir: PathBuf,
    /// The file with its prompt.
    pub prompt_file: PathBuf,
    /// The role of the registry that stands in for it by its capabilities, if one does.
    pub stands_in: Option<RoleName>,
    /// The model that the registry has for it.
    pub registry_model: Option<String>,
    /// The registry that was asked.
    pub registry: PathBuf,
    /// What is odd.
    pub warnings: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The role.
    pub name: &'a RoleName,
    /// What the epic needs it to be able to do.
    pub capabilities: &'a [String],
    /// What the epic says about it, for a made role.
    pub description: Option<&'a str>,
}

/// Where roles are looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RolePlaces {
    /// The room's roles.
    pub room: Option<PathBuf>,
    /// The project's roles.
    pub project: Option<PathBuf>,
    /// The user's roles.
    pub user: Option<PathBuf>,
    /// The registry in force, with the file that it was read from.
    pub registry: (PathBuf, Registry),
    /// What paths in the registry are relative to.
    pub registry_base: PathBuf,
}

impl RolePlaces {
    /// The places of a project, for one of its rooms. Without a `registry.json`, the shipped one
    /// is in force.
    ///
    /// # Errors
    /// The registry is there and cannot be read.
    pub fn of(
        layout: &Layout,
        room: Option<&RoomPaths>,
        home: Option<&Path>,
    ) -> Result<Self, RoleError> {
        Ok(Self {
            room: room.map(RoomPaths::roles),
            project: Some(layout.roles()),
            user: home.map(layout::user_roles),
            registry: read_registry(&layout.registry())?,
            registry_base: layout.agents(),
        })
    }

    pub(super) fn folders(&self) -> [(RoleTier, Option<&Path>); 3] {
        [
            (RoleTier::Room, self.room.as_deref()),
            (RoleTier::Project, self.project.as_deref()),
            (RoleTier::User, self.user.as_deref()),
        ]
    }

    /// Every tier with its place, in order.
    fn searched(&self) -> Vec<String> {
        let place = |tier: RoleTier, dir: &Path| format!("{} `{}`", tier.as_str(), dir.display());
        let folders = self.folders();
        let folders = folders.iter().filter_map(|(tier, dir)| Some(place(*tier, (*dir)?)));
        let mut searched: Vec<String> = folders.collect();
        searched.push("the shipped roles".to_owned());
        searched.push(place(RoleTier::Registry, &self.registry.0));
        searched
    }

    pub(super) fn entry_dir(&self, entry: &RegistryRole) -> Option<RolePaths> {
        entry.path.as_ref().map(|path| RolePaths::at(self.registry_base.join(path)))
    }
}

/// The registry in `path`, else the shipped one, with the file it came from.
pub(super) fn read_registry(path: &Path) -> Result<(PathBuf, Registry), RoleError> {
    match fs::read_optional(path, MAX_REGISTRY_BYTES)? {
        Some(bytes) => Ok((path.to_owned(), Registry::read(path, &bytes)?.0)),
        None => {
            Ok((Path::new(shipped::PLACE).join("registry.json"), shipped::shipped_registry()?.1))
        }
    }
}

/// Looks for a role in every tier, in order. With `dynamic`, one that no tier has is made from the
/// template, in memory.
///
/// # Errors
/// [`RoleError::NotFound`] names the tiers; a role that is there and broken is an error too.
pub fn find_role(
    wanted: &Wanted<'_>,
    places: &RolePlaces,
    dynamic: bool,
) -> Result<ResolvedRole, RoleError> {
    let (registry_file, registry) = &places.registry;
    let entry = registry.role(wanted.name);
    let resolved = |read: Read, tier, dir: PathBuf| ResolvedRole {
        name: wanted.name.clone(),
        spec: read.spec,
        prompt: read.prompt,
        tier,
        dir,
        prompt_file: read.prompt_file,
        stands_in: None,
        registry_model: entry.and_then(|entry| entry.default_model.clone()),
        registry: registry_file.clone(),
        warnings: read.warnings,
    };
    if let Some((tier, dir, read)) = in_folders(wanted.name, places)? {
        return Ok(resolved(read, tier, dir));
    }
    if let Some(entry) = entry
        && let Some((dir, read)) = at_entry(entry, places)?
    {
        return Ok(resolved(read, RoleTier::Registry, dir));
    }
    if let Some(stand_in) = registry.match_capabilities(wanted.capabilities)
        && stand_in.name != *wanted.name
        && let Some((dir, read)) = stand_in_for(stand_in, places)?
    {
        let mut role = resolved(read, RoleTier::Registry, dir);
        role.warnings.push(format!(
            "no tier has the role `{}`; `{}` covers most of the capabilities asked for and stands in",
            wanted.name, stand_in.name
        ));
        role.stands_in = Some(stand_in.name.clone());
        role.registry_model = stand_in.default_model.clone();
        return Ok(role);
    }
    if dynamic {
        return Ok(made(wanted, places));
    }
    Err(RoleError::NotFound {
        role: wanted.name.clone(),
        searched: places.searched(),
        near: nearest_role(wanted.name, places),
    })
}

type Hit = (RoleTier, PathBuf, Read);

/// The first four tiers.
fn in_folders(name: &RoleName, places: &RolePlaces) -> Result<Option<Hit>, RoleError> {
    for (tier, dir) in places.folders() {
        let Some(dir) = dir else { continue };
        let paths = RolePaths::new(dir, name);
        if let Some(read) = from_folder(name, &paths)? {
            return Ok(Some((tier, paths.dir().to_owned(), read)));
        }
    }
    Ok(from_shipped(name)?
        .map(|read| (RoleTier::Shipped, Path::new(shipped::PLACE).join(name.as_str()), read)))
}

/// The folder that an entry points to.
fn at_entry(
    entry: &RegistryRole,
    places: &RolePlaces,
) -> Result<Option<(PathBuf, Read)>, RoleError> {
    let Some(paths) = places.entry_dir(entry) else { return Ok(None) };
    match from_folder(&entry.name, &paths)? {
        Some(read) => Ok(Some((paths.dir().to_owned(), read))),
        None => Err(RoleError::BadEntry {
            registry: places.registry.0.clone(),
            role: entry.name.clone(),
            dir: paths.dir().to_owned(),
        }),
    }
}

/// A role of the registry, wherever it is.
fn stand_in_for(
    entry: &RegistryRole,
    places: &RolePlaces,
) -> Result<Option<(PathBuf, Read)>, RoleError> {
    match in_folders(&entry.name, places)? {
        Some((_, dir, read)) => Ok(Some((dir, read))),
        None => at_entry(entry, places),
    }
}

fn made(wanted: &Wanted<'_>, places: &RolePlaces) -> ResolvedRole {
    let (spec, prompt) = role_template(wanted);
    let dir = Path::new("made from the template").join(wanted.name.as_str());
    ResolvedRole {
        name: wanted.name.clone(),
        prompt,
        tier: RoleTier::Dynamic,
        prompt_file: dir.join(&spec.prompt_file),
        spec,
        dir,
        stands_in: None,
        registry_model: None,
        registry: places.registry.0.clone(),
        warnings: vec![format!(
            "no tier has the role `{}`; it is made from its name and the epic's description",
            wanted.name
        )],
    }
}

fn nearest_role(name: &RoleName, places: &RolePlaces) -> Option<String> {
    let roles = list_roles(places);
    nearest(name.as_str(), roles.iter().map(|role| role.name.as_str())).map(str::to_owned)
}
