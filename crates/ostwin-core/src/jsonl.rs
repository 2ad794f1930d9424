//! Files of JSON lines: the one way to append a line, and the tolerant ways to read them.
//!
//! A line counts once its newline is in the file. A line that is no valid JSON is skipped and
//! counted; it never stops a reader and is never dropped from the disk.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::env::crash_point;
use crate::fs::interposer::{self, Fate};
use crate::fs::recorder::{Op, record};
use crate::fs::{self, FsError};
use crate::lock::{self, LockError};
use crate::store::{Durability, Store};

mod backward;
mod follow;
mod forward;

pub use backward::{find_last, scan_back, scan_back_from};
pub use follow::{Batch, Follower};
pub use forward::{read_at, scan, start_of};

/// Longest line that is read, in bytes; a longer one is skipped and counted without being held.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Why a line was not appended, or a file of lines not read.
#[derive(Debug, thiserror::Error)]
pub enum JsonlError {
    /// The file's lock was not taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file could not be opened, read, written or synced. Nothing was added.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The value cannot be written as one line.
    #[error("cannot append to `{}`: the line would have {bytes} bytes and at most {MAX_LINE_BYTES} are allowed", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The length the line would have.
        bytes: usize,
    },
}

impl JsonlError {
    /// Whether the same call may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Lock(LockError::Busy { .. }))
    }
}

/// Result of reading or appending lines.
pub type Result<T, E = JsonlError> = std::result::Result<T, E>;

/// Where an appended line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its number in the file, counted from 1; the file's last number if the line carries none.
    pub seq: u64,
    /// The file's length before it, in bytes.
    pub start: u64,
    /// The file's length after it, in bytes.
    pub end: u64,
}

/// Appends the line that `make` builds for the next sequence number.
///
/// Under the file's lock: closes a torn last line, finds the last number, writes the whole line,
/// syncs as the store's durability says. A short or failed write is cut off again.
///
/// # Errors
/// The line was not added: see [`JsonlError`].
pub fn append<T: Serialize>(
    store: &Store,
    path: &Path,
    make: impl FnOnce(u64) -> T,
) -> Result<(T, Appended)> {
    // The file may be replaced between opening and locking; then the new one is meant.
    let mut make = Some(make);
    loop {
        let file = fs::open_append(path)?;
        let outcome = lock::locked(path, file, store.lock_timeout, |file| {
            let Some(length) = current_length(path, file)? else { return Ok(None) };
            let Some(make) = make.take() else { return Ok(None) };
            append_locked(store.durability, path, file, length, make).map(Some)
        })??;
        if let Some(done) = outcome {
            return Ok(done);
        }
    }
}

fn append_locked<T: Serialize>(
    durability: Durability,
    path: &Path,
    file: &mut File,
    start: u64,
    make: impl FnOnce(u64) -> T,
) -> Result<(T, Appended)> {
    let tail = backward::tail(path, file, start)?;
    let seq = tail.last_seq.unwrap_or(0) + 1;
    let value = make(seq);

    let mut line = Vec::with_capacity(512);
    if tail.torn {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, &value)
        .map_err(|error| FsError::new("serialise a line for", path, error.into()))?;
    line.push(b'\n');
    if line.len() > MAX_LINE_BYTES {
        return Err(JsonlError::TooLong { path: path.to_owned(), bytes: line.len() });
    }
    if start == 0 {
        // It may have been made by being opened.
        record(|| Op::Write { path: path.to_owned(), offset: 0, bytes: Vec::new() });
        if let Some(dir) = path.parent().filter(|_| durability == Durability::Sync) {
            // Its name must survive a power cut too. Synced before anything is in it, since whoever
            // writes the first line may die of it, and the next one cannot tell.
            fs::sync_dir(dir)?;
        }
    }
    write_whole(path, file, start, &line)?;
    crash_point("line_written");
    if durability == Durability::Sync {
        file.sync_data().map_err(|error| FsError::new("sync", path, error))?;
        record(|| Op::Sync { path: path.to_owned() });
    }
    let end = start + u64::try_from(line.len()).unwrap_or(0);
    Ok((value, Appended { seq, start, end }))
}

fn write_whole(path: &Path, file: &mut File, start: u64, line: &[u8]) -> Result<()> {
    let written = match interposer::fate("append to", path) {
        Fate::Happens => file.write(line),
        Fate::Torn => return Err(torn(path, file, start, line).into()),
        Fate::Dead => return Err(interposer::died("append to", path).into()),
    };
    let error = match written {
        Ok(count) if count == line.len() => {
            record(|| Op::Write { path: path.to_owned(), offset: start, bytes: line.to_vec() });
            return Ok(());
        }
        Ok(_) => io::Error::new(io::ErrorKind::WriteZero, "only a part was written; disk full?"),
        Err(error) => error,
    };
    // Under the lock, everything behind `start` is what we just wrote and nobody was told of.
    file.set_len(start).map_err(|error| FsError::new("cut back", path, error))?;
    record(|| Op::Truncate { path: path.to_owned(), len: start });
    Err(FsError::new("append to", path, error).into())
}

/// What is left of a line whose writer died in the middle of it.
fn torn(path: &Path, file: &mut File, start: u64, line: &[u8]) -> FsError {
    let half = &line[..line.len() / 2];
    if file.write_all(half).is_ok() {
        record(|| Op::Write { path: path.to_owned(), offset: start, bytes: half.to_vec() });
    }
    interposer::died("append to", path)
}

/// The length of `file`, if it is still the one that `path` names.
fn current_length(path: &Path, file: &File) -> Result<Option<u64>> {
    let handle = file.metadata().map_err(|error| FsError::new("read", path, error))?;
    match std::fs::metadata(path) {
        Ok(named) => {
            let same = (named.dev(), named.ino()) == (handle.dev(), handle.ino());
            Ok(same.then_some(handle.len()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::new("read", path, error).into()),
    }
}

/// What a scan went over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Offset behind the last whole line that was looked at (forward), or of the first one
    /// (backward).
    pub offset: u64,
    /// Lines that were no valid JSON of the wanted shape.
    pub skipped: usize,
}

/// Every valid line of the file, for files that are small by nature (an audit, plan events).
///
/// # Errors
/// The file exists and cannot be read.
pub fn read_all<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, Scanned)> {
    let mut lines = Vec::new();
    let scanned = scan(path, 0, |_, line| {
        lines.push(line);
        ControlFlow::Continue(())
    })?;
    Ok((lines, scanned))
}

/// The value of a line. Bytes that are no UTF-8 make the whole line invalid, also where they stand
/// in a field that nobody asked for: all readers must agree on which lines count.
fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(line).ok()?).ok()
}

/// The number that a line carries. One that none can follow was not given by an appender.
fn number(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: u64,
    }
    let Numbered { seq } = parse(line)?;
    (seq < u64::MAX).then_some(seq)
}

fn open(path: &Path) -> Result<Option<File>> {
    match fs::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::new("read", path, error).into()),
    }
}

fn seek(path: &Path, file: &mut File, offset: u64) -> Result<()> {
    file.seek(SeekFrom::Start(offset)).map_err(|error| FsError::new("read", path, error))?;
    Ok(())
}

#[cfg(test)]
mod tests;
