//! What health checks read of a worker.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use stage::Millis;

/// What health checks read of a worker.
#[derive(Debug, Default)]
pub struct Status {
    tick: AtomicI64,
    joined: AtomicBool,
    restoring: AtomicBool,
}

impl Status {
    pub(crate) fn tick(&self, now: Millis) {
        self.tick.store(now.get(), Ordering::Relaxed);
    }

    pub(crate) fn joined(&self) {
        self.joined.store(true, Ordering::Relaxed);
    }

    pub(crate) fn left(&self) {
        self.joined.store(false, Ordering::Relaxed);
        self.restoring.store(false, Ordering::Relaxed);
    }

    pub(crate) fn restoring(&self, restoring: bool) {
        self.restoring.store(restoring, Ordering::Relaxed);
    }

    /// When the loop last came around; the epoch before it did.
    #[must_use]
    pub fn last_tick(&self) -> Millis {
        Millis::new(self.tick.load(Ordering::Relaxed))
    }

    /// Whether it has joined its group and is not restoring.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.joined.load(Ordering::Relaxed) && !self.restoring.load(Ordering::Relaxed)
    }
}
