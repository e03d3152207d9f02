//! Each stage over bytes: a record is decoded, judged or folded by a pure crate, and what that
//! yields is encoded. What the binary, the tests and the bench all run.
//!
//! This crate must not know how records are read and written, nor that a transaction is Kafka's.

mod aggregator;
mod errors;
mod topics;

pub mod dead_letter;
mod normalizer;
pub mod oversized;
pub mod replay;
mod reroute;

pub use self::aggregator::{AGGREGATOR, AggregatorStages, Refold, Refolded, rebuild_key, rebuild_name};
pub use self::normalizer::{FloodLimit, NORMALIZER, NormalizerConfig, NormalizerStages, NormalizerStore};
pub use replay::REPLAY_HEADER;
pub use reroute::REROUTE_HEADER;
pub use topics::topic_index;
