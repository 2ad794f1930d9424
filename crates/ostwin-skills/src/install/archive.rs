//! The files of an archive as a [`Tree`].
//!
//! An archive is a text that somebody else wrote: what it says of itself, lengths above all, is
//! compared with what it holds, and never trusted before.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use ostwin_core::ids::SkillPath;
use zip::ZipArchive;

use super::tree::{Growing, Refusal, Tree};
use crate::place::MAX_TOTAL_BYTES;

/// Largest archive that is read, in bytes.
pub(super) const MAX_ARCHIVE_BYTES: u64 = 32 << 20;

/// Most bytes that a packed stream may grow to: the files, and what an archive has around them.
const MAX_STREAM_BYTES: u64 = 2 * MAX_TOTAL_BYTES;

/// The bits of a Unix mode that say what a file is, and the kinds that are taken.
const MODE_KIND: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_FOLDER: u32 = 0o040_000;
const MODE_LINK: u32 = 0o120_000;

/// The files in an archive, or only those below `subdir`. What kind of archive it is, its first
/// bytes say.
///
/// # Errors
/// It is no archive, is damaged, or holds what no skill may hold.
pub(super) fn unpack(bytes: &[u8], subdir: Option<&SkillPath>) -> Result<Tree, Refusal> {
    let mut growing = Growing::new(subdir);
    if bytes.starts_with(b"\x1f\x8b") {
        untar(MultiGzDecoder::new(bytes), &mut growing)?;
    } else if bytes.starts_with(b"PK") {
        unzip(bytes, &mut growing)?;
    } else {
        untar(bytes, &mut growing)?;
    }
    growing.finish()
}

fn untar(stream: impl Read, growing: &mut Growing) -> Result<(), Refusal> {
    let mut archive = tar::Archive::new(Bounded { stream, left: MAX_STREAM_BYTES });
    for entry in archive.entries().map_err(|error| Refusal::unreadable(&error))? {
        let entry = entry.map_err(|error| Refusal::unreadable(&error))?;
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        if kind.is_dir() {
            growing.folder(&name)?;
            continue;
        }
        if !kind.is_file() {
            if growing.passes_over(&name)? {
                continue;
            }
            let what = match kind {
                tar::EntryType::Symlink => "a link",
                tar::EntryType::Link => "a hard link",
                tar::EntryType::Fifo => "a pipe",
                tar::EntryType::Char | tar::EntryType::Block => "a device",
                tar::EntryType::GNUSparse => "a file with holes",
                _ => "of an unknown kind",
            };
            return Err(Refusal::kind(&name, what));
        }
        let executable =
            entry.header().mode().map_err(|error| Refusal::damaged(&error))? & 0o100 != 0;
        let size = entry.size();
        let read = growing.file(&name, executable, entry)?;
        if read.is_some_and(|read| read != size) {
            return Err(Refusal::damaged(&"it ends in the middle of a file"));
        }
    }
    // A packed stream is only known to be whole when its check sum was read.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| Refusal::unreadable(&error))?;
    Ok(())
}

/// A stream that fails when it goes on for too long, whatever of it is of interest.
struct Bounded<R> {
    stream: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(into)?;
        let length = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

fn unzip(bytes: &[u8], growing: &mut Growing) -> Result<(), Refusal> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| Refusal::damaged(&error))?;
    if listed(bytes, archive.central_directory_start()) != archive.len() {
        // The reader keeps one of two entries with the same name; another one may keep the other.
        return Err(Refusal::damaged(&"its list of files names a file twice, or is cut off"));
    }
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| Refusal::damaged(&error))?;
        let name = file.name_raw().to_vec();
        let mode = file.unix_mode().unwrap_or(0);
        match mode & MODE_KIND {
            0 | MODE_FILE | MODE_FOLDER => {}
            kind => {
                if growing.passes_over(&name)? {
                    continue;
                }
                let what = if kind == MODE_LINK { "a link" } else { "of a special kind" };
                return Err(Refusal::kind(&name, what));
            }
        }
        if file.is_dir() || mode & MODE_KIND == MODE_FOLDER {
            growing.folder(&name)?;
            continue;
        }
        let size = file.size();
        let read = growing.file(&name, mode & 0o100 != 0, file)?;
        if read.is_some_and(|read| read != size) {
            return Err(Refusal::damaged(&"a file is longer or shorter than the archive says"));
        }
    }
    Ok(())
}

/// How many files the list at `start` names.
fn listed(bytes: &[u8], start: u64) -> usize {
    const ENTRY: &[u8] = b"PK\x01\x02";
    const FIXED: usize = 46;
    let mut at = usize::try_from(start).unwrap_or(usize::MAX);
    let mut count = 0;
    while let Some(entry) = bytes.get(at..at.saturating_add(FIXED))
        && entry.starts_with(ENTRY)
    {
        let length =
            |field: usize| usize::from(u16::from_le_bytes([entry[field], entry[field + 1]]));
        at += FIXED + length(28) + length(30) + length(32);
        count += 1;
    }
    count
}
