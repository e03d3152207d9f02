//! Consume, transform and produce in one Kafka transaction: the loop, its recovery, its port.
//!
//! This crate knows bytes, partitions and offsets; it must not know what an audit event is. It is
//! the only user of rdkafka.

mod admin;
mod budget;
mod error;
mod failure;
mod found;
mod held;
mod ids;
pub mod kafka;
mod metrics;
mod pool;
mod port;
mod progress;
mod publish;
mod restore;
mod restores;
mod start;
mod stop;
mod tally;
mod task;
mod transaction;
mod unowned;
mod worker;

pub use admin::{Admin, Groups, Share, Shares, TopicPlan, TopicState};
pub use error::{BrokerError, Cause, Remedy};
pub use failure::Failure;
pub use metrics::{Metrics, StageMetrics};
pub use pool::Pool;
pub use port::{
    Batch, Broker, Consumer, Extent, GroupEvent, Log, MemberSpec, Producer, Reader, Reading, Slice,
    Transaction,
};
pub use publish::Publisher;
pub use start::{Found, Start, decide};
pub use stop::Stop;
pub use tally::{Observer, Phase, Tally, Unobserved};
pub use transaction::Limits;
pub use unowned::{Watched, share_anew, watch_shares};
pub use worker::{Audience, MembershipKind, Worker, WorkerConfig};
