//! Lines of bounded length from a stream, in bounded memory.

use std::io;

use rmcp::model::RequestId;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::skim::Skim;

/// Longest message that is read, in bytes without its end of line.
pub(super) const MAX_LINE: usize = 16 << 20;

/// What stood between two ends of line.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// All of it, without the end of line.
    Whole(Vec<u8>),
    /// More than [`MAX_LINE`]: it was passed over. The number of the request, if one was seen.
    TooLong {
        /// Whether it began like a message.
        is_message: bool,
        /// The number of the request.
        id: Option<RequestId>,
    },
}

/// A stream read line by line.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    max: usize,
    line: Vec<u8>,
    /// The line has become too long: it is only skimmed until it ends.
    skim: Option<Skim>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(input: R, max: usize) -> Self {
        Self { input: BufReader::new(input), max, line: Vec::new(), skim: None }
    }

    /// The next line; none when the stream has ended. What stands behind the last end of line was
    /// torn off and is nobody's message.
    ///
    /// Giving up the wait loses nothing: what was read of a line is kept for the next call.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let bytes = self.input.fill_buf().await?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
            if let Some(skim) = &mut self.skim {
                skim.pass(part);
            } else if self.line.len() + part.len() > self.max {
                let mut skim = Skim::default();
                skim.pass(&std::mem::take(&mut self.line));
                skim.pass(part);
                self.skim = Some(skim);
            } else {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Ok(Some(match self.skim.take() {
                    None => Line::Whole(line),
                    Some(skim) => Line::TooLong { is_message: skim.is_message(), id: skim.id() },
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8], max: usize) -> Vec<Line> {
        let mut lines = Lines::new(bytes, max);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_ends_and_a_torn_one_is_dropped() {
        let found = all(b"one\n\ntwo\r\n\0\xff\nthree", 5).await;
        let odd = Line::Whole(vec![0, 0xff]);
        assert_eq!(found, [whole("one"), whole(""), whole("two\r"), odd]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_costs_only_itself() {
        let found = all(b"12345\n{\"id\":3}\nxxxxxx\nlast\n", 5).await;
        let message = Line::TooLong { is_message: true, id: Some(RequestId::Number(3)) };
        let rubbish = Line::TooLong { is_message: false, id: None };
        assert_eq!(found, [whole("12345"), message, rubbish, whole("last")]);
    }

    #[tokio::test]
    async fn memory_stays_bounded_and_is_given_back() {
        let mut bytes = vec![b'x'; 1 << 20];
        bytes.extend_from_slice(b"\nend\n");
        let mut lines = Lines::new(bytes.as_slice(), 1_000);
        assert!(matches!(lines.next().await.unwrap(), Some(Line::TooLong { .. })));
        assert!(lines.line.capacity() <= 2_000, "{}", lines.line.capacity());
        assert_eq!(lines.next().await.unwrap(), Some(whole("end")));
        assert_eq!(lines.line.capacity(), 0);
    }
}
