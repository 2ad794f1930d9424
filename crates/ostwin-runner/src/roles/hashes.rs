//! The hashes of a role's files, for the record of an attempt.

use std::collections::BTreeMap;

use ostwin_core::fs::{self, FsError};
use ostwin_core::layout::RolePaths;
use ostwin_core::plans::sha256;

use super::discover::ResolvedRole;
use super::shipped;

/// No file of a role is longer.
const MAX_BYTES: u64 = 4 << 20;

/// The SHA-256 of every file that makes the role what it is, by path. One that is not on disk is
/// shipped, or the role is about to be made, and then its prompt is all there is.
///
/// # Errors
/// A file cannot be read.
pub fn role_hashes(role: &ResolvedRole) -> Result<BTreeMap<String, String>, FsError> {
    let mut hashes = BTreeMap::new();
    for path in [RolePaths::at(&role.dir).settings(), role.prompt_file.clone()] {
        let shipped = || {
            let name = path.file_name()?.to_str()?;
            shipped::file(&role.name, name).map(<[u8]>::to_vec)
        };
        if let Some(bytes) = fs::read_optional(&path, MAX_BYTES)?.or_else(shipped) {
            hashes.insert(path.display().to_string(), sha256(&bytes));
        }
    }
    if hashes.is_empty() {
        hashes.insert(role.prompt_file.display().to_string(), sha256(role.prompt.as_bytes()));
    }
    Ok(hashes)
}
