//! Where entries stand in the ledger, and which of them a filter takes.

use ostwin_core::ids::RoomId;
use ostwin_core::ledger::Kind;
use ostwin_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::open::Index;
use crate::error::MemoryError;
use crate::filter::Filter;

/// Where an entry stands, and what ranking has to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number in the index: the greater, the later.
    pub(crate) number: i64,
    /// Its id.
    pub(crate) id: String,
    /// The byte of the ledger at which its line starts.
    pub(crate) start: u64,
    /// When it was published.
    pub(crate) ts: Timestamp,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The columns of a [`Place`], of a table that is called `e`.
const PLACE: &str = "e.number, e.id, e.start, e.ts, e.kind";

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        number: row.get(0)?,
        id: row.get(1)?,
        start: row.get::<_, i64>(2)?.cast_unsigned(),
        ts: Timestamp::from_millis(row.get(3)?),
        kind: kind(row, 4)?,
    })
}

/// The kind in a column.
pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let name = row.get_ref(column)?.as_str()?;
    let known = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| {
        let unknown = format!("`{name}` is no kind of memory").into();
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, unknown)
    })
}

/// A filter as the condition of a query over `entries e`.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    pub(super) fn of(filter: &Filter) -> Self {
        let mut sql = String::from("e.superseded = 0");
        let mut values = Vec::new();
        if let Some(kind) = filter.kind {
            sql.push_str(" AND e.kind = ?");
            values.push(Value::from(kind.as_str().to_owned()));
        }
        if let Some(room) = &filter.room {
            sql.push_str(" AND e.room = ?");
            values.push(Value::from(room.as_str().to_owned()));
        }
        if let Some(room) = &filter.exclude_room {
            sql.push_str(" AND e.room IS NOT ?");
            values.push(Value::from(room.as_str().to_owned()));
        }
        if !filter.tags.is_empty() {
            let marks = vec!["?"; filter.tags.len()].join(", ");
            sql.push_str(
                " AND EXISTS (SELECT 1 FROM tags t WHERE t.number = e.number AND t.tag IN (",
            );
            sql.push_str(&marks);
            sql.push_str("))");
            values.extend(filter.tags.iter().map(|tag| Value::from(tag.to_ascii_lowercase())));
        }
        Self { sql, values }
    }
}

impl Index {
    /// The entry of this number.
    pub(crate) fn place(&self, number: i64) -> Result<Option<Place>, MemoryError> {
        let sql = format!("SELECT {PLACE} FROM entries e WHERE e.number = ?");
        Ok(self.connection.query_row(&sql, [number], place).optional()?)
    }

    /// Of the ids given best first, the first `limit` that `filter` takes.
    pub(crate) fn taken<'i>(
        &self,
        ids: impl IntoIterator<Item = (&'i str, f64)>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<(Place, f64)>, MemoryError> {
        let Condition { sql, values } = Condition::of(filter);
        let sql = format!("SELECT {PLACE} FROM entries e WHERE e.id = ? AND {sql}");
        let mut statement = self.connection.prepare(&sql)?;
        for (at, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(at + 2, value)?;
        }
        let mut taken: Vec<(Place, f64)> = Vec::new();
        for (id, score) in ids {
            if taken.len() == limit {
                break;
            }
            statement.raw_bind_parameter(1, id)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let found = place(row)?;
                // Two processes may have made a vector of the same entry.
                if taken.iter().all(|(other, _)| other.number != found.number) {
                    taken.push((found, score));
                }
            }
        }
        Ok(taken)
    }

    /// The newest `limit` entries of each kind that `filter` takes.
    pub(crate) fn newest_of_each_kind(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Place>, MemoryError> {
        let Condition { sql, values } = Condition::of(filter);
        let sql = format!(
            "SELECT {PLACE} FROM entries e WHERE e.kind = ? AND {sql}
             ORDER BY e.ts DESC, e.number DESC LIMIT ?"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let limit = Value::from(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut newest = Vec::new();
        for kind in Kind::ALL {
            let kind = Value::from(kind.as_str().to_owned());
            let values = std::iter::once(&kind).chain(&values).chain(std::iter::once(&limit));
            for found in statement.query_map(params_from_iter(values), place)? {
                newest.push(found?);
            }
        }
        Ok(newest)
    }

    /// The first `limit` entries that the room published by itself, oldest first, and how many
    /// there are. What a transition published for it is not among them.
    pub(crate) fn of_room(
        &self,
        room: &RoomId,
        limit: usize,
    ) -> Result<(Vec<Place>, usize), MemoryError> {
        let own = "e.room = ? AND e.keyed = 0 AND e.superseded = 0";
        let count: i64 = self.connection.query_row(
            &format!("SELECT count(*) FROM entries e WHERE {own}"),
            [room.as_str()],
            |row| row.get(0),
        )?;
        let sql = format!("SELECT {PLACE} FROM entries e WHERE {own} ORDER BY e.number LIMIT ?");
        let mut statement = self.connection.prepare(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let places = statement
            .query_map(params![room.as_str(), limit], place)?
            .collect::<rusqlite::Result<_>>()?;
        Ok((places, usize::try_from(count).unwrap_or(0)))
    }
}
