//! What the threads of one proxy share: the state of its network, which tests change at any time, and its open connections.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Way;
use super::connection::Connection;
use super::end_txn::Armed;
use super::tally::Tally;

/// Ended connections are gone after a [`super::connection::TICK`] at the most, unless a machine stands still.
const ENDED: Duration = Duration::from_secs(10);

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(super) tally: Tally,
    pub(super) armed: Arc<Armed>,
}

#[derive(Default)]
struct State {
    cut: bool,
    delay: Duration,
    swallowing: Option<Way>,
    reset_after: Option<u64>,
    connections: Vec<Arc<Connection>>,
}

impl Shared {
    pub(super) fn with(armed: Arc<Armed>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), tally: Tally::default(), armed }
    }

    /// Takes a new connection in; None while cut.
    pub(super) fn open(&self, connection: Connection) -> Option<Arc<Connection>> {
        let mut state = self.lock();
        if state.cut {
            connection.abort();
            return None;
        }
        let connection = Arc::new(connection);
        state.connections.push(Arc::clone(&connection));
        self.tally.connections.add(1);
        Some(connection)
    }

    /// Lets go of it: the caller's is the last reference then, and with that its sockets close.
    pub(super) fn close(&self, connection: &Arc<Connection>) {
        self.lock().connections.retain(|open| !Arc::ptr_eq(open, connection));
        self.changed.notify_all();
    }

    pub(super) fn count(&self) -> usize {
        self.lock().connections.len()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.lock().cut
    }

    pub(super) fn cut(&self) {
        let mut state = self.lock();
        state.cut = true;
        self.end_all(state);
    }

    pub(super) fn reset(&self) {
        self.end_all(self.lock());
    }

    pub(super) fn reset_after(&self, bytes: u64) {
        self.lock().reset_after = Some(bytes);
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub(super) fn delay(&self) -> Duration {
        self.lock().delay
    }

    pub(super) fn swallow(&self, way: Way) {
        self.lock().swallowing = Some(way);
    }

    pub(super) fn swallows(&self, way: Way) -> bool {
        self.lock().swallowing.is_some_and(|swallowed| swallowed == way || swallowed == Way::Both)
    }

    pub(super) fn heal(&self) {
        let mut state = self.lock();
        let State { connections, .. } = std::mem::take(&mut *state);
        // The news that was swallowed gets through now.
        for connection in connections.iter().filter(|one| one.is_forsaken()) {
            connection.abort();
        }
        state.connections = connections;
        drop(state);
        self.changed.notify_all();
    }

    /// How many of these bytes still go through before the connection that carries them is to be reset; None if it is not.
    pub(super) fn last_bytes(&self, bytes: usize) -> Option<usize> {
        let mut state = self.lock();
        let left = state.reset_after?;
        if left > bytes as u64 {
            state.reset_after = Some(left - bytes as u64);
            return None;
        }
        state.reset_after = None;
        Some(usize::try_from(left).unwrap_or(bytes))
    }

    /// Ends one connection from outside, as a fault.
    pub(super) fn end(&self, connection: &Connection) {
        if connection.abort() {
            self.tally.ended.add(1);
        }
        // Nobody is then between having looked and beginning to wait.
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until then, or until the connection is ended.
    pub(super) fn wait(&self, until: Instant, connection: &Connection) {
        let mut state = self.lock();
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if connection.is_aborted() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the connections of this moment and waits until their threads have let go of them.
    fn end_all(&self, mut state: MutexGuard<'_, State>) {
        let ending = state.connections.clone();
        for connection in &ending {
            if connection.abort() {
                self.tally.ended.add(1);
            }
        }
        self.changed.notify_all();
        let began = Instant::now();
        while state.connections.iter().any(|open| ending.iter().any(|ended| Arc::ptr_eq(open, ended))) {
            let left = ENDED.saturating_sub(began.elapsed());
            assert!(
                !left.is_zero(),
                "after {ENDED:?} a proxy's threads still hold connections that were ended"
            );
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
