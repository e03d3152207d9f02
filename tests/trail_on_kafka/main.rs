//! The product as separate processes on Apache Kafka: killed, restarted, rebalanced, misled; each promise of the trail is a test.

mod accounted;
mod killed;
mod offsets;
mod rebalanced;
