//! How large something is, and since when nobody wrote to it. Links are never followed.

use std::io::ErrorKind;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::fs::FsError;
use crate::time::Timestamp;

/// The regular files in a path, itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

impl Measure {
    pub(super) fn and(self, other: Self) -> Self {
        Self { files: self.files + other.files, bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// What is at `path`; `None` if nothing is. Of a link, the link itself.
pub(super) fn measure(path: &Path) -> Result<Option<Measure>, FsError> {
    let failed = |error| FsError::new("look at", path, error);
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_dir() {
        return Ok(Some(Measure { files: 1, bytes: metadata.len() }));
    }
    let mut total = Measure::default();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        // What goes away meanwhile needs no space.
        total = total.and(measure(&entry.map_err(failed)?.path())?.unwrap_or_default());
    }
    Ok(Some(total))
}

/// When the file or folder at `path` was last written to; `None` if there is none.
pub(super) fn written_at(path: &Path) -> Result<Option<Timestamp>, FsError> {
    let modified = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    match modified {
        Ok(time) => {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(Some(Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::new("look at", path, error)),
    }
}

/// Whether `path` is a folder and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}
