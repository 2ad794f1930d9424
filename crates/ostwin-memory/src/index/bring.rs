//! Bringing the index up to date with its ledger.
//!
//! The index notes how far it has read and what stood right before that place and at the start. If
//! the ledger still has that, only what came behind it is read; if not, another ledger is there and
//! everything is read again. What stands behind the last newline is not looked at.

use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use ostwin_core::fs::{self, FsError};
use ostwin_core::jsonl;
use ostwin_core::ledger::Entry;
use rusqlite::{OptionalExtension, Statement, Transaction, TransactionBehavior, params};

use super::open::Index;
use super::schema;
use crate::error::MemoryError;
use crate::tokens::tokens;

/// Bytes of the ledger's start, and of what is before the place read up to, that are compared.
const FINGERPRINT_BYTES: usize = 256;

/// Entries that are added in one transaction: a kill costs at most these.
const BATCH: usize = 5_000;

/// How far the ledger is in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    inode: u64,
    offset: u64,
    fingerprint: Vec<u8>,
    skipped: i64,
    next: i64,
}

impl Standing {
    fn start(inode: u64) -> Self {
        Self { inode, offset: 0, fingerprint: Vec::new(), skipped: 0, next: 1 }
    }
}

/// What the ledger's file is compared to what the index knows of it.
enum Look {
    Same,
    Grown,
    Another { inode: u64 },
}

impl Index {
    /// Reads what is new in the ledger.
    ///
    /// # Errors
    /// The ledger cannot be read or the index not written, or another process is at it for longer
    /// than is waited; then the index is as it was.
    pub(crate) fn bring(&mut self, ledger: &Path) -> Result<(), MemoryError> {
        if matches!(look(ledger, &self.standing()?)?, Look::Same) {
            return Ok(());
        }
        self.exclusively(|index| index.read_on(ledger))
    }

    /// Reads the whole ledger again.
    ///
    /// # Errors
    /// As [`Index::bring`].
    pub(crate) fn bring_anew(&mut self, ledger: &Path) -> Result<(), MemoryError> {
        self.exclusively(|index| {
            let transaction = index.connection.transaction()?;
            schema::clear(&transaction)?;
            transaction.commit()?;
            index.read_on(ledger)
        })
    }

    /// Lines of the ledger that could not be read.
    pub(crate) fn skipped(&self) -> Result<usize, MemoryError> {
        Ok(usize::try_from(self.standing()?.skipped).unwrap_or(0))
    }

    fn standing(&self) -> rusqlite::Result<Standing> {
        let query = "SELECT inode, offset, fingerprint, skipped, next FROM ledger";
        self.connection.query_row(query, (), |row| {
            Ok(Standing {
                inode: row.get::<_, i64>(0)?.cast_unsigned(),
                offset: row.get::<_, i64>(1)?.cast_unsigned(),
                fingerprint: row.get(2)?,
                skipped: row.get(3)?,
                next: row.get(4)?,
            })
        })
    }

    fn read_on(&mut self, ledger: &Path) -> Result<(), MemoryError> {
        // Another process may have done it while the lock was waited for.
        let mut standing = self.standing()?;
        match look(ledger, &standing)? {
            Look::Same => return Ok(()),
            Look::Grown => {}
            Look::Another { inode } => {
                let transaction = self.connection.transaction()?;
                schema::clear(&transaction)?;
                transaction.commit()?;
                standing = Standing::start(inode);
            }
        }
        while self.read_batch(ledger, &mut standing)? {}
        Ok(())
    }

