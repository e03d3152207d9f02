//! One view of one category within the overlay: rows by key, each read at most once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use catalog::Micros;

/// The rows of one view of one category that were read or changed.
#[derive(Debug)]
pub(crate) struct Layer<T> {
    slots: BTreeMap<String, Slot<T>>,
}

/// One key: its row, if it has one, and whether that differs from what is committed.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    /// Boxed, since the map moves its slots about and rows are large.
    row: Option<Box<T>>,
    /// The timestamp of the change, if the transaction changed it.
    changed: Option<Micros>,
}

impl<T> Default for Layer<T> {
    fn default() -> Self {
        Self { slots: BTreeMap::new() }
    }
}

impl<T> Slot<T> {
    /// The row.
    pub(crate) fn row(&self) -> Option<&T> {
        self.row.as_deref()
    }

    /// The row, to be changed in place; [`Slot::touch`] says when that was done.
    pub(crate) fn row_mut(&mut self) -> Option<&mut T> {
        self.row.as_deref_mut()
    }

    /// The row, to be changed in place, or a new one.
    pub(crate) fn row_or(&mut self, start: impl FnOnce() -> T) -> &mut T {
        self.row.get_or_insert_with(|| Box::new(start()))
    }

    /// A new row instead of what was there.
    pub(crate) fn replace(&mut self, row: T) -> &mut T {
        self.row.insert(Box::new(row))
    }

    /// The row was changed; `received_at` is the timestamp of its record.
    pub(crate) fn touch(&mut self, received_at: Micros) {
        self.changed = Some(received_at);
    }

    /// The row is removed by an event received then.
    pub(crate) fn remove(&mut self, received_at: Micros) {
        self.row = None;
        self.touch(received_at);
    }
}

impl<T> Layer<T> {
    /// The slot of this key; `load` reads the committed row where the layer does not have it.
    pub(crate) fn slot<E>(
        &mut self,
        key: String,
        load: impl FnOnce(&str) -> Result<Option<T>, E>,
    ) -> Result<&mut Slot<T>, E> {
        match self.slots.entry(key) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let row = load(entry.key())?.map(Box::new);
                Ok(entry.insert(Slot { row, changed: None }))
            }
        }
    }

    /// The keys that begin so, in order, whether they have a row or not.
    pub(crate) fn keys<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.slots
            .range::<str, _>(from)
            .map(|(key, _)| key.as_str())
            .take_while(move |key| key.starts_with(prefix))
    }

    /// What the transaction changed, by key: the row or none, and the record's timestamp.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&str, Option<&T>, Micros)> {
        self.slots.iter().filter_map(|(key, slot)| Some((key.as_str(), slot.row(), slot.changed?)))
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }
}
