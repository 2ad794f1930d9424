//! Every change to the file system: replacing, creating, claiming, removing.
//!
//! Files are replaced whole, so that a reader sees the old content or the new one, never half of
//! one. A *record* is synced before it counts; a *hint* only has to be whole. Each operation can be
//! observed (see [`recorder`]), so that tests can build every disk image a power cut could leave
//! (see [`power_cut`]), and can be made to fail (see [`interposer`]).

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;

use crate::env::crash_point;
use crate::store::Durability;

pub mod interposer;
pub mod power_cut;
pub mod recorder;
mod stream;

use interposer::before;
use recorder::{Op, record};
pub use stream::replace_streamed;

/// A failed change to the file system: what was tried, on which path, and the system's answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} `{}`", path.display())]
pub struct FsError {
    /// What was tried, as a verb phrase.
    pub verb: &'static str,
    /// The path it was tried on.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl FsError {
    /// An error of `verb` on `path`.
    pub fn new(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self { verb, path: path.to_owned(), source }
    }

    /// Whether the cause is that something does not exist.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Result of a change to the file system.
pub type Result<T, E = FsError> = std::result::Result<T, E>;

/// Replaces the record at `path` by `bytes`: temporary file in the same folder, sync, rename, sync
/// of the folder. With [`Durability::Os`] the two syncs are left out.
///
/// # Errors
/// Any step failed; the old file is then still there, whole.
pub fn replace_record(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    replace(path, bytes, durability == Durability::Sync, PUBLIC)
}

/// Replaces the record at `path` by `bytes`, which nobody but the user may read: the file has mode
/// 0600 before the first byte is in it.
///
/// # Errors
/// As [`replace_record`].
pub fn replace_private(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    replace(path, bytes, durability == Durability::Sync, PRIVATE)
}

/// Replaces the hint at `path`: whole, but not synced. For what can be lost without harm.
///
/// # Errors
/// Any step failed; the old file is then still there, whole.
pub fn replace_hint(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, false, PUBLIC)
}

/// `value` as the JSON that people read: indented, with a newline at the end.
///
/// # Errors
/// The value cannot be JSON, such as a map whose keys are no strings.
pub fn json_bytes<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Replaces the record at `path` by `value` as indented JSON.
///
/// # Errors
/// As [`replace_record`].
pub fn replace_json<T: Serialize>(path: &Path, value: &T, durability: Durability) -> Result<()> {
    let bytes = json_bytes(value).map_err(|error| FsError::new("serialise", path, error))?;
    replace_record(path, &bytes, durability)
}

/// Replaces the hint at `path` by `value` as indented JSON.
///
/// # Errors
/// As [`replace_hint`].
pub fn replace_json_hint<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let bytes = json_bytes(value).map_err(|error| FsError::new("serialise", path, error))?;
    replace_hint(path, &bytes)
}

/// Mode of files that everybody may read, and of those that only the user may.
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

