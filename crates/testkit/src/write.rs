//! Raw records into a topic: any key, partition, header, compression and partitioner, in a transaction or not, as clients of
//! every make send them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::kafka::TestKafka;
use crate::raw::Raw;
use crate::wait::wait_until;

const LIMIT: Duration = Duration::from_secs(60);

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Who chooses the partition of a record that names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioner {
    /// As the Java client: murmur2 of the key.
    #[default]
    Murmur2,
    /// librdkafka's default: CRC32 of the key, so most keys lie on another partition than Java's.
    Crc32,
    /// Any, whatever the key.
    Random,
}

impl Partitioner {
    fn name(self) -> &'static str {
        match self {
            Self::Murmur2 => "murmur2_random",
            Self::Crc32 => "consistent_random",
            Self::Random => "random",
        }
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its records become visible.
    Commit,
    /// Its records stay in the log, seen by read_uncommitted readers alone.
    Abort,
}

/// How records are sent; the default is what most clients do.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// How batches are compressed.
    pub compression: Compression,
    /// Who chooses the partition.
    pub partitioner: Partitioner,
    /// A transactional id and how the transaction ends; None sends without one.
    pub transaction: Option<(String, End)>,
}

/// Where a record came to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Placed {
    pub partition: i32,
    pub offset: i64,
}

impl TestKafka {
    /// Sends the records in the default way and returns where each lies, in their order.
    ///
    /// # Panics
    /// When one is not acknowledged within a minute.
    pub fn produce(&self, records: impl IntoIterator<Item = Raw>) -> Vec<Placed> {
        self.produce_as(&Sending::default(), records)
    }

    /// Sends the records as `sending` says and returns where each lies, in their order.
    ///
    /// # Panics
    /// When one is not acknowledged within a minute.
    pub fn produce_as(&self, sending: &Sending, records: impl IntoIterator<Item = Raw>) -> Vec<Placed> {
        let placements = Placements::default();
        let producer = self.producer(sending, placements.clone());
        if sending.transaction.is_some() {
            producer.init_transactions(LIMIT).expect("transactions can be initialised");
            producer.begin_transaction().expect("a transaction can begin");
        }
        let mut count = 0;
        for (at, record) in records.into_iter().enumerate() {
            placements.expect(at);
            send(&producer, &record, at);
            count = at + 1;
        }
        // Not `flush`, which looks only every 100 ms.
        wait_until(LIMIT, "the delivery of all records", || {
            producer.poll(Duration::from_millis(1));
            placements.complete()
        });
        match &sending.transaction {
            Some((_, End::Commit)) => producer.commit_transaction(LIMIT).expect("the transaction commits"),
            Some((_, End::Abort)) => producer.abort_transaction(LIMIT).expect("the transaction aborts"),
            None => {}
        }
        placements.take(count)
    }

    fn producer(&self, sending: &Sending, placements: Placements) -> BaseProducer<Placements> {
        let mut config = self.client();
        // Each record once or a panic: with no retries nothing is doubled, and an idempotent producer's first record takes
        // half a second. One request at a time: what a leader that does not know itself yet refuses is sent again however
        // few retries there are, and would come to lie behind what was sent after it.
        match &sending.transaction {
            Some((id, _)) => config.set("transactional.id", id),
            None => config.set("acks", "all").set("retries", "0").set("max.in.flight", "1"),
        };
        config
            .set("compression.type", sending.compression.name())
            .set("partitioner", sending.partitioner.name())
            .set("message.max.bytes", "2000000")
            .set("linger.ms", "1");
        config.create_with_context(placements).expect("a producer can be made")
    }
}

fn send(producer: &BaseProducer<Placements>, record: &Raw, at: usize) {
    let mut outgoing: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(&record.topic, at);
    outgoing.partition = record.partition;
    outgoing.key = record.key.as_deref();
    outgoing.payload = record.value.as_deref();
    outgoing.timestamp = record.timestamp_ms;
    outgoing.headers = headers(record);
    while let Err((error, back)) = producer.send(outgoing) {
        let full = rdkafka::types::RDKafkaErrorCode::QueueFull;
        assert_eq!(error.rdkafka_error_code(), Some(full), "record {at} for {}: {error}", record.topic);
        producer.poll(Duration::from_millis(10));
        outgoing = back;
    }
}

/// The record's headers as the client takes them; None where it has none.
pub(crate) fn headers(record: &Raw) -> Option<OwnedHeaders> {
    let empty = OwnedHeaders::new_with_capacity(record.headers.len());
    let add = |all: OwnedHeaders, (name, value): &(String, Option<Vec<u8>>)| {
        all.insert(Header { key: name, value: value.as_ref() })
    };
    (!record.headers.is_empty()).then(|| record.headers.iter().fold(empty, add))
}

/// What delivery reports say, by the record's number.
#[derive(Clone, Default)]
struct Placements(Arc<Mutex<Vec<Option<Report>>>>);

type Report = Result<Placed, String>;

impl Placements {
    fn expect(&self, at: usize) {
        self.0.lock().expect("no holder of this lock panics").resize(at + 1, None);
    }

    fn complete(&self) -> bool {
        self.0.lock().expect("no holder of this lock panics").iter().all(Option::is_some)
    }

    fn take(&self, count: usize) -> Vec<Placed> {
        let reports = std::mem::take(&mut *self.0.lock().expect("no holder of this lock panics"));
        assert_eq!(reports.len(), count);
        let report = |(at, report): (usize, Option<Report>)| match report {
            Some(Ok(placed)) => placed,
            Some(Err(why)) => panic!("record {at} was not delivered: {why}"),
            None => panic!("record {at} was never reported"),
        };
        reports.into_iter().enumerate().map(report).collect()
    }
}

impl ClientContext for Placements {}

impl ProducerContext for Placements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, at: usize) {
        let report = match result {
            Ok(message) => Ok(Placed { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => Err(error.to_string()),
        };
        self.0.lock().expect("no holder of this lock panics")[at] = Some(report);
    }
}
