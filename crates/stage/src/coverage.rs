//! How far a stage has come in one partition, written with its outputs.

use crate::{Millis, Offset};

/// How far a stage has come in one partition of its input.
///
/// Written in the same transaction as the outputs, so it can never be ahead of or behind them. A
/// group's offsets are forgotten by Kafka some days after the group empties; coverage is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first input offset that is not covered.
    pub next: Offset,
    /// Broker time of the last input record read; `None` before the first.
    pub last_read: Option<Millis>,
    /// The id of the cluster the offsets speak of.
    pub cluster_id: String,
    /// The id of the input topic: a topic made anew under an old name has another.
    pub topic_id: String,
    /// How many input offsets, in all, expired before they were read; control records among them count.
    pub expired: u64,
}
