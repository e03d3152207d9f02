//! What a test, an operator's tool or retention does to the log: no part of the port, no steps.

use std::collections::BTreeMap;

use runtime::BrokerError;
use stage::{Offset, Partition};

use crate::cluster::TIMESTAMP_TYPE;
use crate::compact::{Tombstones, compact};
use crate::fault::{CrashPlan, Step};
use crate::log::EmbeddedLog;
use crate::partition::Fate;
use crate::publisher::EmbeddedPublisher;
use crate::record::LogRecord;

impl EmbeddedLog {
    /// Makes a topic whose records carry their writers' time; one of this name is replaced by a new
    /// one with another id.
    pub fn create_topic(&self, topic: &str, partitions: u32) {
        self.cluster().create_topic(topic, partitions, 1, BTreeMap::new());
    }

    /// Makes a topic whose records the log's clock stamps (`LogAppendTime`), as
    /// [`EmbeddedLog::create_topic`] does.
    pub fn create_stamped_topic(&self, topic: &str, partitions: u32) {
        let config = BTreeMap::from([(TIMESTAMP_TYPE.to_owned(), "LogAppendTime".to_owned())]);
        self.cluster().create_topic(topic, partitions, 1, config);
    }

    /// Deletes a topic and all it holds.
    pub fn delete_topic(&self, topic: &str) {
        self.cluster().topics.remove(topic);
    }

    /// Appends one record outside any transaction and returns its offset.
    ///
    /// # Errors
    /// [`BrokerError`] when there is no such topic or partition.
    pub fn append(
        &self,
        topic: &str,
        partition: Partition,
        record: LogRecord,
    ) -> Result<Offset, BrokerError> {
        let now = self.now();
        let offset = self.cluster().append(topic, partition, record, Fate::Committed, now);
        self.notify();
        offset
    }

    /// Publishes to this topic outside any transaction, partitioned by key.
    ///
    /// # Errors
    /// [`BrokerError`] when there is no such topic.
    pub fn publisher(&self, topic: &str) -> Result<EmbeddedPublisher, BrokerError> {
        EmbeddedPublisher::new(self.clone(), topic)
    }

    /// Every committed record below the last stable offset.
    ///
    /// # Errors
    /// [`BrokerError`] when there is no such topic or partition.
    pub fn dump(&self, topic: &str, partition: Partition) -> Result<Vec<(Offset, LogRecord)>, BrokerError> {
        let cluster = self.cluster();
        let log = cluster.partition(topic, partition)?;
        let fetched = log.fetch(log.extent().start.number(), i64::MAX, usize::MAX);
        Ok(fetched.records.into_iter().map(|(offset, record)| (offset, (*record).clone())).collect())
    }

    /// Moves a partition's log start to this offset, as retention does.
    ///
    /// # Errors
    /// [`BrokerError`] when there is no such topic or partition.
    pub fn truncate(&self, topic: &str, partition: Partition, before: Offset) -> Result<(), BrokerError> {
        self.cluster().partition_mut(topic, partition)?.truncate(before.number());
        Ok(())
    }

    /// Compacts every partition of a topic now.
    ///
    /// # Errors
    /// [`BrokerError`] when there is no such topic.
    pub fn compact(&self, topic: &str, tombstones: Tombstones) -> Result<(), BrokerError> {
        let mut cluster = self.cluster();
        cluster.topic(topic)?;
        if let Some(state) = cluster.topics.get_mut(topic) {
            state.partitions.iter_mut().for_each(|log| compact(log, tombstones));
        }
        Ok(())
    }

    /// Declares how many members a group has, 1 unless declared: partition `p` goes to the member on
    /// seat `p % seats`. Declaring another number later is a rebalance.
    pub fn members(&self, group: &str, seats: u32) {
        let mut cluster = self.cluster();
        cluster.seats.insert(group.to_owned(), seats);
        let of_group = cluster.groups.iter_mut().filter(|((name, _), _)| name == group);
        of_group.for_each(|(_, state)| state.set_seats(seats));
        self.notify();
    }

    /// Takes all partitions from the member on this seat, as when its session times out.
    pub fn expel(&self, group: &str, seat: u32) {
        let mut cluster = self.cluster();
        let of_group = cluster.groups.iter_mut().filter(|((name, _), _)| name == group);
        of_group.for_each(|(_, state)| state.expel(seat));
        self.notify();
    }

    /// The offset that a group has committed, the next to read.
    #[must_use]
    pub fn group_offset(&self, group: &str, topic: &str, partition: Partition) -> Option<Offset> {
        self.cluster().group(group, topic).committed(partition)
    }

    /// Sets a group's offset from outside, as an operator's tool does.
    pub fn set_group_offset(&self, group: &str, topic: &str, partition: Partition, next: Offset) {
        self.cluster().group(group, topic).commit(&[(partition, next)]);
    }

    /// Forgets every offset of a group, as Kafka does some days after it emptied.
    pub fn delete_group_offsets(&self, group: &str) {
        let mut cluster = self.cluster();
        let of_group = cluster.groups.iter_mut().filter(|((name, _), _)| name == group);
        of_group.for_each(|(_, state)| state.forget_offsets());
    }

    /// Aborts every open transaction and fences its producer, as the coordinator does after
    /// `transaction.timeout.ms`.
    pub fn time_out_transactions(&self) {
        let now = self.now();
        self.cluster().time_out(now);
        self.notify();
    }

    /// Counts steps from 0 anew, and from here on lets this go wrong.
    pub fn plan(&self, plan: CrashPlan) {
        self.cluster().faults.plan(plan);
    }

    /// The steps made since [`EmbeddedLog::plan`]; none are kept before the first plan.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.cluster().faults.trace().to_vec()
    }

    /// How many planned faults have occurred.
    #[must_use]
    pub fn faults_occurred(&self) -> usize {
        self.cluster().faults.fired()
    }
}
