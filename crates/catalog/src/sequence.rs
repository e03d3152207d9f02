//! What the ledger says of a source's sequence: a source that counts its actions shows what of it
//! never arrived.

use crate::{Micros, TenantId};

/// Numbers of a source's sequence that follow one another, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceRange {
    /// The first.
    pub from: i64,
    /// The last.
    pub until: i64,
}

/// Which numbers of a source's sequence were received, and which between them were not: one row
/// per tenant and source, in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceRow {
    /// Whose.
    pub tenant: TenantId,
    /// The source that counts.
    pub source: String,
    /// The lowest number received.
    pub lowest: i64,
    /// The highest number received.
    pub highest: i64,
    /// What lies between them and was not received: the highest ranges, at most
    /// [`SequenceRow::RANGES`], ascending, none touching the next.
    pub missing: Vec<SequenceRange>,
    /// How many numbers below the listed ranges were not received when they were left out of the
    /// list. One that arrives later cannot be told from a repeated one, so it is not taken off.
    pub more: i64,
    /// The greatest `received_at` of an action with a sequence: the record's timestamp.
    pub received_at: Micros,
}

impl SequenceRow {
    /// How many ranges a row lists at most.
    pub const RANGES: usize = 64;
}
