//! A project: its files, and the settings with which they are written.

use std::path::{Path, PathBuf};

use crate::channel::DEFAULT_MAX_MESSAGE_BYTES;
use crate::config::Config;
use crate::fs::{self, FsError};
use crate::layout::{GIT_IGNORED, Layout};
use crate::redact::{PatternError, Redactor, Secrets};
use crate::store::{Durability, Store};

/// Why a project was not found or not made.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No ancestor of the folder is a project.
    #[error("no project at or above `{}`; `ostwin init` makes one", start.display())]
    NotFound {
        /// Where the search began.
        start: PathBuf,
    },
    /// The folder that was named is no project.
    #[error("`{}` is no project: it has no `.agents/config.json`; `ostwin init {}` makes one", root.display(), root.display())]
    NotAProject {
        /// The folder.
        root: PathBuf,
    },
    /// The user's home is never a project: its `.agents/` is the user's own part.
    #[error("`{}` is your home directory, whose `.agents/` is for your own roles and skills; make the project in a folder of its own", root.display())]
    Home {
        /// The folder.
        root: PathBuf,
    },
    /// A file could not be written.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// A project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Project {
    layout: Layout,
    store: Store,
    max_message_bytes: usize,
}

impl Project {
    /// The project with these files, written with these settings.
    pub fn new(layout: Layout, store: Store) -> Self {
        Self { layout, store, max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES }
    }

    /// The project with these files, written as its configuration says: without `secrets`, those
    /// that its agents are given, and what its patterns match.
    ///
    /// # Errors
    /// A pattern is wrong.
    pub fn configured(
        layout: Layout,
        config: &Config,
        secrets: Secrets,
    ) -> Result<Self, PatternError> {
        let patience = std::time::Duration::from_millis(config.lock_timeout_ms);
        let fixed = config.agents.values().flat_map(|agent| &agent.env);
        // A placeholder says where the secret is; it is none itself, and errors name it.
        let fixed = fixed.filter(|(_, value)| !(value.starts_with("${") && value.ends_with('}')));
        let fixed = Secrets::of(fixed.map(|(name, value)| (name.as_str(), value.as_str())));
        let redactor = Redactor::new(&secrets.and(&fixed), &config.redact)?;
        let store = Store { redactor, ..Store::new(config.durability, patience) };
        let max_message_bytes =
            usize::try_from(config.channel.max_message_bytes).unwrap_or(DEFAULT_MAX_MESSAGE_BYTES);
        Ok(Self { layout, store, max_message_bytes })
    }

    /// The project at `root`.
    ///
    /// # Errors
    /// `root` is no project.
    pub fn open(root: &Path, store: Store) -> Result<Self, ProjectError> {
        Ok(Self::new(locate(Some(root), root, None)?, store))
    }

    /// The same project, in which these secrets are not recorded either.
    #[must_use]
    pub fn keeping(&self, secrets: &Secrets) -> Self {
        let redactor = self.store.redactor.with(secrets);
        Self { store: Store { redactor, ..self.store.clone() }, ..self.clone() }
    }

    /// The project's files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How its files are written.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Longest body of a message, in bytes.
    pub fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }
}

/// The project that is meant: `named`, else the nearest one at or above `start`.
///
/// # Errors
/// There is none.
pub fn locate(
    named: Option<&Path>,
    start: &Path,
    home: Option<&Path>,
) -> Result<Layout, ProjectError> {
    match named {
        Some(root) => {
            let layout = Layout::new(std::path::absolute(root).unwrap_or_else(|_| root.into()));
            if layout.config().is_file() {
                Ok(layout)
            } else {
                Err(ProjectError::NotAProject { root: root.to_owned() })
            }
        }
        None => Layout::find(start, home)
            .ok_or_else(|| ProjectError::NotFound { start: start.to_owned() }),
    }
}

/// What `init` did with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scaffolded {
    /// It was made.
    Created(PathBuf),
    /// It was there and was left alone.
    Kept(PathBuf),
}

/// Makes the skeleton of a project in `root`: settings and what Git ignores. What is there is
/// kept, so a second call changes nothing. `settings` is the content of a new `config.json`.
///
/// # Errors
/// `root` is the user's home, or a file cannot be written.
pub fn init(
    root: &Path,
    home: Option<&Path>,
    settings: &serde_json::Value,
    store: &Store,
) -> Result<(Layout, Vec<Scaffolded>), ProjectError> {
    if Some(root) == home {
        return Err(ProjectError::Home { root: root.to_owned() });
    }
    let layout = Layout::new(root);
    let mut done = Vec::new();
    for dir in [layout.roles(), layout.skills(), layout.plans(), layout.rooms(), layout.cache()] {
        fs::create_dirs(&dir)?;
    }
    let mut ignored = GIT_IGNORED.join("\n");
    ignored.push('\n');
    scaffold(&layout.gitignore(), ignored.as_bytes(), store, &mut done)?;
    // Last, because its presence makes the folder a project.
    let config = layout.config();
    let bytes = serde_json::to_vec_pretty(settings)
        .map_err(|error| FsError::new("serialise", &config, error.into()))?;
    scaffold(&config, &[bytes.as_slice(), b"\n"].concat(), store, &mut done)?;
    Ok((layout, done))
}

/// Puts roles and the registry into a project, for its people to change. `files` are those of the
/// roles, by their path below the folder of roles. What is there is kept, file by file.
///
/// # Errors
/// A file cannot be written.
pub fn scaffold_roles<'a>(
    layout: &Layout,
    files: impl IntoIterator<Item = (&'a Path, &'a [u8])>,
    registry: &str,
    store: &Store,
) -> Result<Vec<Scaffolded>, ProjectError> {
    // Nobody relies on them before the project is there: one sync for each would only take time.
    let quick = Store { durability: Durability::Os, ..store.clone() };
    let mut done = Vec::new();
    for (path, content) in files {
        let path = layout.roles().join(path);
        if let Some(dir) = path.parent() {
            fs::create_dirs(dir)?;
        }
        scaffold(&path, content, &quick, &mut done)?;
    }
    scaffold(&layout.registry(), registry.as_bytes(), store, &mut done)?;
    Ok(done)
}

fn scaffold(
    path: &Path,
    bytes: &[u8],
    store: &Store,
    done: &mut Vec<Scaffolded>,
) -> Result<(), FsError> {
    if path.exists() {
        done.push(Scaffolded::Kept(path.to_owned()));
        return Ok(());
    }
    fs::replace_record(path, bytes, store.durability)?;
    done.push(Scaffolded::Created(path.to_owned()));
    Ok(())
}