fn replace(path: &Path, bytes: &[u8], sync: bool, mode: u32) -> Result<()> {
    let dir = parent(path)?;
    before("write beside", path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-").rand_bytes(10);
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    builder.permissions(permissions);
    let mut file =
        builder.tempfile_in(dir).map_err(|error| FsError::new("write beside", path, error))?;
    file.write_all(bytes).map_err(|error| FsError::new("write", path, error))?;
    record(|| Op::Write { path: file.path().to_owned(), offset: 0, bytes: bytes.to_vec() });
    if sync {
        file.as_file().sync_all().map_err(|error| FsError::new("sync", path, error))?;
        record(|| Op::Sync { path: file.path().to_owned() });
    }
    crash_point("before_rename");
    before("replace", path)?;
    let from = file.path().to_owned();
    file.persist(path).map_err(|error| FsError::new("replace", path, error.error))?;
    record(|| Op::Rename { from: from.clone(), to: path.to_owned() });
    crash_point("after_rename");
    if sync {
        sync_dir(dir)?;
    }
    Ok(())
}

/// Makes the folder and all above it that are missing.
///
/// # Errors
/// One of them cannot be made.
pub fn create_dirs(path: &Path) -> Result<()> {
    before("create folder", path)?;
    std::fs::create_dir_all(path).map_err(|error| FsError::new("create folder", path, error))?;
    record(|| Op::CreateDir { path: path.to_owned() });
    Ok(())
}

/// Makes one folder; `false` if something of this name is there already.
///
/// # Errors
/// The folder cannot be made for another reason.
pub fn create_dir(path: &Path) -> Result<bool> {
    before("create folder", path)?;
    match std::fs::create_dir(path) {
        Ok(()) => {
            record(|| Op::CreateDir { path: path.to_owned() });
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FsError::new("create folder", path, error)),
    }
}

/// Renames `from` to `to` unless something is there: the atomic claim of a name. `false` if it was
/// taken.
///
/// # Errors
/// The rename failed for another reason.
pub fn claim(from: &Path, to: &Path) -> Result<bool> {
    use rustix::fs::{CWD, RenameFlags};
    before("claim", to)?;
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {
            record(|| Op::Rename { from: from.to_owned(), to: to.to_owned() });
            Ok(true)
        }
        Err(rustix::io::Errno::EXIST | rustix::io::Errno::NOTEMPTY) => Ok(false),
        Err(error) => Err(FsError::new("claim", to, error.into())),
    }
}

/// Exchanges what two names stand for, at once: at every moment both are there. `false`, with
/// nothing changed, where the file system cannot do that.
///
/// # Errors
/// One of them does not exist, or the exchange failed for another reason.
pub fn exchange(one: &Path, other: &Path) -> Result<bool> {
    use rustix::fs::{CWD, RenameFlags};
    use rustix::io::Errno;
    before("exchange", other)?;
    match rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => {
            record(|| Op::Exchange { one: one.to_owned(), other: other.to_owned() });
            Ok(true)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(FsError::new("exchange", other, error.into())),
    }
}

/// Writes a file that does not exist yet, into a folder that nobody else looks at: it is whole
/// only when this returns. With [`Durability::Sync`] its content is on the disk then; its name is
/// only after the folder was synced.
///
/// # Errors
/// It exists already, or cannot be written.
#[expect(clippy::disallowed_methods, reason = "this module owns opens for writing")]
pub fn create_file(
    path: &Path,
    bytes: &[u8],
    executable: bool,
    durability: Durability,
) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    before("write", path)?;
    let failed = |error| FsError::new("write", path, error);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    record(|| Op::Write { path: path.to_owned(), offset: 0, bytes: bytes.to_vec() });
    if durability == Durability::Sync {
        file.sync_all().map_err(|error| FsError::new("sync", path, error))?;
        record(|| Op::Sync { path: path.to_owned() });
    }
    Ok(())
}

/// Removes a file; a missing one is fine.
///
/// # Errors
/// It is there and cannot be removed.
#[expect(clippy::disallowed_methods, reason = "this module owns removals")]
pub fn remove_file(path: &Path) -> Result<()> {
    before("remove", path)?;
    match std::fs::remove_file(path) {
        Ok(()) => {
            record(|| Op::Remove { path: path.to_owned() });
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FsError::new("remove", path, error)),
    }
}

/// Removes a folder and all below it, never following a link; a missing one is fine.
///
/// # Errors
/// It is there and cannot be removed.
#[expect(clippy::disallowed_methods, reason = "this module owns removals")]
pub fn remove_dir_all(path: &Path) -> Result<()> {
    before("remove folder", path)?;
    match std::fs::remove_dir_all(path) {
        Ok(()) => {
            record(|| Op::Remove { path: path.to_owned() });
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FsError::new("remove folder", path, error)),
    }
}

/// Syncs a file's content that was written as a hint.
///
/// # Errors
/// The file cannot be opened or synced.
pub fn sync_file(path: &Path) -> Result<()> {
    before("sync", path)?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| FsError::new("sync", path, error))?;
    record(|| Op::Sync { path: path.to_owned() });
    Ok(())
}

