//! Changing a settings file on disk, while nobody else does.

use std::path::{Path, PathBuf};

use super::layer::FileError;
use super::of_plan::PlanFile;
use super::set::set;
use crate::fs::{self, FsError};
use crate::layout::{Layout, PlanPaths, user_config, user_config_lock};
use crate::lock::{self, LockError};
use crate::store::Store;

/// No settings file is longer.
const MAX_BYTES: u64 = 4 << 20;

/// A settings file that people own, and its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFile {
    /// The file.
    pub path: PathBuf,
    /// The lock of whoever changes it.
    pub guard: PathBuf,
}

/// Why a settings file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is no settings file, the key is unknown, or the value is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// It could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody else changes it.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl SettingsFile {
    /// The project's own.
    pub fn of_project(layout: &Layout) -> Self {
        Self { path: layout.config(), guard: layout.config_lock() }
    }

    /// One of those beside a plan of the project.
    pub fn of_plan(layout: &Layout, plan: &PlanPaths, file: PlanFile) -> Self {
        Self { path: file.path(plan), guard: layout.config_lock() }
    }

    /// The user's, in the folder that [`crate::env::config_dir`] names.
    pub fn of_user(config_dir: &Path) -> Self {
        Self { path: user_config(config_dir), guard: user_config_lock(config_dir) }
    }

    /// Sets `key` to what `text` means, or takes it away, as [`set`] does. What `accept` says no to
    /// is not written; it sees the whole new content, and nobody else changes the file meanwhile.
    ///
    /// # Errors
    /// What `accept` says, or an [`EditError`]; nothing changed then.
    pub fn edit<R, E: From<EditError>>(
        &self,
        store: &Store,
        key: &str,
        text: Option<&str>,
        accept: impl FnOnce(&[u8]) -> Result<R, E>,
    ) -> Result<R, E> {
        for path in [&self.path, &self.guard] {
            if let Some(dir) = path.parent() {
                fs::create_dirs(dir).map_err(EditError::from)?;
            }
        }
        let edited = lock::exclusive(&self.guard, store.lock_timeout, || {
            let before = fs::read_optional(&self.path, MAX_BYTES).map_err(EditError::from)?;
            let values = set(&self.path, before.as_deref(), key, text).map_err(EditError::from)?;
            let after = fs::json_bytes(&values)
                .map_err(|error| EditError::Fs(FsError::new("serialise", &self.path, error)))?;
            let accepted = accept(&after)?;
            fs::replace_record(&self.path, &after, store.durability).map_err(EditError::from)?;
            Ok(accepted)
        });
        edited.map_err(EditError::from)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    fn place() -> (tempfile::TempDir, SettingsFile, Store) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join("below").join(name);
        let file = SettingsFile { path: path("config.json"), guard: path("config.lock") };
        let store = Store { durability: Durability::Os, ..Store::default() };
        (dir, file, store)
    }

    fn fine(_: &[u8]) -> Result<(), EditError> {
        Ok(())
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let (_dir, file, store) = place();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let (file, store) = (&file, &store);
                scope.spawn(move || {
                    for number in 0..10 {
                        let key = format!("roles.role-{writer}-{number}.model");
                        file.edit(store, &key, Some("m"), fine).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&file.path).unwrap();
        assert_eq!(text.matches("\"model\": \"m\"").count(), 80, "{text}");
    }

    #[test]
    fn what_is_not_accepted_is_not_written() {
        let (_dir, file, store) = place();
        file.edit(&store, "max_retries", Some("5"), fine).unwrap();
        let before = std::fs::read(&file.path).unwrap();
        let refuse = |after: &[u8]| -> Result<(), EditError> {
            assert!(String::from_utf8_lossy(after).contains("\"max_retries\": 6"));
            Err(FileError::Settings(Vec::new()).into())
        };
        assert!(file.edit(&store, "max_retries", Some("6"), refuse).is_err());
        assert!(file.edit(&store, "max_retrys", Some("6"), fine).is_err());
        assert!(file.edit(&store, "max_retries", Some("many"), fine).is_err());
        assert_eq!(std::fs::read(&file.path).unwrap(), before);
    }
}
