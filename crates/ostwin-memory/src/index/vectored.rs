//! Which entries have a vector: what the index knows of the file of vectors.

use rusqlite::params;

use super::open::Index;
use crate::error::MemoryError;

/// An entry without a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unembedded {
    /// Its id.
    pub(crate) id: String,
    /// The byte of the ledger at which its line starts.
    pub(crate) start: u64,
}

/// How far a file of vectors is in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// The model that the vectors are of.
    pub(crate) model: String,
    /// What makes the file another one when it was made anew.
    pub(crate) generation: Vec<u8>,
    /// The records that are noted.
    pub(crate) records: u64,
}

impl Index {
    /// How far a file of vectors was noted.
    pub(crate) fn noted(&self) -> Result<Noted, MemoryError> {
        let query = "SELECT model, generation, records FROM vectors";
        Ok(self.connection.query_row(query, (), |row| {
            let records = row.get::<_, i64>(2)?.cast_unsigned();
            Ok(Noted { model: row.get(0)?, generation: row.get(1)?, records })
        })?)
    }

    /// Notes that these entries have vectors now, in a file that was read up to `noted`. If it is
    /// another file than before, what was known of that one is void. To be called exclusively.
    pub(crate) fn note(
        &mut self,
        noted: &Noted,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<(), MemoryError> {
        let before = self.noted()?;
        let transaction = self.connection.transaction()?;
        if (&before.model, &before.generation) != (&noted.model, &noted.generation) {
            transaction.execute("UPDATE entries SET embedded = 0 WHERE embedded = 1", ())?;
        }
        {
            let mut statement =
                transaction.prepare("UPDATE entries SET embedded = 1 WHERE id = ?")?;
            for id in ids {
                statement.execute([id])?;
            }
        }
        transaction.execute(
            "UPDATE vectors SET model = ?, generation = ?, records = ?",
            params![noted.model, noted.generation, noted.records.cast_signed()],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The newest `limit` entries without a vector.
    pub(crate) fn unembedded(&self, limit: usize) -> Result<Vec<Unembedded>, MemoryError> {
        let mut statement = self.connection.prepare(
            "SELECT id, start FROM entries WHERE embedded = 0 AND superseded = 0
             ORDER BY number DESC LIMIT ?",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = statement
            .query_map([limit], |row| {
                let start = row.get::<_, i64>(1)?.cast_unsigned();
                Ok(Unembedded { id: row.get(0)?, start })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(found)
    }

    /// How many entries have no vector.
    pub(crate) fn count_unembedded(&self) -> Result<usize, MemoryError> {
        let query = "SELECT count(*) FROM entries WHERE embedded = 0 AND superseded = 0";
        let count: i64 = self.connection.query_row(query, (), |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Whether a search may find the entry with this id.
    pub(crate) fn is_searched(&self, id: &str) -> Result<bool, MemoryError> {
        let query = "SELECT EXISTS (SELECT 1 FROM entries WHERE id = ? AND superseded = 0)";
        Ok(self.connection.query_row(query, [id], |row| row.get(0))?)
    }

    /// How many entries there are, superseded ones among them: counted by their numbers, which have
    /// no gaps, because looking at each would take longer than a search.
    pub(crate) fn count(&self) -> Result<usize, MemoryError> {
        let query = "SELECT ifnull((SELECT max(number) FROM entries), 0)
                          - ifnull((SELECT min(number) FROM entries), 1) + 1";
        let count: i64 = self.connection.query_row(query, (), |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}
