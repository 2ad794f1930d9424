//! The skills inside the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};
use ostwin_core::ids::{SkillName, SkillPath};

use super::{SkillFile, SkillFiles};

static SKILLS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../.agents/skills");

/// The names of the shipped skills.
pub fn shipped_skills() -> Vec<SkillName> {
    let name = |dir: &Dir<'_>| SkillName::new(dir.path().to_str()?).ok();
    let mut names: Vec<SkillName> = SKILLS.dirs().filter_map(name).collect();
    names.sort();
    names
}

/// A file of a shipped skill; `None` if it is not there.
pub(super) fn file(skill: &SkillName, path: &str) -> Option<&'static [u8]> {
    SKILLS.get_file(Path::new(skill.as_str()).join(path)).map(include_dir::File::contents)
}

pub(super) fn list(skill: &SkillName) -> SkillFiles {
    let mut files = Vec::new();
    if let Some(dir) = SKILLS.get_dir(skill.as_str()) {
        collect(dir, dir.path(), &mut files);
    }
    files.sort_by(|a: &SkillFile, b| a.path.cmp(&b.path));
    SkillFiles { files, ..SkillFiles::default() }
}

fn collect(dir: &Dir<'_>, root: &Path, files: &mut Vec<SkillFile>) {
    for file in dir.files() {
        let inner = file.path().strip_prefix(root).ok().and_then(Path::to_str);
        // A name that is no path in a skill is one with a leading dot, which is no file of it.
        if let Some(path) = inner.and_then(|inner| SkillPath::new(inner).ok()) {
            let bytes = u64::try_from(file.contents().len()).unwrap_or(u64::MAX);
            files.push(SkillFile { path, bytes, executable: false });
        }
    }
    for dir in dir.dirs() {
        collect(dir, root, files);
    }
}
