//! How one input stands for several things: blocks, each with header lines, an empty line and a value, as HTTP has it; or
//! binary pieces, each after its length. Both readable in a corpus, and both read whatever the bytes are.

use stage::Header;

/// Separates blocks: ASCII's record separator, which stands in no JSON text unescaped.
const SEPARATOR: u8 = 0x1e;

/// Header lines and a value.
pub(crate) struct Block<'a> {
    /// `name: value`, or `name` alone for a header without a value.
    pub(crate) headers: Vec<Header<'a>>,
    pub(crate) value: Option<&'a [u8]>,
}

/// The blocks of an input, at most this many.
pub(crate) fn blocks(data: &[u8], most: usize) -> impl Iterator<Item = Block<'_>> {
    data.split(|byte| *byte == SEPARATOR).take(most).map(Block::read)
}

impl<'a> Block<'a> {
    pub(crate) fn read(data: &'a [u8]) -> Self {
        let mut headers = Vec::new();
        let mut rest = data;
        loop {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                // No empty line: the last line is a header, and there is no value.
                headers.extend((!rest.is_empty()).then(|| header(rest)));
                return Self { headers, value: None };
            };
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if line.is_empty() {
                return Self { headers, value: Some(after) };
            }
            headers.push(header(line));
            rest = after;
        }
    }

    /// Takes the header of this name out: what a record has beside its headers is said so.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a [u8]> {
        let at = self.headers.iter().position(|header| header.name == name.as_bytes())?;
        self.headers.remove(at).value
    }

    /// Takes out a header that says a number.
    pub(crate) fn number(&mut self, name: &str) -> Option<i64> {
        str::from_utf8(self.take(name)?).ok()?.trim().parse().ok()
    }
}

fn header(line: &[u8]) -> Header<'_> {
    match line.iter().position(|byte| *byte == b':') {
        Some(end) => {
            let value = &line[end + 1..];
            Header { name: &line[..end], value: Some(value.strip_prefix(b" ").unwrap_or(value)) }
        }
        None => Header { name: line, value: None },
    }
}

/// Pieces of an input: each a byte that chooses, two bytes of length (little endian), and so many bytes; the last may be short.
pub(crate) fn pieces(data: &[u8], most: usize) -> Vec<(u8, &[u8])> {
    let mut pieces = Vec::new();
    let mut rest = data;
    while let [choice, low, high, after @ ..] = rest
        && pieces.len() < most
    {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (piece, after) = after.split_at(length);
        pieces.push((*choice, piece));
        rest = after;
    }
    pieces
}

/// Pieces as [`pieces`] reads them.
///
/// # Panics
/// When a piece is longer than its length can say.
pub(crate) fn join(pieces: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (choice, piece) in pieces {
        let length = u16::try_from(piece.len()).expect("seeds are short");
        data.push(*choice);
        data.extend(length.to_le_bytes());
        data.extend(piece);
    }
    data
}
