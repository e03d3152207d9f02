//! The runtime's port in one process, without Kafka: partitions, static assignment, atomic
//! transactions, crash points.
//!
//! For a first look (`--embedded`) and for tests that crash a worker at every step it makes. It
//! follows Kafka's rules as far as a worker can tell, and is never evidence about Kafka itself.

mod admin;
mod cluster;
mod compact;
mod consumer;
mod crash;
mod fault;
mod group;
mod log;
mod operate;
mod partition;
mod producer;
mod publisher;
mod reader;
mod record;
mod transaction;

pub use compact::Tombstones;
pub use consumer::{EmbeddedBatch, EmbeddedConsumer, EmbeddedMembership};
pub use crash::{CrashPoint, crash_points};
pub use fault::{CrashPlan, Effect, Fault, Step};
pub use log::{Clock, EmbeddedLog, Waiting};
pub use producer::{EmbeddedProducer, EmbeddedTransaction};
pub use publisher::EmbeddedPublisher;
pub use reader::EmbeddedReader;
pub use record::LogRecord;
