//! Opening the index, on the disk or without one.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostwin_core::fs;
use ostwin_core::layout::Layout;
use ostwin_core::lock;
use rusqlite::{Connection, OpenFlags};

use super::schema::{self, Content};
use crate::error::MemoryError;

/// What SQLite may hold of the index in memory, in KiB; the system's page cache holds the rest.
const CACHE_KIB: i32 = 4 * 1024;

/// Where an index on the disk is, and how long its lock is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    path: PathBuf,
    lock: PathBuf,
    patience: Duration,
}

impl Home {
    pub(crate) fn new(layout: &Layout, patience: Duration) -> Self {
        Self { path: layout.memory_index(), lock: layout.memory_lock(), patience }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the index, so that it is built anew.
    pub(crate) fn discard(&self) -> Result<(), MemoryError> {
        lock::exclusive(&self.lock, self.patience, || self.remove())??;
        Ok(())
    }

    fn remove(&self) -> Result<(), fs::FsError> {
        // What SQLite keeps beside a database belongs to it and must not meet another one.
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            fs::remove_file(Path::new(&path))?;
        }
        Ok(())
    }

    fn inode(&self) -> Option<u64> {
        std::fs::metadata(&self.path).ok().map(|metadata| metadata.ino())
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A power cut may cost the newest entries of the index, which the ledger brings back.
        connection.pragma_update(None, "synchronous", "normal")?;
        tune(&connection)?;
        Ok(connection)
    }

    /// A connection to a database with our tables.
    fn open(&self) -> Result<Connection, MemoryError> {
        let connection = self.connect()?;
        if schema::content(&connection)? == Content::Ours {
            return Ok(connection);
        }
        drop(connection);
        lock::exclusive(&self.lock, self.patience, || {
            // Another process may have made it meanwhile.
            let connection = self.connect()?;
            match schema::content(&connection)? {
                Content::Ours => return Ok(connection),
                Content::Nothing => {
                    schema::create(&connection)?;
                    return Ok(connection);
                }
                Content::Foreign => drop(connection),
            }
            self.remove()?;
            let connection = self.connect()?;
            schema::create(&connection)?;
            Ok(connection)
        })?
    }
}

fn tune(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "memory")
}

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) connection: Connection,
    /// Where it is, and the file that was opened; none for an index of this process alone.
    home: Option<(Home, u64)>,
    /// Most entries that it holds.
    pub(super) bound: i64,
}

impl Index {
    /// Opens the index on the disk, made if it is missing, unusable or of another version.
    ///
    /// # Errors
    /// The cache cannot be written, or its file system cannot lock.
    pub(crate) fn on_disk(home: &Home, bound: i64) -> Result<Self, MemoryError> {
        if let Some(dir) = home.path.parent() {
            fs::create_dirs(dir)?;
        }
        let connection = home.open()?;
        let inode = home.inode().unwrap_or_default();
        Ok(Self { connection, home: Some((home.clone(), inode)), bound })
    }

    /// An index in the memory of this process.
    pub(crate) fn in_memory(bound: i64) -> Result<Self, MemoryError> {
        let connection = Connection::open_in_memory()?;
        tune(&connection)?;
        schema::create(&connection)?;
        Ok(Self { connection, home: None, bound })
    }

    /// Whether the file that was opened is still the index: the cache may be deleted at any time.
    pub(crate) fn is_current(&self) -> bool {
        self.home.as_ref().is_none_or(|(home, inode)| home.inode() == Some(*inode))
    }

    /// Does what changes the index while nobody else does.
    ///
    /// # Errors
    /// The lock was not free in time, or `change` failed.
    pub(crate) fn exclusively<R>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<R, MemoryError>,
    ) -> Result<R, MemoryError> {
        match self.home.clone() {
            Some((home, _)) => lock::exclusive(&home.lock, home.patience, || change(self))?,
            None => change(self),
        }
    }
}
