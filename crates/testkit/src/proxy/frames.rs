//! Finding single requests and answers in a stream of Kafka's frames without copying the rest: a length of four bytes, then in
//! a request API key, version and correlation id, in an answer the correlation id.

/// A frame kept whole is a small one; a longer one passes like all others.
const LARGEST_KEPT: usize = 64 * 1024;
/// No frame of Kafka is longer (`socket.request.max.bytes`, and answers near it): what claims to be is no frame.
const LARGEST: usize = 512 << 20;

/// Which of the two kinds of frames a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Requests,
    Answers,
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Of a request.
    pub(super) api_key: Option<i16>,
    pub(super) correlation: i32,
    length: usize,
}

/// A part of the stream, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Any bytes: ends and beginnings of frames among them.
    Pass(&'a [u8]),
    /// One wanted frame.
    Frame(Head, &'a [u8]),
}

/// The place in one stream. Once something is no frame (TLS, another protocol), all that follows passes.
#[derive(Debug)]
pub(super) struct Frames {
    kind: Kind,
    opaque: bool,
    /// Bytes of the frame under way that are still to pass.
    passing: usize,
    /// The beginning of a frame that is not decided yet, or is wanted and not complete.
    kept: Vec<u8>,
}

enum Look {
    TooShort,
    NoFrame,
    Pass(usize),
    Wanted(Head),
}

impl Frames {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, opaque: false, passing: 0, kept: Vec::new() }
    }

    /// Takes the next bytes of the stream and gives out pieces; what is kept comes with later bytes.
    pub(super) fn feed<'a>(
        &mut self,
        bytes: &'a [u8],
        wanted: &dyn Fn(&Head) -> bool,
        give: &mut dyn FnMut(Piece<'_>),
    ) {
        let rest = if self.kept.is_empty() { bytes } else { self.complete(bytes, wanted, give) };
        if !rest.is_empty() {
            self.walk(rest, wanted, give);
        }
    }

    /// At the end of the stream: what is kept still.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.kept)
    }

    /// Goes on with the frame whose beginning is kept; returns what lies behind it.
    fn complete<'a>(
        &mut self,
        mut bytes: &'a [u8],
        wanted: &dyn Fn(&Head) -> bool,
        give: &mut dyn FnMut(Piece<'_>),
    ) -> &'a [u8] {
        while !self.kept.is_empty() {
            let needed = match self.look(&self.kept, wanted) {
                Look::TooShort => self.head_length(),
                Look::Wanted(head) => head.length,
                Look::NoFrame | Look::Pass(_) => self.kept.len(),
            };
            let missing = needed - self.kept.len();
            if missing > bytes.len() {
                self.kept.extend_from_slice(bytes);
                return &[];
            }
            let (more, rest) = bytes.split_at(missing);
            self.kept.extend_from_slice(more);
            bytes = rest;
            let kept = std::mem::take(&mut self.kept);
            match self.look(&kept, wanted) {
                Look::TooShort => unreachable!("a head has just been completed"),
                Look::Wanted(head) if kept.len() < head.length => self.kept = kept,
                Look::Wanted(head) => give(Piece::Frame(head, &kept)),
                Look::NoFrame => {
                    self.opaque = true;
                    give(Piece::Pass(&kept));
                }
                Look::Pass(length) => {
                    self.passing = length - kept.len();
                    give(Piece::Pass(&kept));
                }
            }
        }
        bytes
    }

    /// From the midst of a passing frame or from the start of one; nothing is kept.
    fn walk(&mut self, bytes: &[u8], wanted: &dyn Fn(&Head) -> bool, give: &mut dyn FnMut(Piece<'_>)) {
        let (mut from, mut at) = (0, 0);
        loop {
            let step = if self.opaque { bytes.len() - at } else { self.passing.min(bytes.len() - at) };
            at += step;
            self.passing -= step.min(self.passing);
            if at == bytes.len() {
                break;
            }
            match self.look(&bytes[at..], wanted) {
                Look::NoFrame => self.opaque = true,
                Look::Pass(length) => self.passing = length,
                Look::TooShort => break,
                Look::Wanted(head) if bytes.len() - at < head.length => break,
                Look::Wanted(head) => {
                    pass(&bytes[from..at], give);
                    give(Piece::Frame(head, &bytes[at..at + head.length]));
                    at += head.length;
                    from = at;
                }
            }
        }
        pass(&bytes[from..at], give);
        self.kept.extend_from_slice(&bytes[at..]);
    }

    fn look(&self, bytes: &[u8], wanted: &dyn Fn(&Head) -> bool) -> Look {
        if bytes.len() < self.head_length() {
            return Look::TooShort;
        }
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let length = u32::from_be_bytes(four(0)) as usize + 4;
        if length < self.head_length() || length > LARGEST {
            return Look::NoFrame;
        }
        let head = match self.kind {
            Kind::Requests => Head {
                api_key: Some(i16::from_be_bytes([bytes[4], bytes[5]])),
                correlation: i32::from_be_bytes(four(8)),
                length,
            },
            Kind::Answers => Head { api_key: None, correlation: i32::from_be_bytes(four(4)), length },
        };
        if length <= LARGEST_KEPT && wanted(&head) { Look::Wanted(head) } else { Look::Pass(length) }
    }

    fn head_length(&self) -> usize {
        match self.kind {
            Kind::Requests => 12,
            Kind::Answers => 8,
        }
    }
}

