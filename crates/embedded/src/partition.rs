//! One partition: records and control records in offset order, each with its fate, and the three
//! offsets that bound what a reader of committed records may see.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use runtime::Extent;
use stage::{Millis, Offset};

use crate::record::LogRecord;

/// The number of a transaction; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TransactionId(pub(crate) u64);

/// Whether what a transaction wrote is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Open(TransactionId),
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Record(Arc<LogRecord>),
    /// Ends a transaction here; occupies an offset and is never handed to a reader.
    Control,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: i64,
    pub(crate) timestamp: Millis,
    pub(crate) fate: Fate,
    pub(crate) content: Content,
}

/// What a reader of committed records got, and where it goes on.
pub(crate) struct Fetched {
    pub(crate) records: Vec<(Offset, Arc<LogRecord>)>,
    pub(crate) next: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PartitionLog {
    start: i64,
    end: i64,
    pub(crate) entries: VecDeque<Entry>,
    /// The first offset that each undecided transaction has here.
    open: BTreeMap<TransactionId, i64>,
}

impl PartitionLog {
    pub(crate) fn append(&mut self, record: LogRecord, fate: Fate) -> Offset {
        if let Fate::Open(id) = fate {
            self.open.entry(id).or_insert(self.end);
        }
        self.push(record.timestamp, fate, Content::Record(Arc::new(record)))
    }

    /// Decides a transaction: a control record follows what it wrote, as Kafka's coordinator
    /// appends one to every partition that took part. Nothing happens where it took no part.
    pub(crate) fn decide(&mut self, id: TransactionId, fate: Fate, now: Millis) {
        let Some(first) = self.open.remove(&id) else { return };
        let place = self.place(first);
        for entry in self.entries.range_mut(place..) {
            if entry.fate == Fate::Open(id) {
                entry.fate = fate;
            }
        }
        self.push(now, fate, Content::Control);
    }

    pub(crate) fn extent(&self) -> Extent {
        let stable = self.open.values().copied().min().unwrap_or(self.end).max(self.start);
        Extent { start: Offset::new(self.start), stable: Offset::new(stable), end: Offset::new(self.end) }
    }

    /// Up to `max` committed records from this offset on, below the last stable offset and `until`.
    pub(crate) fn fetch(&self, from: i64, until: i64, max: usize) -> Fetched {
        let bound = self.extent().stable.number().min(until);
        let mut fetched = Fetched { records: Vec::new(), next: from };
        for entry in self.entries.range(self.place(from)..) {
            if entry.offset >= bound || fetched.records.len() == max {
                break;
            }
            if let (Fate::Committed, Content::Record(record)) = (entry.fate, &entry.content) {
                fetched.records.push((Offset::new(entry.offset), Arc::clone(record)));
            }
            fetched.next = entry.offset + 1;
        }
        // Offsets that compaction emptied, at the end of what may be read, are passed over too.
        if self.entries.get(self.place(fetched.next)).is_none_or(|entry| entry.offset >= bound) {
            fetched.next = fetched.next.max(bound);
        }
        fetched
    }

    pub(crate) fn offset_at(&self, time: Millis) -> Offset {
        let found = self.entries.iter().find(|entry| entry.timestamp >= time);
        Offset::new(found.map_or(self.end, |entry| entry.offset))
    }

    /// Moves the log's start, as retention and `DeleteRecords` do: never back, never beyond the end.
    pub(crate) fn truncate(&mut self, before: i64) {
        self.start = before.clamp(self.start, self.end);
        let gone = self.place(self.start);
        self.entries.drain(..gone);
    }

    fn push(&mut self, timestamp: Millis, fate: Fate, content: Content) -> Offset {
        let offset = self.end;
        self.entries.push_back(Entry { offset, timestamp, fate, content });
        self.end += 1;
        Offset::new(offset)
    }

    /// The index of the first entry that is not before this offset.
    fn place(&self, offset: i64) -> usize {
        self.entries.partition_point(|entry| entry.offset < offset)
    }
}
