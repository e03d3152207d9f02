//! What one transaction did, counted until its commit tells the metrics.

use std::collections::BTreeMap;

use stage::{Label, Millis, Outcome, Output, Record, Sink, TopicIndex};

/// What became of the records of one committed transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that yielded something new, by class.
    pub emitted: BTreeMap<Label, u64>,
    /// Records that made nothing new, by reason.
    pub skipped: BTreeMap<Label, u64>,
    /// Records that were rejected, by reason.
    pub rejected: BTreeMap<Label, u64>,
    /// Records written to another partition of the input.
    pub rerouted: u64,
    /// Input records and their bytes.
    pub consumed: u64,
    /// Bytes of keys and values.
    pub consumed_bytes: u64,
    /// Records written, by topic.
    pub produced: BTreeMap<TopicIndex, u64>,
    /// Broker time of each input record.
    pub received: Vec<Millis>,
    /// When each recorded thing happened.
    pub occurred: Vec<Millis>,
}

impl Tally {
    pub(crate) fn count(&mut self, record: &Record<'_>, outcome: Outcome) {
        self.consumed += 1;
        self.consumed_bytes +=
            (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        self.received.push(record.timestamp);
        match outcome {
            Outcome::Emit { class, occurred_at } => {
                *self.emitted.entry(class).or_default() += 1;
                self.occurred.push(occurred_at);
            }
            Outcome::Skip(why) => *self.skipped.entry(why).or_default() += 1,
            Outcome::Reject(reason) => *self.rejected.entry(reason).or_default() += 1,
            Outcome::Reroute(_) => self.rerouted += 1,
        }
    }
}

/// Passes outputs on and counts them.
pub(crate) struct Counted<'a, S> {
    pub(crate) sink: &'a mut S,
    pub(crate) produced: &'a mut BTreeMap<TopicIndex, u64>,
}

impl<S: Sink> Sink for Counted<'_, S> {
    fn send(&mut self, output: &Output<'_>) {
        *self.produced.entry(output.topic).or_default() += 1;
        self.sink.send(output);
    }
}

/// Is told by a worker what it does, as it does it. Called on the worker's thread: must not block.
pub trait Observer: Send + Sync {
    /// The loop came around.
    fn ticked(&self) {}

    /// The worker entered a phase.
    fn entered(&self, phase: Phase) {
        let _ = phase;
    }

    /// Input records before the last stable offset that are not processed.
    fn saw_backlog(&self, records: u64) {
        let _ = records;
    }

    /// One transaction was committed.
    fn committed(&self, tally: &Tally) {
        let _ = tally;
    }
}

/// What a worker is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is no member of its group, or has no assignment yet.
    Joining,
    /// It restores partitions; others may run already.
    Restoring,
    /// Every partition it has runs.
    Running,
}

/// An observer that nobody listens to.
#[derive(Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
