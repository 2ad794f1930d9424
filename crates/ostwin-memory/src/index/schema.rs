//! The tables of the index.

use rusqlite::Connection;

/// Marks a database as an index of a ledger: the letters `OSTW`.
const APPLICATION: i32 = 0x4F53_5457;

/// Changes whenever the tables, the tokens or what is stored of an entry do.
const VERSION: i32 = 1;

/// Words are tokens already, so the tokenizer has only to split at spaces: `ascii` takes everything
/// that is not ASCII as a letter.
const TABLES: &str = "
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        start INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        kind TEXT NOT NULL,
        room TEXT,
        keyed INTEGER NOT NULL,
        superseded INTEGER NOT NULL DEFAULT 0,
        embedded INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX entries_by_id ON entries (id);
    CREATE INDEX entries_by_room ON entries (room, number);
    CREATE INDEX entries_by_age ON entries (kind, ts, number);
    CREATE INDEX entries_unembedded ON entries (number) WHERE embedded = 0 AND superseded = 0;
    CREATE TABLE tags (
        number INTEGER NOT NULL,
        tag TEXT NOT NULL,
        PRIMARY KEY (number, tag)
    ) WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5 (
        summary, tags, ref, detail,
        content = '', contentless_delete = 1, tokenize = 'ascii'
    );
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    CREATE TABLE ledger (
        inode INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        fingerprint BLOB NOT NULL,
        skipped INTEGER NOT NULL,
        next INTEGER NOT NULL
    );
    INSERT INTO ledger VALUES (0, 0, x'', 0, 1);
    CREATE TABLE vectors (
        model TEXT NOT NULL,
        generation BLOB NOT NULL,
        records INTEGER NOT NULL
    );
    INSERT INTO vectors VALUES ('', x'', 0);
";

/// What is in the database behind a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing yet.
    Nothing,
    /// The tables of this version.
    Ours,
    /// Something else: of another version, or no index at all.
    Foreign,
}

pub(super) fn content(connection: &Connection) -> rusqlite::Result<Content> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    Ok(match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => Content::Ours,
        (0, 0) if tables == 0 => Content::Nothing,
        _ => Content::Foreign,
    })
}

/// Makes the tables in an empty database, all or none.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES}
         PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};
         COMMIT;"
    ))
}

/// Empties every table.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM entries; DELETE FROM tags;
         INSERT INTO words(words) VALUES ('delete-all');
         UPDATE ledger SET inode = 0, offset = 0, fingerprint = x'', skipped = 0, next = 1;
         UPDATE vectors SET model = '', generation = x'', records = 0;",
    )
}
