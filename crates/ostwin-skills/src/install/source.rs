//! Where a skill comes from, as people write it.
//!
//! ```text
//! ./skills/testing                         a folder
//! ./testing.tar.gz#skills/testing          an archive: .tar.gz, .tgz, .tar, .zip
//! https://example.org/testing.zip          the same from elsewhere
//! https://example.org/skills.git@v1.2#testing
//!                                          a Git repository: @ a branch, tag or commit, # a folder
//! testing@1.2                              a name in the index that `skills.registry_url` names
//! ```
//!
//! What is parsed here goes to the `git` program and to the network, so nothing else passes: no
//! other scheme, no option in the place of an address, no password.

mod url;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use ostwin_core::ids::{SkillName, SkillPath};

pub(super) use url::Scheme;
pub use url::Url;

/// What names of archives end with.
const ARCHIVES: [&str; 4] = [".tar.gz", ".tgz", ".tar", ".zip"];
/// Longest source, in bytes.
const MAX_BYTES: usize = 2048;

/// Where a skill comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder, or one below it.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The skill's folder below it; where the only `SKILL.md` is, if none is named.
        subdir: Option<SkillPath>,
    },
    /// An archive on this machine.
    ArchiveFile {
        /// The file.
        path: PathBuf,
        /// The skill's folder in it.
        subdir: Option<SkillPath>,
    },
    /// An archive from elsewhere.
    ArchiveUrl {
        /// Its address: `https`, or `http` on this machine.
        url: Url,
        /// The skill's folder in it.
        subdir: Option<SkillPath>,
    },
    /// A Git repository.
    Git {
        /// Its address: `https`, `ssh`, `file`, or `http` on this machine.
        url: Url,
        /// A branch, a tag or a whole commit id; what the repository's `HEAD` is, if none is named.
        rev: Option<String>,
        /// The skill's folder in it.
        subdir: Option<SkillPath>,
    },
    /// A name in the index.
    Named {
        /// The skill.
        name: SkillName,
        /// Its version in the index; the first one there, if none is named.
        version: Option<String>,
    },
}

/// Why a text is no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no source of a skill: {problem}")]
pub struct SourceError {
    /// The text, shortened for display.
    pub text: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl SourceError {
    pub(super) fn new(text: &str, problem: impl Into<String>) -> Self {
        let text = text.chars().take(200).flat_map(char::escape_debug).collect();
        Self { text, problem: problem.into() }
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let refuse = |problem: &str| Err(SourceError::new(text, problem));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("it is longer than 2048 bytes");
        }
        if text.starts_with('-') {
            return refuse("it looks like an option; write `./` before the name of a folder");
        }
        if text.chars().any(char::is_control) {
            return refuse("it holds control characters");
        }
        let (place, subdir) = match text.split_once('#') {
            Some((place, subdir)) => {
                let subdir = SkillPath::new(subdir.trim_end_matches('/'))
                    .map_err(|error| SourceError::new(text, error.to_string()))?;
                (place, Some(subdir))
            }
            None => (text, None),
        };
        if place.contains("://") {
            return elsewhere(text, place, subdir);
        }
        if place.contains("::") {
            return refuse("no programs are run to fetch a skill; use an `https://` address");
        }
        let is_path = place.contains('/') || matches!(place, "." | "..") || is_archive(place);
        if is_path {
            let before_slash = place.split('/').next().unwrap_or_default();
            if before_slash.contains('@') && before_slash.contains(':') {
                return refuse("write it as an address: `ssh://git@host/path.git`");
            }
            let path = PathBuf::from(place);
            return Ok(if is_archive(place) {
                Self::ArchiveFile { path, subdir }
            } else {
                Self::Folder { path, subdir }
            });
        }
        if subdir.is_some() {
            return refuse("a name in the index takes no folder; write `./` before a folder here");
        }
        let (name, version) = match place.split_once('@') {
            Some((name, version)) if !version.is_empty() => (name, Some(version.to_owned())),
            Some(_) => return refuse("behind `@` there is no version"),
            None => (place, None),
        };
        let name = SkillName::new(name).map_err(|error| {
            SourceError::new(text, format!("{error}; write `./` before the name of a folder"))
        })?;
        Ok(Self::Named { name, version })
    }
}