/// Syncs a folder, so that the names in it survive a power cut.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_dir(path: &Path) -> Result<()> {
    before("sync folder", path)?;
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| FsError::new("sync folder", path, error))?;
    record(|| Op::SyncDir { path: path.to_owned() });
    Ok(())
}

/// Sets a file's modification time to now: a touch, by which a watcher is woken.
///
/// # Errors
/// The file does not exist or is not ours.
pub fn touch(path: &Path) -> Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())
        .map_err(|error| FsError::new("touch", path, error.into()))
}

/// Opens a file for reading. Anything but a regular file is refused, and nothing is waited for: a
/// named pipe that somebody put in the place of a file would be opened when its other end is.
///
/// # Errors
/// It does not exist, is no regular file (kind `InvalidData`), or cannot be opened.
#[expect(clippy::disallowed_methods, reason = "this module owns opens")]
pub fn open(path: &Path) -> io::Result<File> {
    regular(std::fs::OpenOptions::new().read(true).custom_flags(without_waiting()).open(path)?)
}

/// The flag that keeps an open from waiting.
fn without_waiting() -> i32 {
    i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// The flags of an open for writing, which neither waits nor follows a link: it may lead out of
/// the project.
fn for_writing() -> i32 {
    i32::try_from((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits()).unwrap_or(0)
}

/// What an open for writing failed with.
fn not_opened(path: &Path, error: io::Error) -> FsError {
    let is_link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    let text = "it is a link, and links are not followed for writing";
    let error = if is_link { io::Error::new(io::ErrorKind::InvalidData, text) } else { error };
    FsError::new("open", path, error)
}

fn regular(file: File) -> io::Result<File> {
    let kind = file.metadata()?.file_type();
    let what = if kind.is_file() {
        return Ok(file);
    } else if kind.is_dir() {
        "it is a folder"
    } else if kind.is_fifo() {
        "it is a named pipe"
    } else {
        "it is a device or a socket"
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("{what}, where a file is meant")))
}

/// Reads a whole file of at most `limit` bytes; `None` if it does not exist.
///
/// # Errors
/// It cannot be read, or is larger than `limit` (kind `FileTooLarge`).
pub fn read_optional(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FsError::new("read", path, error)),
    };
    read_limited(path, file, limit).map(Some)
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// It does not exist, cannot be read, or is larger than `limit` (kind `FileTooLarge`).
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = open(path).map_err(|error| FsError::new("read", path, error))?;
    read_limited(path, file, limit)
}

fn read_limited(path: &Path, file: File, limit: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = file
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| FsError::new("read", path, error))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > limit {
        let source = io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than the {limit} bytes that are read of such a file"),
        );
        return Err(FsError::new("read", path, source));
    }
    Ok(bytes)
}

/// The last `limit` bytes of a file, of those from `from` on.
///
/// # Errors
/// It does not exist or cannot be read.
pub fn read_tail(path: &Path, from: u64, limit: u64) -> Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let failed = |error| FsError::new("read", path, error);
    let mut file = open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(limit)))).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Puts a log of more than `limit` bytes aside under the name `earlier`, in place of what was put
/// there before. Nobody may be writing to it.
///
/// # Errors
/// It cannot be looked at or renamed.
pub fn rotate(path: &Path, earlier: &Path, limit: u64) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.len() > limit => {
            remove_file(earlier)?;
            claim(path, earlier).map(drop)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FsError::new("look at", path, error))
        }
        _ => Ok(()),
    }
}

/// Opens a file for appending without any lock, for a log that has one writer. Made if missing.
///
/// # Errors
/// The file cannot be opened.
#[expect(clippy::disallowed_methods, reason = "this module owns opens for writing")]
pub fn open_log(path: &Path) -> Result<File> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(for_writing())
        .open(path)
        .and_then(regular)
        .map_err(|error| not_opened(path, error))
}

