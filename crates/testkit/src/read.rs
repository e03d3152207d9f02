//! Records out of a topic, from the first to the end of the moment, owned.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::TestKafka;
use crate::wait::wait_for;

const LIMIT: Duration = Duration::from_secs(60);

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub struct Taken {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Taken {
    /// The key as text, empty where there is none.
    pub fn key_text(&self) -> String {
        String::from_utf8_lossy(self.key.as_deref().unwrap_or_default()).into_owned()
    }

    /// The value as text, empty where there is none.
    pub fn value_text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }

    /// The value as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.value.as_deref().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{}:{} is not JSON: {error}", self.partition, self.offset))
    }

    /// The last header of that name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rev().find(|(key, _)| key == name)?;
        value.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// What of transactions a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Committed records up to the last stable offset.
    Committed,
    /// All records up to the high watermark.
    Uncommitted,
}

impl TestKafka {
    /// All committed records of the topic, by partition, then offset.
    ///
    /// # Panics
    /// When the end is not reached within a minute.
    pub fn read(&self, topic: &str) -> Vec<Taken> {
        self.read_as(topic, Isolation::Committed)
    }

    /// All records of the topic that a reader of this isolation sees, by partition, then offset.
    ///
    /// # Panics
    /// When the end is not reached within a minute.
    pub fn read_as(&self, topic: &str, isolation: Isolation) -> Vec<Taken> {
        let consumer = self.reader(isolation);
        let metadata = consumer.fetch_metadata(Some(topic), LIMIT).expect("the broker answers");
        let topics = metadata.topics();
        let mut partitions: Vec<i32> =
            topics.iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id()).collect();
        assert!(!partitions.is_empty(), "there is no topic {topic}");
        partitions.sort_unstable();
        take_to_end(&consumer, topic, &partitions)
    }

    /// All committed records of one partition.
    ///
    /// # Panics
    /// When the end is not reached within a minute.
    pub fn read_partition(&self, topic: &str, partition: i32) -> Vec<Taken> {
        take_to_end(&self.reader(Isolation::Committed), topic, &[partition])
    }

    /// The first offset still there, and the one after the last record, control records counted.
    pub fn offsets(&self, topic: &str, partition: i32) -> (i64, i64) {
        offsets(&self.reader(Isolation::Uncommitted), topic, partition)
    }

    /// The offset of the partition's last committed record, None where there is none. Reads only its end.
    ///
    /// # Panics
    /// When the end is not reached within a minute.
    pub fn last_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        let reader = self.reader(Isolation::Committed);
        let (start, end) = offsets(&reader, topic, partition);
        // Control records and aborted ones may lie behind it, and in a fresh log there is nothing else.
        for back in [10, 1000, i64::MAX] {
            let from = end.saturating_sub(back).max(start);
            let last =
                take_from(&reader, topic, &[(partition, Offset::Offset(from))]).last().map(|one| one.offset);
            if last.is_some() || from == start {
                return last;
            }
        }
        None
    }

    /// Watches the ends of the topic's first `partitions` partitions, with one connection, so that it can be asked often.
    pub fn watch(&self, topic: &str, partitions: i32) -> Watch {
        Watch { reader: self.reader(Isolation::Uncommitted), topic: topic.to_owned(), partitions }
    }

    fn reader(&self, isolation: Isolation) -> BaseConsumer {
        let level = match isolation {
            Isolation::Committed => "read_committed",
            Isolation::Uncommitted => "read_uncommitted",
        };
        self.consumer(&[
            ("group.id", "testkit-reader"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "error"),
            ("check.crcs", "true"),
            // The end is told by an empty answer, which the broker holds back for this long.
            ("fetch.wait.max.ms", "10"),
            ("isolation.level", level),
        ])
    }
}

/// See [`TestKafka::watch`].
pub struct Watch {
    reader: BaseConsumer,
    topic: String,
    partitions: i32,
}

impl Watch {
    /// How many records were ever written, uncommitted ones and control records counted.
    pub fn written(&self) -> i64 {
        (0..self.partitions).map(|partition| offsets(&self.reader, &self.topic, partition).1).sum()
    }
}

fn offsets(reader: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    // Just after a topic was made, its leader is known before the leader itself knows.
    wait_for(LIMIT, &format!("the offsets of {topic} {partition}"), || {
        match reader.fetch_watermarks(topic, partition, LIMIT) {
            Ok(offsets) => Some(offsets),
            Err(error) if error.rdkafka_error_code().is_some_and(is_passing) => None,
            Err(error) => panic!("the offsets of {topic} {partition}: {error}"),
        }
    })
}

fn take_to_end(consumer: &BaseConsumer, topic: &str, partitions: &[i32]) -> Vec<Taken> {
    let places: Vec<_> = partitions.iter().map(|partition| (*partition, Offset::Beginning)).collect();
    take_from(consumer, topic, &places)
}

fn take_from(consumer: &BaseConsumer, topic: &str, places: &[(i32, Offset)]) -> Vec<Taken> {
    let mut list = TopicPartitionList::new();
    for (partition, from) in places {
        list.add_partition_offset(topic, *partition, *from).expect("each is a place");
    }
    consumer.assign(&list).expect("partitions can be assigned");
    let mut open: Vec<_> = places.iter().map(|(partition, _)| *partition).collect();
    let mut taken = Vec::new();
    let began = Instant::now();
    while !open.is_empty() {
        assert!(began.elapsed() < LIMIT, "the end of {topic} {open:?} was not reached within {LIMIT:?}");
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => taken.push(own(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|left| *left != partition),
            // librdkafka tells of connections that it makes anew by itself; a lasting fault runs into the limit.
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_transport) => {}
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            None => {}
        }
    }
    taken.sort_by_key(|record| (record.partition, record.offset));
    taken
}

fn is_transport(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve
    )
}

fn is_passing(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    is_transport(code)
        || matches!(
            code,
            Code::NotLeaderForPartition | Code::LeaderNotAvailable | Code::UnknownTopicOrPartition
        )
}

fn own(message: &BorrowedMessage<'_>) -> Taken {
    let headers = message.headers().map(|headers| {
        let owned = |header: rdkafka::message::Header<'_, &[u8]>| {
            (header.key.to_owned(), header.value.map(<[u8]>::to_vec))
        };
        headers.iter().map(owned).collect()
    });
    Taken {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}
