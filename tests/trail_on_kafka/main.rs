//! The product as separate processes on Apache Kafka: killed, restarted, rebalanced, misled; each promise of the trail is a test.

mod accounted;
mod dead_letters;
mod forgotten;
mod judged_by_oracle;
mod kept;
mod killed;
mod observed;
mod offsets;
mod published;
mod rebalanced;
mod rebuilt;
mod reconciled;
mod refused;
mod registers;
mod replayed;
mod routed;
mod secure;
mod stopped;
mod stored;
mod waited_out;