/// Opens a file for locked appending and reading back. Made if missing.
#[expect(clippy::disallowed_methods, reason = "this module owns opens for writing")]
pub(crate) fn open_append(path: &Path) -> Result<File> {
    std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .custom_flags(for_writing())
        .open(path)
        .and_then(regular)
        .map_err(|error| not_opened(path, error))
}

fn parent(path: &Path) -> Result<&Path> {
    path.parent().ok_or_else(|| {
        FsError::new("replace", path, io::Error::new(io::ErrorKind::InvalidInput, "no folder"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_the_new_content_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        replace_record(&path, b"one", Durability::Sync).unwrap();
        replace_hint(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_replace_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("target");
        std::fs::create_dir(&path).unwrap();
        let error = replace_record(&path, b"x", Durability::Os).unwrap_err();
        assert_eq!(error.verb, "replace");
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_claim_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b, target) =
            (dir.path().join("a"), dir.path().join("b"), dir.path().join("target"));
        create_dir(&a).unwrap();
        create_dir(&b).unwrap();
        assert!(claim(&a, &target).unwrap());
        assert!(!claim(&b, &target).unwrap());
        assert!(b.exists());
    }

    #[test]
    fn reading_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        replace_hint(&path, &[b'x'; 100]).unwrap();
        assert_eq!(read(&path, 100).unwrap().len(), 100);
        let error = read(&path, 99).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_optional(&dir.path().join("none"), 1).unwrap(), None);
    }

    #[test]
    fn a_log_that_is_long_is_put_aside_and_its_end_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (log, earlier) = (dir.path().join("log"), dir.path().join("log.1"));
        rotate(&log, &earlier, 10).unwrap();
        for text in ["the first", "the second one"] {
            rotate(&log, &earlier, 10).unwrap();
            open_log(&log).unwrap().write_all(text.as_bytes()).unwrap();
        }
        assert_eq!(read_tail(&log, 9, 100).unwrap(), b"the second one");
        assert_eq!(read_tail(&log, 9, 3).unwrap(), b"one");
        assert_eq!(read_tail(&log, 900, 3).unwrap(), b"");
        assert!(!earlier.exists());
        for text in ["the third, longest", "x"] {
            rotate(&log, &earlier, 10).unwrap();
            open_log(&log).unwrap().write_all(text.as_bytes()).unwrap();
        }
        assert_eq!(read(&log, 100).unwrap(), b"x");
        assert_eq!(read(&earlier, 100).unwrap(), b"the third, longest");
    }

    #[test]
    fn an_exchange_keeps_both() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        create_dir(&a).unwrap();
        create_file(&a.join("file"), b"x", true, Durability::Sync).unwrap();
        create_dir(&b).unwrap();
        // Every file system that the tests run on knows how.
        assert!(exchange(&a, &b).unwrap());
        assert_eq!(read(&b.join("file"), 9).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(&a).unwrap().count(), 0);
        assert!(exchange(&a, &dir.path().join("none")).unwrap_err().is_not_found());
        assert!(create_file(&b.join("file"), b"y", false, Durability::Os).is_err());
        assert_eq!(read(&b.join("file"), 9).unwrap(), b"x");
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let folder = dir.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        for (path, what) in [(&pipe, "it is a named pipe"), (&folder, "it is a folder")] {
            let error = read(path, 10).unwrap_err();
            assert_eq!(error.source.kind(), io::ErrorKind::InvalidData);
            assert_eq!(error.source.to_string(), format!("{what}, where a file is meant"));
            assert!(read_optional(path, 10).is_err());
        }
        let outside = dir.path().join("outside");
        replace_hint(&outside, b"as it was").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        for open in [open_log, open_append] {
            assert!(open(&pipe).is_err(), "what is written into a pipe is lost");
            let error = open(&link).unwrap_err();
            assert!(error.source.to_string().starts_with("it is a link"), "{}", error.source);
        }
    }
}
