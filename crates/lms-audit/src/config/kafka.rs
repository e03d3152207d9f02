//! `[kafka]`: how to reach the brokers, and what else librdkafka shall be told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::check::is_of_instance;
use super::part::part;
use crate::verdict::Misuse;

part! {
    /// How to reach the brokers.
    Kafka = "kafka" {
        /// Brokers to begin with, host:port, separated by commas. Also read from
        /// KAFKA_BOOTSTRAP_SERVERS, where LMSAUDIT_KAFKA_BOOTSTRAP_SERVERS is not set.
        bootstrap_servers: String = "127.0.0.1:9092".into(),
        /// Names this process among its peers: part of client ids and, for workers, of the ids by
        /// which Kafka tells members and transactions apart. Letters, digits, '.', '_' and '-'. Unique
        /// per process; the host's name where nothing is set.
        instance: String = host_name(),
        /// PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        security_protocol: Option<String> = None,
        /// PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.
        sasl_mechanism: Option<String> = None,
        /// The user to sign in as.
        sasl_username: Option<String> = None,
        /// A file that holds the password of that user.
        sasl_password_file: Option<PathBuf> = None,
        /// The certificate authorities to trust, PEM.
        ssl_ca_location: Option<PathBuf> = None,
        /// This client's certificate, PEM.
        ssl_certificate_location: Option<PathBuf> = None,
        /// The private key of that certificate, PEM.
        ssl_key_location: Option<PathBuf> = None,
        /// A file that holds the password of that key.
        ssl_key_password_file: Option<PathBuf> = None,
        /// Anything else for librdkafka, by its own names; `-X key=value` adds to it. What
        /// exactly-once rests on cannot be set.
        properties: BTreeMap<String, String> = BTreeMap::new(),
    }
}

impl Kafka {
    /// Every property for librdkafka but the bootstrap servers, secrets read from their files.
    /// The named keys win over `properties`.
    ///
    /// # Errors
    /// [`Misuse`] when a file of a secret cannot be read or is empty.
    pub fn properties(&self) -> Result<BTreeMap<String, String>, Misuse> {
        let mut all = self.properties.clone();
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        for (name, value) in [
            ("security.protocol", self.security_protocol.clone()),
            ("sasl.mechanism", self.sasl_mechanism.clone()),
            ("sasl.username", self.sasl_username.clone()),
            ("ssl.ca.location", path(&self.ssl_ca_location)),
            ("ssl.certificate.location", path(&self.ssl_certificate_location)),
            ("ssl.key.location", path(&self.ssl_key_location)),
            ("sasl.password", secret("kafka.sasl_password_file", self.sasl_password_file.as_deref())?),
            (
                "ssl.key.password",
                secret("kafka.ssl_key_password_file", self.ssl_key_password_file.as_deref())?,
            ),
        ] {
            if let Some(value) = value {
                all.insert(name.into(), value);
            }
        }
        Ok(all)
    }
}

/// The secret in a file, without the line break that editors leave at its end.
///
/// # Errors
/// [`Misuse`] when the file cannot be read or holds nothing; names key and file.
pub fn secret(key: &str, file: Option<&Path>) -> Result<Option<String>, Misuse> {
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Misuse(format!("{key}: cannot read {}: {error}", file.display())))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Misuse(format!("{key}: {} is empty", file.display())));
    }
    Ok(Some(secret.into()))
}

fn host_name() -> String {
    let fitting = |one: char| if is_of_instance(one) { one } else { '-' };
    let named = |text: String| {
        Some(text.trim().chars().map(fitting).take(64).collect()).filter(|name: &String| !name.is_empty())
    };
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(named)
        .or_else(|| std::env::var("HOSTNAME").ok().and_then(named))
        .unwrap_or_else(|| "localhost".into())
}
