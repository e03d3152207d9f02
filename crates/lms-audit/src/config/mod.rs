//! The configuration: parts with documented keys, read from a file, the environment and flags.
//!
//! One struct per part; a key that is not declared is an error wherever it stands. Flags win over
//! the environment, the environment over the file, the file over the defaults.

mod check;
mod kafka;
mod layers;
mod part;
mod parts;
mod show;
mod span;

use serde::{Deserialize, Serialize};

pub use kafka::{Kafka, secret};
pub use layers::{Layers, Origin, Settings};
pub use part::{Key, Part};
pub use parts::{Aggregator, Log, LogFormat, Normalizer, Ops, SchemaRegistry, State, Topics};
pub use span::{InvalidSpan, Span};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// See [`Kafka`].
    pub kafka: Kafka,
    /// See [`Topics`].
    pub topics: Topics,
    /// See [`Normalizer`].
    pub normalizer: Normalizer,
    /// See [`Aggregator`].
    pub aggregator: Aggregator,
    /// See [`State`].
    pub state: State,
    /// See [`Ops`].
    pub ops: Ops,
    /// See [`SchemaRegistry`].
    pub schema_registry: SchemaRegistry,
    /// See [`Log`].
    pub log: Log,
}

impl Config {
    /// Every part, in the order they are shown.
    pub const PARTS: [Part; 8] = [
        Kafka::PART,
        Topics::PART,
        Normalizer::PART,
        Aggregator::PART,
        State::PART,
        Ops::PART,
        SchemaRegistry::PART,
        Log::PART,
    ];
}

#[cfg(test)]
mod tests;
