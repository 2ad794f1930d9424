//! Reading lines from the end of a file, so that the newest are found without reading the whole.

use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::{MAX_LINE_BYTES, Result, Scanned, number, open, parse};
use crate::fs::FsError;

const FIRST_CHUNK: u64 = 4 * 1024;
const LAST_CHUNK: u64 = 256 * 1024;

/// Visits the valid lines from the last to the first, until `visit` breaks; each with the offset
/// at which it starts. A line without newline at the end of the file does not count.
///
/// # Errors
/// The file exists and cannot be read.
pub fn scan_back<T: DeserializeOwned>(
    path: &Path,
    visit: impl FnMut(u64, T) -> ControlFlow<()>,
) -> Result<Scanned> {
    scan_back_from(path, u64::MAX, visit)
}

/// As [`scan_back`], but only what stands before byte `end`, where a line starts.
///
/// # Errors
/// The file exists and cannot be read.
pub fn scan_back_from<T: DeserializeOwned>(
    path: &Path,
    end: u64,
    mut visit: impl FnMut(u64, T) -> ControlFlow<()>,
) -> Result<Scanned> {
    let mut scanned = Scanned::default();
    let Some(file) = open(path)? else { return Ok(scanned) };
    let end = length(path, &file)?.min(end);
    let mut lines = ReverseLines::new(path, &file, end)?;
    while let Some(line) = lines.next()? {
        scanned.offset = line.offset;
        if line.torn {
            continue;
        }
        match line.parse() {
            Some(value) => {
                if visit(line.offset, value).is_break() {
                    break;
                }
            }
            None => scanned.skipped += 1,
        }
    }
    Ok(scanned)
}

/// The last valid line that `wanted` takes, searched from the end.
///
/// # Errors
/// The file exists and cannot be read.
pub fn find_last<T: DeserializeOwned>(
    path: &Path,
    mut wanted: impl FnMut(&T) -> bool,
) -> Result<Option<T>> {
    let mut found = None;
    scan_back::<T>(path, |_, line| {
        if wanted(&line) {
            found = Some(line);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// What an appender must know of the end of a file.
pub(super) struct Tail {
    /// The last line has no newline.
    pub(super) torn: bool,
    /// The number of the last line that carries one.
    pub(super) last_seq: Option<u64>,
}

/// Reads back from `len` to the last line with a valid number.
pub(super) fn tail(path: &Path, file: &File, len: u64) -> Result<Tail> {
    let mut lines = ReverseLines::new(path, file, len)?;
    let mut torn = false;
    while let Some(line) = lines.next()? {
        torn |= line.torn;
        if let Some(seq) = line.bytes.and_then(number) {
            return Ok(Tail { torn, last_seq: Some(seq) });
        }
    }
    Ok(Tail { torn, last_seq: None })
}

fn length(path: &Path, file: &File) -> Result<u64> {
    Ok(file.metadata().map_err(|error| FsError::new("read", path, error))?.len())
}

struct ReverseLine<'a> {
    offset: u64,
    /// `None` for a line that is too long to be held.
    bytes: Option<&'a [u8]>,
    torn: bool,
}

impl ReverseLine<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        parse(self.bytes?)
    }
}

struct ReverseLines<'f> {
    path: &'f Path,
    file: &'f File,
    /// Offset of the first byte in `buffer`.
    start: u64,
    /// Bytes from `start` to the end of the next line to give, its newline excluded.
    buffer: Vec<u8>,
    /// The line given last.
    line: Vec<u8>,
    /// The line at the buffer's end has lost bytes because it is too long to be held.
    overlong: bool,
    /// The line at the buffer's end has no newline.
    torn: bool,
    chunk: u64,
    done: bool,
}

impl<'f> ReverseLines<'f> {
    fn new(path: &'f Path, file: &'f File, len: u64) -> Result<Self> {
        let mut lines = Self {
            path,
            file,
            start: len,
            buffer: Vec::new(),
            line: Vec::new(),
            overlong: false,
            torn: false,
            chunk: FIRST_CHUNK,
            done: len == 0,
        };
        if !lines.done {
            lines.read_chunk()?;
            lines.torn = lines.buffer.pop_if(|last| *last == b'\n').is_none();
        }
        Ok(lines)
    }

    fn next(&mut self) -> Result<Option<ReverseLine<'_>>> {
        if self.done {
            return Ok(None);
        }
        let mut unsearched = self.buffer.len();
        loop {
            if let Some(at) = self.buffer[..unsearched].iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(self.give(at + 1)));
            }
            if self.start == 0 {
                self.done = true;
                return Ok(Some(self.give(0)));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                self.overlong = true;
                self.buffer.clear();
            }
            let held = self.buffer.len();
            self.read_chunk()?;
            unsearched = self.buffer.len() - held;
        }
    }

    /// Gives the line from `at` to the end of the buffer.
    fn give(&mut self, at: usize) -> ReverseLine<'_> {
        let offset = self.start + at as u64;
        self.line.clear();
        self.line.extend_from_slice(&self.buffer[at..]);
        // The newline before this line ends the one that comes next.
        self.buffer.truncate(at.saturating_sub(1));
        let overlong = std::mem::take(&mut self.overlong) || self.line.len() > MAX_LINE_BYTES;
        ReverseLine {
            offset,
            bytes: (!overlong).then_some(self.line.as_slice()),
            torn: std::mem::take(&mut self.torn),
        }
    }

    fn read_chunk(&mut self) -> Result<()> {
        let size = self.chunk.min(self.start);
        self.chunk = (self.chunk * 4).min(LAST_CHUNK);
        let from = self.start - size;
        let size = usize::try_from(size).unwrap_or(0);
        let mut bytes = Vec::with_capacity(size + self.buffer.len());
        bytes.resize(size, 0);
        self.file
            .read_exact_at(&mut bytes, from)
            .map_err(|error| FsError::new("read", self.path, error))?;
        bytes.append(&mut self.buffer);
        self.buffer = bytes;
        self.start = from;
        Ok(())
    }
}
