//! Why the shared memory did not answer.

use std::path::PathBuf;

use ostwin_core::fs::FsError;
use ostwin_core::jsonl::JsonlError;
use ostwin_core::lock::LockError;

/// Why the shared memory did not answer. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] JsonlError),
    /// A file of the cache cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Another process is working on the index and took longer than is waited.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Another process is writing the index and took longer than is waited.
    #[error("the index `{}` is being written by another process", path.display())]
    Busy {
        /// The index.
        path: PathBuf,
    },
    /// The index failed, on the disk and without one.
    #[error("cannot index the shared memory")]
    Index(#[source] rusqlite::Error),
    /// Only the meaning was to be compared, and nothing here can do that.
    #[error("cannot search by meaning: {reason}")]
    NoMeaning {
        /// Why, and what to do about it.
        reason: String,
    },
}

impl MemoryError {
    /// Whether the same question may be answered a moment later.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_busy(),
            Self::Lock(error) => matches!(error, LockError::Busy { .. }),
            Self::Busy { .. } => true,
            Self::Fs(_) | Self::Index(_) | Self::NoMeaning { .. } => false,
        }
    }
}

impl From<rusqlite::Error> for MemoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}
