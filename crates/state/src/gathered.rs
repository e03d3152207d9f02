//! Changes that a store has taken and not written yet, by place, and the two ways to write them: as one batch, or, where
//! a store is filled for the first time, as a sorted run of its own.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use fjall::{Keyspace, OwnedWriteBatch, Slice};
use stage::store::{Change, Table};

/// Changes by place; of a place the last one.
#[derive(Default)]
pub(crate) struct Gathered {
    changes: BTreeMap<Slice, Option<Slice>>,
    bytes: usize,
    /// Where a place is put together.
    place: Vec<u8>,
}

impl Gathered {
    /// Takes changes, in their order.
    pub(crate) fn take(&mut self, changes: Vec<Change>) {
        for Change { table, key, value } in changes {
            // What a change costs beside its bytes: a node's share, and the heads of two allocations.
            self.bytes += key.len() + value.as_ref().map_or(0, |value| value.len()) + 64;
            self.place.clear();
            self.place.extend_from_slice(&table.number().to_be_bytes());
            self.place.extend_from_slice(&key);
            let value = value.map(|value| Slice::from(&value[..]));
            self.changes.insert(Slice::from(&self.place[..]), value);
        }
    }

    /// Bytes that the changes take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What a place changes to, if it changes.
    pub(crate) fn get(&self, place: &[u8]) -> Option<Option<&Slice>> {
        self.changes.get(place).map(Option::as_ref)
    }

    /// Changes in the order of places.
    pub(crate) fn range(
        &self,
        range: impl RangeBounds<Slice>,
    ) -> impl Iterator<Item = (&Slice, Option<&Slice>)> {
        self.changes.range(range).map(|(place, value)| (place, value.as_ref()))
    }

    /// All changes in the order of places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Slice, Option<&Slice>)> {
        self.range(..)
    }

    /// Adds all changes to a batch.
    pub(crate) fn write(self, rows: &Keyspace, batch: &mut OwnedWriteBatch) {
        for (place, value) in self.changes {
            match value {
                Some(value) => batch.insert(rows, place, value),
                None => batch.remove(rows, place),
            }
        }
    }

    /// Writes all changes past journal and memory as a sorted run: atomic, on disk when this returns, and newer than
    /// everything before. It costs a third of what a batch does, and a file for each.
    pub(crate) fn ingest(self, rows: &Keyspace) -> fjall::Result<()> {
        let mut run = rows.start_ingestion()?;
        for (place, value) in self.changes {
            match value {
                Some(value) => run.write(place, value)?,
                None => run.write_tombstone(place)?,
            }
        }
        run.finish()
    }
}

/// Where a table's key lies among all keys.
pub(crate) fn place(table: Table, key: &[u8]) -> Slice {
    Slice::from([&table.number().to_be_bytes()[..], key].concat())
}

/// Where a table has ended.
pub(crate) fn after(table: Table) -> Slice {
    Slice::from(table.number().saturating_add(1).to_be_bytes())
}

/// The number of the table that a place is in.
pub(crate) fn table_of(place: &[u8]) -> u16 {
    place.first_chunk().map_or(0, |number| u16::from_be_bytes(*number))
}
