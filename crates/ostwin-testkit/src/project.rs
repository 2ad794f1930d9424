//! A project in a folder of its own, with a home of its own.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use ostwin_core::env;
use ostwin_core::fs::{self, FsError};
use ostwin_core::layout::Layout;
use ostwin_core::project::init;
use ostwin_core::store::{Durability, Store};
use serde_json::{Value, json};

use crate::process::{bin_dir, command};
use crate::table;

/// A temporary project. Everything a program finds by itself (home, settings, temporary files)
/// lies in the same temporary folder, which goes away with this value, unless the test fails: then
/// it stays to be looked at and its path is printed.
#[derive(Debug)]
pub struct TestProject {
    dir: Option<tempfile::TempDir>,
    base: PathBuf,
    layout: Layout,
}

impl TestProject {
    /// A project with the shipped settings, except that syncing is left to the system.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn new() -> io::Result<Self> {
        Self::with_settings(&json!({}))
    }

    /// A project with these settings on top.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn with_settings(settings: &Value) -> io::Result<Self> {
        let project = Self::empty()?;
        let mut config = json!({ "schema_version": 1, "durability": "os" });
        if let (Some(config), Some(settings)) = (config.as_object_mut(), settings.as_object()) {
            config.extend(settings.clone());
        }
        let store = Store { durability: Durability::Os, ..Store::default() };
        init(project.root(), Some(&project.home()), &config, &store).map_err(io::Error::other)?;
        Ok(project)
    }

    /// A folder that is no project yet, for tests of what makes one.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn empty() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("ostwin-test-").tempdir()?;
        let base = dir.path().canonicalize()?;
        let project = Self { layout: Layout::new(base.join("project")), base, dir: Some(dir) };
        for dir in [project.root(), &project.home(), &project.temporary()] {
            fs::create_dirs(dir).map_err(other)?;
        }
        Ok(project)
    }

    /// The project's files.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// The home of whoever works in the project.
    pub fn home(&self) -> PathBuf {
        self.base.join("home")
    }

    fn temporary(&self) -> PathBuf {
        self.base.join("tmp")
    }

    /// Writes a file below the project's root, and the folders above it, and gives its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.root().join(path);
        if let Some(dir) = path.parent() {
            fs::create_dirs(dir).map_err(other)?;
        }
        fs::replace_hint(&path, content.as_bytes()).map_err(other)?;
        Ok(path)
    }

    /// The whole environment of the project's processes: nothing of the machine's own but the
    /// search path.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        let home = self.home();
        let mut variables = vec![
            ("HOME", home.clone().into()),
            ("XDG_CONFIG_HOME", home.join(".config").into()),
            ("XDG_CACHE_HOME", home.join(".cache").into()),
            ("XDG_DATA_HOME", home.join(".local/share").into()),
            ("XDG_STATE_HOME", home.join(".local/state").into()),
            ("TMPDIR", self.temporary().into()),
            ("PATH", env::var_os("PATH").unwrap_or_default()),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            ("TERM", "dumb".into()),
            ("NO_COLOR", "1".into()),
            ("RUST_BACKTRACE", "1".into()),
        ];
        if let Ok(dir) = bin_dir() {
            variables.push((env::BIN_DIR, dir.into()));
        }
        variables
    }

    /// A command for one of the workspace's binaries, in the project's root and environment.
    ///
    /// # Errors
    /// The binary has not been built.
    pub fn command(&self, bin: &str) -> io::Result<Command> {
        let mut command = command(crate::bin(bin)?);
        command.env_clear().envs(self.env()).current_dir(self.root());
        Ok(command)
    }

    /// Every living process that belongs to the project: one whose environment or working
    /// directory points into its folder.
    pub fn processes(&self) -> Vec<u32> {
        table::processes_around(&self.base)
    }

    /// Keeps the folder, also if the test passes.
    pub fn keep(&mut self) -> &Path {
        if let Some(dir) = self.dir.take() {
            drop(dir.keep());
        }
        &self.base
    }
}

impl Drop for TestProject {
    fn drop(&mut self) {
        if std::thread::panicking() && self.dir.is_some() {
            let kept = self.keep().display().to_string();
            // If nobody can be told, the folder is kept all the same.
            drop(writeln!(io::stderr(), "the project of the failed test is kept: {kept}"));
        }
    }
}

fn other(error: FsError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_project_with_a_home_of_its_own() {
        let project = TestProject::with_settings(&json!({ "max_retries": 1 })).unwrap();
        let bytes = fs::read(&project.layout().config(), 1_000).unwrap();
        let settings: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = json!({ "schema_version": 1, "durability": "os", "max_retries": 1 });
        assert_eq!(settings, expected);
        let found = Layout::find(&project.layout().rooms(), Some(&project.home()));
        assert_eq!(found.as_ref(), Some(project.layout()));

        let base = project.base.clone();
        drop(project);
        assert!(!base.exists());
    }

    #[test]
    fn its_processes_are_found_and_others_are_not() {
        let project = TestProject::empty().unwrap();
        let other = TestProject::empty().unwrap();
        let mut sleeper = command("sleep");
        sleeper.arg("1000").env_clear().envs(project.env());
        let mut sleeper = crate::Process::spawn(&mut sleeper).unwrap();
        // The kernel shows an environment only a moment after the program has been started.
        let seen = || (project.processes() == [sleeper.id()]).then_some(());
        crate::wait_until("the process", std::time::Duration::from_secs(20), seen).unwrap();
        assert_eq!(other.processes(), Vec::<u32>::new());
        sleeper.kill().unwrap();
        assert_eq!(project.processes(), Vec::<u32>::new());
    }
}
