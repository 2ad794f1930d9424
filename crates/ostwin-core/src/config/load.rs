//! Reading all layers of settings: the edge between files, environment and [`Settings`].

use std::io;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::layer::{FileError, Layer, lines};
use super::settings::Settings;
use super::source::SourceKind;
use crate::fs;
use crate::layout::{Layout, user_config};

/// No settings file is longer.
const MAX_BYTES: u64 = 4 << 20;

/// Settings as they were found, and what was odd about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// Variables that look like settings and are none.
    pub warnings: Vec<ConfigError>,
}

/// Why settings could not be read. Nothing runs on half of them.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is there and can't be read.
    #[error("cannot read the settings in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not a settings file, or has mistakes.
    #[error(transparent)]
    File(#[from] FileError),
    /// Values that are wrong, or do not fit together.
    #[error("{}", lines(.0))]
    Settings(Vec<ConfigError>),
}

/// Where settings are read from, besides what is shipped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Places {
    /// The user's file; one that is not there sets nothing.
    pub user: Option<PathBuf>,
    /// The project's file; one that is not there sets nothing.
    pub project: Option<PathBuf>,
    /// Names and values of the environment.
    pub environment: Vec<(String, String)>,
}

impl Places {
    /// The places of this process, for one project.
    pub fn of_process(layout: Option<&Layout>) -> Self {
        Self {
            user: crate::env::config_dir().map(|dir| user_config(&dir)),
            project: layout.map(Layout::config),
            environment: crate::env::vars(),
        }
    }
}

/// Reads the layers at `places`, and merges them with those of a plan and of flags.
///
/// # Errors
///
/// [`LoadError`], which names file, line or key, what was found, and what was expected.
pub fn load(places: &Places, further: Vec<Layer>) -> Result<Loaded, LoadError> {
    let mut layers = Vec::new();
    for (kind, file) in [(SourceKind::User, &places.user), (SourceKind::Project, &places.project)] {
        if let Some(file) = file {
            layers.extend(read(kind, file)?);
        }
    }
    let variables = places.environment.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let (environment, warnings) = Layer::from_env(variables).map_err(LoadError::Settings)?;
    layers.push(environment);
    layers.extend(further);
    let settings = Settings::merge(layers).map_err(LoadError::Settings)?;
    Ok(Loaded { settings, warnings })
}

fn read(kind: SourceKind, file: &Path) -> Result<Option<Layer>, LoadError> {
    let bytes = read_bytes(file)?;
    Ok(bytes.map(|bytes| Layer::from_file(kind, file, &bytes)).transpose()?)
}

/// The content of a settings file, if it is there.
pub(super) fn read_bytes(file: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    fs::read_optional(file, MAX_BYTES)
        .map_err(|error| LoadError::Read { path: file.to_owned(), source: error.source })
}
