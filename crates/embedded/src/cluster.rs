//! Everything the embedded log holds: topics, groups, and the counters that number things.

use std::collections::BTreeMap;

use runtime::{BrokerError, Cause, Remedy};
use stage::{Millis, Offset, Partition};

use crate::fault::Faults;
use crate::group::{Group, MemberId};
use crate::partition::{Fate, PartitionLog};
use crate::record::LogRecord;
use crate::transaction::Transactions;

/// Kafka's configuration key that says whose clock stamps a topic's records.
pub(crate) const TIMESTAMP_TYPE: &str = "message.timestamp.type";

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: String,
    pub(crate) replication: u16,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) partitions: Vec<PartitionLog>,
}

#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) topics: BTreeMap<String, Topic>,
    pub(crate) groups: BTreeMap<(String, String), Group>,
    /// Seats of groups that were declared before their first member came.
    pub(crate) seats: BTreeMap<String, u32>,
    pub(crate) transactions: Transactions,
    pub(crate) faults: Faults,
    /// How often the process has died; handles of an earlier life are dead.
    pub(crate) life: u64,
    topics_made: u64,
    members_made: u64,
}

impl Cluster {
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: u32,
        replication: u16,
        config: BTreeMap<String, String>,
    ) {
        self.topics_made += 1;
        let id = format!("topic-{}", self.topics_made);
        let partitions = (0..partitions).map(|_| PartitionLog::default()).collect();
        self.topics.insert(name.to_owned(), Topic { id, replication, config, partitions });
    }

    pub(crate) fn topic(&self, name: &str) -> Result<&Topic, BrokerError> {
        self.topics.get(name).ok_or_else(|| no_topic(name))
    }

    pub(crate) fn partition(&self, topic: &str, partition: Partition) -> Result<&PartitionLog, BrokerError> {
        let found = self.topic(topic)?.partitions.get(partition.number() as usize);
        found.ok_or_else(|| no_partition(topic, partition))
    }

    pub(crate) fn partition_mut(
        &mut self,
        topic: &str,
        partition: Partition,
    ) -> Result<&mut PartitionLog, BrokerError> {
        let topic_state = self.topics.get_mut(topic).ok_or_else(|| no_topic(topic))?;
        let found = topic_state.partitions.get_mut(partition.number() as usize);
        found.ok_or_else(|| no_partition(topic, partition))
    }

    /// Appends, stamped by the topic's rule.
    pub(crate) fn append(
        &mut self,
        topic: &str,
        partition: Partition,
        mut record: LogRecord,
        fate: Fate,
        now: Millis,
    ) -> Result<Offset, BrokerError> {
        if self.topic(topic)?.config.get(TIMESTAMP_TYPE).is_some_and(|kind| kind == "LogAppendTime") {
            record.timestamp = now;
        }
        Ok(self.partition_mut(topic, partition)?.append(record, fate))
    }

    /// The part of a group that consumes this topic.
    pub(crate) fn group(&mut self, group: &str, topic: &str) -> &mut Group {
        let seats = self.seats.get(group).copied().unwrap_or(1);
        self.groups.entry((group.to_owned(), topic.to_owned())).or_insert_with(|| {
            let mut made = Group::default();
            made.set_seats(seats);
            made
        })
    }

    pub(crate) fn next_member(&mut self) -> MemberId {
        self.members_made += 1;
        MemberId(self.members_made)
    }

    /// The process dies: its members are gone, its transactions stay open.
    pub(crate) fn die(&mut self) {
        self.life += 1;
        self.groups.values_mut().for_each(Group::leave_all);
    }
}

/// The error of a read outside of what a partition holds: Kafka's `OFFSET_OUT_OF_RANGE` where no
/// reset is allowed. A rebuild looks at the log's bounds anew.
pub(crate) fn out_of_range(topic: &str, partition: Partition, at: i64, log: &PartitionLog) -> BrokerError {
    let (start, end) = (log.extent().start, log.extent().end);
    BrokerError {
        remedy: Remedy::Rebuild,
        cause: Cause::Other,
        attempt: format!("embedded log: read {topic}/{partition} at offset {at}"),
        detail: format!("the partition holds offsets from {start} to before {end}"),
    }
}

fn no_topic(name: &str) -> BrokerError {
    let stop = BrokerError::stop(format!("embedded log: topic {name}"), "there is no such topic");
    BrokerError { cause: Cause::NoTopic, ..stop }
}

fn no_partition(topic: &str, partition: Partition) -> BrokerError {
    BrokerError::stop(format!("embedded log: {topic}/{partition}"), "the topic has no such partition")
}
