//! Following a file that others append to.

use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Result, scan};
use crate::fs::FsError;

/// A batch that has read so much is given, however few its lines are: whoever follows a file holds
/// little of it.
const BATCH_BYTES: u64 = 1 << 20;

/// Remembers how far a file has been read; starts again when it was cut or replaced.
#[derive(Clone, Debug)]
pub struct Follower {
    path: PathBuf,
    offset: u64,
    inode: Option<u64>,
}

/// What is new since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// The new valid lines, in order.
    pub lines: Vec<T>,
    /// New lines that could not be read.
    pub skipped: usize,
    /// The file was cut or replaced: the lines are those of the file from its start.
    pub restarted: bool,
    /// There is more than the limit allowed: look again.
    pub more: bool,
}

impl Follower {
    /// Follows `path` from byte `offset` on.
    pub fn new(path: &Path, offset: u64) -> Self {
        Self { path: path.to_owned(), offset, inode: None }
    }

    /// The followed file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Offset behind the last line that was given.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads up to `limit` new lines, and no more of them than a few long ones take. Costs one look
    /// at the file's length when nothing is new.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn poll<T: DeserializeOwned>(&mut self, limit: usize) -> Result<Batch<T>> {
        let mut batch = Batch { lines: Vec::new(), skipped: 0, restarted: false, more: false };
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(batch),
            Err(error) => return Err(FsError::new("read", &self.path, error).into()),
        };
        let replaced = self.inode.is_some_and(|inode| inode != metadata.ino());
        if replaced || metadata.len() < self.offset {
            self.offset = 0;
            batch.restarted = true;
        }
        self.inode = Some(metadata.ino());
        if metadata.len() == self.offset {
            return Ok(batch);
        }
        let from = self.offset;
        let scanned = scan(&self.path, from, |at, line| {
            batch.lines.push(line);
            batch.more = batch.lines.len() >= limit || at - from >= BATCH_BYTES;
            if batch.more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        self.offset = scanned.offset;
        batch.skipped = scanned.skipped;
        Ok(batch)
    }
}
