//! The normalizer's tables, and a store in memory that is made for them.
//!
//! The dedup table is by far the largest and is asked for every action, nearly always in vain. Its
//! keys are hashes, so order is worth nothing to it: here it is a hash table of entries of one
//! size, which costs 57 bytes each and no allocation; and its queue, whose keys begin with an hour, is
//! a list an hour. All else goes into a store ordered by key. The stage sees none of this: it speaks
//! to [`Store`], and a store on disk keeps the same tables.

use std::collections::{BTreeMap, HashMap};

use stage::Mark;
use stage::store::{Change, MemoryStore, Store, StoreError, Table, Visit};

/// Identity key to what is remembered of an action.
pub(crate) const DEDUP: Table = Table::new(0);
/// Hour and row key to the counts of an account.
pub(crate) const LEDGER: Table = Table::new(1);
/// Row key to the encoded settings row.
pub(crate) const SETTINGS: Table = Table::new(2);
/// Hour and identity key to nothing: in what order entries of the dedup table are dropped.
pub(crate) const QUEUE: Table = Table::new(3);
/// The partition's clock: one value.
pub(crate) const CLOCK: Table = Table::new(4);
/// Row key to what is known of a source's sequence.
pub(crate) const SEQUENCES: Table = Table::new(5);

/// Bytes of a dedup key.
pub(crate) const KEY: usize = 16;
/// Bytes of a dedup value: broker time and digest.
pub(crate) const VALUE: usize = 8 + 33;
/// Bytes of an hour, the first part of a key of the queue.
pub(crate) const HOUR: usize = 8;

/// The normalizer's committed state in memory.
#[derive(Debug, Default)]
pub struct NormalizerStore {
    dedup: HashMap<[u8; KEY], [u8; VALUE]>,
    queue: Queue,
    rest: MemoryStore,
}

/// The keys of each hour. One is taken out at the end of the first hour only, so order within an hour
/// is nothing but the order in which it was filled.
#[derive(Debug, Default)]
struct Queue {
    hours: BTreeMap<[u8; HOUR], Vec<[u8; KEY]>>,
    len: u64,
}

impl Queue {
    fn insert(&mut self, (hour, key): ([u8; HOUR], [u8; KEY])) {
        self.hours.entry(hour).or_default().push(key);
        self.len += 1;
    }

    fn remove(&mut self, (hour, key): ([u8; HOUR], [u8; KEY])) {
        let Some(keys) = self.hours.get_mut(&hour) else { return };
        // They are visited from the end, and removed in that order.
        if let Some(place) = keys.iter().rposition(|held| *held == key) {
            keys.swap_remove(place);
            self.len -= 1;
        }
        if keys.is_empty() {
            self.hours.remove(&hour);
        }
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) {
        let mut hour = [0; HOUR];
        let given = from.len().min(HOUR);
        hour[..given].copy_from_slice(&from[..given]);
        for (hour, keys) in self.hours.range(hour..) {
            for key in keys.iter().rev() {
                if visit(&[&hour[..], key].concat(), &[]).is_break() {
                    return;
                }
            }
        }
    }
}

impl Store for NormalizerStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match table {
            DEDUP => Ok(self.dedup.get(&sized::<KEY>("key", key)?).map(|value| value.to_vec())),
            QUEUE => Err(StoreError::Damaged("the queue of the dedup table is only visited".into())),
            _ => self.rest.get(table, key),
        }
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        match table {
            DEDUP => Err(StoreError::Damaged("the dedup table is not visited: it has no order".into())),
            QUEUE => {
                self.queue.scan(from, visit);
                Ok(())
            }
            _ => self.rest.scan(table, from, visit),
        }
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut checked = Vec::with_capacity(changes.len());
        let mut queue = Vec::new();
        let mut rest = Vec::new();
        for change in changes {
            match change.table {
                DEDUP => {
                    let value =
                        change.value.as_deref().map(|value| sized::<VALUE>("value", value)).transpose()?;
                    checked.push((sized::<KEY>("key", &change.key)?, value));
                }
                QUEUE => queue.push((queued(&change.key)?, change.value.is_some())),
                _ => rest.push(change),
            }
        }
        self.rest.apply(rest)?;
        for (key, value) in checked {
            match value {
                Some(value) => self.dedup.insert(key, value),
                None => self.dedup.remove(&key),
            };
        }
        for (place, there) in queue {
            if there { self.queue.insert(place) } else { self.queue.remove(place) }
        }
        Ok(())
    }

    fn commit(&mut self, changes: Vec<Change>, _mark: &Mark) -> Result<(), StoreError> {
        self.apply(changes)
    }

    fn mark(&self) -> Option<&Mark> {
        None
    }

    fn reset(&mut self, _why: &str) -> Result<(), StoreError> {
        *self = Self::default();
        Ok(())
    }

    fn len(&self, table: Table) -> u64 {
        match table {
            DEDUP => self.dedup.len() as u64,
            QUEUE => self.queue.len,
            _ => self.rest.len(table),
        }
    }
}

