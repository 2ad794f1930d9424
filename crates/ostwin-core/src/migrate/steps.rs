//! Moving files of older versions on.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

use super::found::{Found, Kind, MigrateError, State, Versioned};
use crate::control;
use crate::env::crash_point;
use crate::fs;
use crate::json;
use crate::plans;
use crate::project::Project;
use crate::store::Durability;

/// Largest file that is moved on, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// One step of one kind of file, from a version to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The kind of file.
    pub kind: Kind,
    /// The version that it leads on from.
    pub from: u32,
    /// Makes the object what the next version says; its `schema_version` is set afterwards.
    pub step: fn(&mut Map<String, Value>) -> Result<(), String>,
}

/// Every step that there is. All files have their first version, so there is none yet.
pub const MIGRATIONS: &[Migration] = &[];

/// A file that was moved on, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The file.
    pub path: PathBuf,
    /// The version that it had.
    pub from: u32,
    /// The version that it has now.
    pub to: u32,
    /// Where the old one is kept.
    pub copy: PathBuf,
}

/// Moves every older file of `found` on by `migrations`, keeping a copy beside it; without `write`
/// only says what would happen. Everything is worked out before the first file is written.
///
/// # Errors
/// [`MigrateError`]. Unless a file could not be written, nothing was.
pub fn migrate(
    project: &Project,
    found: &Found,
    migrations: &[Migration],
    write: bool,
) -> Result<Vec<Moved>, MigrateError> {
    let older: Vec<&Versioned> =
        found.files.iter().filter(|file| file.state == State::Older).collect();
    if older.is_empty() {
        return Ok(Vec::new());
    }
    for plan in plans::list(project)? {
        if control::is_driven(&plan.paths)? {
            return Err(MigrateError::Driven { plan: plan.meta.plan_id });
        }
    }
    let mut ready = Vec::new();
    for file in older {
        ready.push(moved(file, migrations)?);
    }
    let mut done = Vec::new();
    for (moved, old, new) in ready {
        if write {
            let durability = project.store().durability;
            keep(&moved.copy, &old, durability)?;
            crash_point("migration_copied");
            let private = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(&moved.path)
                    .map_err(|error| fs::FsError::new("look at", &moved.path, error))?
                    .permissions(),
            ) & 0o077
                == 0;
            if private {
                fs::replace_private(&moved.path, &new, durability)?;
            } else {
                fs::replace_record(&moved.path, &new, durability)?;
            }
        }
        done.push(moved);
    }
    Ok(done)
}

/// The old file under another name, which only the user may read: it may be the vault.
fn keep(copy: &std::path::Path, old: &[u8], durability: Durability) -> Result<(), MigrateError> {
    Ok(fs::replace_private(copy, old, durability)?)
}

type Ready = (Moved, Vec<u8>, Vec<u8>);

/// A file with its old and its new content.
fn moved(file: &Versioned, migrations: &[Migration]) -> Result<Ready, MigrateError> {
    let path = &file.path;
    let old = fs::read(path, MAX_FILE_BYTES)?;
    let mut object: Map<String, Value> = json::from_slice_located(path, &old)?;
    let mut version = file.version;
    while version < file.kind.current() {
        let step = migrations.iter().find(|step| step.kind == file.kind && step.from == version);
        let Some(step) = step else {
            return Err(MigrateError::NoStep { path: path.clone(), version });
        };
        (step.step)(&mut object).map_err(|problem| {
            let path = path.clone();
            MigrateError::Step { path, version, problem }
        })?;
        version += 1;
        object.insert("schema_version".to_owned(), version.into());
    }
    let new =
        fs::json_bytes(&object).map_err(|error| fs::FsError::new("serialise", path, error))?;
    let mut copy = path.clone().into_os_string();
    copy.push(format!(".v{}", file.version));
    let moved =
        Moved { path: path.clone(), from: file.version, to: version, copy: PathBuf::from(copy) };
    Ok((moved, old, new))
}
