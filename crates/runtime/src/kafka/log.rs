//! Reads committed records of any topic, without a group.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;
use stage::{Millis, Offset, Partition};

use super::native::{Client, Role};
use super::reach::Probe;
use super::reader::KafkaReader;
use super::{Quiet, Settings, number, unasked};
use crate::error::{BrokerError, Cause, Remedy};
use crate::port::{Extent, Log, Slice};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long the leader that is known is asked before it is asked who leads.
const AT_FIRST: Duration = Duration::from_secs(2);

/// A reader of committed records on Kafka.
pub struct KafkaLog {
    settings: Settings,
    /// Sees the last stable offset as the end.
    committed: BaseConsumer<Quiet>,
    /// Sees the high watermark as the end (KAFKA-10167).
    uncommitted: BaseConsumer<Quiet>,
    probe: Probe,
    client: Arc<Client>,
}

fn config(settings: &Settings, isolation: &str) -> ClientConfig {
    let mut config: ClientConfig = settings.reader().into_iter().collect();
    config.set("isolation.level", isolation);
    config
}

impl KafkaLog {
    pub(super) fn open(settings: &Settings) -> Result<Self, BrokerError> {
        let attempt = "opening a reader";
        let make = |isolation| {
            config(settings, isolation).create_with_context(Quiet).map_err(|e| unasked(attempt, &e))
        };
        let client =
            Client::new(Role::Producer, &settings.client()).map_err(|e| BrokerError::stop(attempt, e))?;
        Ok(Self {
            committed: make("read_committed")?,
            uncommitted: make("read_uncommitted")?,
            probe: Probe::new(&client),
            client,
            settings: settings.clone(),
        })
    }

    fn metadata(&mut self, topic: &str) -> Result<Metadata, BrokerError> {
        self.probe.reach(PATIENCE)?;
        let attempt = format!("describing topic {topic}");
        let metadata =
            self.committed.fetch_metadata(Some(topic), PATIENCE).map_err(|e| unasked(&attempt, &e))?;
        match metadata.topics().first().and_then(rdkafka::metadata::MetadataTopic::error) {
            Some(code) => Err(unasked(&attempt, &KafkaError::MetadataFetch(code.into()))),
            None => Ok(metadata),
        }
    }
}

impl Log for KafkaLog {
    type Reader = KafkaReader;

    fn cluster_id(&mut self) -> Result<String, BrokerError> {
        self.probe.reach(PATIENCE)
    }

    fn topic_id(&mut self, topic: &str) -> Result<String, BrokerError> {
        self.topic_ids(&[topic.to_owned()])
            .map(|ids| ids.into_iter().next().expect("as many ids as topics were asked for"))
    }

    fn topic_ids(&mut self, topics: &[String]) -> Result<Vec<String>, BrokerError> {
        let attempt = || match topics {
            [topic] => format!("asking for the id of topic {topic}"),
            topics => format!("asking for the ids of {} topics", topics.len()),
        };
        self.client.topic_ids(topics, PATIENCE).map_err(|e| away(&attempt(), &e))
    }

    fn partition_count(&mut self, topic: &str) -> Result<u32, BrokerError> {
        let metadata = self.metadata(topic)?;
        let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn extent(&mut self, topic: &str, partition: Partition) -> Result<Extent, BrokerError> {
        let attempt = format!("asking what {topic} partition {partition} holds");
        let held = |consumer: &BaseConsumer<Quiet>| {
            let ask = |wait| consumer.fetch_watermarks(topic, number(partition), wait);
            ask_leader(consumer, ask).map_err(|e| unasked(&attempt, &e))
        };
        let (start, stable) = held(&self.committed)?;
        let (_, end) = held(&self.uncommitted)?;
        Ok(Extent { start: Offset::new(start), stable: Offset::new(stable), end: Offset::new(end) })
    }

    fn offset_at(&mut self, topic: &str, partition: Partition, time: Millis) -> Result<Offset, BrokerError> {
        let attempt = format!("looking for a time in {topic} partition {partition}");
        let mut wanted = TopicPartitionList::new();
        wanted
            .add_partition_offset(topic, number(partition), rdkafka::Offset::Offset(time.get().max(0)))
            .map_err(|e| unasked(&attempt, &e))?;
        let ask = |wait| {
            let found = self.uncommitted.offsets_for_times(wanted.clone(), wait)?;
            found
                .elements()
                .first()
                .map_or(Ok(()), rdkafka::topic_partition_list::TopicPartitionListElem::error)?;
            Ok(found)
        };
        let found = ask_leader(&self.uncommitted, ask).map_err(|e| unasked(&attempt, &e))?;
        match found.elements().first().map(rdkafka::topic_partition_list::TopicPartitionListElem::offset) {
            Some(rdkafka::Offset::Offset(offset)) => Ok(Offset::new(offset)),
            _ => Ok(self.extent(topic, partition)?.end),
        }
    }

    fn open(&mut self, slices: Vec<Slice>) -> Result<KafkaReader, BrokerError> {
        KafkaReader::open(&self.settings, slices)
    }
}

/// Asks the leader of a partition, for so long; where it leads no more or does not answer, asks who leads what, and then once
/// more. Of itself librdkafka learns anew only of the one topic it was wrong about, and after the answer: with dozens of topics
/// each would have to fail in its turn. Of a leader that died it learns nothing, as nobody is subscribed; and of a partition that a
/// broker left out, as one does that has just started, not until what it knows is old, a quarter of an hour later.
fn ask_leader<T>(
    consumer: &BaseConsumer<Quiet>,
    ask: impl Fn(Duration) -> Result<T, KafkaError>,
) -> Result<T, KafkaError> {
    match ask(AT_FIRST) {
        Err(error) if error.rdkafka_error_code().is_some_and(may_be_elsewhere) => {
            consumer.fetch_metadata(None, PATIENCE)?;
            ask(PATIENCE)
        }
        other => other,
    }
}

const fn may_be_elsewhere(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::FencedLeaderEpoch
            | RDKafkaErrorCode::UnknownLeaderEpoch
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::BrokerTransportFailure
    )
}

fn away(attempt: &str, detail: &str) -> BrokerError {
    BrokerError {
        remedy: Remedy::Retry,
        cause: Cause::Transport,
        attempt: attempt.to_owned(),
        detail: detail.to_owned(),
    }
}
