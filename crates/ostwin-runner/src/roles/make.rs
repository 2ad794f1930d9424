//! Making a role of the project: from a description, from a text, or from another role.
//!
//! A role is made whole or not at all: its folder is built aside and takes its name in one rename,
//! and what could not be registered is taken away again.

use std::path::{Path, PathBuf};

use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::RoleName;
use ostwin_core::json::Extra;
use ostwin_core::layout::{Layout, RolePaths};
use ostwin_core::lock;
use ostwin_core::registry::RegistryRole;
use ostwin_core::roles::RoleSpec;
use ostwin_core::store::Store;
use serde_json::Value;

use super::discover::{ResolvedRole, RoleTier, read_registry};
use super::error::RoleError;
use super::shipped;

/// Largest file of a role that is copied, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Most files of a role that are copied.
const MAX_FILES: usize = 500;

/// One file of a role, by its path in the role's folder.
struct RoleFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Writes a role into the project's folder of roles and registers it. Gives its folder.
///
/// # Errors
/// The project has a role of this name, the registry cannot be read, or a file cannot be written;
/// nothing was made then.
pub fn new_role(
    layout: &Layout,
    store: &Store,
    name: &RoleName,
    spec: &RoleSpec,
    prompt: &str,
) -> Result<PathBuf, RoleError> {
    let settings = RolePaths::at("").settings();
    let bytes =
        fs::json_bytes(spec).map_err(|error| FsError::new("serialise", &settings, error))?;
    let files = vec![
        RoleFile { path: PathBuf::from(&spec.prompt_file), bytes: prompt.as_bytes().to_vec() },
        RoleFile { path: settings, bytes },
    ];
    add(layout, store, name, &files, entry(name, spec))
}

/// Copies the role `from`, with everything in its folder, into the project under the name `name`,
/// which may be its own, and registers it. Gives the new folder.
///
/// # Errors
/// As [`new_role`]; or a file of `from` is a link, is too large, or cannot be read.
pub fn clone_role(
    layout: &Layout,
    store: &Store,
    from: &ResolvedRole,
    name: &RoleName,
) -> Result<PathBuf, RoleError> {
    let mut files = match from.tier {
        RoleTier::Shipped => shipped_of(&from.name),
        RoleTier::Registry if !from.dir.is_dir() => {
            shipped_of(from.stands_in.as_ref().unwrap_or(&from.name))
        }
        _ => {
            let mut files = Vec::new();
            collect(&from.dir, Path::new(""), &mut files)?;
            files
        }
    };
    let settings = RolePaths::at("").settings();
    if *name != from.name
        && let Some(file) = files.iter_mut().find(|file| file.path == settings)
    {
        file.bytes = renamed(&from.dir, &file.bytes, name)?;
    }
    let mut spec = from.spec.clone();
    spec.name = Some(name.clone());
    add(layout, store, name, &files, entry(name, &spec))
}

fn entry(name: &RoleName, spec: &RoleSpec) -> RegistryRole {
    RegistryRole {
        name: name.clone(),
        description: spec.description.clone().unwrap_or_default(),
        path: None,
        capabilities: spec.capabilities.clone(),
        default_model: None,
        supported_task_types: Vec::new(),
        default_assignment: false,
        extra: Extra::new(),
    }
}

/// `role.json` under another name, everything else in it as it was.
fn renamed(dir: &Path, bytes: &[u8], name: &RoleName) -> Result<Vec<u8>, RoleError> {
    let path = RolePaths::at(dir).settings();
    let mut spec: serde_json::Map<String, Value> =
        ostwin_core::json::from_slice_located(&path, bytes)?;
    if spec.contains_key("name") {
        spec.insert("name".to_owned(), Value::from(name.as_str()));
    }
    // Two roles that people cannot tell apart would be worse than one without a title.
    spec.shift_remove("display_name");
    Ok(fs::json_bytes(&spec).map_err(|error| FsError::new("serialise", &path, error))?)
}

