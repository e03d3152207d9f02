//! Publishes keyed records to one topic: idempotent, not transactional.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use stage::Header;

use super::{Settings, unasked};
use crate::error::BrokerError;
use crate::publish::Publisher;

#[derive(Default)]
struct Deliveries {
    acknowledged: AtomicU64,
    refused: Mutex<Option<KafkaError>>,
}

#[derive(Clone, Default)]
struct Watch(Arc<Deliveries>);

impl ClientContext for Watch {}

impl ProducerContext for Watch {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.0.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                let mut refused = self.0.refused.lock().expect("nothing panics while holding it");
                refused.get_or_insert_with(|| error.clone());
            }
        }
    }
}

/// Publishes to one topic on Kafka.
pub struct KafkaPublisher {
    producer: ThreadedProducer<Watch>,
    deliveries: Watch,
    topic: String,
}

impl KafkaPublisher {
    pub(super) fn open(settings: &Settings, topic: &str) -> Result<Self, BrokerError> {
        let attempt = format!("opening a publisher of {topic}");
        let config: ClientConfig = settings.publisher().into_iter().collect();
        let deliveries = Watch::default();
        let producer = config.create_with_context(deliveries.clone()).map_err(|e| unasked(&attempt, &e))?;
        Ok(Self { producer, deliveries, topic: topic.to_owned() })
    }

    fn check(&self) -> Result<(), BrokerError> {
        match &*self.deliveries.0.refused.lock().expect("nothing panics while holding it") {
            Some(error) => Err(unasked(&format!("publishing to {}", self.topic), error)),
            None => Ok(()),
        }
    }
}

fn owned(headers: &[Header<'_>]) -> Result<Option<OwnedHeaders>, String> {
    let mut list = OwnedHeaders::new_with_capacity(headers.len());
    for header in headers {
        let key =
            std::str::from_utf8(header.name).map_err(|e| format!("a header's name is not UTF-8: {e}"))?;
        list = list.insert(KafkaHeader { key, value: header.value });
    }
    Ok((!headers.is_empty()).then_some(list))
}

impl Publisher for KafkaPublisher {
    fn publish(
        &mut self,
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[Header<'_>],
    ) -> Result<(), BrokerError> {
        self.check()?;
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).payload(value);
        record.key = key;
        let refused = |e| BrokerError::stop(format!("publishing to {}", self.topic), e);
        record.headers = owned(headers).map_err(refused)?;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    // Room comes with the next acknowledgement; librdkafka offers nothing to wait on.
                    std::thread::sleep(Duration::from_millis(1));
                    self.check()?;
                }
                Err((error, _)) => return Err(unasked(&format!("publishing to {}", self.topic), &error)),
            }
        }
    }

    fn flush(&mut self, wait: Duration) -> Result<u64, BrokerError> {
        self.producer
            .flush(wait)
            .map_err(|e| unasked(&format!("flushing what was published to {}", self.topic), &e))?;
        self.check()?;
        Ok(self.deliveries.0.acknowledged.load(Ordering::Relaxed))
    }
}
