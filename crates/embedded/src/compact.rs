//! Compaction of a partition, on demand: what Kafka's log cleaner leaves sooner or later.

use std::collections::HashMap;

use crate::partition::{Content, Fate, PartitionLog};

/// What compaction does with the tombstones it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tombstones {
    /// They stay, as before `delete.retention.ms` is over.
    Kept,
    /// They go, as after it.
    Dropped,
}

/// Keeps the last committed record of each key, and every record without a key; aborted records and
/// control records go. Offsets stay what they were. Nothing beyond the last stable offset is touched.
pub(crate) fn compact(log: &mut PartitionLog, tombstones: Tombstones) {
    let stable = log.extent().stable.number();
    let mut last: HashMap<Vec<u8>, i64> = HashMap::new();
    for entry in log.entries.iter().filter(|entry| entry.offset < stable && entry.fate == Fate::Committed) {
        if let Content::Record(record) = &entry.content
            && let Some(key) = &record.key
        {
            last.insert(key.clone(), entry.offset);
        }
    }
    log.entries.retain(|entry| {
        if entry.offset >= stable {
            return true;
        }
        match (&entry.content, entry.fate) {
            (Content::Record(record), Fate::Committed) => {
                let latest = record.key.as_ref().is_none_or(|key| last.get(key) == Some(&entry.offset));
                latest && (record.value.is_some() || tombstones == Tombstones::Kept)
            }
            _ => false,
        }
    });
}