fn elsewhere(text: &str, place: &str, subdir: Option<SkillPath>) -> Result<Source, SourceError> {
    let refuse = |problem: &str| Err(SourceError::new(text, problem));
    let blame = |error: SourceError| SourceError::new(text, error.problem);
    let web = place.starts_with("https://") || place.starts_with("http://");
    if web && is_archive(place.split('?').next().unwrap_or(place)) {
        return Ok(Source::ArchiveUrl { url: Url::parse(place).map_err(blame)?, subdir });
    }
    let path = place.find("://").map_or(0, |scheme| scheme + 3);
    let path = place[path..].find('/').map_or(place.len(), |slash| path + slash);
    let (url, rev) = match place[path..].rfind('@') {
        Some(at) => (&place[..path + at], Some(&place[path + at + 1..])),
        None => (place, None),
    };
    if url.contains('?') {
        return refuse(
            "the address of a repository holds no `?`; archives end with .tar.gz or .zip",
        );
    }
    let url = Url::parse(url).map_err(blame)?;
    if let Some(rev) = rev {
        check_rev(rev).map_err(|problem| SourceError::new(text, problem))?;
    }
    Ok(Source::Git { url, rev: rev.map(str::to_owned), subdir })
}

/// A name that Git takes for nothing but a name: no option, no expression, no pair of names.
fn check_rev(rev: &str) -> Result<(), &'static str> {
    if rev.is_empty() {
        return Err("behind `@` there is no branch, tag or commit");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+');
    if rev.len() > 255 || !rev.chars().all(plain) {
        return Err(
            "the name behind `@` may hold only ASCII letters, digits, `-`, `_`, `.`, `/`, `+`",
        );
    }
    let bad_part =
        |part: &str| part.is_empty() || part.starts_with(['.', '-']) || part.ends_with('.');
    if rev.contains("..") || rev.split('/').any(bad_part) {
        return Err("the name behind `@` is no branch, tag or commit");
    }
    Ok(())
}

fn is_archive(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ARCHIVES.iter().any(|end| text.len() > end.len() && text.ends_with(end))
}

impl Source {
    /// This source with paths made absolute, where relative ones start at `base`.
    #[must_use]
    pub fn anchored(mut self, base: &Path) -> Self {
        if let Self::Folder { path, .. } | Self::ArchiveFile { path, .. } = &mut self {
            *path = plain(&base.join(&*path));
        }
        self
    }

    /// This source with paths inside `root` made relative to it, so that what is written down
    /// means the same in every copy of a project.
    #[must_use]
    pub fn relative_to(mut self, root: &Path) -> Self {
        if let Self::Folder { path, .. } | Self::ArchiveFile { path, .. } = &mut self
            && let Ok(below) = path.strip_prefix(root)
        {
            *path = Path::new(".").join(below);
        }
        self
    }

    /// Whether both name the same thing, in whatever version.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        let without_version = |source: &Self| {
            let mut source = source.clone();
            match &mut source {
                Self::Git { rev, .. } => *rev = None,
                Self::Named { version, .. } => *version = None,
                Self::Folder { .. } | Self::ArchiveFile { .. } | Self::ArchiveUrl { .. } => {}
            }
            source
        };
        without_version(self) == without_version(other)
    }

    /// Whether it is on this machine, where only who works here can have put it.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Folder { .. } | Self::ArchiveFile { .. } => true,
            Self::ArchiveUrl { url, .. } | Self::Git { url, .. } => url.is_loopback(),
            Self::Named { .. } => false,
        }
    }
}

/// A path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subdir = match self {
            Self::Folder { path, subdir } | Self::ArchiveFile { path, subdir } => {
                write!(f, "{}", path.display())?;
                subdir
            }
            Self::ArchiveUrl { url, subdir } => {
                write!(f, "{url}")?;
                subdir
            }
            Self::Git { url, rev, subdir } => {
                write!(f, "{url}")?;
                if let Some(rev) = rev {
                    write!(f, "@{rev}")?;
                }
                subdir
            }
            Self::Named { name, version } => {
                write!(f, "{name}")?;
                if let Some(version) = version {
                    write!(f, "@{version}")?;
                }
                return Ok(());
            }
        };
        subdir.as_ref().map_or(Ok(()), |subdir| write!(f, "#{subdir}"))
    }
}
