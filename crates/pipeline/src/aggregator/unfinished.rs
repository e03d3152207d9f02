//! Reports whose rebuild was begun and not finished: until it is, their topics hold a part of the rows,
//! and an aggregator that went on from there would count on from a part.
//!
//! A rebuild writes a mark to the ledger before anything else, a coverage under a name of its own, and
//! removes it with the last rows.

use std::collections::BTreeSet;

use catalog::{Category, Topic, View, coverage_key};
use stage::store::{Change, Store, StoreError};
use stage::{Partition, Record, StageError};

use super::partition::CLOCK;
use super::reports;

/// What the keys of marks begin with.
const PREFIX: &[u8] = b"~coverage/rebuild.";

/// The name under which the coverage is written that marks this report's rebuild.
#[must_use]
pub fn rebuild_name(category: Category, view: View) -> String {
    format!("rebuild.{category}.{view}")
}

/// The key of that mark in a partition of the ledger.
#[must_use]
pub fn rebuild_key(category: Category, view: View, partition: Partition) -> String {
    coverage_key(&rebuild_name(category, view), partition.number())
}

/// The reports of one partition whose rebuild is not finished.
pub(super) struct Unfinished {
    /// The keys of marks, and whose they are.
    keys: Vec<(String, Category, View)>,
    reports: BTreeSet<(Category, View)>,
}

impl Unfinished {
    /// What a store says that outlived its process.
    pub(super) fn open(partition: Partition, store: &dyn Store) -> Result<Self, StoreError> {
        let keys: Vec<_> = reports().map(|(c, v)| (rebuild_key(c, v, partition), c, v)).collect();
        let mut reports = BTreeSet::new();
        for (key, category, view) in &keys {
            if store.get(CLOCK, key.as_bytes())?.is_some() {
                reports.insert((*category, *view));
            }
        }
        Ok(Self { keys, reports })
    }

    /// Takes a record of the ledger; what the store must remember of it, if it is a mark.
    pub(super) fn restore(&mut self, record: &Record<'_>) -> Option<Change> {
        // The ledger has many records and next to no marks.
        let key = record.key.filter(|key| key.starts_with(PREFIX))?;
        let (_, category, view) = self.keys.iter().find(|(one, ..)| one.as_bytes() == key)?;
        let value = record.value.map(|_| Box::from(&b"begun"[..]));
        match value {
            Some(_) => self.reports.insert((*category, *view)),
            None => self.reports.remove(&(*category, *view)),
        };
        Some(Change { table: CLOCK, key: key.into(), value })
    }

    /// Sees to it that nothing is written while a rebuild is unfinished.
    ///
    /// # Errors
    /// [`StageError::Stop`] that names one of the reports.
    pub(super) fn check(&self) -> Result<(), StageError> {
        let Some((category, view)) = self.reports.first() else { return Ok(()) };
        let (topic, count) = (Topic::Report(*category, *view).name(), self.reports.len());
        Err(StageError::Stop(format!(
            "the rebuild of {topic} was begun and not finished ({count} reports of this partition in all), so its rows are incomplete: run `lms-audit reports rebuild --dry-run` to see which, and with --yes to finish it"
        )))
    }

    pub(super) fn clear(&mut self) {
        self.reports.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::store::MemoryStore;
    use stage::{Millis, Offset};

    fn record<'a>(key: &'a str, value: Option<&'a [u8]>) -> Record<'a> {
        Record {
            partition: Partition::new(2),
            offset: Offset::new(0),
            timestamp: Millis::new(0),
            key: Some(key.as_bytes()),
            value,
            headers: Vec::new(),
        }
    }

    #[test]
    fn a_rebuild_is_unfinished_from_its_mark_to_the_marks_removal_also_for_who_opens_the_store_later() {
        let mut store = MemoryStore::default();
        let partition = Partition::new(2);
        let mut unfinished = Unfinished::open(partition, &store).expect("memory reads");
        let key = rebuild_key(Category::Certificate, View::Register, partition);
        assert_eq!(key, "~coverage/rebuild.certificate.register/2");
        for other in
            ["~coverage/rebuild.certificate.register/1", "~coverage/aggregator/2", "acme/s/2026-11-02T10"]
        {
            assert_eq!(unfinished.restore(&record(other, Some(b"x"))), None);
        }
        let change = unfinished.restore(&record(&key, Some(b"x"))).expect("a mark");
        store.apply(vec![change]).expect("memory takes all");
        for one in [&unfinished, &Unfinished::open(partition, &store).expect("memory reads")] {
            let error = one.check().expect_err("it stops");
            assert!(
                matches!(&error, StageError::Stop(said) if said.contains("certificate.register")),
                "{error}"
            );
        }
        let change = unfinished.restore(&record(&key, None)).expect("a mark");
        store.apply(vec![change]).expect("memory takes all");
        for one in [&unfinished, &Unfinished::open(partition, &store).expect("memory reads")] {
            assert_eq!(one.check(), Ok(()));
        }
    }
}