fn pass(bytes: &[u8], give: &mut dyn FnMut(Piece<'_>)) {
    if !bytes.is_empty() {
        give(Piece::Pass(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(api_key: i16, correlation: i32, body: usize) -> Vec<u8> {
        let length = u32::try_from(8 + body).expect("short");
        let head = [&length.to_be_bytes()[..], &api_key.to_be_bytes(), &[0, 3], &correlation.to_be_bytes()];
        [&head.concat()[..], &vec![7; body]].concat()
    }

    /// Feeds the stream in parts of this size; returns all bytes in their order, and the wanted frames.
    fn fed(stream: &[u8], part: usize) -> (Vec<u8>, Vec<(i32, usize)>) {
        let (mut all, mut found) = (Vec::new(), Vec::new());
        let mut frames = Frames::of(Kind::Requests);
        for bytes in stream.chunks(part) {
            frames.feed(bytes, &|head| head.api_key == Some(26), &mut |piece| match piece {
                Piece::Pass(bytes) => all.extend_from_slice(bytes),
                Piece::Frame(head, bytes) => {
                    assert_eq!(head.length, bytes.len());
                    all.extend_from_slice(bytes);
                    found.push((head.correlation, bytes.len()));
                }
            });
        }
        all.extend(frames.take_rest());
        (all, found)
    }

    #[test]
    fn wanted_frames_are_found_however_the_stream_is_cut() {
        let stream = [
            request(26, 1, 20),
            request(0, 2, 1000),
            request(26, 3, 0),
            request(26, 4, 77),
            request(1, 5, 0),
            request(26, 6, LARGEST_KEPT),
            request(26, 7, 5),
        ]
        .concat();
        for part in [1, 2, 3, 5, 11, 12, 13, 32, 33, 100, 1000, 70_000, stream.len()] {
            let (all, found) = fed(&stream, part);
            assert!(all == stream, "parts of {part}: bytes were changed");
            assert_eq!(found, [(1, 32), (3, 12), (4, 89), (7, 17)], "parts of {part}");
        }
    }

    #[test]
    fn what_is_no_frame_passes_with_all_that_follows() {
        let greeting =
            [&request(26, 1, 4)[..], b"\x16\x03\x01\x02\x00 this is TLS", &request(26, 2, 4)].concat();
        let short = [&[0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8][..], &request(26, 2, 4)].concat();
        for part in [1, 7, 12, 1000] {
            // The first bytes of a TLS record read as a length of 369 MB: a frame without end.
            assert_eq!(fed(&greeting, part), (greeting.clone(), vec![(1, 16)]));
            assert_eq!(fed(&short, part), (short.clone(), vec![]));
        }
    }

    #[test]
    fn an_unfinished_frame_is_kept_until_the_end() {
        let stream = request(26, 1, 20);
        assert_eq!(fed(&stream[..30], 7), (stream[..30].to_vec(), vec![]));
    }
}
