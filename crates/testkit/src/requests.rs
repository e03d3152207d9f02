//! What is asked of brokers about leadership, and told them. Any broker will do: they pass on what is the controller's. `brokers`
//! is `host:port`, comma-separated, plaintext; the first that answers counts.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, DescribeQuorumRequest, ElectLeadersRequest,
    FindCoordinatorRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::wire::ask;

/// An answer, or why there is none yet.
pub(crate) type Answer<T> = Result<T, String>;

const METADATA: i16 = 12;
const FIND_COORDINATOR: i16 = 4;
const DESCRIBE_QUORUM: i16 = 1;
const ALTER_REASSIGNMENTS: i16 = 0;
const ELECT_LEADERS: i16 = 2;
const TIMEOUT_MS: i32 = 5_000;

/// The node whose controller leads.
pub(crate) fn quorum_leader(brokers: &str) -> Answer<i32> {
    let quorum = TopicData::default()
        .with_topic_name(name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![quorum]);
    let answer = ask_any(brokers, DESCRIBE_QUORUM, &request)?;
    accepted(answer.error_code)?;
    let quorum = answer.topics.first().and_then(|topic| topic.partitions.first());
    let leader = quorum.map(|quorum| *quorum.leader_id).filter(|leader| *leader >= 0);
    leader.ok_or_else(|| "the quorum has no leader".to_owned())
}

/// The coordinator of this group (kind 0) or these transactions (kind 1).
pub(crate) fn look_up(brokers: &str, kind: i8, id: &str) -> Answer<i32> {
    let request = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(vec![text(id)]);
    let answer = ask_any(brokers, FIND_COORDINATOR, &request)?;
    let found = answer.coordinators.first().ok_or("the answer names none")?;
    accepted(found.error_code)?;
    Ok(*found.node_id)
}

/// One topic, once it has partitions.
pub(crate) fn topic_of(brokers: &str, topic: &str) -> Answer<MetadataResponseTopic> {
    let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let answer = ask_any(brokers, METADATA, &request)?;
    let found = answer.topics.into_iter().next().ok_or("the answer names none")?;
    accepted(found.error_code)?;
    if found.partitions.is_empty() { Err(format!("{topic} has no partitions")) } else { Ok(found) }
}

/// Every topic, internal ones too.
pub(crate) fn all_topics(brokers: &str) -> Answer<Vec<MetadataResponseTopic>> {
    ask_any(brokers, METADATA, &MetadataRequest::default().with_topics(None)).map(|answer| answer.topics)
}

/// Puts the node first among the partition's replicas.
pub(crate) fn prefer(
    brokers: &str,
    topic: &str,
    partition: &MetadataResponsePartition,
    node: i32,
) -> Answer<()> {
    let others = partition.replica_nodes.iter().copied().filter(|replica| *replica != node);
    let partition = ReassignablePartition::default()
        .with_partition_index(partition.partition_index)
        .with_replicas(Some([BrokerId(node)].into_iter().chain(others).collect()));
    let topic = ReassignableTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let request =
        AlterPartitionReassignmentsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(vec![topic]);
    let answer = ask_any(brokers, ALTER_REASSIGNMENTS, &request)?;
    accepted(answer.error_code)?;
    let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.try_for_each(|one| accepted(one.error_code))
}

/// Has the first of the partition's replicas elected. That it leads already is no error.
pub(crate) fn elect_preferred(brokers: &str, topic: &str, partition: i32) -> Answer<()> {
    let topics = TopicPartitions::default().with_topic(name(topic)).with_partitions(vec![partition]);
    let request =
        ElectLeadersRequest::default().with_topic_partitions(Some(vec![topics])).with_timeout_ms(TIMEOUT_MS);
    let answer = ask_any(brokers, ELECT_LEADERS, &request)?;
    accepted(answer.error_code)?;
    let mut results = answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
    let needless = ResponseError::ElectionNotNeeded.code();
    results.try_for_each(|one| if one.error_code == needless { Ok(()) } else { accepted(one.error_code) })
}

fn ask_any<R: Request>(brokers: &str, version: i16, request: &R) -> Answer<R::Response> {
    let mut failures = Vec::new();
    for address in brokers.split(',') {
        match ask(address, version, request) {
            Ok(answer) => return Ok(answer),
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    Err(failures.join("; "))
}

fn accepted(code: i16) -> Answer<()> {
    ResponseError::try_from_code(code).map_or(Ok(()), |error| Err(error.to_string()))
}

fn name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
