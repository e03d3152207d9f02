//! What the tests of this workspace share: a real Kafka broker, the product as a child process, raw records in and out,
//! golden files and waiting. It knows Kafka and processes, and nothing of actions or audit events; it panics where a
//! test could not go on, with what it was doing.

mod broker;
mod golden;
mod groups;
mod kafka;
mod leash;
mod port;
mod process;
mod product;
mod raw;
mod read;
mod skip;
mod topics;
mod wait;
mod write;

pub use golden::golden;
pub use kafka::TestKafka;
pub use process::Signal;
pub use product::Product;
pub use raw::Raw;
pub use read::{Isolation, Taken, Watch};
pub use skip::{fresh_kafka_or_skip, kafka_or_skip, kafka_with_heap, secure_kafka_or_skip};
pub use wait::{wait_for, wait_until};
pub use write::{Compression, End, Partitioner, Placed, Sending};
