//! A skill in a folder: listing and reading without following a link.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::Path;

use ostwin_core::fs::FsError;
use ostwin_core::ids::SkillPath;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{MAX_DEPTH, MAX_FILES, Part, SkillFile, SkillFiles, Skipped};
use crate::error::SkillError;
use crate::format::DOCUMENT;

/// Most entries of a skill's folder that are looked at, files or not.
const MAX_VISITED: usize = 10 * MAX_FILES;

/// How a folder inside of a skill is opened: never through a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How a file is opened. Without `NONBLOCK`, opening a named pipe would wait for its other end.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The whole `SKILL.md` of the skill in `dir`; one byte more than `limit` if it is larger, which
/// nobody takes for a document.
pub(super) fn read_document(dir: &Path, limit: u64) -> Result<Vec<u8>, SkillError> {
    let none = || SkillError::NoDocument { path: dir.to_owned() };
    let root = match root(dir) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(none()),
        opened => opened.map_err(|error| FsError::new("open", dir, error.into()))?,
    };
    let mut file = match open_file(dir, &root, DOCUMENT, DOCUMENT)? {
        Some(file) => file,
        None => return Err(none()),
    };
    let mut bytes = Vec::new();
    let read = file.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| FsError::new("read", &dir.join(DOCUMENT), error))?;
    Ok(bytes)
}

/// Reads at most `limit` bytes of a file, from `offset` on.
pub(super) fn read(
    dir: &Path,
    path: &SkillPath,
    offset: u64,
    limit: u64,
) -> Result<Part, SkillError> {
    let missing = || SkillError::NoFile { place: dir.to_owned(), file: path.clone() };
    let text = path.as_str();
    let (folders, name) = text.rsplit_once('/').unwrap_or(("", text));
    let mut folder = root(dir).map_err(|error| FsError::new("open", dir, error.into()))?;
    let mut walked = 0;
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        walked += part.len() + 1;
        let so_far = text.get(..walked - 1).unwrap_or(text);
        folder = match enter(&folder, part) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Err(missing()),
            Err(Errno::NOTDIR | Errno::LOOP) if is_link(&folder, part) => {
                return Err(link(dir, so_far));
            }
            Err(Errno::NOTDIR) => return Err(wrong_kind(dir, so_far, "folder")),
            Err(error) => return Err(FsError::new("open", &dir.join(so_far), error.into()).into()),
        };
    }
    let mut file = open_file(dir, &folder, name, text)?.ok_or_else(missing)?;
    let failed = |error: io::Error| FsError::new("read", &path.below(dir), error);
    let total = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Part { bytes, total })
}

/// The files of the skill in `dir`, by path.
pub(super) fn list(dir: &Path) -> Result<SkillFiles, SkillError> {
    let root = root(dir).map_err(|error| FsError::new("open", dir, error.into()))?;
    let mut walk = Walk { visited: 0, found: SkillFiles::default() };
    walk.folder(&root, "", 0);
    let mut found = walk.found;
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.skipped.sort();
    found.truncated |= found.files.len() > MAX_FILES;
    found.files.truncate(MAX_FILES);
    Ok(found)
}

/// The skill's folder, which may itself be a link.
fn root(dir: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(CWD, dir, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty())
}

fn enter(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(folder, name, FOLDER, Mode::empty())
}

/// A regular file of an open folder; `None` if it is not there. `path` is its path in the skill.
fn open_file(
    dir: &Path,
    folder: &OwnedFd,
    name: &str,
    path: &str,
) -> Result<Option<File>, SkillError> {
    let file = match rustix::fs::openat(folder, name, FILE, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(link(dir, path)),
        Err(error) => return Err(FsError::new("open", &dir.join(path), error.into()).into()),
    };
    let metadata = file.metadata().map_err(|error| FsError::new("read", &dir.join(path), error))?;
    if metadata.is_file() { Ok(Some(file)) } else { Err(wrong_kind(dir, path, "regular file")) }
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn link(dir: &Path, part: &str) -> SkillError {
    SkillError::Link { place: dir.to_owned(), part: part.to_owned() }
}

fn wrong_kind(dir: &Path, part: &str, wanted: &'static str) -> SkillError {
    SkillError::WrongKind { place: dir.to_owned(), part: part.to_owned(), wanted }
}

struct Walk {
    visited: usize,
    found: SkillFiles,
}

impl Walk {
    fn folder(&mut self, folder: &OwnedFd, path: &str, depth: usize) {
        let entries = match Dir::read_from(folder) {
            Ok(entries) => entries,
            Err(error) => return self.skip(path, &error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.skip(path, &error),
            };
            let name = entry.file_name().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            self.visited += 1;
            if self.visited > MAX_VISITED {
                self.found.truncated = true;
                return;
            }
            let child = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
            self.entry(folder, entry.file_name(), &child, depth);
        }
    }

    fn entry(&mut self, folder: &OwnedFd, name: &CStr, path: &str, depth: usize) {
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Removed since it was listed.
            Err(Errno::NOENT) => return,
            Err(error) => return self.skip(path, &error),
        };
        let Ok(text) = name.to_str() else {
            return self.skip(path, &"its name is no UTF-8 text");
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth >= MAX_DEPTH => {
                self.skip(path, &format!("it lies deeper than {MAX_DEPTH} folders"));
            }
            FileType::Directory => match enter(folder, text) {
                Ok(inner) => self.folder(&inner, path, depth + 1),
                Err(Errno::NOENT) => {}
                Err(error) => self.skip(path, &error),
            },
            FileType::RegularFile => match SkillPath::new(path) {
                Ok(path) => {
                    let bytes = u64::try_from(stat.st_size).unwrap_or(0);
                    let executable = stat.st_mode & 0o111 != 0;
                    self.found.files.push(SkillFile { path, bytes, executable });
                }
                Err(error) => self.skip(path, &error),
            },
            FileType::Symlink => self.skip(path, &"it is a link, and links are not followed"),
            _ => self.skip(path, &"it is no regular file"),
        }
    }

    fn skip(&mut self, path: &str, problem: &dyn std::fmt::Display) {
        let path = if path.is_empty() { "." } else { path }.to_owned();
        self.found.skipped.push(Skipped { path, problem: problem.to_string() });
    }
}
