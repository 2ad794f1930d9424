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

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use ostwin_core::ids::{SkillName, SkillPath};

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

/// The address of something elsewhere, which passed the checks of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    scheme: Scheme,
    loopback: bool,
}

/// The ways to get something from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Https,
    Http,
    Ssh,
    File,
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

impl Url {
    /// Parses an address that something is downloaded from.
    ///
    /// # Errors
    /// It is none, or one that is not asked.
    pub fn web(text: &str) -> Result<Self, SourceError> {
        let url = Self::parse(text)?;
        match url.scheme {
            Scheme::Https | Scheme::Http => Ok(url),
            Scheme::Ssh | Scheme::File => {
                Err(SourceError::new(text, "only `https://` addresses can be downloaded from"))
            }
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let refuse = |problem: &str| Err(SourceError::new(text, problem));
        let plain =
            |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '`' | '<' | '>');
        if !text.chars().all(plain) {
            return refuse(
                "an address holds printable ASCII without quotes and spaces; write others as %XX",
            );
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("an address starts with `https://`");
        };
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" => Scheme::Ssh,
            "file" => Scheme::File,
            _ => return refuse("only `https://`, `ssh://` and `file://` addresses are used"),
        };
        let Some(slash) = rest.find('/') else { return refuse("the address names no path") };
        let (authority, path) = rest.split_at(slash);
        if path.len() < 2 {
            return refuse("the address names no path");
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if scheme == Scheme::File {
            return if authority.is_empty() {
                Ok(Self { text: text.to_owned(), scheme, loopback: true })
            } else {
                refuse("a `file://` address names no host: write `file:///path`")
            };
        }
        if user.is_some() && scheme != Scheme::Ssh {
            return refuse(
                "an address holds no user or password, because it is kept in a file; leave them \
                 to Git's credential helper",
            );
        }
        let word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if user.is_some_and(|user| !word(user)) {
            return refuse("the user of an `ssh://` address is one plain word, without a password");
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_v6 = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
        if !(is_v6 || word(name)) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return refuse("the host is no name or number");
        }
        let loopback = name == "localhost"
            || name == "[::1]"
            || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if scheme == Scheme::Http && !loopback {
            return refuse("`http://` can be read and changed on its way; use `https://`");
        }
        Ok(Self { text: text.to_owned(), scheme, loopback })
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The address of something below the folder of this one.
    pub(super) fn sibling(&self, path: &SkillPath) -> Result<Self, SourceError> {
        let end = self.text.find(['?', '#']).unwrap_or(self.text.len());
        let folder = self.text[..end].rfind('/').map_or(end, |slash| slash + 1);
        Self::parse(&format!("{}{path}", &self.text[..folder]))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
            Self::ArchiveUrl { url, .. } | Self::Git { url, .. } => url.loopback,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let source: Source = text.parse().map_err(|error: SourceError| error.problem)?;
        let kind = match &source {
            Source::Folder { .. } => "folder",
            Source::ArchiveFile { .. } => "file",
            Source::ArchiveUrl { .. } => "download",
            Source::Git { .. } => "git",
            Source::Named { .. } => "named",
        };
        assert_eq!(source.to_string(), text.trim_end_matches('/'), "written as it was read");
        Ok(kind.to_owned())
    }

    #[test]
    fn every_form_is_told_from_the_others() {
        let cases = [
            ("testing", "named"),
            ("testing@1.2", "named"),
            ("./testing", "folder"),
            (".", "folder"),
            ("shared/testing#a/", "folder"),
            ("/srv/skills/testing", "folder"),
            ("testing.zip", "file"),
            ("../x/testing.TAR.GZ#skills/testing", "file"),
            ("https://example.org/a/testing.tgz", "download"),
            ("https://example.org/testing.zip?raw=1#a", "download"),
            ("http://127.0.0.1:8080/testing.zip", "download"),
            ("https://example.org/skills.git", "git"),
            ("https://example.org/skills@feature/x#testing", "git"),
            ("ssh://git@example.org:22/skills.git@v1.2", "git"),
            ("file:///srv/skills.git@0123456789abcdef0123456789abcdef01234567#a/b", "git"),
        ];
        for (text, kind) in cases {
            assert_eq!(read(text).as_deref(), Ok(kind), "{text}");
        }
    }

    #[test]
    fn nothing_passes_that_could_run_or_leak() {
        let cases = [
            ("", "empty"),
            ("--upload-pack=touch x", "option"),
            ("ext::sh -c touch% /x", "no programs"),
            ("ext::sh://x", "`https://`"),
            ("git://example.org/x", "only `https://`"),
            ("ftp://example.org/x.zip", "only `https://`"),
            ("http://example.org/x.zip", "use `https://`"),
            ("http://127.0.0.1.example.org/x.git", "use `https://`"),
            ("https://user:secret@example.org/x.git", "no user or password"),
            ("https://token@example.org/x.zip", "no user or password"),
            ("ssh://-oProxyCommand=x/y", "host"),
            ("ssh://git:secret@example.org/x", "one plain word"),
            ("ssh://-l@example.org/x", "one plain word"),
            ("https://example.org", "no path"),
            ("https://example.org/", "no path"),
            ("file://host/x.git", "no host"),
            ("https://example.org/x y", "printable"),
            ("https://example.org/x.git@--upload-pack=x", "behind `@`"),
            ("https://example.org/x.git@a..b", "behind `@`"),
            ("https://example.org/x.git@a:b", "behind `@`"),
            ("https://example.org/x.git@", "behind `@`"),
            ("https://example.org/x.git#../y", "dot"),
            ("https://example.org/x.git#/y", "relative"),
            ("./x#.git", "dot"),
            ("git@example.org:skills/x.git", "ssh://git@host"),
            ("testing#a", "index takes no folder"),
            ("two words", "only ASCII"),
            ("a\nb", "control"),
        ];
        for (text, part) in cases {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(part), "{text:?}: {problem}");
        }
    }

    #[test]
    fn paths_inside_a_project_are_written_relative_to_it() {
        let source: Source = "../shared/x#a".parse().unwrap();
        let anchored = source.anchored(Path::new("/p/sub"));
        assert_eq!(anchored.to_string(), "/p/shared/x#a");
        assert_eq!(anchored.clone().relative_to(Path::new("/p")).to_string(), "./shared/x#a");
        assert_eq!(anchored.clone().relative_to(Path::new("/q")), anchored);
    }

    #[test]
    fn a_revision_does_not_change_the_origin() {
        let read = |text: &str| text.parse::<Source>().unwrap();
        let one = read("https://example.org/x.git@v1#a");
        assert!(one.is_same_origin(&read("https://example.org/x.git#a")));
        assert!(!one.is_same_origin(&read("https://example.org/x.git#b")));
        assert!(!one.is_same_origin(&read("https://example.com/x.git#a")));
    }

    #[test]
    fn siblings_lie_below_the_folder_of_an_index() {
        let index = Url::web("https://example.org/skills/index.json?x=/y").unwrap();
        let sibling = index.sibling(&SkillPath::new("a/b.zip").unwrap()).unwrap();
        assert_eq!(sibling.as_str(), "https://example.org/skills/a/b.zip");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_read_again(text in "\\PC{0,40}|(https|ssh|file|ext)(://|::)[a-z@:/#.-]{0,30}") {
            if let Ok(source) = text.parse::<Source>() {
                prop_assert_eq!(source.to_string().parse::<Source>().ok(), Some(source));
            }
        }
    }
}
