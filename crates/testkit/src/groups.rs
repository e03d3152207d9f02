//! What befalls the offsets of a group from outside: forgotten by Kafka, or reset by hand.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{ANSWER, TestKafka, block_on};
use crate::wait::wait_until;

/// So long an answer is of use about what passes by itself.
const PRESENTLY: Duration = Duration::from_secs(1);

impl TestKafka {
    /// Deletes a group and its offsets, as Kafka does some days after the group has emptied; waits until it has.
    ///
    /// # Panics
    /// When it has members still after half a minute.
    pub fn delete_group(&self, group: &str) {
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("an admin client can be made");
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        wait_until(ANSWER, &format!("group {group} to be empty"), || {
            let results =
                block_on(admin.delete_groups(&[group], &options)).expect("the broker answers about groups");
            match results.into_iter().next().expect("an answer for each group") {
                Ok(_) => true,
                Err((_, RDKafkaErrorCode::NonEmptyGroup)) => false,
                Err((_, code)) => panic!("group {group} cannot be deleted: {code}"),
            }
        });
    }

    /// Commits an offset for a group, as a tool that resets offsets does; waits until the group is empty.
    ///
    /// # Panics
    /// When it has members still after half a minute.
    pub fn commit_offset(&self, group: &str, topic: &str, partition: i32, offset: i64) {
        let consumer = self.consumer(&[("group.id", group), ("enable.auto.commit", "false")]);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset is an offset");
        wait_until(ANSWER, &format!("group {group} to be empty"), || {
            match consumer.commit(&list, CommitMode::Sync) {
                Ok(()) => true,
                Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownMemberId)) => false,
                Err(error) => panic!("an offset of group {group} cannot be committed: {error}"),
            }
        });
    }

    /// Whether a group waits for its members to join again; false where no coordinator answers.
    pub fn is_rebalancing(&self, group: &str) -> bool {
        let consumer = self.consumer(&[("group.id", group)]);
        let Ok(found) = consumer.fetch_group_list(Some(group), PRESENTLY) else { return false };
        found.groups().iter().any(|one| one.name() == group && one.state() == "PreparingRebalance")
    }

    /// The offset that a group has committed.
    pub fn committed_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let consumer = self.consumer(&[("group.id", group)]);
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let committed = consumer.committed_offsets(list, ANSWER).expect("the broker answers about offsets");
        match committed.find_partition(topic, partition).expect("what was asked for").offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }
}
