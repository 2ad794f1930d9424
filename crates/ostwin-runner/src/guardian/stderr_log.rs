//! The agent's standard error on disk, without secrets: its head up to a limit, then a count.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use ostwin_core::redact::{Redactor, Stream};

/// A log that keeps the first bytes and counts the rest, so that an agent
/// which floods its standard error fills neither memory nor disk.
#[derive(Debug)]
pub(super) struct StderrLog {
    file: File,
    stream: Stream,
    room: u64,
    dropped: u64,
}

impl StderrLog {
    pub(super) fn open(
        path: &Path,
        max_bytes: u64,
        redactor: &Redactor,
    ) -> ostwin_core::fs::Result<Self> {
        let file = ostwin_core::fs::open_log(path)?;
        Ok(Self { file, stream: redactor.stream(), room: max_bytes, dropped: 0 })
    }

    /// Keeps what fits, once it is known to hold no secret: a line that has not ended yet is kept
    /// with its end.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.room == 0 {
            self.dropped += bytes.len() as u64;
            return;
        }
        let clean = self.stream.push(bytes);
        self.keep(&clean);
    }

    /// What the disk refuses counts as dropped: a full disk must not stop the
    /// agent's stream.
    fn keep(&mut self, bytes: &[u8]) {
        let fitting = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
        let kept = if self.file.write_all(&bytes[..fitting]).is_ok() { fitting } else { 0 };
        self.room -= fitting as u64;
        self.dropped += (bytes.len() - kept) as u64;
    }

    /// Writes how much was dropped, if any, and returns it.
    pub(super) fn finish(mut self) -> u64 {
        let rest = self.stream.finish();
        self.keep(&rest);
        if self.dropped > 0 {
            let note = format!("\n[ostwin: {} more bytes were dropped here]\n", self.dropped);
            // Nothing is left to do if the disk refuses this too.
            let _ = self.file.write_all(note.as_bytes());
        }
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_kept_and_the_rest_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr.log");
        let mut log = StderrLog::open(&path, 10, &Redactor::default()).unwrap();
        log.append(b"12345678");
        log.append(b"abcdefgh");
        log.append(b"xyz");
        assert_eq!(log.finish(), 9);
        let written = fs_err::read_to_string(&path).unwrap();
        assert_eq!(written, "12345678ab\n[ostwin: 9 more bytes were dropped here]\n");
    }

    #[test]
    fn a_secret_that_comes_in_parts_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr.log");
        let secrets = ostwin_core::redact::Secrets::of([("A_KEY", "s3cr3t-value")]);
        let redactor = Redactor::new(&secrets, &[]).unwrap();
        let mut log = StderrLog::open(&path, 1_000, &redactor).unwrap();
        for part in ["the key is s3c", "r3t-", "value\n", "again s3cr3t-va", "lue"] {
            log.append(part.as_bytes());
        }
        assert_eq!(log.finish(), 0);
        let written = fs_err::read_to_string(&path).unwrap();
        assert_eq!(written, "the key is [redacted:A_KEY]\nagain [redacted:A_KEY]");
    }

    #[test]
    fn a_log_within_its_limit_has_no_note() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr.log");
        let mut log = StderrLog::open(&path, 3, &Redactor::default()).unwrap();
        log.append(b"abc");
        assert_eq!(log.finish(), 0);
        assert_eq!(fs_err::read(&path).unwrap(), b"abc");
    }
}
