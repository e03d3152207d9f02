//! The normalizer's tables, and a store in memory that is made for them.
//!
//! The dedup table is by far the largest and is asked for every action, nearly always in vain. Its
//! keys are hashes, so order is worth nothing to it: here it is a hash table of entries of one
//! size, which costs 57 bytes each and no allocation. All else goes into a store ordered by key. The
//! stage sees none of this: it speaks to [`Store`], so a store on disk can fill the same place. Such
//! a store keeps the same tables; what the stage holds beside them (which hours have entries) is an
//! index over values, to be rebuilt by one scan when that store is opened with entries in it.

use std::collections::HashMap;

use stage::store::{Change, MemoryStore, Store, StoreError, Table};

/// Identity key to what is remembered of an action.
pub(crate) const DEDUP: Table = Table::new(0);
/// Hour and row key to the counts of an account.
pub(crate) const LEDGER: Table = Table::new(1);
/// Row key to the encoded settings row.
pub(crate) const SETTINGS: Table = Table::new(2);

/// Bytes of a dedup key.
pub(crate) const KEY: usize = 16;
/// Bytes of a dedup value: broker time and digest.
pub(crate) const VALUE: usize = 8 + 33;

/// The normalizer's committed state in memory.
#[derive(Debug, Default)]
pub struct NormalizerStore {
    dedup: HashMap<[u8; KEY], [u8; VALUE]>,
    rest: MemoryStore,
}

impl Store for NormalizerStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if table != DEDUP {
            return self.rest.get(table, key);
        }
        Ok(self.dedup.get(&sized::<KEY>("key", key)?).map(|value| value.to_vec()))
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        if table != DEDUP {
            return self.rest.scan(table, prefix, visit);
        }
        let mut found: Vec<_> = self.dedup.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
        found.sort_unstable();
        for (key, value) in found {
            visit(key, value);
        }
        Ok(())
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let (dedup, rest): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.table == DEDUP);
        let mut checked = Vec::with_capacity(dedup.len());
        for change in &dedup {
            let value = change.value.as_deref().map(|value| sized::<VALUE>("value", value)).transpose()?;
            checked.push((sized::<KEY>("key", &change.key)?, value));
        }
        self.rest.apply(rest)?;
        for (key, value) in checked {
            match value {
                Some(value) => self.dedup.insert(key, value),
                None => self.dedup.remove(&key),
            };
        }
        Ok(())
    }

    fn len(&self, table: Table) -> u64 {
        if table == DEDUP { self.dedup.len() as u64 } else { self.rest.len(table) }
    }
}

/// Bytes of the one size they must have.
pub(crate) fn sized<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError(format!("a {what} of the dedup table has {} bytes, not {N}", bytes.len())))
}

#[cfg(test)]
mod tests {
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
        for prefix in [&[][..], &[2]] {
            let mut found = [Vec::new(), Vec::new()];
            special.scan(DEDUP, prefix, &mut |k, v| found[0].push((k.to_vec(), v.to_vec()))).expect("reads");
            plain.scan(DEDUP, prefix, &mut |k, v| found[1].push((k.to_vec(), v.to_vec()))).expect("reads");
            assert_eq!(found[0], found[1]);
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
        assert_eq!(error.0, "a key of the dedup table has 5 bytes, not 16");
        assert_eq!((store.len(DEDUP), store.len(LEDGER)), (0, 0));
    }
}
