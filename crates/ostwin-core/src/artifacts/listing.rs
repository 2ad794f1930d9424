//! Listing artifacts, tolerantly: what cannot be read or is no artifact is reported beside them.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::{Artifacts, Result, enter, modified};
use crate::ids::ArtifactPath;
use crate::time::Timestamp;

/// Most entries that a listing looks at; a folder with more is listed in part and says so.
const MAX_VISITED: usize = 100_000;
/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 32;

/// An artifact in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: ArtifactPath,
    /// Its length.
    pub bytes: u64,
    /// When its content changed last.
    pub modified: Timestamp,
}

/// An entry that is no readable artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// Its path; bytes that are no text are replaced.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A listing, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The artifacts.
    pub found: Vec<Found>,
    /// There are more behind the last one.
    pub more: bool,
    /// What is no readable artifact.
    pub unreadable: Vec<Unreadable>,
}

impl Artifacts {
    /// The artifacts whose paths start with `prefix` and come behind `after`, at most `limit`, by
    /// path. Names with a leading dot are not artifacts and are passed over.
    ///
    /// # Errors
    /// The folder of artifacts itself cannot be read. A missing one is empty.
    pub fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Listing> {
        let root = match self.root() {
            Ok(root) => root,
            Err(Errno::NOENT) => return Ok(Listing::default()),
            Err(error) => return Err(self.root_failed(error)),
        };
        let mut walk = Walk { prefix, visited: 0, listing: Listing::default() };
        walk.folder(&root, "", 0);
        let mut listing = walk.listing;
        listing.found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        listing.unreadable.sort_unstable();
        if let Some(after) = after {
            listing.found.retain(|found| found.path.as_str() > after);
        }
        listing.more = listing.found.len() > limit;
        listing.found.truncate(limit);
        Ok(listing)
    }
}

struct Walk<'p> {
    prefix: &'p str,
    visited: usize,
    listing: Listing,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &OwnedFd, path: &str, depth: usize) {
        let entries = match Dir::read_from(folder) {
            Ok(entries) => entries,
            Err(error) => return self.report(path, &error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.report(path, &error),
            };
            let name = entry.file_name().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            self.visited += 1;
            if self.visited > MAX_VISITED {
                let problem = format!("only the first {MAX_VISITED} entries were looked at");
                return self.report(path, &problem);
            }
            let child = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
            self.entry(folder, entry.file_name(), &child, depth);
        }
    }

    fn entry(&mut self, folder: &OwnedFd, name: &std::ffi::CStr, path: &str, depth: usize) {
        // A folder above the prefix is on the way to it, and one below it is inside.
        let related = path.starts_with(self.prefix) || self.prefix.starts_with(&format!("{path}/"));
        if !related {
            return;
        }
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Removed since it was listed.
            Err(Errno::NOENT) => return,
            Err(error) => return self.report(path, &error),
        };
        let Ok(text) = name.to_str() else {
            return self.report(path, &"its name is no UTF-8 text");
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth >= MAX_DEPTH => {
                self.report(path, &format!("it lies deeper than {MAX_DEPTH} folders"));
            }
            FileType::Directory => match enter(folder, text) {
                Ok(inner) => self.folder(&inner, path, depth + 1),
                Err(Errno::NOENT) => {}
                Err(error) => self.report(path, &error),
            },
            FileType::RegularFile if path.starts_with(self.prefix) => {
                match ArtifactPath::new(path) {
                    Ok(artifact) => self.listing.found.push(Found {
                        path: artifact,
                        bytes: u64::try_from(stat.st_size).unwrap_or(0),
                        modified: modified(&stat),
                    }),
                    Err(error) => self.report(path, &error),
                }
            }
            FileType::RegularFile => {}
            FileType::Symlink => self.report(path, &"it is a link, and links are not followed"),
            _ => self.report(path, &"it is no regular file"),
        }
    }

    fn report(&mut self, path: &str, problem: &dyn std::fmt::Display) {
        let path = if path.is_empty() { "." } else { path }.to_owned();
        self.listing.unreadable.push(Unreadable { path, problem: problem.to_string() });
    }
}
