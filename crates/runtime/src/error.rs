//! What can go wrong with a broker, classified by what to do about it.

use std::fmt;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Make the same call again; nothing has changed.
    Retry,
    /// Abort the transaction, drop its changes, read its input again.
    Abort,
    /// Replace the producer and rebuild all state from committed topics: the outcome is unknown, or
    /// another instance has taken over.
    Rebuild,
    /// A person must act.
    Stop,
}

/// Where a failure comes from: for the budget that ends a crash loop, and for what to tell people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The network or a broker is away; waited out for as long as it takes.
    Transport,
    /// State cannot be kept: its disk is full or away, or somebody else has it; waited out, too.
    Storage,
    /// Another producer with this transactional id, or another member with this instance id.
    Fenced,
    /// A topic is missing.
    NoTopic,
    /// Anything else.
    Other,
}

/// A failure of a call to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerError {
    /// What to do.
    pub remedy: Remedy,
    /// Where it comes from.
    pub cause: Cause,
    /// What was attempted.
    pub attempt: String,
    /// What the broker or client said.
    pub detail: String,
}

impl BrokerError {
    /// A failure that ends the process unless a person acts.
    #[must_use]
    pub fn stop(attempt: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { remedy: Remedy::Stop, cause: Cause::Other, attempt: attempt.into(), detail: detail.into() }
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempt, self.detail)
    }
}

impl std::error::Error for BrokerError {}
