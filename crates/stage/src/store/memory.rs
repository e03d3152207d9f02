//! State in memory, ordered by key.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Change, Store, StoreError, Table, Visit};
use crate::Mark;

type Rows = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// A store in memory; empty at first.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Vec<Rows>,
}

impl MemoryStore {
    fn table(&self, table: Table) -> Option<&Rows> {
        self.tables.get(usize::from(table.number()))
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.table(table).and_then(|rows| rows.get(key)).map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, from: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let from = (Bound::Included(from), Bound::Unbounded);
        for (key, value) in self.table(table).into_iter().flat_map(|rows| rows.range::<[u8], _>(from)) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        for Change { table, key, value } in changes {
            let number = usize::from(table.number());
            if self.tables.len() <= number {
                self.tables.resize_with(number + 1, BTreeMap::new);
            }
            match value {
                Some(value) => self.tables[number].insert(key, value),
                None => self.tables[number].remove(&key),
            };
        }
        Ok(())
    }

    fn commit(&mut self, changes: Vec<Change>, _mark: &Mark) -> Result<(), StoreError> {
        self.apply(changes)
    }

    /// It does not outlive its process, so nobody can ask what it reflects.
    fn mark(&self) -> Option<&Mark> {
        None
    }

    fn reset(&mut self, _why: &str) -> Result<(), StoreError> {
        self.tables.clear();
        Ok(())
    }

    fn len(&self, table: Table) -> u64 {
        self.table(table).map_or(0, |rows| rows.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan_prefix;
    use super::*;

    fn change(key: &str, value: Option<&str>) -> Change {
        Change { table: Table::new(3), key: key.as_bytes().into(), value: value.map(|v| v.as_bytes().into()) }
    }

    #[test]
    fn a_scan_stops_where_the_prefix_does() {
        let mut store = MemoryStore::default();
        store
            .apply(vec![
                change("a/u-1/x", Some("1")),
                change("a/u-1/y", Some("2")),
                change("a/u-10/x", Some("3")),
                change("a/u-1/y", None),
            ])
            .expect("memory takes all");
        let mut seen = Vec::new();
        scan_prefix(&store, Table::new(3), b"a/u-1/", &mut |key, _| seen.push(key.to_vec()))
            .expect("memory reads");
        assert_eq!(seen, [b"a/u-1/x"]);
        assert_eq!((store.len(Table::new(3)), store.len(Table::new(9))), (2, 0));
    }
}
