//! A client of a schema registry (Confluent's REST API) and what it remembers.

mod client;
mod http;
#[cfg(test)]
mod tests;

pub use client::RegistryClient;

use std::time::Duration;

/// Where a registry is and how to speak to it.
#[derive(Clone)]
pub struct RegistryConfig {
    /// The base address: `http://localhost:8081`.
    pub url: String,
    /// User and password, where the registry asks for them.
    pub credentials: Option<Credentials>,
    /// How long one call may take in all.
    pub timeout: Duration,
}

/// A user and a password. Shown nowhere.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What a registry could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// It did not answer, or not sensibly: try again.
    #[error("schema registry: {0}")]
    Unavailable(String),
    /// It has no such thing.
    #[error("schema registry: {0}")]
    NotFound(String),
    /// It understood and said no: an incompatible schema, missing rights.
    #[error("schema registry: {0}")]
    Refused(String),
}

impl RegistryConfig {
    /// A registry at this address, without credentials, 10 s for a call.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), credentials: None, timeout: Duration::from_secs(10) }
    }
}

impl std::fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| "…");
        f.debug_struct("RegistryConfig")
            .field("url", &self.url)
            .field("credentials", &credentials)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}
