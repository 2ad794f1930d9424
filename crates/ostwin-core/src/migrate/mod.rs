//! Which version every file of a project has, and moving older ones on.
//!
//! Every JSON file carries `schema_version`. A file of a newer version is refused by whoever reads
//! it; one of an older version is moved on, step by step, by the entries of [`MIGRATIONS`], and a
//! copy of the old one stays beside it. A line of a log carries its own `v` and is read as what it
//! is for ever: logs are never rewritten.

mod found;
mod steps;
#[cfg(test)]
mod tests;

pub use found::{Found, Kind, MigrateError, State, Versioned, survey};
pub use steps::{MIGRATIONS, Migration, Moved, migrate};
