//! How far a group has come, asked again and again over one connection; a cluster that does not answer is no reason to panic.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::TestKafka;

/// The committed offsets of one group in one topic.
pub struct Committed {
    consumer: BaseConsumer,
    topic: String,
    partitions: i32,
}

impl TestKafka {
    /// Watches the offsets that `group` commits for the topic's first `partitions` partitions.
    ///
    /// # Panics
    /// When no client can be made.
    pub fn committed(&self, group: &str, topic: &str, partitions: i32) -> Committed {
        let consumer = self.consumer(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            // Offsets of open transactions are not waited for: what is committed now is what counts.
            ("isolation.level", "read_uncommitted"),
            ("reconnect.backoff.max.ms", "500"),
        ]);
        Committed { consumer, topic: topic.to_owned(), partitions }
    }
}

impl Committed {
    /// The next offset of each partition, 0 where none is committed; None where no broker answers within `limit`.
    pub fn offsets(&self, limit: Duration) -> Option<Vec<i64>> {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions {
            list.add_partition(&self.topic, partition);
        }
        let committed = self.consumer.committed_offsets(list, limit).ok()?;
        let offset = |partition| match committed.find_partition(&self.topic, partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => Some(0),
        };
        (0..self.partitions).map(offset).collect()
    }
}
