//! Archiving a room: its whole folder goes into one compressed file, and what takes space leaves
//! the folder.
//!
//! The room itself stays where it is, with its contract, machine, audit, channel and the records of
//! its attempts: every view of the plan goes on to show it, its number is not given again, and what
//! it cost still counts. What leaves is what sessions left beside their records, and the artifacts.
//! `archived.json` is written once the archive is whole and before anything leaves, so whoever was
//! killed in between is followed by the same call, which goes on.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Result, Room, RoomError, of_plan, read_json_optional};
use crate::env::crash_point;
use crate::fs::{self, FsError};
use crate::ids::EpicId;
use crate::json::{Extra, Version};
use crate::layout::{AttemptPaths, RoomPaths};
use crate::lock::{self, LockError};
use crate::time::Timestamp;

/// How hard the archive is pressed: what the program `zstd` does unless it is told otherwise.
const LEVEL: i32 = 3;

/// `archived.json`: where the larger part of a room's files is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Archived")]
pub struct Archived {
    /// Version of this file's schema.
    #[serde(default)]
    pub schema_version: Version<1>,
    /// When.
    pub archived_at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// How many files the archive holds.
    pub files: usize,
    /// Their size together.
    pub bytes: u64,
    /// The size of the archive.
    pub archive_bytes: u64,
    /// Fields that this version does not know.
    #[serde(skip)]
    pub extra: Extra,
}
crate::keep_extra!(Archived);

/// Why a room was not archived, or not unpacked again. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// An engine drives the plan.
    #[error("an engine drives the plan of `{room}`; archive it when the run has ended")]
    Driven {
        /// The room.
        room: crate::ids::RoomId,
    },
    /// Epics that build on this one are not finished: their sessions read what it made.
    #[error("{} still build on `{room}` and are not finished", dependants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Needed {
        /// The room.
        room: crate::ids::RoomId,
        /// The epics.
        dependants: Vec<EpicId>,
    },
    /// The room is not archived.
    #[error("`{room}` is not archived")]
    NotArchived {
        /// The room.
        room: crate::ids::RoomId,
    },
    /// The archive does not hold what it should, or cannot be read.
    #[error("the archive `{}` is damaged: {problem}", archive.display())]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The room cannot be read or changed, or is not finished.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// What the archive of a room is: a file of the project, and what the room says of it.
pub type Archive = (PathBuf, Archived);

impl Room {
    /// Where the larger part of the room's files is, if it was archived.
    ///
    /// # Errors
    /// The note about it cannot be read.
    pub fn archived(&self) -> Result<Option<Archived>> {
        read_json_optional(&self.paths.archived())
    }

    fn archive_path(&self) -> PathBuf {
        self.project.layout().archive(&self.id)
    }
}

/// Archives a finished room. Called again after it was cut off, it goes on.
///
/// # Errors
/// [`ArchiveError`]; unless it is about a file that could not be removed, the room is as it was.
pub fn archive(room: &Room, actor: &str) -> Result<Archive, ArchiveError> {
    undriven(room, || {
        let standing = room.standing()?;
        if !standing.is_terminal() {
            let problem = "only a finished room can be archived; `ostwin room set-status` or \
                           `ostwin cancel` finishes it"
                .to_owned();
            let (room, state) = (room.id.clone(), standing.state);
            return Err(RoomError::State { room, state, problem }.into());
        }
        let dependants = unfinished_dependants(room)?;
        if !dependants.is_empty() {
            return Err(ArchiveError::Needed { room: room.id.clone(), dependants });
        }
        let archive = room.archive_path();
        let archived = match room.archived()? {
            Some(archived) => archived,
            None => {
                let archived = pack(room, &archive, actor)?;
                let durability = room.project.store().durability;
                crash_point("archive_packed");
                room.locked(|_| {
                    fs::replace_json(&room.paths.archived(), &archived, durability)
                        .map_err(RoomError::from)
                })?;
                archived
            }
        };
        crash_point("archive_noted");
        // Only what the archive holds leaves the room, and only as it is in there.
        each_entry(&archive, |entry| leave(room, &entry.path, entry.bytes))?;
        remove_empty(&room.paths.attempts())?;
        remove_empty(&room.paths.artifacts())?;
        fs::create_dirs(&room.paths.attempts())?;
        fs::create_dirs(&room.paths.artifacts())?;
        Ok((archive, archived))
    })
}

/// Puts what left an archived room back, and removes the archive.
///
/// # Errors
/// [`ArchiveError`]; the archive is still there then, and the same call goes on.
pub fn restore(room: &Room) -> Result<Archive, ArchiveError> {
    undriven(room, || {
        let Some(archived) = room.archived()? else {
            return Err(ArchiveError::NotArchived { room: room.id.clone() });
        };
        let archive = room.archive_path();
        let durability = room.project.store().durability;
        each_entry(&archive, |entry| {
            let to = room.paths.dir().join(&entry.path);
            // What stayed in the room is newer than what is in the archive.
            if std::fs::symlink_metadata(&to).is_ok() {
                return Ok(());
            }
            if let Some(folder) = to.parent() {
                fs::create_dirs(folder)?;
            }
            fs::replace_streamed(&to, entry.mode, durability, |file| {
                io::copy(entry.content, file)
                    .map(drop)
                    .map_err(|error| FsError::new("unpack", &to, error))
            })
        })?;
        crash_point("archive_unpacked");
        fs::remove_file(&room.paths.archived())?;
        fs::remove_file(&archive)?;
        Ok((archive, archived))
    })
}