fn shipped_of(name: &RoleName) -> Vec<RoleFile> {
    let of_role = |file: shipped::ShippedFile| {
        let path = file.path.strip_prefix(name.as_str()).ok()?.to_owned();
        Some(RoleFile { path, bytes: file.content.to_vec() })
    };
    shipped::shipped_files().into_iter().filter_map(of_role).collect()
}

/// Every file below `dir`. A link is refused: it may lead anywhere.
fn collect(dir: &Path, below: &Path, files: &mut Vec<RoleFile>) -> Result<(), RoleError> {
    let here = dir.join(below);
    let odd = |path: &Path, problem: &str| RoleError::Uncopied {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let entries =
        std::fs::read_dir(&here).map_err(|error| FsError::new("read folder", &here, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| FsError::new("read folder", &here, error))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| FsError::new("look at", &path, error))?;
        let below = below.join(entry.file_name());
        if kind.is_dir() {
            collect(dir, &below, files)?;
        } else if kind.is_file() {
            if files.len() == MAX_FILES {
                return Err(odd(&here, "a role has at most 500 files"));
            }
            files.push(RoleFile { bytes: fs::read(&path, MAX_FILE_BYTES)?, path: below });
        } else {
            return Err(odd(&path, "it is neither a file nor a folder"));
        }
    }
    Ok(())
}

fn add(
    layout: &Layout,
    store: &Store,
    name: &RoleName,
    files: &[RoleFile],
    entry: RegistryRole,
) -> Result<PathBuf, RoleError> {
    let paths = RolePaths::new(&layout.roles(), name);
    let exists = || RoleError::Exists { role: name.clone(), dir: paths.dir().to_owned() };
    lock::exclusive(&layout.registry_lock(), store.lock_timeout, || {
        // A folder may be there for the role's skills alone.
        let only_skills = paths.dir().exists();
        if paths.settings().exists() || paths.file("ROLE.md").exists() {
            return Err(exists());
        }
        let (_, mut registry) = read_registry(&layout.registry())?;
        let made = if only_skills {
            write(paths.dir(), files, store).inspect_err(|_| take_back(paths.dir(), files))
        } else {
            let aside = layout.new_role(name);
            fs::remove_dir_all(&aside)?;
            let built =
                write(&aside, files, store).and_then(|()| match fs::claim(&aside, paths.dir())? {
                    true => Ok(fs::sync_dir(&layout.roles())?),
                    false => Err(exists()),
                });
            built.inspect_err(|_| drop(fs::remove_dir_all(&aside)))
        };
        made?;
        if registry.role(name).is_none() {
            registry.roles.push(entry);
            let registered = fs::replace_json(&layout.registry(), &registry, store.durability);
            if let Err(error) = registered {
                match only_skills {
                    true => take_back(paths.dir(), files),
                    false => fs::remove_dir_all(paths.dir())?,
                }
                return Err(error.into());
            }
        }
        Ok(paths.dir().to_owned())
    })?
}

/// Writes the files into a folder that is made for them, what makes it a role last.
fn write(dir: &Path, files: &[RoleFile], store: &Store) -> Result<(), RoleError> {
    let settings = RolePaths::at("").settings();
    let (last, first): (Vec<&RoleFile>, Vec<&RoleFile>) =
        files.iter().partition(|file| file.path == settings);
    for file in first.into_iter().chain(last) {
        let path = dir.join(&file.path);
        if path.exists() {
            let problem = "it is in the way of the new role".to_owned();
            return Err(RoleError::Uncopied { path, problem });
        }
        if let Some(parent) = path.parent() {
            fs::create_dirs(parent)?;
        }
        fs::replace_record(&path, &file.bytes, store.durability)?;
    }
    Ok(())
}

/// Removes what was written into a folder that was there before. What cannot be removed is told by
/// the error that led here.
fn take_back(dir: &Path, files: &[RoleFile]) {
    for file in files {
        drop(fs::remove_file(&dir.join(&file.path)));
    }
}
