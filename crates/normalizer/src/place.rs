//! What the rules are told beside the action itself: where it lies, the limits, why it is unreadable.

use std::time::Duration;

use catalog::{Micros, Reason};
use stage::{Offset, Partition, PartitionCount};

use crate::Delivery;

/// Where an action lies in the actions topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: Partition,
    /// The offset there.
    pub offset: Offset,
    /// Broker time.
    pub received_at: Micros,
    /// How many partitions the topic has.
    pub count: PartitionCount,
    /// What its re-route header says, if it was re-routed before.
    pub rerouted: Option<Rerouted>,
    /// Who published it, as its replay header says.
    pub delivery: Delivery,
}

/// Where a re-routed action lay before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rerouted {
    /// The partition.
    pub partition: Partition,
    /// The offset there.
    pub offset: Offset,
    /// How many partitions the topic had when it was re-routed.
    pub count: PartitionCount,
}

/// What may be configured of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Two deliveries of one action less than this apart in broker time are duplicates. Must
    /// exceed the retention of actions and of dead letters.
    pub dedup_window: Duration,
}

impl Default for Rules {
    /// 35 days.
    fn default() -> Self {
        Self { dedup_window: Duration::from_secs(35 * 24 * 3600) }
    }
}

/// Why no action could be read from a record; each message says what is wrong, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is over the limit, so its bytes were not looked into.
    Oversized(String),
    /// Its bytes are no action.
    Malformed(String),
    /// Its bytes name a schema that nobody knows.
    UnknownSchema(String),
}

impl Unreadable {
    pub(crate) fn into_parts(self) -> (Reason, String) {
        match self {
            Self::Oversized(message) => (Reason::Oversized, message),
            Self::Malformed(message) => (Reason::Malformed, message),
            Self::UnknownSchema(message) => (Reason::UnknownSchema, message),
        }
    }
}