    /// Adds the next entries; whether there are more.
    fn read_batch(&mut self, ledger: &Path, standing: &mut Standing) -> Result<bool, MemoryError> {
        let bound = self.bound;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut added = 0;
        let mut failed = None;
        let scanned = {
            let mut adding = Adding::prepare(&transaction)?;
            jsonl::scan::<Entry>(ledger, standing.offset, |start, entry| {
                if let Err(error) = adding.add(standing.next, start, &entry) {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                standing.next += 1;
                added += 1;
                if added == BATCH { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?
        };
        if let Some(error) = failed {
            return Err(error.into());
        }
        forget(&transaction, standing.next - bound)?;
        standing.offset = scanned.offset;
        standing.skipped += i64::try_from(scanned.skipped).unwrap_or(0);
        standing.fingerprint = fingerprint(ledger, standing.offset)?.unwrap_or_default();
        transaction.execute(
            "UPDATE ledger SET inode = ?, offset = ?, fingerprint = ?, skipped = ?, next = ?",
            params![
                standing.inode.cast_signed(),
                standing.offset.cast_signed(),
                standing.fingerprint,
                standing.skipped,
                standing.next
            ],
        )?;
        transaction.commit()?;
        Ok(added == BATCH)
    }
}

fn look(ledger: &Path, standing: &Standing) -> Result<Look, MemoryError> {
    let metadata = match std::fs::metadata(ledger) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A ledger that nobody has written to is an empty one.
            let empty = standing.offset == 0 && standing.next == 1;
            return Ok(if empty { Look::Same } else { Look::Another { inode: 0 } });
        }
        Err(error) => return Err(FsError::new("read", ledger, error).into()),
    };
    if !metadata.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(FsError::new("read", ledger, error).into());
    }
    let inode = metadata.ino();
    if metadata.len() < standing.offset
        || inode != standing.inode
        || fingerprint(ledger, standing.offset)?.as_ref() != Some(&standing.fingerprint)
    {
        return Ok(Look::Another { inode });
    }
    Ok(if metadata.len() == standing.offset { Look::Same } else { Look::Grown })
}

/// The bytes at the start of the ledger and those before `offset`; none if it is shorter.
fn fingerprint(ledger: &Path, offset: u64) -> Result<Option<Vec<u8>>, MemoryError> {
    if offset == 0 {
        return Ok(Some(Vec::new()));
    }
    let length = usize::try_from(offset).unwrap_or(usize::MAX).min(FINGERPRINT_BYTES);
    let mut bytes = vec![0; 2 * length];
    let (head, tail) = bytes.split_at_mut(length);
    let read = fs::open(ledger).and_then(|file| {
        file.read_exact_at(head, 0)?;
        file.read_exact_at(tail, offset - length as u64)
    });
    match read {
        Ok(()) => Ok(Some(bytes)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound) =>
        {
            Ok(None)
        }
        Err(error) => Err(FsError::new("read", ledger, error).into()),
    }
}

/// The statements that add an entry.
struct Adding<'t> {
    entry: Statement<'t>,
    tag: Statement<'t>,
    words: Statement<'t>,
    find: Statement<'t>,
    supersede: Statement<'t>,
    silence: Statement<'t>,
}

impl<'t> Adding<'t> {
    fn prepare(transaction: &'t Transaction<'_>) -> rusqlite::Result<Self> {
        let prepare = |sql| transaction.prepare(sql);
        Ok(Self {
            entry: prepare(
                "INSERT INTO entries (number, id, start, ts, kind, room, keyed)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?,
            tag: prepare("INSERT OR IGNORE INTO tags VALUES (?, ?)")?,
            words: prepare(
                "INSERT INTO words (rowid, summary, tags, ref, detail) VALUES (?, ?, ?, ?, ?)",
            )?,
            find: prepare("SELECT number FROM entries WHERE id = ? AND superseded = 0")?,
            supersede: prepare("UPDATE entries SET superseded = 1 WHERE number = ?")?,
            silence: prepare("DELETE FROM words WHERE rowid = ?")?,
        })
    }

    fn add(&mut self, number: i64, start: u64, entry: &Entry) -> rusqlite::Result<()> {
        if let Some(old) = &entry.supersedes {
            self.hide(old.as_str())?;
        }
        self.entry.execute(params![
            number,
            entry.id.as_str(),
            start.cast_signed(),
            entry.ts.as_millis(),
            entry.kind.as_str(),
            entry.room_id.as_ref().map(|room| room.as_str()),
            entry.key.is_some(),
        ])?;
        for tag in &entry.tags {
            self.tag.execute(params![number, tag.to_ascii_lowercase()])?;
        }
        let words = |text: &str| tokens(text).join(" ");
        let optional = |text: &Option<String>| text.as_deref().map(words).unwrap_or_default();
        self.words.execute(params![
            number,
            words(&entry.summary),
            words(&entry.tags.join("\n")),
            optional(&entry.reference),
            optional(&entry.detail),
        ])?;
        Ok(())
    }

    /// An entry is superseded by a later one only, so it is here already, or was forgotten.
    fn hide(&mut self, id: &str) -> rusqlite::Result<()> {
        loop {
            let found = self.find.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
            let Some(number) = found else { return Ok(()) };
            self.supersede.execute([number])?;
            self.silence.execute([number])?;
        }
    }
}

/// Drops the entries below `first`: the oldest leave the index when it is full.
fn forget(transaction: &Transaction<'_>, first: i64) -> rusqlite::Result<()> {
    let oldest: Option<i64> =
        transaction.query_row("SELECT min(number) FROM entries", (), |row| row.get(0))?;
    if oldest.is_none_or(|oldest| oldest >= first) {
        return Ok(());
    }
    transaction.execute(
        "DELETE FROM words WHERE rowid IN
             (SELECT number FROM entries WHERE number < ? AND superseded = 0)",
        [first],
    )?;
    transaction.execute("DELETE FROM tags WHERE number < ?", [first])?;
    transaction.execute("DELETE FROM entries WHERE number < ?", [first])?;
    Ok(())
}
