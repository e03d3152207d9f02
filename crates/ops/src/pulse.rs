//! The signs of life of one worker, written by its main loop and read by the probes. Everything is an atomic, so neither side
//! ever waits for the other; times are milliseconds since the health's beginning and are given by the caller.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::health::{Limits, Trouble};

/// What a worker is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It has not joined its group yet, or has left it.
    Joining,
    /// It has joined and is restoring the state of partitions; some may run already.
    Restoring,
    /// It has joined and everything it owns is running.
    Running,
}

/// What lies before a worker in its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// So many records; none is being caught up.
    Records(u64),
    /// Not known, as while no broker answers: then nobody can say that a worker should get on.
    Unknown,
}

/// One worker's signs of life. See [`crate::Health::worker`].
#[derive(Debug)]
pub struct Pulse {
    name: String,
    beginning: Instant,
    phase: AtomicU8,
    last_tick: AtomicU64,
    // The last time when it got on or had nothing to do.
    last_progress: AtomicU64,
    backlog: AtomicU64,
}

impl Pulse {
    pub(crate) fn new(name: String, beginning: Instant, now: Instant) -> Self {
        let since = millis(beginning, now);
        Self {
            name,
            beginning,
            phase: AtomicU8::new(Phase::Joining as u8),
            last_tick: AtomicU64::new(since),
            last_progress: AtomicU64::new(since),
            backlog: AtomicU64::new(0),
        }
    }

    /// The main loop has come round.
    pub fn ticked(&self, now: Instant) {
        self.last_tick.fetch_max(millis(self.beginning, now), Relaxed);
    }

    /// Records were committed, or restored.
    pub fn progressed(&self, now: Instant) {
        self.last_progress.fetch_max(millis(self.beginning, now), Relaxed);
    }

    /// What lies before it now. To have nothing to do counts as progress.
    pub fn saw_backlog(&self, backlog: Backlog, now: Instant) {
        let records = match backlog {
            Backlog::Records(records) => records,
            Backlog::Unknown => 0,
        };
        self.backlog.store(records, Relaxed);
        if records == 0 {
            self.progressed(now);
        }
    }

    /// It has entered a phase; what it has to do there it has from now on to do.
    pub fn entered(&self, phase: Phase, now: Instant) {
        self.progressed(now);
        self.phase.store(phase as u8, Relaxed);
    }

    pub(crate) fn unready(&self) -> Option<Trouble> {
        match self.phase() {
            Phase::Joining => Some(Trouble::Joining { worker: self.name.clone() }),
            Phase::Restoring => Some(Trouble::Restoring { worker: self.name.clone() }),
            Phase::Running => None,
        }
    }

    pub(crate) fn dead(&self, limits: &Limits, now: Instant) -> Option<Trouble> {
        let ticked = self.age(&self.last_tick, now);
        if ticked > limits.tick {
            return Some(Trouble::Stuck { worker: self.name.clone(), ticked });
        }
        // Restoring has its own pace, and a worker that waits for its group owns nothing to get on with.
        let backlog = self.backlog.load(Relaxed);
        let progressed = self.age(&self.last_progress, now);
        let stalled = self.phase() == Phase::Running && backlog > 0 && progressed > limits.progress;
        stalled.then(|| Trouble::Stalled { worker: self.name.clone(), backlog, progressed })
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Joining,
            1 => Phase::Restoring,
            _ => Phase::Running,
        }
    }

    fn age(&self, time: &AtomicU64, now: Instant) -> Duration {
        Duration::from_millis(millis(self.beginning, now).saturating_sub(time.load(Relaxed)))
    }
}

fn millis(beginning: Instant, now: Instant) -> u64 {
    let since = now.saturating_duration_since(beginning).as_millis();
    u64::try_from(since).expect("no process runs for 500 million years")
}
