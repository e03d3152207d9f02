//! The contract between pure stages and the runtime that drives them.
//!
//! A stage turns one partition's input records into output records. It never asks the time, never
//! draws a random number, never logs: it returns facts, and the runtime acts on them. This crate
//! must not know what an audit event is, nor that Kafka exists.

mod contract;
mod coverage;
mod mark;
mod outcome;
mod place;
mod record;
pub mod store;

pub use contract::{Changelog, ReadFrom, RestorePoint, Stage, StageError, StageFactory, StageSpec};
pub use coverage::Coverage;
pub use mark::Mark;
pub use outcome::{Label, Outcome};
pub use place::{Millis, Offset, Partition, PartitionCount, TopicIndex};
pub use record::{Header, Output, Record, Sink};
