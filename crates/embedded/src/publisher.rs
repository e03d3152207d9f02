//! Publishing outside a transaction, behind the runtime's `Publisher`.

use std::time::Duration;

use runtime::{BrokerError, Publisher};
use stage::{Header, Partition, PartitionCount};

use crate::log::EmbeddedLog;
use crate::record::{LogRecord, owned_headers};

/// Publishes keyed records to one topic; each is acknowledged at once.
#[derive(Debug)]
pub struct EmbeddedPublisher {
    log: EmbeddedLog,
    topic: String,
    partitions: PartitionCount,
    published: u64,
    /// How many records without a key came, to spread them.
    keyless: u32,
}

impl EmbeddedPublisher {
    pub(crate) fn new(log: EmbeddedLog, topic: &str) -> Result<Self, BrokerError> {
        let count = log.cluster().topic(topic)?.partitions.len() as u32;
        let partitions = PartitionCount::new(count).ok_or_else(|| {
            BrokerError::stop(format!("embedded log: topic {topic}"), "it has no partitions")
        })?;
        Ok(Self { log, topic: topic.to_owned(), partitions, published: 0, keyless: 0 })
    }

    fn spread(&mut self) -> Partition {
        let partition = Partition::new(self.keyless % self.partitions.get());
        self.keyless = self.keyless.wrapping_add(1);
        partition
    }
}

impl Publisher for EmbeddedPublisher {
    fn publish(
        &mut self,
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[Header<'_>],
    ) -> Result<(), BrokerError> {
        let partition = match key {
            Some(key) => self.partitions.partition_of(key),
            None => self.spread(),
        };
        let record = LogRecord {
            timestamp: self.log.now(),
            key: key.map(<[u8]>::to_vec),
            value: Some(value.to_vec()),
            headers: owned_headers(headers),
        };
        self.log.append(&self.topic, partition, record)?;
        self.published += 1;
        Ok(())
    }

    fn flush(&mut self, _wait: Duration) -> Result<u64, BrokerError> {
        Ok(self.published)
    }
}
