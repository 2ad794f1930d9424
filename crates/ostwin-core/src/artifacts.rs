//! A room's `artifacts/`: what the work delivers.
//!
//! Agents name these paths, so nothing here follows a link: every folder on the way is opened from
//! the one above it and refused if it is a link, and a file is replaced by a rename inside the
//! folder that was opened. Whoever swaps a folder for a link in between gains nothing.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::env::crash_point;
use crate::fs::FsError;
use crate::fs::recorder::{Op, record};
use crate::ids::{ArtifactPath, entropy};
use crate::store::{Durability, Store};
use crate::time::Timestamp;

mod listing;

pub use listing::{Found, Listing, Unreadable};

/// Largest artifact that is written, in bytes.
pub const MAX_ARTIFACT_BYTES: usize = 10 << 20;

/// Why an artifact was not read or written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is no such artifact.
    #[error("there is no artifact `{path}`")]
    NotFound {
        /// The artifact.
        path: ArtifactPath,
    },
    /// A part of the path is a link.
    #[error(
        "`{part}` is a link, and links are not followed: artifacts are plain files in plain folders"
    )]
    Link {
        /// The part of the path that is one.
        part: String,
    },
    /// A part of the path is of the wrong kind.
    #[error("`{part}` is no {wanted}")]
    WrongKind {
        /// The part of the path.
        part: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// The content is larger than an artifact may be.
    #[error(
        "the content has {bytes} bytes and at most {MAX_ARTIFACT_BYTES} are allowed: split it into several artifacts"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Result of an operation on artifacts.
pub type Result<T, E = ArtifactError> = std::result::Result<T, E>;

/// An artifact that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// Whether another content was there before.
    pub replaced: bool,
}

/// A part of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes from the offset on.
    pub bytes: Vec<u8>,
    /// The length of the whole artifact.
    pub total: u64,
}

/// The artifacts of one room.
#[derive(Clone, Debug)]
pub struct Artifacts {
    dir: PathBuf,
}

impl Artifacts {
    /// The artifacts in this folder.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where an artifact lies.
    pub fn path(&self, path: &ArtifactPath) -> PathBuf {
        path.below(&self.dir)
    }

