//! What the rules remember from one action to the next, as a port over typed values.

use catalog::{Account, Digest, Micros, SettingRow, TenantId};

/// What is remembered of an action that was recorded or suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its broker time.
    pub received_at: Micros,
    /// What it said.
    pub digest: Digest,
}

/// As what an action is counted in the ledger; each also counts as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// It became an audit event.
    Recorded,
    /// It was seen before.
    Duplicate,
    /// A rule says that it makes no event.
    Suppressed,
    /// It became a dead letter.
    DeadLettered,
}

/// Who published a record that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// A producer.
    Published,
    /// Whoever published a dead letter again.
    Replayed,
}

/// One received action, as the ledger counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whose account it counts in.
    pub account: Account,
    /// As what.
    pub counted: Counted,
    /// Broker time; its hour is that of the account's row.
    pub received_at: Micros,
    /// What its source counts it as, where account and sequence could be read.
    pub sequence: Option<i64>,
    /// Who published it.
    pub delivery: Delivery,
}

/// The state of one partition, as the rules read and change it.
///
/// Changes show in later reads at once; whether they outlive the transaction is the holder's matter.
pub trait Memory {
    /// Why the state could not serve.
    type Error;

    /// What is remembered under the key of an action's identity.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn seen(&mut self, key: &[u8; 16]) -> Result<Option<Seen>, Self::Error>;

    /// Remembers an action, in place of what its key held.
    ///
    /// # Errors
    /// When the state cannot be changed.
    fn remember(&mut self, key: [u8; 16], seen: Seen) -> Result<(), Self::Error>;

    /// What is set for a course or training plan.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn setting(&mut self, tenant: &TenantId, kind: &str, id: &str)
    -> Result<Option<SettingRow>, Self::Error>;

    /// Sets it, in place of what was set.
    ///
    /// # Errors
    /// When the state cannot be changed.
    fn set(&mut self, row: SettingRow) -> Result<(), Self::Error>;

    /// Counts one received action in its account's row of the hour, and its sequence.
    ///
    /// # Errors
    /// When the state cannot be read or changed.
    fn count(&mut self, received: Received) -> Result<(), Self::Error>;
}
