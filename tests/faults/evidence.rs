//! What shows that a fault was one, and whether a transaction was open when it acted: noted while it is injected, weighed
//! against the logs when the trail has recovered, as the lines are there then.

use std::time::{Duration, SystemTime};

use super::hall::Hall;
use super::logs::LogFile;

/// What came of a fault, by the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// It acted on a process with an open transaction.
    Open,
    /// It acted, and on no open transaction.
    Closed,
    /// Nothing shows that it acted: it counts as not injected.
    NoEffect,
}

/// A fault acted on one process, at some instant or all of these two and between.
#[derive(Clone, Debug)]
pub struct Act {
    /// The log of the process's life at that time.
    pub log: LogFile,
    /// The first instant.
    pub from: SystemTime,
    /// The last one.
    pub until: SystemTime,
}

/// Whether the fault left its trace.
pub enum Trace {
    /// That was seen while it was injected.
    Seen(bool),
    /// It is looked for after the recovery.
    Later(Box<dyn Fn(&Hall) -> bool>),
}

/// All that is known of an injected fault.
pub struct Evidence {
    /// What it acted on.
    pub acts: Vec<Act>,
    /// Whether it acted at all.
    pub trace: Trace,
    /// From the death of one of three brokers until every partition had moved on twice without it.
    pub failover: Option<Duration>,
}

impl Act {
    /// On each of these at one instant.
    #[must_use]
    pub fn at(logs: Vec<LogFile>, instant: SystemTime) -> Vec<Self> {
        Self::during(logs, instant, instant)
    }

    /// On each of these from one instant to another.
    #[must_use]
    pub fn during(logs: Vec<LogFile>, from: SystemTime, until: SystemTime) -> Vec<Self> {
        logs.into_iter().map(|log| Self { log, from, until }).collect()
    }

    fn on_open_transaction(&self) -> bool {
        self.log.read().transactions().iter().any(|transaction| transaction.meets(self.from, self.until))
    }
}

impl Evidence {
    /// Of a fault whose trace was seen, or was not.
    #[must_use]
    pub fn seen(acts: Vec<Act>, seen: bool) -> Self {
        Self { acts, trace: Trace::Seen(seen), failover: None }
    }

    /// Of a fault whose trace is looked for after the recovery.
    #[must_use]
    pub fn later(acts: Vec<Act>, trace: impl Fn(&Hall) -> bool + 'static) -> Self {
        Self { acts, trace: Trace::Later(Box::new(trace)), failover: None }
    }

    /// Of a fault that could not be injected.
    #[must_use]
    pub fn none() -> Self {
        Self::seen(Vec::new(), false)
    }

    /// When it began to act.
    #[must_use]
    pub fn began(&self) -> Option<SystemTime> {
        self.acts.iter().map(|act| act.from).min()
    }

    /// What came of it.
    #[must_use]
    pub fn weigh(&self, hall: &Hall) -> Hit {
        let acted = match &self.trace {
            Trace::Seen(seen) => *seen,
            Trace::Later(look) => look(hall),
        };
        if !acted {
            return Hit::NoEffect;
        }
        if self.acts.iter().any(Act::on_open_transaction) { Hit::Open } else { Hit::Closed }
    }
}
