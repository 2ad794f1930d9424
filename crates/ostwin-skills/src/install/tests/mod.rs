//! A project, a home and sources in a temporary folder; what is left of them is compared whole.

mod archives;
mod hostile;
mod sources;
mod transactions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostwin_core::fs;
use ostwin_core::ids::{RoleRef, SkillName};
use ostwin_core::layout::Layout;
use ostwin_core::skills_lock::InstalledSkill;
use ostwin_core::store::{Durability, Store};

use super::*;

/// A skill's document.
fn document(name: &str, more: &str) -> String {
    format!("---\nname: {name}\ndescription: What {name} is for.\n{more}---\n\nDo it.\n")
}

struct World {
    dir: tempfile::TempDir,
    store: Store,
    by: RoleRef,
    registry: Option<Registry>,
}

impl World {
    fn new() -> Self {
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
            store: Store { durability: Durability::Os, ..Store::default() },
            by: "human".parse().unwrap(),
            registry: None,
        };
        fs::create_dirs(&world.layout().agents()).unwrap();
        world
    }

    fn layout(&self) -> Layout {
        Layout::new(self.dir.path().join("project"))
    }

    fn shelf(&self) -> Shelf {
        Shelf::of_project(self.layout(), None)
    }

    fn installer(&self) -> Installer<'_> {
        Installer {
            store: &self.store,
            registry: self.registry.as_ref(),
            base: self.dir.path(),
            by: &self.by,
            pause: &patient,
        }
    }

    /// Writes files below the temporary folder.
    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(path);
        fs::create_dirs(path.parent().unwrap()).unwrap();
        fs::replace_hint(&path, content.as_ref()).unwrap();
        path
    }

    /// A skill's folder in `sources/`.
    fn skill(&self, name: &str, more: &str) -> Source {
        self.write(&format!("sources/{name}/SKILL.md"), document(name, more));
        self.source(&format!("./sources/{name}"))
    }

    fn source(&self, text: &str) -> Source {
        text.parse().unwrap()
    }

    fn install(&self, source: &Source) -> Result<Report, InstallError> {
        self.installer().install(&self.shelf(), &Request::new(source.clone()))
    }

    fn force(&self, source: &Source) -> Result<Report, InstallError> {
        let request = Request { force: true, ..Request::new(source.clone()) };
        self.installer().install(&self.shelf(), &request)
    }

    /// What the project holds: every path, with the content of files. The guard, which is made by
    /// whoever looks first, is left out.
    fn project(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        walk(self.layout().root(), self.layout().root(), &mut found);
        found.remove(".agents/skills.lock");
        found
    }

    fn content(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.layout().root().join(path)).ok()
    }

    fn recorded(&self) -> Vec<InstalledSkill> {
        let lock = ostwin_core::skills_lock::SkillsLock::read(&self.layout().skills_lock());
        lock.unwrap().skills
    }
}

fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_symlink() {
            found.insert(name, format!("-> {}", std::fs::read_link(&path).unwrap().display()));
        } else if path.is_dir() {
            found.insert(name, "/".to_owned());
            walk(root, &path, found);
        } else {
            found
                .insert(name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
}

/// Somebody who never gives up and never waits long.
fn patient(time: Duration) -> bool {
    std::thread::sleep(time.min(Duration::from_millis(5)));
    true
}

fn name(text: &str) -> SkillName {
    SkillName::new(text).unwrap()
}
