//! One way of one connection: bytes are read, held back as long as they are to be, and written, in their order. A delay is a
//! time at which bytes are due; what comes behind them is due no earlier.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::end_txn::{END_TXN, Fate};
use super::frames::{Frames, Head, Kind, Piece};
use super::shared::Shared;
use super::{EndTxnFault, Way};

const READ: usize = 256 * 1024;
/// So many bytes may be under way; then the sender is held up, as by a full window.
const UNDER_WAY: usize = 16 << 20;

pub(super) struct Pipe<'a> {
    shared: &'a Shared,
    connection: &'a Connection,
    way: Way,
    from: &'a TcpStream,
    to: &'a TcpStream,
    waiting: VecDeque<Parcel>,
    waiting_bytes: usize,
    /// Nothing more comes: the sender has hung up or broken off.
    ended: bool,
    /// The receiver is gone. Reading goes on, so that the sender hears of it from the receiver's own end.
    deaf: bool,
}

struct Parcel {
    due: Instant,
    bytes: Vec<u8>,
}

impl<'a> Pipe<'a> {
    pub(super) fn new(shared: &'a Shared, connection: &'a Connection, way: Way) -> Self {
        let (from, to) = connection.ends(way);
        Self {
            shared,
            connection,
            way,
            from,
            to,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            ended: false,
            deaf: false,
        }
    }

    /// Carries bytes until this way has ended or the connection is ended.
    pub(super) fn run(mut self) {
        let kind = if self.way == Way::ToBroker { Kind::Requests } else { Kind::Answers };
        let (mut buffer, mut frames) = (vec![0; READ], Frames::of(kind));
        while !self.connection.is_aborted() {
            self.deliver_due();
            match (self.waiting.front().map(|parcel| parcel.due), self.ended) {
                (None, true) => return self.hang_up(),
                (Some(due), ended) if ended || self.waiting_bytes >= UNDER_WAY => {
                    self.shared.wait(due, self.connection);
                }
                (due, _) => self.read(due, &mut buffer, &mut frames),
            }
        }
    }

    /// Reads once, no longer than until something is due.
    fn read(&mut self, due: Option<Instant>, buffer: &mut [u8], frames: &mut Frames) {
        let limit =
            due.map(|due| due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        // Fails only for a limit of zero.
        let _ = self.from.set_read_timeout(limit);
        match self.from.read(buffer) {
            Ok(0) => self.end(frames),
            Ok(read) => self.take_in(&buffer[..read], frames),
            Err(error) if is_passing(error.kind()) => {}
            Err(_) => self.end(frames),
        }
    }

    fn end(&mut self, frames: &mut Frames) {
        self.ended = true;
        let rest = frames.take_rest();
        self.send(&rest, Duration::ZERO);
    }

    fn take_in(&mut self, bytes: &[u8], frames: &mut Frames) {
        if self.connection.has_lost(self.way) || self.shared.swallows(self.way) {
            self.connection.lose(self.way);
            self.shared.tally.swallowed.add(bytes.len());
            return;
        }
        let connection = self.connection;
        let wanted = |head: &Head| match head.api_key {
            Some(key) => key == END_TXN,
            None => connection.fates.marked(head.correlation),
        };
        frames.feed(bytes, &wanted, &mut |piece| match piece {
            Piece::Pass(bytes) => self.send(bytes, Duration::ZERO),
            Piece::Frame(head, frame) if head.api_key.is_some() => self.request(head, frame),
            Piece::Frame(head, frame) => self.answer(head, frame),
        });
    }

    fn request(&mut self, head: Head, frame: &[u8]) {
        let (tally, fates) = (&self.shared.tally, &self.connection.fates);
        tally.end_txn_seen.add(1);
        match self.shared.armed.take() {
            None => self.send(frame, Duration::ZERO),
            Some(EndTxnFault::DelayRequest(later)) => {
                tally.end_txn_delayed.add(1);
                self.send(frame, later);
            }
            Some(EndTxnFault::DelayResponse(later)) => {
                tally.end_txn_delayed.add(1);
                fates.mark(head.correlation, &[Fate::Hold(later)]);
                self.send(frame, Duration::ZERO);
            }
            Some(EndTxnFault::Duplicate) => {
                tally.end_txn_duplicated.add(1);
                fates.mark(head.correlation, &[Fate::Pass, Fate::Swallow]);
                self.send(&[frame, frame].concat(), Duration::ZERO);
            }
            Some(EndTxnFault::DropResponse) => {
                tally.end_txn_dropped.add(1);
                fates.mark(head.correlation, &[Fate::Swallow]);
                self.send(frame, Duration::ZERO);
            }
        }
    }

    fn answer(&mut self, head: Head, frame: &[u8]) {
        match self.connection.fates.take(head.correlation) {
            Fate::Pass => self.send(frame, Duration::ZERO),
            Fate::Hold(later) => self.send(frame, later),
            Fate::Swallow => {}
        }
    }

    /// Writes at once, or when they are due.
    fn send(&mut self, bytes: &[u8], later: Duration) {
        if bytes.is_empty() {
            return;
        }
        let later = later + self.shared.delay();
        if self.waiting.is_empty() && later.is_zero() {
            return self.write(bytes);
        }
        let due = Instant::now() + later;
        let due = self.waiting.back().map_or(due, |last| due.max(last.due));
        self.waiting_bytes += bytes.len();
        self.waiting.push_back(Parcel { due, bytes: bytes.to_vec() });
    }

    fn deliver_due(&mut self) {
        while self.waiting.front().is_some_and(|first| first.due <= Instant::now()) {
            let Some(parcel) = self.waiting.pop_front() else { return };
            self.waiting_bytes -= parcel.bytes.len();
            self.write(&parcel.bytes);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let last = self.shared.last_bytes(bytes.len());
        let mut left = &bytes[..last.unwrap_or(bytes.len())];
        while !left.is_empty() && !self.deaf && !self.connection.is_aborted() {
            // Counted before: whoever has received something finds it counted.
            let counter = self.shared.tally.delivered(self.way);
            counter.add(left.len());
            let written = match self.to.write(left) {
                Ok(written) => written,
                Err(error) => {
                    self.deaf = !is_passing(error.kind());
                    0
                }
            };
            counter.take_back(left.len() - written);
            left = &left[written..];
        }
        if last.is_some() {
            self.shared.end(self.connection);
        }
    }

    /// The receiver hears that no more comes, unless such news is swallowed. Never by a reset, though the sender may have sent one:
    /// that would take from the receiver what it has not read, a delayed request of a client that gave up.
    fn hang_up(self) {
        if self.shared.swallows(self.way) {
            self.connection.forsake();
        } else {
            // Fails only where the receiver has gone already.
            let _ = self.to.shutdown(Shutdown::Write);
        }
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
