//! Every role there is, in every tier, and which of several with one name a search finds.

use std::path::{Path, PathBuf};

use ostwin_core::ids::RoleName;
use ostwin_core::layout::RolePaths;
use ostwin_core::roles::RoleSpec;
use serde::Serialize;

use super::discover::{RolePlaces, RoleTier};
use super::error::RoleError;
use super::read::{from_folder, from_shipped};
use super::shipped;

/// A role in one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleListing {
    /// The role.
    pub name: RoleName,
    /// Where it is.
    pub tier: RoleTier,
    /// Its folder.
    pub dir: PathBuf,
    /// A nearer tier has a role of this name, which a search finds instead.
    pub shadowed: bool,
}

/// What the folder of a listed role says.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedRole {
    /// Its settings.
    pub spec: RoleSpec,
    /// The file with its prompt.
    pub prompt_file: PathBuf,
    /// What is odd.
    pub warnings: Vec<String>,
}

/// Every role that a search by name would find, by name. Folders that cannot be read have none.
pub fn list_roles(places: &RolePlaces) -> Vec<RoleListing> {
    every_role(places).into_iter().filter(|role| !role.shadowed).collect()
}

/// Every role of every tier, by name; of several with one name, in the order of the search.
pub fn every_role(places: &RolePlaces) -> Vec<RoleListing> {
    let mut found: Vec<RoleListing> = Vec::new();
    let mut add = |name: RoleName, tier, dir: PathBuf| {
        found.push(RoleListing { name, tier, dir, shadowed: false });
    };
    for (tier, dir) in places.folders() {
        let Some(dir) = dir else { continue };
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Some(name) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let paths = RolePaths::new(dir, &name);
            if paths.settings().is_file() || paths.file("ROLE.md").is_file() {
                add(name, tier, paths.dir().to_owned());
            }
        }
    }
    for name in shipped::names() {
        let dir = Path::new(shipped::PLACE).join(name.as_str());
        add(name, RoleTier::Shipped, dir);
    }
    for entry in &places.registry.1.roles {
        if let Some(paths) = places.entry_dir(entry) {
            add(entry.name.clone(), RoleTier::Registry, paths.dir().to_owned());
        }
    }
    found.sort_by(|one, other| (&one.name, one.tier).cmp(&(&other.name, other.tier)));
    for index in 1..found.len() {
        found[index].shadowed = found[index - 1].name == found[index].name;
    }
    found
}

/// Reads what the folder of a listed role says.
///
/// # Errors
/// It is broken, or gone.
pub fn read_listed(role: &RoleListing, places: &RolePlaces) -> Result<ListedRole, RoleError> {
    let read = match role.tier {
        RoleTier::Shipped => from_shipped(&role.name)?,
        _ => from_folder(&role.name, &RolePaths::at(&role.dir))?,
    };
    match read {
        Some(read) => Ok(ListedRole {
            spec: read.spec,
            prompt_file: read.prompt_file,
            warnings: read.warnings,
        }),
        None => Err(RoleError::BadEntry {
            registry: places.registry.0.clone(),
            role: role.name.clone(),
            dir: role.dir.clone(),
        }),
    }
}
