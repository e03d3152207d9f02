//! The port for publishing outside a transaction: what adapters feed.

use std::time::Duration;

use stage::Header;

use crate::error::BrokerError;

/// Publishes keyed records to one topic: idempotent, in order per partition, not transactional.
pub trait Publisher: Send {
    /// Hands one record over; the key decides the partition as [`stage::PartitionCount::partition_of`]
    /// does, no key spreads. Waits while the send buffer is full.
    ///
    /// # Errors
    /// [`BrokerError`] when an earlier record was refused for good; nothing more is sent then.
    fn publish(
        &mut self,
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[Header<'_>],
    ) -> Result<(), BrokerError>;

    /// Waits until everything is acknowledged and returns how many records were, in all.
    ///
    /// # Errors
    /// [`BrokerError`] when a record was refused or the time is over.
    fn flush(&mut self, wait: Duration) -> Result<u64, BrokerError>;
}
