//! Which broker and which registry stand behind the ports: the one place that names them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use catalog::Topic;
use codec::{Codec, Credentials, RegistryClient, RegistryConfig, schemas};
use embedded::{EmbeddedLog, EmbeddedPublisher, Waiting};
use runtime::kafka::{Kafka, KafkaAdmin, KafkaLog, KafkaPublisher};
use runtime::{Broker as _, BrokerError, Cause};
use serde_json::json;
use stage::Millis;

use crate::commands::{dead_letters, demo, generate, publish, reconcile, report, reports, tail, trail};
use crate::config::{Config, secret};
use crate::output::{Printer, Row};
use crate::reading;
use crate::shell::Shell;
use crate::topics;
use crate::verdict::{Misuse, Verdict};

/// What the runtime's producers let pass unless told otherwise, in bytes.
const PRODUCERS_OWN_LIMIT: u64 = 8 << 20;

/// The Kafka cluster of the configuration; nothing is asked of it yet.
///
/// # Errors
/// [`Misuse`] when a value cannot be, a property may not be set or a secret cannot be read.
pub fn kafka(config: &Config) -> Result<Kafka, Misuse> {
    // Again, as flags of a command may stand for a key.
    config.check()?;
    let settings = runtime::kafka::Settings::new(&config.kafka.bootstrap_servers, properties(config)?);
    Ok(Kafka::new(settings.map_err(Misuse)?))
}

/// What librdkafka is told: the operator's choice, and to let records of the configured size pass.
fn properties(config: &Config) -> Result<BTreeMap<String, String>, Misuse> {
    let mut properties = config.kafka.properties()?;
    let needed = topics::max_message_bytes(config);
    if needed > PRODUCERS_OWN_LIMIT {
        properties.entry("message.max.bytes".into()).or_insert_with(|| needed.to_string());
    }
    Ok(properties)
}

/// Whether an error only says that no broker answers now.
#[must_use]
pub fn is_away(error: &BrokerError) -> bool {
    error.cause == Cause::Transport
}

/// Whether an error says that a topic is missing.
#[must_use]
pub fn is_missing_topic(error: &BrokerError) -> bool {
    error.cause == Cause::NoTopic
}

/// Makes and describes topics.
///
/// # Errors
/// When the configuration is refused.
pub fn admin(config: &Config) -> anyhow::Result<KafkaAdmin> {
    Ok(kafka(config)?.admin()?)
}

/// Reads committed records.
///
/// # Errors
/// When the configuration is refused.
pub fn log(config: &Config) -> anyhow::Result<KafkaLog> {
    Ok(kafka(config)?.log()?)
}

/// Publishes actions.
///
/// # Errors
/// When the configuration is refused.
pub fn publisher(config: &Config) -> anyhow::Result<KafkaPublisher> {
    Ok(kafka(config)?.publisher(&Topic::Actions.name())?)
}

/// The client of the schema registry, if one is configured.
///
/// # Errors
/// [`Misuse`] when the password cannot be read.
pub fn registry(config: &Config) -> Result<Option<RegistryClient>, Misuse> {
    let part = &config.schema_registry;
    let Some(url) = &part.url else { return Ok(None) };
    let password = secret("schema_registry.password_file", part.password_file.as_deref())?;
    let credentials =
        part.username.clone().map(|user| Credentials { user, password: password.unwrap_or_default() });
    Ok(Some(RegistryClient::new(&RegistryConfig { credentials, ..RegistryConfig::new(url) })))
}

/// How records are read and written.
///
/// # Errors
/// [`Misuse`] when the registry's password cannot be read.
pub fn codec(config: &Config) -> Result<Codec, Misuse> {
    Ok(registry(config)?.map_or_else(Codec::single_object, Codec::with_registry))
}

/// Runs `generate`.
///
/// # Errors
/// What the command could not do.
pub fn generate(command: &generate::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    if command.publish {
        // Which keys lead elsewhere depends on the topic as it is, not as it is planned.
        let partitions = reading::count(&mut log(shell.config())?, &Topic::Actions.name())?;
        let mut publisher = publisher(shell.config())?;
        generate::publish(command, shell, partitions, &mut publisher)
    } else {
        generate::write(command, shell)
    }
}

/// Runs `publish`.
///
/// # Errors
/// What the command could not do.
pub fn publish(command: &publish::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let mut publisher = publisher(shell.config())?;
    publish::run(command, shell, &mut publisher)
}

/// Runs `trail`.
///
/// # Errors
/// What the command could not do.
pub fn trail(command: &trail::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let (mut log, decoder) = (log(shell.config())?, codec(shell.config())?.decoder());
    trail::run(command, shell, &mut log, &decoder)
}

/// Runs `report`.
///
/// # Errors
/// What the command could not do.
pub fn report(command: &report::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let (mut log, decoder) = (log(shell.config())?, codec(shell.config())?.decoder());
    report::run(command, shell, &mut log, &decoder)
}

