//! Installing, updating and removing skills.
//!
//! A source becomes a value in memory, which passes every check, and only then files. What is
//! installed is written beside its place, swapped in whole and recorded in `skills.lock.json`; a
//! kill at any moment leaves the old skill or the new one.

mod archive;
mod change;
mod download;
mod error;
mod fetch;
mod git;
mod hash;
mod installer;
mod read;
mod registry;
mod shelf;
mod source;
mod staging;
mod tree;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use download::DownloadError;
pub use error::{Conflict, InstallError};
pub use git::GitError;
pub use installer::{Installer, Outcome, Replaced, Report, ReportedFile, Request};
pub use registry::Registry;
pub use shelf::{Installed, Scope, Shelf, State, installed};
pub use source::{Source, SourceError, Url};
pub use staging::{left_behind, tidy};
pub use tree::{Refusal, Tree, TreeFile};

/// Waits for that long, and says whether anybody still wants the result: a fetch asks it again and
/// again, and ends when nobody does.
pub type Pause<'a> = &'a dyn Fn(Duration) -> bool;
