//! The files of a folder on this machine as a [`Tree`].
//!
//! Nothing here follows a link: every folder is opened from the one above it, so that nobody who
//! swaps one for a link in between gets another one read.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use ostwin_core::fs::FsError;
use ostwin_core::ids::SkillPath;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::tree::{Growing, Refusal, Tree, leads_to_wanted};

/// Why a folder could not be read as the files of a skill.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It holds what no skill may hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The files of `dir`, or only those below `subdir`. The repository that the folder may be a
/// checkout of is passed over.
///
/// # Errors
/// The folder cannot be read, or is not the folder of a skill.
pub(super) fn read_folder(dir: &Path, subdir: Option<&SkillPath>) -> Result<Tree, ReadError> {
    let flags = FOLDER.difference(OFlags::NOFOLLOW);
    let root = rustix::fs::openat(CWD, dir, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOTDIR => FsError::new("read as a folder", dir, error.into()),
        error => FsError::new("open", dir, error.into()),
    })?;
    let mut growing = Growing::new(subdir);
    read_below(dir, &root, "", subdir, &mut growing)?;
    Ok(growing.finish()?)
}

/// Adds what is in `folder`, whose path below `dir` is `prefix`. The depth is bounded because
/// longer paths are refused, and with it how many folders are open at once.
fn read_below(
    dir: &Path,
    folder: &OwnedFd,
    prefix: &str,
    subdir: Option<&SkillPath>,
    growing: &mut Growing,
) -> Result<(), ReadError> {
    let failed = |error: Errno| FsError::new("list", &dir.join(prefix), error.into());
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") || (prefix.is_empty() && name == b".git") {
            continue;
        }
        let path = [prefix.as_bytes(), name].concat();
        if let Some(inner) = read_entry(dir, folder, name, &path, growing)? {
            // The path passed the checks, so it is text.
            let path = String::from_utf8_lossy(&path);
            if leads_to_wanted(&path, subdir) {
                read_below(dir, &inner, &format!("{path}/"), subdir, growing)?;
            }
        }
    }
    Ok(())
}

/// Adds what is in `folder` under `name`; a folder is given back to be read in its turn.
fn read_entry(
    dir: &Path,
    folder: &OwnedFd,
    name: &[u8],
    path: &[u8],
    growing: &mut Growing,
) -> Result<Option<OwnedFd>, ReadError> {
    let shown = || dir.join(String::from_utf8_lossy(path).as_ref());
    let failed = |error: Errno| FsError::new("read", &shown(), error.into());
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            growing.folder(path)?;
            if name.starts_with(b".") {
                return Ok(None);
            }
            rustix::fs::openat(folder, name, FOLDER, Mode::empty())
                .map(Some)
                .map_err(|error| failed(error).into())
        }
        FileType::RegularFile => {
            // Without NONBLOCK, opening a pipe that took the file's place would wait.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(failed)?;
            let executable = stat.st_mode & 0o100 != 0;
            growing.file(path, executable, File::from(file))?;
            Ok(None)
        }
        other => {
            if growing.passes_over(path)? {
                return Ok(None);
            }
            let what = match other {
                FileType::Symlink => "a link",
                FileType::Fifo => "a pipe",
                FileType::Socket => "a socket",
                _ => "a device",
            };
            Err(Refusal::kind(path, what).into())
        }
    }
}

/// How a folder is opened: never through a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