    /// Replaces the artifact whole; folders on the way are made.
    ///
    /// # Errors
    /// [`ArtifactError`]; what was there is still there.
    pub fn write(&self, store: &Store, path: &ArtifactPath, content: &[u8]) -> Result<Written> {
        if content.len() > MAX_ARTIFACT_BYTES {
            return Err(ArtifactError::TooLarge { bytes: content.len() });
        }
        let (folder, name) = self.folder_of(path, true)?;
        let replaced = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => true,
                FileType::Symlink => return Err(link(path.as_str())),
                _ => return Err(wrong_kind(path.as_str(), "regular file")),
            },
            Err(Errno::NOENT) => false,
            Err(error) => return Err(self.failed("look at", path, error)),
        };
        self.replace(store, path, &folder, name, content)?;
        Ok(Written {
            bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
            sha256: hex(&Sha256::digest(content)),
            replaced,
        })
    }

    /// Reads at most `limit` bytes from `offset` on.
    ///
    /// # Errors
    /// [`ArtifactError`].
    pub fn read(&self, path: &ArtifactPath, offset: u64, limit: usize) -> Result<Part> {
        let mut file = self.open(path)?;
        let failed = |error: io::Error| FsError::new("read", &self.path(path), error);
        let total = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Part { bytes, total })
    }

    /// The SHA-256 of an artifact's content, in hexadecimal digits.
    ///
    /// # Errors
    /// [`ArtifactError`].
    pub fn sha256(&self, path: &ArtifactPath) -> Result<String> {
        let mut file = self.open(path)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let read = file
                .read(&mut chunk)
                .map_err(|error| FsError::new("read", &self.path(path), error))?;
            if read == 0 {
                return Ok(hex(&hasher.finalize()));
            }
            hasher.update(&chunk[..read]);
        }
    }

    fn open(&self, path: &ArtifactPath) -> Result<File> {
        let (folder, name) = self.folder_of(path, false)?;
        // Without NONBLOCK, opening a named pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Err(ArtifactError::NotFound { path: path.clone() }),
            Err(Errno::LOOP) => return Err(link(path.as_str())),
            Err(error) => return Err(self.failed("open", path, error)),
        };
        let metadata =
            file.metadata().map_err(|error| FsError::new("read", &self.path(path), error))?;
        if !metadata.is_file() {
            return Err(wrong_kind(path.as_str(), "regular file"));
        }
        Ok(file)
    }

    /// The folder of an artifact, opened step by step, and the artifact's name in it.
    fn folder_of<'p>(&self, path: &'p ArtifactPath, make: bool) -> Result<(OwnedFd, &'p str)> {
        let text = path.as_str();
        let (parents, name) = text.rsplit_once('/').map_or((None, text), |(p, n)| (Some(p), n));
        let mut folder = match self.root() {
            Ok(folder) => folder,
            Err(Errno::NOENT) if make => {
                crate::fs::create_dirs(&self.dir)?;
                self.root().map_err(|error| self.root_failed(error))?
            }
            Err(Errno::NOENT) => return Err(ArtifactError::NotFound { path: path.clone() }),
            Err(error) => return Err(self.root_failed(error)),
        };
        let mut walked = 0;
        for part in parents.into_iter().flat_map(|parents| parents.split('/')) {
            walked += part.len() + 1;
            let so_far = &text[..walked - 1];
            folder = match enter(&folder, part) {
                Err(Errno::NOENT) if make => {
                    match rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o755)) {
                        Ok(()) => record(|| Op::CreateDir { path: self.dir.join(so_far) }),
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(self.failed("create a folder for", path, error)),
                    }
                    enter(&folder, part)
                }
                entered => entered,
            }
            .map_err(|error| match error {
                Errno::NOENT => ArtifactError::NotFound { path: path.clone() },
                Errno::NOTDIR | Errno::LOOP if is_link(&folder, part) => link(so_far),
                Errno::NOTDIR => wrong_kind(so_far, "folder"),
                error => self.failed("open the folder of", path, error),
            })?;
        }
        Ok((folder, name))
    }

    fn root(&self) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(CWD, &self.dir, FOLDER, Mode::empty())
    }

    fn root_failed(&self, error: Errno) -> ArtifactError {
        match error {
            Errno::NOTDIR | Errno::LOOP if self.dir.is_symlink() => link("artifacts"),
            Errno::NOTDIR => wrong_kind("artifacts", "folder"),
            error => FsError::new("open", &self.dir, error.into()).into(),
        }
    }

    /// Temporary file in the open folder, rename over the name.
    fn replace(
        &self,
        store: &Store,
        path: &ArtifactPath,
        folder: &OwnedFd,
        name: &str,
        content: &[u8],
    ) -> Result<()> {
        let random = entropy().map_err(|error| FsError::new("name", &self.path(path), error))?;
        let temporary = format!(".tmp-{random:032x}");
        let beside = self.path(path).with_file_name(&temporary);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o644);
        let written = match rustix::fs::openat(folder, &*temporary, flags | OFlags::CLOEXEC, mode) {
            Ok(fd) => {
                let mut file = File::from(fd);
                file.write_all(content).and_then(|()| {
                    record(|| Op::Write {
                        path: beside.clone(),
                        offset: 0,
                        bytes: content.to_vec(),
                    });
                    if store.durability == Durability::Sync {
                        file.sync_all()?;
                        record(|| Op::Sync { path: beside.clone() });
                    }
                    Ok(())
                })
            }
            Err(error) => return Err(self.failed("write beside", path, error)),
        };
        crash_point("artifact_written");
        let outcome = written.map_err(|error| FsError::new("write", &self.path(path), error));
        let outcome = outcome.and_then(|()| {
            rustix::fs::renameat(folder, &*temporary, folder, name)
                .map_err(|error| FsError::new("replace", &self.path(path), error.into()))
        });
        if let Err(error) = outcome {
            // What cannot be removed is hidden by its name and harms nobody.
            let _ = rustix::fs::unlinkat(folder, &*temporary, AtFlags::empty());
            return Err(error.into());
        }
        record(|| Op::Rename { from: beside.clone(), to: self.path(path) });
        if store.durability == Durability::Sync {
            rustix::fs::fsync(folder).map_err(|error| self.failed("sync", path, error))?;
            let folder = self.path(path).parent().map(PathBuf::from).unwrap_or_default();
            record(|| Op::SyncDir { path: folder.clone() });
        }
        Ok(())
    }

    fn failed(&self, verb: &'static str, path: &ArtifactPath, error: Errno) -> ArtifactError {
        FsError::new(verb, &self.path(path), error.into()).into()
    }
}

/// How a folder is opened: never through a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn enter(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(folder, name, FOLDER, Mode::empty())
}

fn is_link(folder: &OwnedFd, name: &str) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn link(part: &str) -> ArtifactError {
    ArtifactError::Link { part: part.to_owned() }
}

fn wrong_kind(part: &str, wanted: &'static str) -> ArtifactError {
    ArtifactError::WrongKind { part: part.to_owned(), wanted }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn modified(stat: &rustix::fs::Stat) -> Timestamp {
    let millis = stat
        .st_mtime
        .saturating_mul(1000)
        .saturating_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0) / 1_000_000);
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests;
