//! Why a skill was not installed, updated or removed. Whatever it is, nothing was changed.

use std::path::PathBuf;

use ostwin_core::fs::FsError;
use ostwin_core::ids::{RoleName, SkillName};
use ostwin_core::json::JsonError;
use ostwin_core::lock::LockError;
use ostwin_core::skills_lock::SkillsLockError;

use super::download::DownloadError;
use super::git::GitError;
use super::read::ReadError;
use super::source::SourceError;
use super::tree::Refusal;
use crate::error::FormatError;

/// Why a skill was not installed, updated or removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The text names no source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There is nothing at the source.
    #[error("there is nothing at `{}`", path.display())]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// What the source holds is no skill that is safe to install.
    #[error("`{place}` is not installed: {refusal}")]
    Refused {
        /// The source.
        place: String,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// Its `SKILL.md` is malformed.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It is another skill than the one that was meant.
    #[error("`{place}` holds the skill `{found}`, and `{wanted}` was wanted")]
    OtherSkill {
        /// The source.
        place: String,
        /// The skill there.
        found: SkillName,
        /// The skill that was meant.
        wanted: SkillName,
    },
    /// It has another version than the one that was asked for.
    #[error("`{place}` holds {}, and version `{wanted}` was wanted", version_words(found.as_deref()))]
    OtherVersion {
        /// The source.
        place: String,
        /// The version there, if it says one.
        found: Option<String>,
        /// The version that was asked for.
        wanted: String,
    },
    /// It has another content than the one that was asked for.
    #[error(
        "`{place}` has changed: its SHA-256 is {found}, and {wanted} was wanted; nobody but its \
         author knows why"
    )]
    OtherContent {
        /// The source.
        place: String,
        /// The hash of what is there.
        found: String,
        /// The hash that was asked for.
        wanted: String,
    },
    /// The hash that was asked for is none.
    #[error("`{text}` is no SHA-256: give 64 hexadecimal digits")]
    BadHash {
        /// What was given.
        text: String,
    },
    /// Something is in the way that was not installed from there, or was changed since.
    #[error("`{}` {conflict}; `force` replaces or removes it", path.display())]
    Conflict {
        /// The skill's folder.
        path: PathBuf,
        /// What it is.
        conflict: Conflict,
    },
    /// The source is the very folder that it would be installed into.
    #[error("`{}` is where the skill would be installed: it is in place already", path.display())]
    InPlace {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of skills lies elsewhere.
    #[error("`{}` is a link that leads out of the project, and nothing is installed through it", path.display())]
    LeadsOut {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such skill to update or remove.
    #[error("no skill `{name}` was installed {}; {advice}", place_words(role.as_ref()))]
    NotInstalled {
        /// The skill.
        name: SkillName,
        /// The role that it would be for.
        role: Option<RoleName>,
        /// What to do.
        advice: &'static str,
    },
    /// No index is configured.
    #[error(
        "`{name}` names a skill in an index, and no index is set: set `skills.registry_url`, or \
         name a folder (`./{name}`), an archive or an address"
    )]
    NoRegistry {
        /// The skill.
        name: SkillName,
    },
    /// The index has no such skill.
    #[error("the index `{registry}` has no skill `{name}`{}{}", at_words(version.as_deref()), near_words(near.as_deref()))]
    NotInRegistry {
        /// The index.
        registry: String,
        /// The skill.
        name: SkillName,
        /// The version that was asked for.
        version: Option<String>,
        /// The nearest name there.
        near: Option<String>,
    },
    /// The index is malformed.
    #[error("the index of skills is malformed: {0}")]
    Registry(#[from] JsonError),
    /// The index says something that is not done.
    #[error("the index `{registry}` names `{name}` in a way that is not used: {problem}")]
    RegistryEntry {
        /// The index.
        registry: String,
        /// The skill.
        name: SkillName,
        /// What is wrong with its entry.
        problem: String,
    },
    /// Something could not be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The lock file cannot be read.
    #[error(transparent)]
    LockFile(#[from] SkillsLockError),
    /// Somebody else installs or removes a skill.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The system gave no random bits for a name.
    #[error("no random bits for the name of a temporary folder")]
    Entropy(#[source] std::io::Error),
}

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// It is not in the lock file.
    #[error("was not installed but made or copied by somebody")]
    Foreign,
    /// Its files are not those that were installed.
    #[error("was changed since it was installed")]
    Edited,
    /// It cannot be read as the files of a skill.
    #[error("was changed since it was installed: {problem}")]
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// It was installed from elsewhere.
    #[error("was installed from `{source_text}`")]
    OtherSource {
        /// Where it came from.
        source_text: String,
    },
}

impl InstallError {
    /// What cannot be read as a skill, blamed on its place.
    pub(super) fn of_reading(place: &str, error: ReadError) -> Self {
        match error {
            ReadError::Fs(error) if error.is_not_found() => Self::Nothing { path: error.path },
            ReadError::Fs(error) => Self::Fs(error),
            ReadError::Refused(refusal) => Self::refused(place, refusal),
        }
    }

    pub(super) fn refused(place: &str, refusal: Refusal) -> Self {
        Self::Refused { place: place.to_owned(), refusal }
    }
}

fn version_words(version: Option<&str>) -> String {
    version.map_or_else(|| "no version".to_owned(), |version| format!("version `{version}`"))
}

fn place_words(role: Option<&RoleName>) -> String {
    role.map_or_else(|| "here".to_owned(), |role| format!("for the role `{role}`"))
}

fn at_words(version: Option<&str>) -> String {
    version.map_or_else(String::new, |version| format!(" in version `{version}`"))
}

fn near_words(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
