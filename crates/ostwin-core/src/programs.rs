//! Finding programs in folders: the sibling binaries beside the running one, others on `PATH`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::env;

/// Whose binaries stand beside the running executable.
const OWN_PREFIX: &str = "ostwin";

/// The first executable file called `name` in `dirs`. A `name` with a `/` is a path of its own.
pub fn find_program(name: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_executable(path));
    }
    if name.is_empty() {
        return None;
    }
    dirs.iter().map(|dir| dir.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Where programs are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// Where the own binaries stand: what `OSTWIN_BIN_DIR` names, then beside the executable.
    pub own: Vec<PathBuf>,
    /// The folders of `PATH`, in order.
    pub path: Vec<PathBuf>,
}

impl Programs {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let named = env::var_os(env::BIN_DIR).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
        Self { own: named.into_iter().chain(beside).collect(), path }
    }

    /// The program of this name: own binaries beside the executable first, others on `PATH` first.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let (first, second) = if name.starts_with(OWN_PREFIX) {
            (&self.own, &self.path)
        } else {
            (&self.path, &self.own)
        };
        find_program(name, first).or_else(|| find_program(name, second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(dir: &Path, name: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        crate::fs::replace_hint(&path, b"").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn own_binaries_are_looked_for_beside_the_executable_first() {
        let own = tempfile::tempdir().unwrap();
        let path = tempfile::tempdir().unwrap();
        let programs =
            Programs { own: vec![own.path().to_owned()], path: vec![path.path().to_owned()] };
        let rehearsal = program(own.path(), "ostwin-rehearsal", 0o755);
        program(path.path(), "ostwin-rehearsal", 0o755);
        program(own.path(), "agent", 0o755);
        let agent = program(path.path(), "agent", 0o755);
        program(path.path(), "text", 0o644);
        assert_eq!(programs.find("ostwin-rehearsal"), Some(rehearsal));
        assert_eq!(programs.find("agent"), Some(agent.clone()));
        assert_eq!(programs.find("text"), None);
        assert_eq!(programs.find(""), None);
        assert_eq!(programs.find(agent.to_str().unwrap()), Some(agent));
    }
}
