//! A recording of the operations that change files.
//!
//! A power cut may drop what was written or renamed and not yet synced. With a recording of the
//! operations in order, a test can build every image that a cut could leave and recover from it.
//! Recording is per thread and off unless [`recording`] runs, so it costs one branch otherwise.

use std::cell::RefCell;
use std::path::PathBuf;

/// One operation that changed the file system, in the order in which it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `bytes` were written at `offset`; the file was made if it was missing.
    Write {
        /// The file.
        path: PathBuf,
        /// First byte written.
        offset: u64,
        /// What was written.
        bytes: Vec<u8>,
    },
    /// The file was cut to `len` bytes.
    Truncate {
        /// The file.
        path: PathBuf,
        /// Its length since.
        len: u64,
    },
    /// The file's content was synced.
    Sync {
        /// The file.
        path: PathBuf,
    },
    /// A name was moved.
    Rename {
        /// The old path.
        from: PathBuf,
        /// The new path.
        to: PathBuf,
    },
    /// Two names were exchanged.
    Exchange {
        /// The one.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A folder was made.
    CreateDir {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder was removed.
    Remove {
        /// What was removed.
        path: PathBuf,
    },
    /// The names in a folder were synced.
    SyncDir {
        /// The folder.
        path: PathBuf,
    },
}

thread_local! {
    static RECORDING: RefCell<Option<Vec<Op>>> = const { RefCell::new(None) };
}

/// Runs `work` and returns, beside its result, every operation that this thread asked for in it.
pub fn recording<R>(work: impl FnOnce() -> R) -> (R, Vec<Op>) {
    RECORDING.with_borrow_mut(|recording| *recording = Some(Vec::new()));
    let result = work();
    let ops = RECORDING.with_borrow_mut(Option::take).unwrap_or_default();
    (result, ops)
}

pub(crate) fn record(op: impl Fn() -> Op) {
    RECORDING.with_borrow_mut(|recording| {
        if let Some(ops) = recording {
            ops.push(op());
        }
    });
    super::interposer::after(op);
}
