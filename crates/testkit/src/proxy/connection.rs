//! One client's connection through a proxy: its two sockets, and whether it has been ended from outside.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;

use super::Way;
use super::end_txn::Fates;

/// A writer that a full socket holds up looks this often whether its connection has been ended.
pub(super) const TICK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    broker: TcpStream,
    pub(super) fates: Fates,
    aborted: AtomicBool,
    /// Ways that have lost bytes: what comes later would be nonsense to its reader.
    lost_to_broker: AtomicBool,
    lost_to_client: AtomicBool,
    /// Somebody has hung up and the news of it was swallowed.
    forsaken: AtomicBool,
}

impl Connection {
    pub(super) fn between(client: TcpStream, broker: TcpStream) -> std::io::Result<Self> {
        for stream in [&client, &broker] {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(TICK))?;
            // As they came from the system: `reset_on_close` may have gone before.
            SockRef::from(stream).set_linger(None)?;
        }
        Ok(Self {
            client,
            broker,
            fates: Fates::default(),
            aborted: AtomicBool::new(false),
            lost_to_broker: AtomicBool::new(false),
            lost_to_client: AtomicBool::new(false),
            forsaken: AtomicBool::new(false),
        })
    }

    /// Where bytes of that way come from, and where they go.
    pub(super) fn ends(&self, way: Way) -> (&TcpStream, &TcpStream) {
        if way == Way::ToBroker { (&self.client, &self.broker) } else { (&self.broker, &self.client) }
    }

    /// Has both sides see a TCP reset as soon as the two threads of this connection have let go of it; a thread that reads is
    /// woken, one that waits must be by the caller. True for the first to do so.
    pub(super) fn abort(&self) -> bool {
        let first = !self.aborted.swap(true, Ordering::SeqCst);
        if first {
            for stream in [&self.client, &self.broker] {
                reset_on_close(stream);
                // Nothing is sent by this, unlike by closing the writing half. Fails where the peer has gone already.
                let _ = stream.shutdown(Shutdown::Read);
            }
        }
        first
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::SeqCst)
    }

    pub(super) fn has_lost(&self, way: Way) -> bool {
        self.lost(way).load(Ordering::SeqCst)
    }

    pub(super) fn lose(&self, way: Way) {
        self.lost(way).store(true, Ordering::SeqCst);
    }

    pub(super) fn forsake(&self) {
        self.forsaken.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_forsaken(&self) -> bool {
        self.forsaken.load(Ordering::SeqCst)
    }

    fn lost(&self, way: Way) -> &AtomicBool {
        if way == Way::ToBroker { &self.lost_to_broker } else { &self.lost_to_client }
    }
}

/// The last one to close the socket sends a reset and not a farewell (`SO_LINGER` of zero seconds).
pub(super) fn reset_on_close(stream: &TcpStream) {
    // Fails only where the socket is none any more.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
