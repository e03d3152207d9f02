//! Steps and faults: every call that a worker makes of the log is a step, and a plan says at which
//! of them what goes wrong. The sets are closed, so that a test can try all of both.

use std::collections::BTreeMap;

use runtime::{BrokerError, Cause, Remedy};

/// One call of the port by a worker. Publishing, topics and the log's own methods are no steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `Broker::consumer`.
    Join,
    /// `Consumer::event`.
    Event,
    /// `Consumer::accept`.
    Accept,
    /// `Consumer::release`.
    Release,
    /// `Consumer::start`.
    Start,
    /// `Consumer::pause`.
    Pause,
    /// `Consumer::batch`.
    Poll,
    /// `Consumer::committed`.
    Committed,
    /// `Consumer::membership`.
    Membership,
    /// `Broker::producer`.
    Producer,
    /// `Producer::begin`.
    Begin,
    /// `Sink::send` of a transaction.
    Send,
    /// `Transaction::commit`.
    Commit,
    /// `Transaction::abort`, or a transaction that was dropped.
    Abort,
    /// A question to `Log`: ids, counts, extents, offsets by time.
    Look,
    /// `Log::open`.
    Open,
    /// `Reader::read`.
    Read,
}

/// Whether the call that failed did its work nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing was done.
    Without,
    /// All of it was done, and the caller does not learn it.
    With,
}

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call did nothing and is to be made again.
    Retry,
    /// The transaction is aborted; for a send, at its commit.
    Abort,
    /// The outcome is unknown to the caller.
    Rebuild(Effect),
    /// The process dies: every handle of this life fails from here on and its transactions stay
    /// open, until [`crate::EmbeddedLog::restart`] gives a handle of the next life.
    Crash(Effect),
}

impl Step {
    /// The faults that a broker can show at this step.
    #[must_use]
    pub const fn faults(self) -> &'static [Fault] {
        use Effect::{With, Without};
        use Fault::{Abort, Crash, Rebuild, Retry};
        match self {
            // A commit or abort takes the transaction by value, so that only the port itself can
            // make the call again: a `Retry` never gets out of it.
            Self::Commit => &[Abort, Rebuild(Without), Rebuild(With), Crash(Without), Crash(With)],
            Self::Abort => &[Rebuild(Without), Rebuild(With), Crash(Without), Crash(With)],
            Self::Send => &[Abort, Rebuild(Without), Crash(Without)],
            Self::Begin => &[Rebuild(Without), Crash(Without)],
            Self::Producer => &[Retry, Rebuild(Without), Crash(Without), Crash(With)],
            _ => &[Retry, Rebuild(Without), Crash(Without)],
        }
    }
}

impl Fault {
    pub(crate) const fn effect(self) -> Effect {
        match self {
            Self::Retry | Self::Abort => Effect::Without,
            Self::Rebuild(effect) | Self::Crash(effect) => effect,
        }
    }

    pub(crate) fn error(self, step: Step) -> BrokerError {
        let (remedy, cause, detail) = match self {
            Self::Retry => (Remedy::Retry, Cause::Transport, "planned fault: not done, to be repeated"),
            Self::Abort => (Remedy::Abort, Cause::Other, "planned fault: the transaction is aborted"),
            Self::Rebuild(_) => (Remedy::Rebuild, Cause::Transport, "planned fault: the outcome is unknown"),
            Self::Crash(_) => return crashed(),
        };
        BrokerError { remedy, cause, attempt: format!("embedded log: {step:?}"), detail: detail.into() }
    }
}

/// The error of every call that a dead process makes.
pub(crate) fn crashed() -> BrokerError {
    BrokerError::stop("embedded log", "the process has crashed")
}

/// At which steps what goes wrong.
#[derive(Clone, Debug, Default)]
pub struct CrashPlan(Plan);

#[derive(Clone, Debug)]
enum Plan {
    Listed(BTreeMap<usize, Fault>),
    Drawn { state: u64, one_in: u64 },
}

impl Default for Plan {
    fn default() -> Self {
        Self::Listed(BTreeMap::new())
    }
}

impl CrashPlan {
    /// These faults at the steps of these numbers, counted from 0 over all lives. A fault that its
    /// step cannot show does not occur.
    #[must_use]
    pub fn at(faults: impl IntoIterator<Item = (usize, Fault)>) -> Self {
        Self(Plan::Listed(faults.into_iter().collect()))
    }

    /// One step in `one_in` (at least 1) fails, with any of the faults it can show; the same seed
    /// gives the same faults.
    #[must_use]
    pub fn drawn(seed: u64, one_in: u64) -> Self {
        Self(Plan::Drawn { state: seed, one_in: one_in.max(1) })
    }

    fn fault(&mut self, number: usize, step: Step) -> Option<Fault> {
        let faults = step.faults();
        match &mut self.0 {
            Plan::Listed(listed) => listed.get(&number).copied().filter(|fault| faults.contains(fault)),
            Plan::Drawn { state, one_in } => {
                let drawn = draw(state);
                let place = (drawn >> 32) as usize % faults.len();
                drawn.is_multiple_of(*one_in).then(|| faults[place])
            }
        }
    }
}

/// The next number of SplitMix64 (Steele, Lea and Flood 2014): a plan needs no more than a spread.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Counts steps and applies the plan.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: CrashPlan,
    /// Kept only where a test asked for it: a trail that runs for days must not grow by it.
    trace: Option<Vec<Step>>,
    count: usize,
    fired: usize,
}

impl Faults {
    pub(crate) fn plan(&mut self, plan: CrashPlan) {
        *self = Self { plan, trace: Some(Vec::new()), count: 0, fired: 0 };
    }

    pub(crate) fn next(&mut self, step: Step) -> Option<Fault> {
        let fault = self.plan.fault(self.count, step);
        self.count += 1;
        self.fired += usize::from(fault.is_some());
        if let Some(trace) = &mut self.trace {
            trace.push(step);
        }
        fault
    }

    pub(crate) fn trace(&self) -> &[Step] {
        self.trace.as_deref().unwrap_or_default()
    }

    pub(crate) fn fired(&self) -> usize {
        self.fired
    }
}
