//! Consume, transform and produce in one Kafka transaction: the loop, its recovery, its port.
//!
//! This crate knows bytes, partitions and offsets; it must not know what an audit event is. It is
//! the only user of rdkafka.

mod admin;
mod error;
mod port;
mod publish;

pub use admin::{Admin, TopicPlan, TopicState};
pub use error::{BrokerError, Cause, Remedy};
pub use port::{
    Batch, Broker, Consumer, Extent, GroupEvent, Log, MemberSpec, Producer, Reader, Reading, Slice,
    Transaction,
};
pub use publish::Publisher;
