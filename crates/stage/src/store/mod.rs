//! The port of committed state: what the memory store fills now and a disk store can fill.

mod memory;

pub use memory::MemoryStore;

/// One table of a store: a name space for keys, numbered by the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u16);

impl Table {
    /// The table with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Why a store could not serve; the state must be rebuilt from the topics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state store: {0}")]
pub struct StoreError(pub String);

/// One change: a table's key gets a value, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Box<[u8]>,
    /// The new value; `None` removes the key.
    pub value: Option<Box<[u8]>>,
}

/// Committed state of one partition. Uncommitted changes never reach it: they are an overlay that
/// the stage holds and hands over as one batch once the transaction is committed.
pub trait Store: Send {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits each key with this prefix and its value, in key order.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError>;

    /// Makes all of these changes, or none; a later change of a key wins over an earlier one.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// How many keys a table holds.
    fn len(&self, table: Table) -> u64;
}
