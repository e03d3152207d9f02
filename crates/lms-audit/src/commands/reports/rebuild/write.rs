//! Writes what a rebuild makes: marks, tombstones and rows, some of them in each transaction.

use catalog::{Micros, Topic};
use codec::Codec;
use pipeline::{rebuild_key, rebuild_name, topic_index};
use runtime::{Producer, Transaction as _};
use stage::{Millis, Output, Partition, Sink as _, TopicIndex};

use super::Report;
use super::look::{Found, Part};
use crate::stages::now;

/// A transaction is ended once its records have so many bytes.
const BYTES: usize = 8 << 20;

/// A topic that a rebuild writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// Rows.
    Report(Report),
    /// Marks.
    Ledger,
}

/// Writes to the topics of the trail.
pub(super) struct Writer<'p, P> {
    producer: &'p mut P,
    at_most: usize,
    waiting: Vec<Waiting>,
    bytes: usize,
}

struct Waiting {
    topic: TopicIndex,
    partition: Partition,
    timestamp: Millis,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

/// The marks that were written.
pub(super) type Marks = Vec<(Partition, String)>;

impl<'p, P: Producer> Writer<'p, P> {
    /// A writer of transactions of at most so many records.
    pub(super) fn new(producer: &'p mut P, at_most: usize) -> Self {
        Self { producer, at_most, waiting: Vec::new(), bytes: 0 }
    }

    /// Marks, in every partition, that `reports` of it are being rebuilt: all of them or none.
    ///
    /// # Errors
    /// When the transaction is not committed.
    pub(super) fn mark(
        &mut self,
        found: &Found,
        reports: impl Fn(&Part) -> Vec<Report>,
        codec: &Codec,
    ) -> anyhow::Result<Marks> {
        let mut encoder = codec.encoder();
        let mut marks = Marks::new();
        let at = now();
        let committed_at = Micros::from_millis(at.get()).unwrap_or(Micros::new(0));
        for part in found.parts() {
            for (category, view) in reports(part) {
                let (name, number) = (rebuild_name(category, view), part.partition.number());
                let mut value = Vec::new();
                encoder.coverage(&name, number, &part.coverage, committed_at, &mut value)?;
                let key = rebuild_key(category, view, part.partition);
                self.add(To::Ledger, part.partition, at, key.as_bytes(), Some(&value));
                marks.push((part.partition, key));
            }
        }
        self.commit()?;
        Ok(marks)
    }

    /// Removes marks under which nothing was done; those of an earlier rebuild stay.
    ///
    /// # Errors
    /// When the transaction is not committed.
    pub(super) fn unmark(&mut self, marks: &Marks, found: &Found) -> anyhow::Result<()> {
        for (partition, key) in marks.iter().filter(|mark| !found.is_unfinished(mark)) {
            self.add(To::Ledger, *partition, now(), key.as_bytes(), None);
        }
        self.commit()
    }

    /// Writes one row, or removes it.
    ///
    /// # Errors
    /// When a transaction is not committed.
    pub(super) fn put(
        &mut self,
        to: To,
        partition: Partition,
        timestamp: Millis,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> anyhow::Result<()> {
        self.add(to, partition, timestamp, key, value);
        if self.waiting.len() >= self.at_most || self.bytes >= BYTES { self.commit() } else { Ok(()) }
    }

    /// Writes what is left of a partition, and with it that its reports are rebuilt.
    ///
    /// # Errors
    /// When the transaction is not committed.
    pub(super) fn finish(&mut self, partition: Partition, reports: &[Report]) -> anyhow::Result<()> {
        for (category, view) in reports {
            let key = rebuild_key(*category, *view, partition);
            self.add(To::Ledger, partition, now(), key.as_bytes(), None);
        }
        self.commit()
    }

    fn add(&mut self, to: To, partition: Partition, timestamp: Millis, key: &[u8], value: Option<&[u8]>) {
        let topic = match to {
            To::Report((category, view)) => Topic::Report(category, view),
            To::Ledger => Topic::Ledger,
        };
        self.bytes += key.len() + value.map_or(0, <[u8]>::len);
        let (topic, key, value) = (topic_index(topic), key.to_vec(), value.map(<[u8]>::to_vec));
        self.waiting.push(Waiting { topic, partition, timestamp, key, value });
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut transaction = self.producer.begin()?;
        for Waiting { topic, partition, timestamp, key, value } in self.waiting.drain(..) {
            transaction.send(&Output {
                topic,
                partition,
                timestamp,
                key: Some(&key),
                value: value.as_deref(),
                headers: &[],
            });
        }
        self.bytes = 0;
        Ok(transaction.commit_alone()?)
    }
}
