//! A byte buffer of fixed size between two non-blocking descriptors.
//!
//! Its size is all the memory that one direction of a session can take: when it
//! is full nothing more is read, and whoever writes has to wait.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// What one direction holds at most.
pub(super) const CAPACITY: usize = 64 << 10;

/// What a read or a write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Bytes moved, or the descriptor was not ready after all.
    Open,
    /// The other end is closed.
    Closed,
}

/// Bytes on their way from one descriptor to another.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// A buffer that already holds `initial`, cut at [`CAPACITY`].
    pub(super) fn new(initial: &[u8]) -> Self {
        let mut bytes = vec![0; CAPACITY].into_boxed_slice();
        let end = initial.len().min(CAPACITY);
        bytes[..end].copy_from_slice(&initial[..end]);
        Self { bytes, start: 0, end }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn has_room(&self) -> bool {
        self.end - self.start < CAPACITY
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Reads once from `source` into the free part.
    pub(super) fn fill(&mut self, source: impl AsFd) -> Flow {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        match rustix::io::read(source, &mut self.bytes[self.end..]) {
            Ok(0) => Flow::Closed,
            Ok(count) => {
                self.end += count;
                Flow::Open
            }
            Err(error) => after_error(error),
        }
    }

    /// Writes once from the filled part to `sink`.
    pub(super) fn drain(&mut self, sink: impl AsFd) -> Flow {
        match rustix::io::write(sink, &self.bytes[self.start..self.end]) {
            Ok(count) => {
                self.start += count;
                Flow::Open
            }
            Err(error) => after_error(error),
        }
    }
}

fn after_error(error: Errno) -> Flow {
    match error {
        Errno::AGAIN | Errno::INTR => Flow::Open,
        _ => Flow::Closed,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn bytes_arrive_whole_and_in_order_through_a_small_window() {
        let (source_read, mut source_write) = std::io::pipe().unwrap();
        let (mut sink_read, sink_write) = std::io::pipe().unwrap();
        let mut buffer = Buffer::new(b"first ");
        source_write.write_all(b"second").unwrap();
        drop(source_write);
        assert_eq!(buffer.fill(&source_read), Flow::Open);
        assert_eq!(buffer.fill(&source_read), Flow::Closed);
        assert_eq!(buffer.drain(&sink_write), Flow::Open);
        assert!(buffer.is_empty());
        drop(sink_write);
        let mut arrived = String::new();
        sink_read.read_to_string(&mut arrived).unwrap();
        assert_eq!(arrived, "first second");
    }

    #[test]
    fn a_full_buffer_has_no_room_until_it_is_drained() {
        let (sink_read, sink_write) = std::io::pipe().unwrap();
        let mut buffer = Buffer::new(&vec![7; CAPACITY + 5]);
        assert!(!buffer.has_room());
        assert_eq!(buffer.drain(&sink_write), Flow::Open);
        assert!(buffer.is_empty(), "a pipe takes as much as the buffer holds");
        drop(sink_read);
        let mut buffer = Buffer::new(b"x");
        assert_eq!(buffer.drain(&sink_write), Flow::Closed);
    }
}