/// Runs `tail`.
///
/// # Errors
/// What the command could not do.
pub fn tail(command: &tail::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let (mut log, decoder) = (log(shell.config())?, codec(shell.config())?.decoder());
    tail::run(command, shell, &mut log, &decoder)
}

/// Runs `dead-letters`.
///
/// # Errors
/// What the command could not do.
pub fn dead_letters(command: &dead_letters::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let (kafka, decoder) = (kafka(shell.config())?, codec(shell.config())?.decoder());
    dead_letters::run(command, shell, &kafka, &decoder)
}

/// Runs `reports`.
///
/// # Errors
/// What the command could not do.
pub fn reports(command: &reports::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let (kafka, codec) = (kafka(shell.config())?, codec(shell.config())?);
    let mut admin = kafka.admin()?;
    reports::run(command, shell, &kafka, &mut admin, &codec)
}

/// Runs `reconcile`.
///
/// # Errors
/// What the command could not do.
pub fn reconcile(command: &reconcile::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let mut config = shell.config().clone();
    // It reads five topics side by side, as fast as the slowest of them: more than this would only wait.
    for (key, value) in [
        ("queued.max.messages.kbytes", "2048"),
        ("queued.min.messages", "10000"),
        ("fetch.message.max.bytes", "262144"),
    ] {
        config.kafka.properties.entry(key.into()).or_insert_with(|| value.into());
    }
    let (mut log, decoder) = (log(&config)?, codec(&config)?.decoder());
    reconcile::run(command, shell, &mut log, &decoder)
}

/// Registers the schema of every topic that has one.
///
/// # Errors
/// When no registry is configured, or it does not answer or refuses.
pub fn register(shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let registry = registry(shell.config())?.ok_or_else(|| {
        Misuse("there is no schema registry: set schema_registry.url (LMSAUDIT_SCHEMA_REGISTRY_URL)".into())
    })?;
    let mut printer = Printer::new(&mut shell.out, shell.format, &["subject", "id", "schema", "version"])?;
    for topic in Topic::all() {
        let Some(file) = schemas::of(topic) else { continue };
        let subject = schemas::subject(topic);
        registry
            .set_compatibility(&subject, schemas::compatibility(topic))
            .context("setting compatibility")?;
        let id = registry.register(&subject, file.text).with_context(|| format!("registering {subject}"))?;
        let json = json!({"subject": subject, "id": id, "schema": file.name, "version": file.version});
        let cells = vec![subject, id.to_string(), file.name.into(), file.version.to_string()];
        printer.row(&Row { cells, json })?;
    }
    printer.finish()?;
    Ok(Verdict::Fine)
}

/// Runs `demo`, on Kafka or in this process alone.
///
/// # Errors
/// What the command could not do.
pub fn demo(command: &demo::Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let config = demo::config(shell);
    let codec = codec(&config)?;
    if command.embedded {
        let clock = std::sync::Arc::new(|| Millis::new(crate::when::now().millis()));
        let log = EmbeddedLog::new(clock, Waiting::Live);
        let mut workers = demo::Workers::new(log.clone(), config.clone(), codec.clone());
        demo::run(command, &config, shell, &log, &codec, &mut workers)
    } else {
        let kafka = kafka(&config)?;
        let mut workers = demo::Workers::new(kafka.clone(), config.clone(), codec.clone());
        demo::run(command, &config, shell, &kafka, &codec, &mut workers)
    }
}

impl demo::Cluster for Kafka {
    type Log = KafkaLog;
    type Admin = KafkaAdmin;
    type Publisher = KafkaPublisher;

    fn log(&self) -> Result<KafkaLog, BrokerError> {
        runtime::Broker::log(self)
    }

    fn admin(&self) -> Result<KafkaAdmin, BrokerError> {
        self.admin()
    }

    fn publisher(&self, topic: &str) -> Result<KafkaPublisher, BrokerError> {
        self.publisher(topic)
    }
}

impl demo::Cluster for EmbeddedLog {
    type Log = Self;
    type Admin = Self;
    type Publisher = EmbeddedPublisher;

    fn log(&self) -> Result<Self, BrokerError> {
        Ok(self.clone())
    }

    fn admin(&self) -> Result<Self, BrokerError> {
        Ok(self.clone())
    }

    fn publisher(&self, topic: &str) -> Result<EmbeddedPublisher, BrokerError> {
        self.publisher(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_let_pass_what_topics_allow() {
        let mut config = Config::default();
        let limit = |config: &Config| properties(config).expect("no secret").remove("message.max.bytes");
        assert_eq!(limit(&config), None);
        config.normalizer.max_value_bytes = 16 << 20;
        assert_eq!(limit(&config), Some(topics::max_message_bytes(&config).to_string()));
        config.kafka.properties.insert("message.max.bytes".into(), "20000000".into());
        assert_eq!(limit(&config).as_deref(), Some("20000000"));
    }
}
