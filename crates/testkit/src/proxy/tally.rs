//! What has passed through a proxy: counted by its threads, read by tests at any time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Way;

/// What has passed since the start, for a proxy or the sum over a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections carried to the broker.
    pub connections: u64,
    /// Connections ended by [`super::Proxy::cut`], [`super::Proxy::reset`] or [`super::Proxy::reset_after`].
    pub ended: u64,
    /// Connections refused, while cut or because the broker did not listen.
    pub refused: u64,
    /// Bytes delivered to the broker.
    pub bytes_to_broker: u64,
    /// Bytes delivered to clients.
    pub bytes_to_client: u64,
    /// Bytes swallowed by [`super::Proxy::half_open`].
    pub bytes_swallowed: u64,
    /// `EndTxn` requests that clients sent and half-open ways did not swallow.
    pub end_txn_seen: u64,
    /// Of these, how many were delayed, or their answers.
    pub end_txn_delayed: u64,
    /// Of these, how many were sent to the broker twice.
    pub end_txn_duplicated: u64,
    /// Answers to these that were lost on purpose.
    pub end_txn_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connections: Counter,
    pub(super) ended: Counter,
    pub(super) refused: Counter,
    to_broker: Counter,
    to_client: Counter,
    pub(super) swallowed: Counter,
    pub(super) end_txn_seen: Counter,
    pub(super) end_txn_delayed: Counter,
    pub(super) end_txn_duplicated: Counter,
    pub(super) end_txn_dropped: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn take_back(&self, some: usize) {
        self.0.fetch_sub(some as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(super) fn delivered(&self, way: Way) -> &Counter {
        if way == Way::ToBroker { &self.to_broker } else { &self.to_client }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.get(),
            ended: self.ended.get(),
            refused: self.refused.get(),
            bytes_to_broker: self.to_broker.get(),
            bytes_to_client: self.to_client.get(),
            bytes_swallowed: self.swallowed.get(),
            end_txn_seen: self.end_txn_seen.get(),
            end_txn_delayed: self.end_txn_delayed.get(),
            end_txn_duplicated: self.end_txn_duplicated.get(),
            end_txn_dropped: self.end_txn_dropped.get(),
        }
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            ended: self.ended + other.ended,
            refused: self.refused + other.refused,
            bytes_to_broker: self.bytes_to_broker + other.bytes_to_broker,
            bytes_to_client: self.bytes_to_client + other.bytes_to_client,
            bytes_swallowed: self.bytes_swallowed + other.bytes_swallowed,
            end_txn_seen: self.end_txn_seen + other.end_txn_seen,
            end_txn_delayed: self.end_txn_delayed + other.end_txn_delayed,
            end_txn_duplicated: self.end_txn_duplicated + other.end_txn_duplicated,
            end_txn_dropped: self.end_txn_dropped + other.end_txn_dropped,
        }
    }
}
