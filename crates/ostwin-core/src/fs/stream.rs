//! A file that is too large to be held in memory: written beside its name, and whole when it gets
//! that name.

use std::fs::File;
use std::path::Path;

use super::{FsError, parent, sync_dir};
use crate::store::Durability;

/// Replaces the file at `path`, with the permissions `mode`, by what `write` writes: temporary file in the same folder, sync,
/// rename, sync of the folder. With [`Durability::Os`] the two syncs are left out.
///
/// # Errors
/// `write` failed, or any step did; what was at `path` is then still there, whole.
pub fn replace_streamed<R, E: From<FsError>>(
    path: &Path,
    mode: u32,
    durability: Durability,
    write: impl FnOnce(&mut File) -> Result<R, E>,
) -> Result<R, E> {
    let failed = |verb| move |error| E::from(FsError::new(verb, path, error));
    let dir = parent(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-").rand_bytes(10);
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    let mut file = builder.tempfile_in(dir).map_err(failed("write beside"))?;
    let written = write(file.as_file_mut())?;
    if durability == Durability::Sync {
        file.as_file().sync_all().map_err(failed("sync"))?;
    }
    file.persist(path).map_err(|error| failed("replace")(error.error))?;
    if durability == Durability::Sync {
        sync_dir(dir)?;
    }
    Ok(written)
}
