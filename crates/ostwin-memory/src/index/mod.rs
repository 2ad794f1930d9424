//! The index of the ledger: where each entry stands, and which words are in it.
//!
//! It is a disposable SQLite database that every process of a project shares. The ledger is the
//! truth; the index holds no text of it, only numbers, names and tokens, and can be deleted at any
//! moment. One process at a time brings it up to date, under a lock; all read it without one.

mod bring;
mod open;
mod places;
mod schema;
mod vectored;
mod words;

pub(crate) use open::{Home, Index};
pub(crate) use places::Place;
pub(crate) use vectored::{Noted, Unembedded};
pub(crate) use words::{Scored, Term, Terms};
