//! The embedded log itself: its handle, the life of a process, steps, and waiting.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use runtime::{Broker, BrokerError, MemberSpec};
use stage::Millis;

use crate::cluster::Cluster;
use crate::consumer::EmbeddedConsumer;
use crate::fault::{Effect, Fault, Step, crashed};
use crate::producer::EmbeddedProducer;

/// The time that stamps `LogAppendTime` topics and control records.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What a call does that finds nothing to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It returns at once: a single thread drives everything and no real time is involved.
    AtOnce,
    /// It sleeps until something is written, as long as it was told to wait.
    Live,
}

/// A log in memory; clones are handles of the same one.
#[derive(Clone)]
pub struct EmbeddedLog {
    pub(crate) shared: Arc<Shared>,
    life: u64,
}

pub(crate) struct Shared {
    cluster: Mutex<Cluster>,
    changed: Condvar,
    clock: Clock,
    waiting: Waiting,
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("life", &self.life).finish_non_exhaustive()
    }
}

impl EmbeddedLog {
    /// An empty log.
    #[must_use]
    pub fn new(clock: Clock, waiting: Waiting) -> Self {
        let shared = Shared { cluster: Mutex::default(), changed: Condvar::new(), clock, waiting };
        Self { shared: Arc::new(shared), life: 0 }
    }

    /// Whether the process that uses this handle is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.cluster().life == self.life
    }

    /// Kills the process that uses this handle, as [`Fault::Crash`] does at a step.
    pub fn kill(&self) {
        let mut cluster = self.cluster();
        if cluster.life == self.life {
            cluster.die();
        }
        self.shared.changed.notify_all();
    }

    /// A handle for a new process on the same log.
    #[must_use]
    pub fn restart(&self) -> Self {
        let life = self.cluster().life;
        Self { shared: Arc::clone(&self.shared), life }
    }

    pub(crate) fn now(&self) -> Millis {
        (self.shared.clock)()
    }

    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.shared.cluster.lock().expect("nothing panics while it holds the lock")
    }

    /// Makes one step: refused to the dead, and subject to the plan.
    pub(crate) fn step<T>(
        &self,
        step: Step,
        act: impl FnOnce(&mut Cluster) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let mut cluster = self.cluster();
        if cluster.life != self.life {
            return Err(crashed());
        }
        let Some(fault) = cluster.faults.next(step) else { return act(&mut cluster) };
        if fault.effect() == Effect::With {
            act(&mut cluster)?;
        }
        if matches!(fault, Fault::Crash(_)) {
            cluster.die();
        }
        Err(fault.error(step))
    }

    /// Tells everybody who waits that something was written.
    pub(crate) fn notify(&self) {
        self.shared.changed.notify_all();
    }

    /// Asks until there is an answer; between two asks it sleeps, if this log is live.
    pub(crate) fn wait_for<T>(
        &self,
        wait: Duration,
        mut ask: impl FnMut(&mut Cluster) -> Result<Option<T>, BrokerError>,
    ) -> Result<Option<T>, BrokerError> {
        let mut cluster = self.cluster();
        let mut ask = |cluster: &mut Cluster| {
            if cluster.life == self.life { ask(cluster) } else { Err(crashed()) }
        };
        let until = match self.shared.waiting {
            Waiting::AtOnce => return ask(&mut cluster),
            Waiting::Live => Instant::now() + wait,
        };
        loop {
            if let Some(answer) = ask(&mut cluster)? {
                return Ok(Some(answer));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let woken = self.shared.changed.wait_timeout(cluster, left);
            (cluster, _) = woken.expect("nothing panics while it holds the lock");
        }
    }
}

impl Broker for EmbeddedLog {
    type Consumer = EmbeddedConsumer;
    type Producer = EmbeddedProducer;
    type Log = Self;

    fn consumer(&self, member: &MemberSpec) -> Result<EmbeddedConsumer, BrokerError> {
        EmbeddedConsumer::join(self.clone(), member)
    }

    fn producer(
        &self,
        transactional_id: &str,
        input: &str,
        topics: &[String],
    ) -> Result<EmbeddedProducer, BrokerError> {
        EmbeddedProducer::claim(self.clone(), transactional_id, input, topics)
    }

    fn log(&self) -> Result<Self, BrokerError> {
        Ok(self.clone())
    }
}
