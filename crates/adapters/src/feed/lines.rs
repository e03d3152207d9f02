//! Cuts a stream into lines, holding at most one line, and never more of it than the limit.

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, Ordering};

/// What follows in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A line without its ending.
    Line(&'a [u8]),
    /// A line of so many bytes, over the limit; its content was not kept.
    TooLong(u64),
}

/// The lines of a stream. A line ends with LF or CR LF; the last one may lack its ending. A byte order
/// mark before the first is left out.
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
    /// Bytes of the current line seen so far, ending not included.
    seen: u64,
    bytes: u64,
    given: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, line: Vec::new(), seen: 0, bytes: 0, given: true }
    }

    /// Bytes of all lines given so far, endings included.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line; none at the end. With `cancel` set, waiting and skipping end with `Interrupted`;
    /// the next call goes on within the same line.
    pub(super) fn next(&mut self, cancel: &AtomicBool) -> io::Result<Option<Found<'_>>> {
        if self.given {
            self.line.clear();
            self.seen = 0;
            self.given = false;
        }
        let ended = loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error)
                    if error.kind() == io::ErrorKind::Interrupted && !cancel.load(Ordering::Relaxed) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break false;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            // One byte over the limit tells a line that is too long; one more may be a CR.
            let room = (self.limit + 2).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.seen += part.len() as u64;
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                break true;
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
        };
        if !ended && self.seen == 0 {
            return Ok(None);
        }
        let is_first = self.bytes == 0;
        self.bytes += self.seen + u64::from(ended);
        self.given = true;
        Ok(Some(self.found(is_first)))
    }

    fn found(&self, is_first: bool) -> Found<'_> {
        if self.seen > self.line.len() as u64 {
            return Found::TooLong(self.seen);
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let line = if is_first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        if line.len() > self.limit { Found::TooLong(line.len() as u64) } else { Found::Line(line) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Read};

    use super::*;

    fn all(bytes: &[u8], capacity: usize, limit: usize) -> (Vec<String>, u64) {
        let cancel = AtomicBool::new(false);
        let mut lines = Lines::new(BufReader::with_capacity(capacity, Cursor::new(bytes.to_vec())), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next(&cancel).expect("memory can be read") {
            found.push(match line {
                Found::Line(line) => String::from_utf8(line.to_vec()).expect("the test is text"),
                Found::TooLong(length) => format!("#{length}"),
            });
        }
        let bytes = lines.bytes();
        (found, bytes)
    }

    #[test]
    fn lines_are_cut_alike_whatever_the_chunks() {
        let text = b"\xef\xbb\xbfone\r\n\ntoo long a line\r\nfour\nexact\nexact\r\n\r\nlast";
        for capacity in [1, 2, 3, 5, 7, 1000] {
            let (found, bytes) = all(text, capacity, 5);
            let expected = ["one", "", "#16", "four", "exact", "exact", "", "last"];
            assert_eq!(found, expected, "{capacity}");
            assert_eq!(bytes, text.len() as u64);
        }
        assert_eq!(all(b"", 8, 5), (Vec::new(), 0));
        assert_eq!(all(b"\n", 8, 5), (vec![String::new()], 1));
        assert_eq!(all(b"sixsix", 8, 5), (vec!["#6".into()], 6));
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let cancel = AtomicBool::new(false);
        let endless = io::repeat(b'x').take(64 * 1024 * 1024).chain(Cursor::new(b"\nnext\n".to_vec()));
        let mut lines = Lines::new(BufReader::new(endless), 1000);
        assert_eq!(lines.next(&cancel).expect("readable"), Some(Found::TooLong(64 * 1024 * 1024)));
        assert_eq!(lines.next(&cancel).expect("readable"), Some(Found::Line(b"next")));
        assert!(lines.line.capacity() < 4096, "{}", lines.line.capacity());
    }

    #[test]
    fn skipping_can_be_stopped() {
        let cancel = AtomicBool::new(true);
        let mut lines = Lines::new(BufReader::new(io::repeat(b'x')), 1000);
        let error = lines.next(&cancel).expect_err("it would never end");
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
