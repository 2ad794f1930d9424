//! The catalogue of the shared memory, asked by one call at a time.

use std::sync::{Mutex, MutexGuard};

use ostwin_core::config::MemorySettings;
use ostwin_core::project::Project;
use ostwin_memory::{Catalogue, MemoryError};

use crate::error::{Code, ToolError};

/// The catalogue of a project.
#[derive(Debug)]
pub(super) struct Shared {
    project: Project,
    settings: MemorySettings,
    catalogue: Mutex<Catalogue>,
}

impl Shared {
    /// The catalogue of a project; nothing is read yet.
    pub(super) fn new(project: &Project, settings: &MemorySettings) -> Self {
        Self {
            project: project.clone(),
            settings: settings.clone(),
            catalogue: Mutex::new(Catalogue::new(project, settings)),
        }
    }

    /// Asks the catalogue.
    ///
    /// # Errors
    /// What the catalogue says.
    pub(super) fn ask<R>(
        &self,
        ask: impl FnOnce(&mut Catalogue) -> Result<R, MemoryError>,
    ) -> Result<R, ToolError> {
        Ok(ask(&mut self.lock())?)
    }

    fn lock(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(|poisoned| {
            // A call died over the catalogue: what it left is not to be trusted.
            self.catalogue.clear_poison();
            let mut catalogue = poisoned.into_inner();
            *catalogue = Catalogue::new(&self.project, &self.settings);
            catalogue
        })
    }
}

impl From<MemoryError> for ToolError {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::Ledger(error) => error.into(),
            MemoryError::Fs(error) => error.into(),
            MemoryError::Lock(error) => error.into(),
            MemoryError::Busy { .. } => Self::because(Code::Busy, &error),
            MemoryError::Index(_) => Self::because(Code::IoError, &error),
            MemoryError::NoMeaning { .. } => Self::because(Code::Unavailable, &error),
        }
    }
}
