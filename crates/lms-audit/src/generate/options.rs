//! What to make, and what is made.

use catalog::Micros;
use stage::PartitionCount;

use super::expect::Expect;

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many deliveries.
    pub count: u64,
    /// What chance begins with.
    pub seed: u64,
    /// When the first action happens.
    pub start: Micros,
    /// How long it is until the last one, in microseconds.
    pub span: u64,
    /// How many tenants.
    pub tenants: usize,
    /// Learners of each tenant.
    pub learners: u64,
    /// Courses of each tenant.
    pub courses: u64,
    /// Partitions of the actions topic: decides which keys lead elsewhere.
    pub partitions: PartitionCount,
    /// The greatest value of an action, in bytes.
    pub max_value_bytes: usize,
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub value: Vec<u8>,
    /// The record's headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What must become of it.
    pub expect: Expect,
}
