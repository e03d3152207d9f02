//! A producer that goes on through every outage, for input that flows while the cluster is disturbed: idempotent, so that
//! what it tries again is neither doubled nor put out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::kafka::TestKafka;
use crate::raw::Raw;
use crate::wait::wait_until;
use crate::write::headers;

/// Sends records until they are delivered, however long that takes.
pub struct Sender {
    producer: ThreadedProducer<Deliveries>,
    deliveries: Deliveries,
}

#[derive(Clone, Default)]
struct Deliveries {
    delivered: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl TestKafka {
    /// A producer that goes on through every outage.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn sender(&self) -> Sender {
        let deliveries = Deliveries::default();
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("message.max.bytes", "2000000")
            // No limit: a record is given up only with the sender itself.
            .set("message.timeout.ms", "0")
            .set("reconnect.backoff.max.ms", "500")
            .set("linger.ms", "5");
        let producer = config.create_with_context(deliveries.clone()).expect("a producer can be made");
        Sender { producer, deliveries }
    }
}

impl Sender {
    /// Hands a record over; waits where too many are on their way already.
    ///
    /// # Panics
    /// When the client refuses it for another reason than a full queue.
    pub fn send(&self, record: &Raw) {
        let mut outgoing: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic);
        outgoing.partition = record.partition;
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        outgoing.timestamp = record.timestamp_ms;
        outgoing.headers = headers(record);
        while let Err((error, back)) = self.producer.send(outgoing) {
            let full = Some(RDKafkaErrorCode::QueueFull);
            assert_eq!(error.rdkafka_error_code(), full, "a record for {}: {error}", record.topic);
            std::thread::sleep(Duration::from_millis(5));
            outgoing = back;
        }
    }

    /// How many records were delivered so far.
    pub fn delivered(&self) -> u64 {
        self.deliveries.delivered.load(Ordering::Relaxed)
    }

    /// Waits until every record is delivered.
    ///
    /// # Panics
    /// When one is not within `limit`, or when one was given up.
    #[track_caller]
    pub fn finish(&self, limit: Duration) {
        wait_until(limit, "the delivery of all records", || self.producer.in_flight_count() == 0);
        let failed = self.deliveries.failed.load(Ordering::Relaxed);
        assert_eq!(failed, 0, "records were given up");
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
