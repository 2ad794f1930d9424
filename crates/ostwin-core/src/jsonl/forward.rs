//! Reading whole lines from an offset on.

use std::io::{BufRead, BufReader, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::{MAX_LINE_BYTES, Result, Scanned, number, open, parse, seek};
use crate::fs::FsError;

/// Visits the valid lines from byte `offset` on, until `visit` breaks; each with the offset at
/// which it starts. What has no newline yet does not count.
///
/// # Errors
/// The file exists and cannot be read.
pub fn scan<T: DeserializeOwned>(
    path: &Path,
    offset: u64,
    mut visit: impl FnMut(u64, T) -> ControlFlow<()>,
) -> Result<Scanned> {
    let mut scanned = Scanned { offset, skipped: 0 };
    let Some(mut file) = open(path)? else { return Ok(scanned) };
    seek(path, &mut file, offset)?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    loop {
        let read =
            read_line(&mut reader, &mut line).map_err(|error| FsError::new("read", path, error))?;
        let Some(length) = read else { return Ok(scanned) };
        let start = scanned.offset;
        scanned.offset += length;
        let value = if length > MAX_LINE_BYTES as u64 { None } else { parse::<T>(&line) };
        match value {
            Some(value) => {
                if visit(start, value).is_break() {
                    return Ok(scanned);
                }
            }
            None => scanned.skipped += 1,
        }
    }
}

/// The line that starts at byte `offset`; `None` if no whole valid line does, or there is no file.
/// For whoever noted where a line stands; that it is still the same line is the caller's to check.
///
/// # Errors
/// The file exists and cannot be read.
pub fn read_at<T: DeserializeOwned>(path: &Path, offset: u64) -> Result<Option<T>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    seek(path, &mut file, offset)?;
    let mut reader = BufReader::with_capacity(4 * 1024, file);
    let mut line = Vec::new();
    let read =
        read_line(&mut reader, &mut line).map_err(|error| FsError::new("read", path, error))?;
    let Some(length) = read else { return Ok(None) };
    Ok(if length > MAX_LINE_BYTES as u64 { None } else { parse(&line) })
}

/// A stretch of a file that is rather read than halved.
const STRETCH: u64 = 16 * 1024;

/// Where the first line with a number of at least `seq` starts; behind the last line if there is
/// none. Numbers grow along the file, so it is found by halving: of a long file little is read.
///
/// # Errors
/// The file exists and cannot be read.
pub fn start_of(path: &Path, seq: u64) -> Result<u64> {
    let Some(file) = open(path)? else { return Ok(0) };
    let failed = |error| FsError::new("read", path, error);
    let length = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::with_capacity(8 * 1024, file);
    let mut line = Vec::new();
    let numbered = |read, line: &[u8]| number(line).filter(|_| read <= MAX_LINE_BYTES as u64);
    // A line starts at `low`, and those before it have lower numbers; none that starts at `high`
    // or behind it has. A long line that starts before `high` may end behind it.
    let (mut low, mut high) = (0, length);
    while low + STRETCH < high {
        let middle = low + (high - low) / 2;
        // From the byte before, so that a line that starts just there is not left out.
        let mut at = middle - 1;
        reader.seek(SeekFrom::Start(at)).map_err(failed)?;
        at += read_line(&mut reader, &mut line).map_err(failed)?.unwrap_or(length);
        let below = loop {
            if at >= high {
                break None;
            }
            let Some(read) = read_line(&mut reader, &mut line).map_err(failed)? else {
                break None;
            };
            at += read;
            if let Some(found) = numbered(read, &line) {
                break (found < seq).then_some(at);
            }
        };
        match below {
            Some(end) => low = end,
            None => high = middle,
        }
    }
    reader.seek(SeekFrom::Start(low)).map_err(failed)?;
    let mut at = low;
    while let Some(read) = read_line(&mut reader, &mut line).map_err(failed)? {
        if numbered(read, &line).is_some_and(|found| found >= seq) {
            break;
        }
        at += read;
    }
    Ok(at)
}

/// Reads one line and gives its length with the newline; holds at most [`MAX_LINE_BYTES`] of it.
/// `None` at the end of the file, also if a line without newline is there.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
    line.clear();
    let mut length = 0_u64;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let used = newline.map_or(chunk.len(), |at| at + 1);
        if line.len() + used <= MAX_LINE_BYTES {
            line.extend_from_slice(&chunk[..used]);
        }
        reader.consume(used);
        length += used as u64;
        if newline.is_some() {
            return Ok(Some(length));
        }
    }
}
