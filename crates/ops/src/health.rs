//! What the probes answer. Startup is a latch; live means that every main loop comes round and gets on while there is a
//! backlog; ready means that every worker has joined and is not restoring. None of it asks a broker or a registry: an outage
//! there is no reason to restart us.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::pulse::Pulse;

/// How long a worker may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between two rounds of the main loop: the consumer's `max.poll.interval.ms`.
    pub tick: Duration,
    /// Without progress while there is a backlog.
    pub progress: Duration,
}

/// Why a probe says no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the display text says what the fields are")]
pub enum Trouble {
    /// The configuration is not parsed yet, or clients are not created.
    Starting,
    /// Not in its group.
    Joining { worker: String },
    /// State is being restored.
    Restoring { worker: String },
    /// Its main loop does not come round.
    Stuck { worker: String, ticked: Duration },
    /// Its main loop comes round, yet nothing gets done.
    Stalled { worker: String, backlog: u64, progressed: Duration },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => write!(f, "starting"),
            Self::Joining { worker } => write!(f, "{worker}: has not joined its group"),
            Self::Restoring { worker } => write!(f, "{worker}: is restoring state"),
            Self::Stuck { worker, ticked } => {
                write!(f, "{worker}: its main loop last came round {} s ago", ticked.as_secs())
            }
            Self::Stalled { worker, backlog, progressed } => {
                write!(
                    f,
                    "{worker}: {backlog} records wait and it last got on {} s ago",
                    progressed.as_secs()
                )
            }
        }
    }
}

/// The health of a process: of its start and of each of its workers.
#[derive(Debug)]
pub struct Health {
    limits: Limits,
    beginning: Instant,
    started: AtomicBool,
    workers: Mutex<Vec<Arc<Pulse>>>,
}

impl Health {
    /// A process that is starting and has no workers.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            beginning: Instant::now(),
            started: AtomicBool::new(false),
            workers: Mutex::new(Vec::new()),
        }
    }

    /// Configuration parsed, clients created. There is no way back.
    pub fn started(&self) {
        self.started.store(true, Relaxed);
    }

    /// A worker that is watched from now on, by the name under which the probes speak of it.
    pub fn worker(&self, name: impl Into<String>, now: Instant) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::new(name.into(), self.beginning, now));
        self.lock().push(Arc::clone(&pulse));
        pulse
    }

    /// What keeps it from being started: empty when it is.
    pub fn startup(&self) -> Vec<Trouble> {
        if self.started.load(Relaxed) { Vec::new() } else { vec![Trouble::Starting] }
    }

    /// What keeps it from being live: empty when it is.
    pub fn live(&self, now: Instant) -> Vec<Trouble> {
        self.lock().iter().filter_map(|worker| worker.dead(&self.limits, now)).collect()
    }

    /// What keeps it from being ready: empty when it is.
    pub fn ready(&self) -> Vec<Trouble> {
        let mut troubles = self.startup();
        troubles.extend(self.lock().iter().filter_map(|worker| worker.unready()));
        troubles
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Pulse>>> {
        // The list is only ever pushed to, so it is whole even after a panic.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pulse::{Backlog, Phase};

    const LIMITS: Limits = Limits { tick: Duration::from_secs(300), progress: Duration::from_secs(120) };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn ready_when_started_joined_and_restored() {
        let now = Instant::now();
        let health = Health::new(LIMITS);
        let worker = || "normalizer-0".to_owned();
        let pulse = health.worker(worker(), now);
        assert_eq!(health.ready(), [Trouble::Starting, Trouble::Joining { worker: worker() }]);
        health.started();
        assert_eq!(health.ready(), [Trouble::Joining { worker: worker() }]);
        pulse.entered(Phase::Restoring, now);
        assert_eq!(health.ready(), [Trouble::Restoring { worker: worker() }]);
        pulse.entered(Phase::Running, now);
        assert_eq!(health.ready(), []);
        let _second = health.worker("normalizer-1", now);
        assert_eq!(health.ready(), [Trouble::Joining { worker: "normalizer-1".to_owned() }]);
    }

    #[test]
    fn live_while_the_main_loop_ticks() {
        let start = Instant::now();
        let health = Health::new(LIMITS);
        let pulse = health.worker("normalizer-0", start);
        assert_eq!(health.live(start + seconds(299)), [], "the first tick has as long as any other");
        pulse.ticked(start + seconds(299));
        assert_eq!(health.live(start + seconds(598)), []);
        let stuck = health.live(start + seconds(600));
        assert_eq!(stuck, [Trouble::Stuck { worker: "normalizer-0".to_owned(), ticked: seconds(301) }]);
        assert_eq!(stuck[0].to_string(), "normalizer-0: its main loop last came round 301 s ago");
        pulse.ticked(start + seconds(601));
        assert_eq!(health.live(start + seconds(602)), []);
    }

    /// Each row: what the pulse is told at which second, and whether it is live at second 200.
    #[test]
    fn a_backlog_without_progress_is_a_stall() {
        type Step = (u64, fn(&Pulse, Instant));
        const RUN: Step = (0, |pulse, at| pulse.entered(Phase::Running, at));
        const BEHIND: fn(&Pulse, Instant) = |pulse, at| pulse.saw_backlog(Backlog::Records(7), at);
        const CAUGHT_UP: fn(&Pulse, Instant) = |pulse, at| pulse.saw_backlog(Backlog::Records(0), at);
        const UNKNOWN: fn(&Pulse, Instant) = |pulse, at| pulse.saw_backlog(Backlog::Unknown, at);
        const PROGRESS: fn(&Pulse, Instant) = |pulse, at| pulse.progressed(at);
        let check = |what: &str, steps: &[Step], live: bool| {
            let start = Instant::now();
            let health = Health::new(LIMITS);
            let pulse = health.worker("aggregator-0", start);
            for (second, step) in steps {
                step(&pulse, start + seconds(*second));
            }
            assert_eq!(health.live(start + seconds(200)).is_empty(), live, "{what}");
        };
        check("nothing to do", &[RUN], true);
        check("behind from the start", &[RUN, (1, BEHIND)], false);
        check("behind, but getting on", &[RUN, (1, BEHIND), (81, PROGRESS)], true);
        check("behind, last got on long ago", &[RUN, (1, BEHIND), (79, PROGRESS)], false);
        check("long idle, and now something came", &[RUN, (190, CAUGHT_UP), (195, BEHIND)], true);
        check("no broker answers", &[RUN, (1, BEHIND), (150, UNKNOWN)], true);
        check("restoring", &[(0, |pulse, at| pulse.entered(Phase::Restoring, at)), (1, BEHIND)], true);
        check("just restored", &[(1, BEHIND), (150, |pulse, at| pulse.entered(Phase::Running, at))], true);
    }

    #[test]
    fn a_clock_given_backwards_harms_nothing() {
        let start = Instant::now();
        let health = Health::new(LIMITS);
        let pulse = health.worker("normalizer-0", start);
        pulse.ticked(start + seconds(10));
        pulse.ticked(start);
        assert_eq!(health.live(start + seconds(305)), [], "the later of two ticks counts");
    }
}
