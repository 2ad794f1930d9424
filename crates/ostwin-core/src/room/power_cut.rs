//! What a power cut can leave of recorded operations.
//!
//! A file's content survives once it was synced, a name once its folder was. What was not synced
//! may be there or not, and a name may get ahead of the content it stands for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::fs::{self, recorder::Op};

/// Which of the unsynced things are there after the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// None.
    Neither,
    /// The names, not the content.
    Names,
    /// The content, not the names.
    Content,
    /// All: what a killed process leaves.
    Both,
}

impl Image {
    pub(super) const ALL: [Self; 4] = [Self::Neither, Self::Names, Self::Content, Self::Both];
}

#[derive(Clone, Debug, Default)]
struct File {
    synced: Vec<u8>,
    written: Vec<u8>,
}

/// The files of one folder and the folders in it.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    root: PathBuf,
    files: Vec<File>,
    synced: BTreeMap<PathBuf, usize>,
    named: BTreeMap<PathBuf, usize>,
}

impl Disk {
    /// The files as they are, all synced.
    pub(super) fn of(root: &Path) -> Self {
        let mut disk = Self {
            root: root.to_owned(),
            files: Vec::new(),
            synced: BTreeMap::new(),
            named: BTreeMap::new(),
        };
        disk.read(root);
        disk.synced = disk.named.clone();
        disk
    }

    fn read(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(&path);
            } else {
                let content = std::fs::read(&path).unwrap();
                self.named.insert(path, self.files.len());
                self.files.push(File { synced: content.clone(), written: content });
            }
        }
    }

    /// The disk after these operations.
    pub(super) fn after(&self, ops: &[Op]) -> Self {
        let mut disk = self.clone();
        for op in ops {
            disk.take(op);
        }
        disk
    }

    fn take(&mut self, op: &Op) {
        match op {
            Op::Write { path, offset, bytes } => {
                let offset = usize::try_from(*offset).unwrap();
                let written = &mut self.file(path).written;
                written.truncate(offset);
                written.extend_from_slice(bytes);
            }
            Op::Truncate { path, len } => {
                let len = usize::try_from(*len).unwrap();
                self.file(path).written.truncate(len);
            }
            Op::Sync { path } => {
                let file = self.file(path);
                file.synced.clone_from(&file.written);
            }
            Op::Rename { from, to } => {
                if let Some(file) = self.named.remove(from) {
                    self.named.insert(to.clone(), file);
                }
            }
            Op::Exchange { one, other } => {
                let moved = |path: &Path| match (path.strip_prefix(one), path.strip_prefix(other)) {
                    (Ok(rest), _) => other.join(rest),
                    (_, Ok(rest)) => one.join(rest),
                    _ => path.to_owned(),
                };
                let named = std::mem::take(&mut self.named);
                self.named = named.into_iter().map(|(path, file)| (moved(&path), file)).collect();
            }
            Op::Remove { path } => self.named.retain(|named, _| !named.starts_with(path)),
            Op::SyncDir { path } => {
                let inside = |named: &Path| named.parent() == Some(path);
                self.synced.retain(|named, _| !inside(named));
                let now = self.named.iter().filter(|(named, _)| inside(named));
                self.synced.extend(now.map(|(named, file)| (named.clone(), *file)));
            }
            Op::CreateDir { .. } => {}
        }
    }

    fn file(&mut self, path: &Path) -> &mut File {
        let next = self.files.len();
        let index = *self.named.entry(path.to_owned()).or_insert(next);
        if index == next {
            self.files.push(File::default());
        }
        &mut self.files[index]
    }

    /// Makes the folder look as after the cut.
    pub(super) fn leave(&self, image: Image) {
        let names = match image {
            Image::Neither | Image::Content => &self.synced,
            Image::Names | Image::Both => &self.named,
        };
        let mut there = Self::of(&self.root).named;
        for (path, index) in names {
            let file = &self.files[*index];
            let content = match image {
                Image::Neither | Image::Names => &file.synced,
                Image::Content | Image::Both => &file.written,
            };
            fs::replace_hint(path, content).unwrap();
            there.remove(path);
        }
        for path in there.keys() {
            fs::remove_file(path).unwrap();
        }
    }
}
