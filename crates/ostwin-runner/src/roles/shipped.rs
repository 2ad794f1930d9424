//! The roles and the registry inside the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};
use ostwin_core::ids::RoleName;
use ostwin_core::json::JsonError;
use ostwin_core::registry::Registry;

static ROLES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../.agents/roles");
static REGISTRY: &str = include_str!("../../../../.agents/registry.json");

/// How the shipped tier is called where a folder's path would stand.
pub(super) const PLACE: &str = "built in";

/// One file of the shipped roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShippedFile {
    /// Its path relative to the folder of roles: `engineer/ROLE.md`.
    pub path: &'static Path,
    /// Its content.
    pub content: &'static [u8],
}

/// Every file of the shipped roles, by path.
pub fn shipped_files() -> Vec<ShippedFile> {
    let mut files = Vec::new();
    collect(&ROLES, &mut files);
    files.sort_by_key(|file| file.path);
    files
}

fn collect(dir: &Dir<'static>, files: &mut Vec<ShippedFile>) {
    for file in dir.files() {
        files.push(ShippedFile { path: file.path(), content: file.contents() });
    }
    for dir in dir.dirs() {
        collect(dir, files);
    }
}

/// The text of the shipped registry, for a new project, and the registry itself.
///
/// # Errors
/// What is shipped is not a registry, which a test rules out.
pub fn shipped_registry() -> Result<(&'static str, Registry), JsonError> {
    let (registry, _) = Registry::read(Path::new("registry.json"), REGISTRY.as_bytes())?;
    Ok((REGISTRY, registry))
}

/// The names of the shipped roles.
pub(super) fn names() -> Vec<RoleName> {
    let folder = |dir: &Dir<'_>| RoleName::new(dir.path().file_name()?.to_str()?).ok();
    ROLES.dirs().filter_map(folder).collect()
}

/// A file of a shipped role; `None` if it is not there.
pub(super) fn file(role: &RoleName, name: &str) -> Option<&'static [u8]> {
    ROLES.get_file(Path::new(role.as_str()).join(name)).map(include_dir::File::contents)
}