/// The hour and the dedup key of a key of the queue.
pub(crate) fn queued(key: &[u8]) -> Result<([u8; HOUR], [u8; KEY]), StoreError> {
    let parts = key.split_first_chunk::<HOUR>().map(|(hour, key)| (*hour, sized::<KEY>("key", key)));
    match parts {
        Some((hour, Ok(key))) => Ok((hour, key)),
        _ => Err(StoreError::Damaged(format!("a key of the dedup queue has {} bytes, not 24", key.len()))),
    }
}

/// Bytes of the one size they must have.
pub(crate) fn sized<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| {
        StoreError::Damaged(format!("a {what} of the dedup table has {} bytes, not {N}", bytes.len()))
    })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    fn change(table: Table, key: &[u8], value: Option<&[u8]>) -> Change {
        Change { table, key: key.into(), value: value.map(Into::into) }
    }

    #[test]
    fn it_holds_what_a_memory_store_holds() {
        let (one, two) = ([1; KEY], [2; KEY]);
        let changes = vec![
            change(DEDUP, &two, Some(&[9; VALUE])),
            change(DEDUP, &one, Some(&[8; VALUE])),
            change(LEDGER, b"k", Some(b"v")),
            change(DEDUP, &two, None),
            change(DEDUP, &two, Some(&[7; VALUE])),
        ];
        let (mut special, mut plain) = (NormalizerStore::default(), MemoryStore::default());
        special.apply(changes.clone()).expect("sizes fit");
        plain.apply(changes).expect("memory takes all");
        for (table, key) in [(DEDUP, &one[..]), (DEDUP, &two), (DEDUP, &[3; KEY]), (LEDGER, b"k")] {
            assert_eq!(special.get(table, key), plain.get(table, key));
        }
        assert_eq!((special.len(DEDUP), special.len(LEDGER)), (2, 1));
    }

    #[test]
    fn it_refuses_a_batch_whole() {
        let mut store = NormalizerStore::default();
        let batch = vec![
            change(LEDGER, b"k", Some(b"v")),
            change(DEDUP, &[1; KEY], Some(&[8; VALUE])),
            change(DEDUP, b"short", None),
        ];
        let error = store.apply(batch).expect_err("a key is too short");
        assert_eq!(error, StoreError::Damaged("a key of the dedup table has 5 bytes, not 16".into()));
        assert_eq!((store.len(DEDUP), store.len(LEDGER)), (0, 0));
    }

    #[test]
    fn the_queue_is_visited_hour_by_hour_and_emptied_from_where_it_is_visited() {
        let place = |hour: u8, key: u8| [&[0, 0, 0, 0, 0, 0, 0, hour][..], &[key; KEY]].concat();
        let mut store = NormalizerStore::default();
        let filled =
            [(2, 1), (1, 2), (2, 3), (1, 4)].map(|(hour, key)| change(QUEUE, &place(hour, key), Some(b"")));
        store.apply(filled.into()).expect("sizes fit");
        let visited = |store: &NormalizerStore, from: &[u8], most: usize| {
            let mut seen = Vec::new();
            let mut visit = |key: &[u8], _: &[u8]| {
                seen.push((key[7], key[8]));
                if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            store.scan(QUEUE, from, &mut visit).expect("memory reads");
            seen
        };
        assert_eq!(visited(&store, b"", 9), [(1, 4), (1, 2), (2, 3), (2, 1)]);
        assert_eq!(visited(&store, &[0, 0, 0, 0, 0, 0, 0, 2], 1), [(2, 3)]);
        store
            .apply([(1, 2), (1, 4)].map(|(h, k)| change(QUEUE, &place(h, k), None)).into())
            .expect("sizes fit");
        assert_eq!((visited(&store, b"", 9), store.len(QUEUE)), (vec![(2, 3), (2, 1)], 2));
    }
}
