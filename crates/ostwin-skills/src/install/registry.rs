//! The index that `skills.registry_url` names: an address, a file or a folder.
//!
//! An index that comes from elsewhere may name only what is elsewhere too, so that its author
//! cannot have a file of this machine installed.

use std::fmt;
use std::path::{Path, PathBuf};

use ostwin_core::fs;
use ostwin_core::ids::{SkillName, SkillPath};
use ostwin_core::json::nearest;
use ostwin_core::skills_index::{self, IndexedSkill, SkillsIndex};

use super::Pause;
use super::download::download;
use super::error::InstallError;
use super::source::{Source, SourceError, Url};

/// Largest index, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Where an index of skills is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registry {
    /// At an address; one that ends with `/` means `index.json` below it.
    Web(Url),
    /// In a file; a folder means its `index.json`.
    File(PathBuf),
}

impl Registry {
    /// Parses what the setting says, where relative paths start at `base`.
    ///
    /// # Errors
    /// It is an address that is not asked.
    pub fn parse(text: &str, base: &Path) -> Result<Self, SourceError> {
        if !text.contains("://") {
            let path = base.join(text);
            let is_index = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
            return Ok(Self::File(match is_index {
                true => path,
                false => path.join(skills_index::FILE_NAME),
            }));
        }
        if text.ends_with('/') {
            return Url::web(&format!("{text}{}", skills_index::FILE_NAME)).map(Self::Web);
        }
        Url::web(text).map(Self::Web)
    }

    /// Reads the index.
    ///
    /// # Errors
    /// It cannot be had, or is malformed.
    pub fn read(&self, pause: Pause) -> Result<SkillsIndex, InstallError> {
        match self {
            Self::Web(url) => {
                let bytes = download(url, MAX_BYTES, pause)?;
                Ok(SkillsIndex::read(Path::new(url.as_str()), &bytes)?)
            }
            Self::File(path) => match fs::read_optional(path, MAX_BYTES)? {
                Some(bytes) => Ok(SkillsIndex::read(path, &bytes)?),
                None => Err(InstallError::Nothing { path: path.clone() }),
            },
        }
    }

    /// What a name means: the entry, and where that says the skill is.
    ///
    /// # Errors
    /// The index cannot be had, has no such skill, or names it in a way that is not used.
    pub(super) fn find(
        &self,
        name: &SkillName,
        version: Option<&str>,
        pause: Pause,
    ) -> Result<(IndexedSkill, Source), InstallError> {
        let index = self.read(pause)?;
        let Some(entry) = index.get(name, version) else {
            let known = index.skills.iter().map(|skill| skill.name.as_str());
            let near = nearest(name.as_str(), known).filter(|near| *near != name.as_str());
            return Err(InstallError::NotInRegistry {
                registry: self.to_string(),
                name: name.clone(),
                version: version.map(str::to_owned),
                near: near.map(str::to_owned),
            });
        };
        let source = self.source_of(entry).map_err(|problem| InstallError::RegistryEntry {
            registry: self.to_string(),
            name: name.clone(),
            problem,
        })?;
        Ok((entry.clone(), source))
    }

    fn source_of(&self, entry: &IndexedSkill) -> Result<Source, String> {
        let source: Source =
            entry.source.parse().map_err(|error: SourceError| error.to_string())?;
        match (self, source) {
            (_, Source::Named { .. }) => {
                Err(format!("its source `{}` is a name again", entry.source))
            }
            (Self::File(file), source) => {
                Ok(source.anchored(file.parent().unwrap_or(Path::new("/"))))
            }
            (Self::Web(index), Source::ArchiveFile { path, subdir }) => {
                let below = path.to_str().map(|path| path.trim_start_matches("./"));
                let below = below.and_then(|path| SkillPath::new(path).ok());
                let below = below.ok_or("a relative source stays below the index")?;
                let url = index.sibling(&below).map_err(|error| error.to_string())?;
                Ok(Source::ArchiveUrl { url, subdir })
            }
            (Self::Web(_), Source::Folder { .. }) => {
                Err("a folder cannot be downloaded: name an archive or a repository".to_owned())
            }
            (Self::Web(index), source) if source.is_local() && !index.is_loopback() => {
                Err(format!("its source `{}` is on this machine", entry.source))
            }
            (Self::Web(_), source) => Ok(source),
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => write!(f, "{url}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(registry: &str, source: &str) -> Result<String, String> {
        let registry = Registry::parse(registry, Path::new("/p")).unwrap();
        let entry = IndexedSkill {
            name: "a".parse().unwrap(),
            description: String::new(),
            tags: Vec::new(),
            version: None,
            source: source.to_owned(),
            sha256: String::new(),
        };
        registry.source_of(&entry).map(|source| source.to_string())
    }

    #[test]
    fn an_index_from_elsewhere_names_only_what_is_elsewhere() {
        let web = "https://example.org/skills/";
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(source(web, "./a-1.zip#a"), ok("https://example.org/skills/a-1.zip#a"));
        assert_eq!(source(web, "https://example.com/a.git@v1"), ok("https://example.com/a.git@v1"));
        for (bad, part) in [
            ("/etc/a.zip", "stays below"),
            ("../a.zip", "stays below"),
            ("./a", "cannot be downloaded"),
            ("file:///srv/a.git", "on this machine"),
            ("http://127.0.0.1:1/a.zip", "on this machine"),
            ("a@2", "a name again"),
            ("ext::x", "no programs"),
        ] {
            let problem = source(web, bad).unwrap_err();
            assert!(problem.contains(part), "{bad}: {problem}");
        }
    }

    #[test]
    fn a_folder_of_this_machine_means_its_index() {
        assert_eq!(source("shared", "./a"), Ok("/p/shared/a".to_owned()));
        assert_eq!(source("/srv/i.json", "../a.zip"), Ok("/a.zip".to_owned()));
        let shown = Registry::parse("shared", Path::new("/p")).unwrap().to_string();
        assert_eq!(shown, "/p/shared/index.json");
        assert!(Registry::parse("http://example.org/", Path::new("/p")).is_err());
    }
}
