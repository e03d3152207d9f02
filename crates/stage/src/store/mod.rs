//! The port of committed state: filled by a store in memory, and by one on disk that outlives the process.

mod memory;

use std::ops::ControlFlow;

use crate::Mark;

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

/// Why a store could not serve. Whatever it is, the topics have all that it held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What it holds cannot be read or is not what was written: it must be rebuilt from the topics.
    #[error("state store: {0}")]
    Damaged(String),
    /// It cannot be written now: the disk is full, or gone. Waited out, like a broker that is away.
    #[error("state store: {0}")]
    Unwritable(String),
    /// Somebody else has it open: another process, or a worker that has not given it up yet.
    #[error("state store: {0}")]
    Busy(String),
}

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

/// Is shown keys and values, until it breaks off.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Committed state of one partition. Uncommitted changes never reach it: they are an overlay that
/// the stage holds and hands over as one batch once the transaction is committed.
///
/// A store that outlives its process is a cache of what the topics say: with each batch it keeps a
/// [`Mark`], so that the next process knows from where on to read the topics.
pub trait Store: Send {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits keys and values in key order, from `from` on, until told to break or at the table's end.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Makes all of these changes, or none; a later change of a key wins over an earlier one. They may
    /// be lost with the process unless a [`Store::commit`] follows.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// Makes all of these changes and those applied before, and from here on reflects `mark`: all of
    /// it or none.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn commit(&mut self, changes: Vec<Change>, mark: &Mark) -> Result<(), StoreError>;

    /// What it reflected when it was opened or last committed; `None` where it began empty and
    /// nothing was committed, and always in memory.
    fn mark(&self) -> Option<&Mark>;

    /// Sets aside all it holds, and says why; it is empty then.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn reset(&mut self, why: &str) -> Result<(), StoreError>;

    /// How many keys a table holds; during a restore it may lag behind.
    fn len(&self, table: Table) -> u64;
}

/// Visits each key with this prefix and its value, in key order.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn scan_prefix(
    store: &dyn Store,
    table: Table,
    prefix: &[u8],
    visit: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), StoreError> {
    store.scan(table, prefix, &mut |key, value| {
        if !key.starts_with(prefix) {
            return ControlFlow::Break(());
        }
        visit(key, value);
        ControlFlow::Continue(())
    })
}
