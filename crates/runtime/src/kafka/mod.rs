//! The port on Apache Kafka, by librdkafka.

mod admin;
mod assignment;
mod classify;
mod consumer;
mod log;
mod native;
mod producer;
mod publisher;
mod reach;
mod reader;
mod settings;
mod statistics;

pub use admin::KafkaAdmin;
pub use consumer::{KafkaBatch, KafkaConsumer};
pub use log::KafkaLog;
pub use native::Membership;
pub use producer::{KafkaProducer, KafkaTransaction};
pub use publisher::KafkaPublisher;
pub use reader::KafkaReader;
pub use settings::{RESERVED, Reserved, Settings};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use stage::Partition;

use crate::error::BrokerError;
use crate::port::{Broker, MemberSpec};

/// A Kafka cluster, as far as it can be reached with these settings.
#[derive(Clone, Debug)]
pub struct Kafka {
    settings: Settings,
}

impl Kafka {
    /// The cluster of these settings; nothing is asked of it yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Makes and describes topics.
    ///
    /// # Errors
    /// [`BrokerError`] when the settings are refused.
    pub fn admin(&self) -> Result<KafkaAdmin, BrokerError> {
        KafkaAdmin::open(&self.settings)
    }

    /// Publishes to one topic, outside transactions.
    ///
    /// # Errors
    /// [`BrokerError`] when the settings are refused.
    pub fn publisher(&self, topic: &str) -> Result<KafkaPublisher, BrokerError> {
        KafkaPublisher::open(&self.settings, topic)
    }
}

impl Broker for Kafka {
    type Consumer = KafkaConsumer;
    type Producer = KafkaProducer;
    type Log = KafkaLog;

    fn consumer(&self, member: &MemberSpec) -> Result<KafkaConsumer, BrokerError> {
        KafkaConsumer::join(&self.settings, member)
    }

    fn producer(
        &self,
        transactional_id: &str,
        input: &str,
        topics: &[String],
    ) -> Result<KafkaProducer, BrokerError> {
        KafkaProducer::open(&self.settings, transactional_id, input, topics)
    }

    fn log(&self) -> Result<KafkaLog, BrokerError> {
        KafkaLog::open(&self.settings)
    }
}

/// The version of librdkafka that is linked in.
#[must_use]
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

fn number(partition: Partition) -> i32 {
    i32::try_from(partition.number()).unwrap_or(i32::MAX)
}

/// Lets rust-rdkafka's own clients speak as ours do. By default each says at ERROR, ten times a second
/// for as long as it lasts, that no broker answers; whoever asked is told that anyway.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        native::log(level as i32, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for Quiet {}

/// An error of rust-rdkafka's own calls, classified.
fn unasked(attempt: &str, error: &KafkaError) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(code) => {
            let mut told = classify::other(attempt, &native::NativeError::of(code));
            told.detail = error.to_string();
            told
        }
        // Its own text shows the property's value, too, which may be a secret.
        None => match error {
            KafkaError::ClientConfig(_, problem, ..) => BrokerError::stop(attempt, problem),
            _ => BrokerError::stop(attempt, error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_is_refused_is_named_without_its_value() {
        let mut config = rdkafka::ClientConfig::new();
        let error =
            config.set("sasl.pasword", "hunter2").create_native_config().err().expect("no such property");
        let told = unasked("connecting", &error).to_string();
        assert!(told.contains("sasl.pasword") && !told.contains("hunter2"), "{told}");
    }
}
