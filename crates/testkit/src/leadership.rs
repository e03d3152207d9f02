//! Who leads what in a cluster, and how leadership is moved: partitions, group and transaction coordinators, the controller.

use std::time::{Duration, Instant};

use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};

use crate::kafka::{ANSWER, TestKafka};
use crate::requests::{Answer, all_topics, elect_preferred, look_up, prefer, quorum_leader, topic_of};

/// Between two questions to the brokers, each over a connection of its own.
const PAUSE: Duration = Duration::from_millis(20);

/// A coordinator, named by what it looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinator<'a> {
    /// Of the consumer group with this `group.id`.
    Group(&'a str),
    /// Of the producer with this `transactional.id`.
    Transaction(&'a str),
}

impl Coordinator<'_> {
    fn id(&self) -> &str {
        let (Self::Group(id) | Self::Transaction(id)) = self;
        id
    }

    /// As a request names it (KIP-98).
    fn kind(self) -> i8 {
        match self {
            Self::Group(_) => 0,
            Self::Transaction(_) => 1,
        }
    }

    fn topic(self) -> &'static str {
        match self {
            Self::Group(_) => "__consumer_offsets",
            Self::Transaction(_) => "__transaction_state",
        }
    }

    /// Which of so many partitions of its topic it stands on: Java's hash of the id, without its sign.
    fn partition(self, count: usize) -> i32 {
        let hash = self
            .id()
            .encode_utf16()
            .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        let hash = if hash == i32::MIN { 0 } else { hash.abs() };
        hash % i32::try_from(count).expect("a count of partitions fits")
    }
}

impl TestKafka {
    /// The node that leads the partition; None while nobody does, where there is no such partition, and while no broker answers.
    pub fn leader_of(&self, topic: &str, partition: i32) -> Option<i32> {
        let partition = self.partition_of(topic, partition).ok()?;
        Some(*partition.leader_id).filter(|leader| *leader >= 0)
    }

    /// The node whose controller leads the quorum. (What clients see as controller in metadata is any broker.)
    ///
    /// # Panics
    /// When no controller leads within half a minute.
    pub fn controller(&self) -> i32 {
        await_answer("the controller", || quorum_leader(self.direct()))
    }

    /// The node that coordinates this group or these transactions.
    ///
    /// # Panics
    /// When none does within half a minute.
    pub fn coordinator_of(&self, whose: Coordinator<'_>) -> i32 {
        await_answer(&format!("the coordinator of {whose:?}"), || self.coordinated_by(whose))
    }

    /// Waits until every partition of every topic, internal ones too, has all its replicas in sync.
    ///
    /// # Panics
    /// When that is not so within `limit`; names the partitions.
    pub fn await_full_isr(&self, limit: Duration) {
        let began = Instant::now();
        loop {
            let lacking = self.lacking_replicas();
            if lacking.is_empty() {
                return;
            }
            assert!(began.elapsed() < limit, "after {limit:?} these lack replicas in sync: {lacking:?}");
            std::thread::sleep(PAUSE);
        }
    }

    /// The partitions that nobody leads or whose replicas are not all in sync, as `topic partition`.
    ///
    /// # Panics
    /// When no broker answers within half a minute.
    pub fn lacking_replicas(&self) -> Vec<String> {
        let topics = await_answer("the topics", || all_topics(self.direct()));
        let named = |topic: &MetadataResponseTopic| {
            topic.name.as_ref().map_or(String::new(), |name| name.to_string())
        };
        let lacks = |one: &&MetadataResponsePartition| {
            *one.leader_id < 0 || one.isr_nodes.len() < one.replica_nodes.len()
        };
        let of_topic = |topic: &MetadataResponseTopic| {
            let lacking = topic.partitions.iter().filter(lacks);
            lacking.map(|one| format!("{} {}", named(topic), one.partition_index)).collect::<Vec<_>>()
        };
        topics.iter().flat_map(of_topic).collect()
    }

    /// Moves the leadership of a partition to a node that holds a replica of it in sync, and waits until it leads. The replicas
    /// stay where they are: the node becomes the preferred one, and that one is elected. (One killed a moment ago is elected, too:
    /// its session of three seconds has to end before it is missed.)
    ///
    /// # Panics
    /// When the node does not lead within half a minute.
    pub fn move_leader(&self, topic: &str, partition: i32, node: i32) {
        await_answer(&format!("node {node} to lead {topic} {partition}"), || {
            let now = self.partition_of(topic, partition)?;
            if now.leader_id == node {
                return Ok(());
            }
            assert!(
                now.replica_nodes.contains(&BrokerId(node)),
                "node {node} has no replica of {topic} {partition}: {:?}",
                now.replica_nodes
            );
            if now.replica_nodes[0] != node {
                prefer(self.direct(), topic, &now, node)?;
            }
            elect_preferred(self.direct(), topic, partition)?;
            Err(format!("elected, but node {} led before", *now.leader_id))
        });
    }

    /// Moves a coordinator to a node, by the leadership of the internal topic's partition it stands on; waits until it answers
    /// from there. Everybody whose coordinator stands on that partition moves along.
    ///
    /// # Panics
    /// When the node does not coordinate within half a minute.
    pub fn move_coordinator(&self, whose: Coordinator<'_>, node: i32) {
        // The first to ask after any coordinator has the topic made.
        self.coordinator_of(whose);
        let topic = await_answer(whose.topic(), || topic_of(self.direct(), whose.topic()));
        self.move_leader(whose.topic(), whose.partition(topic.partitions.len()), node);
        await_answer(&format!("{whose:?} to be coordinated by node {node}"), || {
            let found = self.coordinated_by(whose)?;
            if found == node { Ok(()) } else { Err(format!("node {found} does so")) }
        });
    }

    fn coordinated_by(&self, whose: Coordinator<'_>) -> Answer<i32> {
        look_up(self.direct(), whose.kind(), whose.id())
    }

    fn partition_of(&self, topic: &str, partition: i32) -> Answer<MetadataResponsePartition> {
        let mut partitions = topic_of(self.direct(), topic)?.partitions.into_iter();
        let found = partitions.find(|one| one.partition_index == partition);
        found.ok_or_else(|| format!("there is no partition {partition} of {topic}"))
    }
}

/// Asks until there is an answer. In vain, it says what it heard last.
fn await_answer<T>(what: &str, mut ask: impl FnMut() -> Answer<T>) -> T {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) => assert!(began.elapsed() < ANSWER, "waited {ANSWER:?} in vain for {what}: {why}"),
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_stands_where_java_puts_it() {
        // Known from Java: "polygenelubricants".hashCode() is the least integer, whose absolute value is itself.
        for (id, count, partition) in
            [("", 8, 0), ("a", 8, 1), ("polygenelubricants", 7, 0), ("hello", 50, 22)]
        {
            assert_eq!(Coordinator::Group(id).partition(count), partition, "{id}");
        }
    }
}
