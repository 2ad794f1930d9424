//! A tree while files are added to it, each of which is held against the rules first.

use std::collections::HashMap;
use std::io::Read;

use ostwin_core::ids::SkillPath;
use unicode_normalization::UnicodeNormalization;

use super::name::{Place, place};
use super::refusal::printable;
use super::wanted::is_wanted;
use super::{Refusal, Tree, TreeFile, length};
use crate::place::{MAX_FILES, MAX_TOTAL_BYTES};

/// A tree while files are added to it.
#[derive(Debug, Default)]
pub(in crate::install) struct Growing {
    tree: Tree,
    subdir: Option<SkillPath>,
    entries: usize,
    bytes: u64,
    /// Every path and every folder of it as it is spelled, by what some system takes it for.
    spelled: HashMap<String, String>,
}

impl Growing {
    /// An empty tree that takes in only what is below `subdir`.
    pub(in crate::install) fn new(subdir: Option<&SkillPath>) -> Self {
        Self { subdir: subdir.cloned(), ..Self::default() }
    }

    /// Takes note of a folder.
    pub(in crate::install) fn folder(&mut self, name: &[u8]) -> Result<(), Refusal> {
        match place(name)? {
            Place::Root => Ok(()),
            Place::Hidden(path) if self.wants(&path) => self.count(),
            Place::Plain(path) if self.wants(path.as_str()) => {
                self.count()?;
                self.spell(path.as_str())
            }
            Place::Hidden(_) | Place::Plain(_) => Ok(()),
        }
    }

    /// Whether something other than a file or folder is passed over under this name.
    pub(in crate::install) fn passes_over(&mut self, name: &[u8]) -> Result<bool, Refusal> {
        match place(name)? {
            Place::Root => Ok(false),
            Place::Hidden(name) => self.leave_out(name).map(|()| true),
            Place::Plain(path) => Ok(!self.wants(path.as_str())),
        }
    }

    /// Adds a file, which is read to its end; how many bytes it had, or `None` if it is no part of
    /// a skill and was not read.
    pub(in crate::install) fn file(
        &mut self,
        name: &[u8],
        executable: bool,
        content: impl Read,
    ) -> Result<Option<u64>, Refusal> {
        let path = match place(name)? {
            Place::Root => {
                let problem = "it names no file".to_owned();
                return Err(Refusal::Name { name: printable(name), problem });
            }
            Place::Hidden(name) => return self.leave_out(name).map(|()| None),
            Place::Plain(path) if !self.wants(path.as_str()) => return Ok(None),
            Place::Plain(path) => path,
        };
        self.count()?;
        if self.tree.files.len() >= MAX_FILES {
            return Err(Refusal::TooMany);
        }
        if self.tree.files.contains_key(&path) {
            return Err(Refusal::Twice { name: path.to_string() });
        }
        self.spell(path.as_str())?;
        let left = MAX_TOTAL_BYTES.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        content
            .take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Refusal::unreadable(&error))?;
        let read = length(&bytes);
        if read > left {
            return Err(Refusal::TooLarge);
        }
        self.bytes += read;
        self.tree.files.insert(path, TreeFile { executable, content: bytes });
        Ok(Some(read))
    }

    /// The tree as it has grown.
    ///
    /// # Errors
    /// A file is a folder too.
    pub(in crate::install) fn finish(self) -> Result<Tree, Refusal> {
        let files = &self.tree.files;
        let is_file = |folder: &str| SkillPath::new(folder).is_ok_and(|f| files.contains_key(&f));
        for path in files.keys().map(SkillPath::as_str) {
            let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            if let Some(folder) = folders.find(|folder| is_file(folder)) {
                return Err(Refusal::Twice { name: folder.to_owned() });
            }
        }
        Ok(self.tree)
    }

    fn count(&mut self) -> Result<(), Refusal> {
        self.entries += 1;
        // Folders count as files do: they cost as much.
        if self.entries > 2 * MAX_FILES { Err(Refusal::TooMany) } else { Ok(()) }
    }

    /// Whether a path is of interest: what is not, however much of it there is, counts for nothing.
    fn wants(&self, path: &str) -> bool {
        is_wanted(path, self.subdir.as_ref())
    }

    fn leave_out(&mut self, name: String) -> Result<(), Refusal> {
        if self.wants(&name) {
            self.count()?;
            self.tree.left_out.push(name);
        }
        Ok(())
    }

    /// Notes how a path and the folders above it are spelled.
    fn spell(&mut self, path: &str) -> Result<(), Refusal> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for spelling in ends.map(|end| &path[..end]) {
            let known = self.spelled.entry(folded(spelling));
            let known = known.or_insert_with(|| spelling.to_owned());
            if known != spelling {
                return Err(Refusal::Case { one: known.clone(), other: spelling.to_owned() });
            }
        }
        Ok(())
    }
}

/// A path as the most careless system sees it: without case, in one way of writing accents, and
/// without blanks and dots at the end of a name.
fn folded(path: &str) -> String {
    let parts = path.split('/').map(|part| part.trim_end_matches([' ', '.']));
    let joined = parts.collect::<Vec<_>>().join("/");
    joined.nfkc().flat_map(char::to_lowercase).nfc().collect()
}