/// Does something with a room whose plan nobody drives, and nobody begins to meanwhile.
fn undriven<R>(
    room: &Room,
    work: impl FnOnce() -> Result<R, ArchiveError>,
) -> Result<R, ArchiveError> {
    let plan = room.project.layout().plan(&room.contract()?.plan_id);
    // A room whose plan's folder is gone has no engine and no lock.
    if !plan.dir().is_dir() {
        return work();
    }
    match lock::exclusive(&plan.engine_lock(), Duration::ZERO, work) {
        Ok(done) => done,
        Err(LockError::Busy { .. }) => Err(ArchiveError::Driven { room: room.id.clone() }),
        Err(error) => Err(error.into()),
    }
}

fn unfinished_dependants(room: &Room) -> Result<Vec<EpicId>> {
    let contract = room.contract()?;
    let mut found = Vec::new();
    for (other, of_other) in of_plan(&room.project, &contract.plan_id)? {
        if of_other.depends_on.contains(&contract.task_ref) && !other.standing()?.is_terminal() {
            found.push(of_other.task_ref);
        }
    }
    Ok(found)
}

/// Writes the archive and reads it back.
fn pack(room: &Room, archive: &Path, actor: &str) -> Result<Archived, ArchiveError> {
    let store = room.project.store();
    fs::create_dirs(&room.project.layout().archives())?;
    let files = files_of(room.paths.dir())?;
    let bytes = fs::replace_streamed(archive, 0o644, store.durability, |file| {
        write_archive(room.paths.dir(), &files, file)
            .map_err(|error| FsError::new("write", archive, error))
    })?;
    let mut found = 0;
    each_entry(archive, |_| {
        found += 1;
        Ok(())
    })?;
    if found != files.len() {
        let problem = format!("it holds {found} files of {}", files.len());
        return Err(ArchiveError::Damaged { archive: archive.to_owned(), problem });
    }
    let archive_bytes =
        std::fs::metadata(archive).map_err(|error| FsError::new("look at", archive, error))?.len();
    Ok(Archived {
        schema_version: Version::default(),
        archived_at: store.now(),
        actor: actor.to_owned(),
        files: files.len(),
        bytes,
        archive_bytes,
        extra: Extra::new(),
    })
}

fn write_archive(root: &Path, files: &[PathBuf], file: &mut File) -> io::Result<u64> {
    let mut packed = zstd::Encoder::new(file, LEVEL)?;
    packed.include_checksum(true)?;
    let mut builder = tar::Builder::new(packed);
    let mut total = 0_u64;
    for path in files {
        let content = fs::open(&root.join(path))?;
        let metadata = content.metadata()?;
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&metadata);
        let bytes = metadata.len();
        // A message that a person posts meanwhile is in the room all the same.
        builder.append_data(&mut header, path, content.take(bytes))?;
        total = total.saturating_add(bytes);
    }
    builder.into_inner()?.finish()?;
    Ok(total)
}

/// The regular files below `root`, relative to it, sorted. Links are not followed and not packed,
/// and neither are locks.
fn files_of(root: &Path) -> Result<Vec<PathBuf>, FsError> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let dir = root.join(&folder);
        let failed = |error| FsError::new("list", &dir, error);
        for entry in std::fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(failed)?;
            let is_lock = path.extension().is_some_and(|extension| extension == "lock");
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !is_lock {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// One file of an archive.
struct Entry<'a> {
    /// Relative to the room's folder.
    path: PathBuf,
    bytes: u64,
    /// Its permissions.
    mode: u32,
    content: &'a mut dyn Read,
}

/// Visits every file of an archive, to its end.
fn each_entry(
    archive: &Path,
    mut visit: impl FnMut(Entry<'_>) -> Result<(), FsError>,
) -> Result<(), ArchiveError> {
    let damaged = |problem: String| ArchiveError::Damaged { archive: archive.to_owned(), problem };
    let broken = |error: io::Error| damaged(error.to_string());
    let file = fs::open(archive).map_err(|error| FsError::new("read", archive, error))?;
    let mut unpacked = tar::Archive::new(zstd::Decoder::new(file).map_err(broken)?);
    for entry in unpacked.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || !entry.header().entry_type().is_file() {
            return Err(damaged(format!("`{}` is no file of a room", path.display())));
        }
        let bytes = entry.size();
        let mode = entry.header().mode().map_err(broken)? & 0o777;
        visit(Entry { path, bytes, mode, content: &mut entry })?;
        // Reading on to the end of the file makes its checksum count.
        io::copy(&mut entry, &mut io::sink()).map_err(broken)?;
    }
    Ok(())
}

/// Removes a file that is in the archive, unless it is one of those that stay, or has changed.
fn leave(room: &Room, path: &Path, bytes: u64) -> Result<(), FsError> {
    let full = room.paths.dir().join(path);
    if !leaves(&room.paths, &full) {
        return Ok(());
    }
    let is_same =
        std::fs::symlink_metadata(&full).is_ok_and(|found| found.is_file() && found.len() == bytes);
    if is_same { fs::remove_file(&full) } else { Ok(()) }
}

/// Whether a file leaves the room: artifacts, and what is beside the records of attempts.
fn leaves(room: &RoomPaths, path: &Path) -> bool {
    if path.starts_with(room.artifacts()) {
        return true;
    }
    let Ok(inner) = path.strip_prefix(room.attempts()) else { return false };
    let Some(attempt) = inner.components().next() else { return false };
    AttemptPaths::at(room.attempts().join(attempt)).record() != path
}

/// Removes the folders below `dir` that hold nothing any more.
fn remove_empty(dir: &Path) -> Result<(), FsError> {
    let failed = |error| FsError::new("list", dir, error);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            remove_empty(&entry.path())?;
        }
    }
    match std::fs::remove_dir(dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(error) => Err(FsError::new("remove folder", dir, error)),
    }
}
