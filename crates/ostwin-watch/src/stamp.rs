//! By what a file is recognised as changed without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Size, modification time and identity of a file at one look; `None` if there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Option<Seen>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// Looks at `path`. A file that cannot be looked at counts as missing: its reader will say why.
    pub(crate) fn of(path: &Path) -> Self {
        Self(std::fs::metadata(path).ok().map(|metadata| Seen {
            size: metadata.size(),
            inode: metadata.ino(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_of_the_same_size_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(Stamp::of(&path), Stamp::default());
        ostwin_core::fs::replace_hint(&path, b"one").unwrap();
        let one = Stamp::of(&path);
        assert_eq!(Stamp::of(&path), one);
        ostwin_core::fs::replace_hint(&path, b"two").unwrap();
        assert_ne!(Stamp::of(&path), one);
    }
}
