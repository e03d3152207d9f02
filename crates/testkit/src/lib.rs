//! What the tests of this workspace share: a real Kafka cluster, a network before it that can be disturbed, the product as a
//! child process, raw records in and out, golden files and waiting. It knows Kafka and processes, and nothing of actions or
//! audit events; it panics where a test could not go on, with what it was doing.

mod broker;
mod cluster;
mod committed;
mod golden;
mod groups;
mod kafka;
mod leadership;
mod leash;
mod nodes;
mod port;
mod process;
mod product;
mod proxy;
mod raw;
mod read;
mod requests;
mod sender;
mod skip;
mod topics;
mod wait;
mod wire;
mod write;

pub use cluster::Cluster;
pub use committed::Committed;
pub use golden::golden;
pub use kafka::TestKafka;
pub use leadership::Coordinator;
pub use nodes::Node;
pub use process::Signal;
pub use product::Product;
pub use proxy::{Counts, EndTxnFault, Network, Proxy, Way};
pub use raw::Raw;
pub use read::{Isolation, Taken, Watch};
pub use sender::Sender;
pub use skip::{fresh_kafka_or_skip, kafka_or_skip, kafka_with_heap, secure_kafka_or_skip};
pub use wait::{wait_for, wait_until};
pub use write::{Compression, End, Partitioner, Placed, Sending};
