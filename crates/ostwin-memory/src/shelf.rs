//! The index wherever it can be kept, up to date whenever it is asked.
//!
//! It is kept on the disk, where all processes share it. One that turns out damaged is removed and
//! built anew; where that does not help, or the cache cannot be written at all, this process goes
//! on with an index of its own in memory: the same answers, slower and larger.

use std::path::{Path, PathBuf};

use ostwin_core::lock::LockError;
use ostwin_core::project::Project;
use rusqlite::ErrorCode;

use crate::error::MemoryError;
use crate::index::{Home, Index};

/// Most entries that are in the index; beyond it the oldest leave.
pub const MAX_INDEXED: usize = 100_000;

/// The index of one ledger.
#[derive(Debug)]
pub(crate) struct Shelf {
    ledger: PathBuf,
    home: Home,
    index: Option<Index>,
    /// The disk was given up.
    without_disk: bool,
    /// The last answer came from an index that another process was still working on.
    behind: bool,
}

impl Shelf {
    /// The index of a project's ledger; nothing is opened yet.
    pub(crate) fn new(project: &Project) -> Self {
        let layout = project.layout();
        Self {
            ledger: layout.ledger(),
            home: Home::new(layout, project.store().lock_timeout),
            index: None,
            without_disk: false,
            behind: false,
        }
    }

    pub(crate) fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Whether the index is on the disk; before it was asked for the first time, whether it will be
    /// tried.
    pub(crate) fn is_on_disk(&self) -> bool {
        !self.without_disk
    }

    /// Whether the last answer may miss the newest entries.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Asks the index as of now. `ask` is called again if the index had to be made anew.
    ///
    /// # Errors
    /// The ledger cannot be read, a lock was not free in time, or `ask` failed for another reason
    /// than the index.
    pub(crate) fn asked<R>(
        &mut self,
        mut ask: impl FnMut(&mut Index) -> Result<R, MemoryError>,
    ) -> Result<R, MemoryError> {
        let mut discarded = false;
        loop {
            let outcome = self.current().and_then(&mut ask);
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if self.without_disk || !is_of_the_cache(&error, &self.ledger) {
                return Err(error);
            }
            if is_contention(&error) {
                return Err(MemoryError::Busy { path: self.home.path().to_owned() });
            }
            self.index = None;
            if discarded || self.home.discard().is_err() {
                self.give_up_the_disk(&error);
            }
            discarded = true;
        }
    }

    /// Reads the whole ledger again: what the index says of it is not true.
    ///
    /// # Errors
    /// As [`Shelf::asked`].
    pub(crate) fn read_anew(&mut self) -> Result<(), MemoryError> {
        let ledger = self.ledger.clone();
        self.asked(|index| index.bring_anew(&ledger))
    }

    /// The index, open and up to date.
    fn current(&mut self) -> Result<&mut Index, MemoryError> {
        // Dropped first: the cache may have been deleted, and another file made in its place.
        let open = self.index.take().filter(Index::is_current);
        let bound = i64::try_from(MAX_INDEXED).unwrap_or(i64::MAX);
        let opened = match open {
            Some(index) => index,
            None if self.without_disk => Index::in_memory(bound)?,
            None => Index::on_disk(&self.home, bound)?,
        };
        let index = self.index.insert(opened);
        self.behind = match index.bring(&self.ledger) {
            Ok(()) => false,
            Err(MemoryError::Lock(LockError::Busy { .. })) => true,
            Err(error) => return Err(error),
        };
        Ok(index)
    }

    fn give_up_the_disk(&mut self, error: &MemoryError) {
        tracing::warn!(
            index = %self.home.path().display(),
            error = error as &dyn std::error::Error,
            "the index of the shared memory cannot be kept on disk; searching goes on without it, \
             slower"
        );
        self.without_disk = true;
    }
}

/// Whether the error is one of the cache and not of the ledger, so that another place may help.
fn is_of_the_cache(error: &MemoryError, ledger: &Path) -> bool {
    match error {
        MemoryError::Index(_) => true,
        MemoryError::Fs(error) => error.path != ledger,
        MemoryError::Lock(error) => !matches!(error, LockError::Busy { .. }),
        MemoryError::Ledger(_) | MemoryError::Busy { .. } | MemoryError::NoMeaning { .. } => false,
    }
}

/// Whether others held the database for longer than is waited.
fn is_contention(error: &MemoryError) -> bool {
    let MemoryError::Index(error) = error else { return false };
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
