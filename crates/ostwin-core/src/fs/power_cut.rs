//! What a power cut can leave of recorded operations.
//!
//! A file's content survives once it was synced, a name once its folder was. What was not synced
//! may be there or not, each folder and each file for itself; so a name may get ahead of the content
//! that it stands for, and the other way round.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::recorder::Op;
use super::{Result, create_dirs, create_file, remove_dir_all};
use crate::fs::FsError;
use crate::store::Durability;

/// Something of which the newest may have been lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced<'a> {
    /// The names in this folder.
    Names(&'a Path),
    /// The content of this file.
    Content(&'a Path),
}

/// A cut that treats everything alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// Nothing unsynced is there.
    Neither,
    /// The names are, and the content is not.
    Names,
    /// The content is, where it has a name, and the names are not.
    Content,
    /// All is: what a killed process leaves.
    Both,
}

impl Image {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::Neither, Self::Names, Self::Content, Self::Both];

    /// Whether something is there after the cut.
    pub fn rule(self) -> impl FnMut(Unsynced<'_>) -> bool {
        move |what| match what {
            Unsynced::Names(_) => matches!(self, Self::Names | Self::Both),
            Unsynced::Content(_) => matches!(self, Self::Content | Self::Both),
        }
    }
}

#[derive(Clone, Debug)]
enum Node {
    File { synced: Vec<u8>, written: Vec<u8> },
    Folder { synced: Names, named: Names },
}

type Names = BTreeMap<OsString, usize>;

/// A folder and everything in it, as written and as synced.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    /// The first is the root.
    nodes: Vec<Node>,
}

impl Disk {
    /// The files of `root` as they are, all synced.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        let mut disk = Self { root: root.to_owned(), nodes: vec![Node::folder()] };
        disk.read(root, 0).map_err(|error| FsError::new("read", root, error))?;
        for node in &mut disk.nodes {
            node.sync();
        }
        Ok(disk)
    }

    fn read(&mut self, dir: &Path, folder: usize) -> io::Result<()> {
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            let index = self.nodes.len();
            if entry.file_type()?.is_dir() {
                self.nodes.push(Node::folder());
                self.read(&path, index)?;
            } else {
                let written = std::fs::read(&path)?;
                self.nodes.push(Node::File { synced: Vec::new(), written });
            }
            if let Some(names) = self.names(folder) {
                names.insert(entry.file_name(), index);
            }
        }
        Ok(())
    }

    /// The disk after these operations.
    #[must_use]
    pub fn after(&self, ops: &[Op]) -> Self {
        let mut disk = self.clone();
        for op in ops {
            disk.take(op);
        }
        disk
    }

    /// Takes one operation in. What happens elsewhere is passed over.
    pub fn take(&mut self, op: &Op) {
        match op {
            Op::Write { path, offset, bytes } => {
                if let Some(content) = self.content(path) {
                    content.truncate(usize::try_from(*offset).unwrap_or(usize::MAX));
                    content.extend_from_slice(bytes);
                }
            }
            Op::Truncate { path, len } => {
                if let Some(content) = self.content(path) {
                    content.truncate(usize::try_from(*len).unwrap_or(usize::MAX));
                }
            }
            Op::Sync { path } | Op::SyncDir { path } => {
                if let Some(index) = self.find(path) {
                    self.nodes[index].sync();
                }
            }
            Op::Rename { from, to } => {
                if let Some(node) = self.cut_out(from) {
                    self.put(to, node);
                }
            }
            Op::Exchange { one, other } => {
                if let (Some(first), Some(second)) = (self.cut_out(one), self.cut_out(other)) {
                    self.put(one, second);
                    self.put(other, first);
                }
            }
            Op::Remove { path } => drop(self.cut_out(path)),
            Op::CreateDir { path } => drop(self.folder(path)),
        }
    }

    /// Makes the folder look as after the cut: of what was not synced, `is_there` says what is.
    ///
    /// # Errors
    /// A file cannot be removed or written.
    pub fn leave(&self, is_there: &mut dyn FnMut(Unsynced<'_>) -> bool) -> Result<()> {
        remove_dir_all(&self.root)?;
        self.leave_node(0, &self.root, is_there)
    }

    fn leave_node(
        &self,
        index: usize,
        path: &Path,
        is_there: &mut dyn FnMut(Unsynced<'_>) -> bool,
    ) -> Result<()> {
        match &self.nodes[index] {
            Node::File { synced, written } => {
                let newest = synced == written || is_there(Unsynced::Content(path));
                let content = if newest { written } else { synced };
                create_file(path, content, false, Durability::Os)
            }
            Node::Folder { synced, named } => {
                create_dirs(path)?;
                let newest = synced == named || is_there(Unsynced::Names(path));
                for (name, index) in if newest { named } else { synced } {
                    self.leave_node(*index, &path.join(name), is_there)?;
                }
                Ok(())
            }
        }
    }

    /// The names in a folder; none in a file.
    fn names(&mut self, folder: usize) -> Option<&mut Names> {
        match &mut self.nodes[folder] {
            Node::Folder { named, .. } => Some(named),
            Node::File { .. } => None,
        }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let mut index = 0;
        for name in path.strip_prefix(&self.root).ok()? {
            let Node::Folder { named, .. } = &self.nodes[index] else { return None };
            index = *named.get(name)?;
        }
        Some(index)
    }

    /// The folder of this path; made with all above it where they are missing.
    fn folder(&mut self, path: &Path) -> Option<usize> {
        let inside = path.strip_prefix(&self.root).ok()?.to_owned();
        let mut index = 0;
        for name in &inside {
            let next = self.nodes.len();
            let found = *self.names(index)?.entry(name.to_owned()).or_insert(next);
            if found == next {
                self.nodes.push(Node::folder());
            }
            index = found;
        }
        Some(index)
    }

    /// What was written to the file of this path; made where it is missing.
    fn content(&mut self, path: &Path) -> Option<&mut Vec<u8>> {
        let folder = self.folder(path.parent()?)?;
        let next = self.nodes.len();
        let index = *self.names(folder)?.entry(path.file_name()?.to_owned()).or_insert(next);
        if index == next {
            self.nodes.push(Node::File { synced: Vec::new(), written: Vec::new() });
        }
        match &mut self.nodes[index] {
            Node::File { written, .. } => Some(written),
            Node::Folder { .. } => None,
        }
    }

    fn cut_out(&mut self, path: &Path) -> Option<usize> {
        let folder = self.find(path.parent()?)?;
        self.names(folder)?.remove(path.file_name()?)
    }

    fn put(&mut self, path: &Path, node: usize) {
        let name = path.file_name().map(ToOwned::to_owned);
        let folder = path.parent().map(ToOwned::to_owned).and_then(|dir| self.folder(&dir));
        if let (Some(name), Some(folder)) = (name, folder)
            && let Some(names) = self.names(folder)
        {
            names.insert(name, node);
        }
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder { synced: Names::new(), named: Names::new() }
    }

    fn sync(&mut self) {
        match self {
            Self::File { synced, written } => synced.clone_from(written),
            Self::Folder { synced, named } => synced.clone_from(named),
        }
    }
}
