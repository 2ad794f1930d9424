//! Redaction of text that comes in pieces, such as the standard error of an agent.

use std::borrow::Cow;

use super::redactor::Redactor;

/// How much of a line without an end is held back before a part of it is given.
const MAX_HELD: usize = 64 << 10;

/// Takes a text piece by piece and gives it back redacted, whole lines first.
///
/// A value is found wherever the pieces are cut. A match of a pattern is found within a line, and
/// in a line of more than 64 KiB within parts of that length. With nothing to look for, every
/// piece is given back at once.
#[derive(Debug)]
pub struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
    /// So much of it is known to hold no line's end at which it could be divided.
    searched: usize,
}

impl Stream {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, held: Vec::new(), searched: 0 }
    }

    /// Takes a piece; gives what can be given by now.
    pub fn push<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        if self.redactor.is_idle() {
            return Cow::Borrowed(piece);
        }
        self.held.extend_from_slice(piece);
        let ready = self.ready();
        if ready == 0 {
            return Cow::Borrowed(&[]);
        }
        self.searched = 0;
        let rest = self.held.split_off(ready);
        let given = std::mem::replace(&mut self.held, rest);
        Cow::Owned(self.redactor.bytes(&given).into_owned())
    }

    /// Gives what is left: the text has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        self.searched = 0;
        self.redactor.bytes(&held).into_owned()
    }

    /// How much of what is held can be given.
    fn ready(&mut self) -> usize {
        let held = &self.held;
        // Behind the last line's end no value goes on, unless one holds a line's end itself.
        let certain = held.len().saturating_sub(self.redactor.longest_of_lines().saturating_sub(1));
        let fresh = held.get(self.searched..certain).unwrap_or_default();
        if let Some(end) = fresh.iter().rposition(|byte| *byte == b'\n') {
            return self.redactor.divide_bytes(held, self.searched + end + 1);
        }
        self.searched = self.searched.max(certain);
        let certain = held.len().saturating_sub(self.redactor.longest());
        if certain < 2 * MAX_HELD {
            return 0;
        }
        let mut place = certain - MAX_HELD;
        // Not within a character of UTF-8.
        while place > 0 && held[place] & 0b1100_0000 == 0b1000_0000 {
            place -= 1;
        }
        self.redactor.divide_bytes(held, place)
    }
}
