//! From a source to the files of the skill there, in memory and checked. Only Git needs a folder
//! while it fetches.

use ostwin_core::fs;
use ostwin_core::skills_index::IndexedSkill;

use super::Pause;
use super::archive::{MAX_ARCHIVE_BYTES, unpack};
use super::download::download;
use super::error::InstallError;
use super::git::read_commit;
use super::hash::sha256;
use super::read::read_folder;
use super::registry::Registry;
use super::shelf::Shelf;
use super::source::Source;
use super::staging::in_staging;
use super::tree::Tree;

/// What was found at a source.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The files of the skill.
    pub(super) tree: Tree,
    /// A commit, or the hash of an archive; none for a folder.
    pub(super) revision: Option<String>,
    /// Where it was, with absolute paths.
    pub(super) source: Source,
    /// The index that named it, and what that says of it.
    pub(super) index: Option<(String, IndexedSkill)>,
}

impl Fetched {
    /// The hash of the archive that it came in.
    pub(super) fn archive_sha256(&self) -> Option<&str> {
        self.revision.as_deref()?.strip_prefix(ARCHIVE)
    }
}

/// What the revision of an archive starts with.
const ARCHIVE: &str = "sha256:";

/// Gets what is at `source`, whose paths are absolute. A name is looked up in `registry`.
///
/// # Errors
/// There is nothing, or nothing that is a skill, or it cannot be had.
pub(super) fn fetch(
    source: Source,
    registry: Option<&Registry>,
    shelf: &Shelf,
    pause: Pause,
) -> Result<Fetched, InstallError> {
    let place = source.to_string();
    let refused = |refusal| InstallError::refused(&place, refusal);
    let (tree, revision) = match &source {
        Source::Folder { path, subdir } => {
            let tree = read_folder(path, subdir.as_ref());
            let tree = tree.map_err(|error| InstallError::of_reading(&place, error))?;
            (tree.skill(subdir.as_ref()).map_err(refused)?, None)
        }
        Source::ArchiveFile { path, subdir } => {
            let Some(bytes) = fs::read_optional(path, MAX_ARCHIVE_BYTES)? else {
                return Err(InstallError::Nothing { path: path.clone() });
            };
            let tree = unpack(&bytes, subdir.as_ref()).map_err(refused)?;
            let tree = tree.skill(subdir.as_ref()).map_err(refused)?;
            (tree, Some(format!("{ARCHIVE}{}", sha256(&bytes))))
        }
        Source::ArchiveUrl { url, subdir } => {
            let bytes = download(url, MAX_ARCHIVE_BYTES, pause)?;
            let tree = unpack(&bytes, subdir.as_ref()).map_err(refused)?;
            let tree = tree.skill(subdir.as_ref()).map_err(refused)?;
            (tree, Some(format!("{ARCHIVE}{}", sha256(&bytes))))
        }
        Source::Git { url, rev, subdir } => {
            let commit = in_staging(&shelf.agents(), |staging| {
                let (rev, dir) = (rev.as_deref(), staging.fetched());
                Ok(read_commit(url, rev, subdir.as_ref(), &dir, pause)?)
            })?;
            (commit.tree, Some(commit.id))
        }
        Source::Named { name, version } => {
            let registry =
                registry.ok_or_else(|| InstallError::NoRegistry { name: name.clone() })?;
            let (entry, source) = registry.find(name, version.as_deref(), pause)?;
            let fetched = fetch(source, None, shelf, pause)?;
            return Ok(Fetched { index: Some((registry.to_string(), entry)), ..fetched });
        }
    };
    Ok(Fetched { tree, revision, source, index: None })
}
