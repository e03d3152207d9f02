//! The sequences of sources, in the open transaction and in the store: one row per tenant and source,
//! written once per transaction that received a number of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use catalog::{Micros, SequenceRange, SequenceRow, TenantId};
use normalizer::{first_number, next_number};
use stage::store::{Change, Store, StoreError, scan_prefix};

use super::store::SEQUENCES;

const DAY: i64 = 24 * 3_600_000_000;

/// Rows of the open transaction, over committed ones in the store.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    /// In the order in which they were first touched, so that a replay writes them in the same.
    pending: Vec<PendingSequence>,
    index: HashMap<String, usize>,
    /// The day for which the rows were last looked through for ones that are too old.
    looked_through: Option<i64>,
}

/// A row that the open transaction changed.
#[derive(Debug)]
pub(crate) struct PendingSequence {
    pub(crate) key: String,
    pub(crate) row: SequenceRow,
    /// Whether it changed since it was last written.
    pub(crate) dirty: bool,
}

impl Sequences {
    /// Takes a number of a source. `place` is where its row stands in the open transaction, and is
    /// found and kept there where it is not known yet: who counts a source's actions asks often.
    pub(crate) fn see(
        &mut self,
        place: &mut Option<usize>,
        store: &dyn Store,
        (tenant, source): (&TenantId, &str),
        number: i64,
        received_at: Micros,
    ) -> Result<(), StoreError> {
        let place = match *place {
            Some(place) => place,
            None => {
                let first = first_number(tenant, source, number, received_at);
                *place.insert(self.touch(store, first)?)
            }
        };
        let pending = &mut self.pending[place];
        next_number(&mut pending.row, number, received_at);
        pending.dirty = true;
        Ok(())
    }

    /// The rows that changed since they were last written, in the order they were first touched.
    pub(crate) fn dirty(&mut self) -> impl Iterator<Item = &mut PendingSequence> {
        self.pending.iter_mut().filter(|pending| pending.dirty)
    }

    /// The changes that make the open transaction's rows committed ones.
    pub(crate) fn commit(&mut self, changes: &mut Vec<Change>) {
        self.index.clear();
        changes
            .extend(self.pending.drain(..).map(|PendingSequence { key, row, .. }| change(&key, Some(&row))));
    }

    pub(crate) fn rollback(&mut self) {
        self.index.clear();
        self.pending.clear();
    }

    /// Forgets rows of which nothing was received since `oldest`; they are looked through once a day
    /// of broker time, as they are few.
    pub(crate) fn drop_old(&mut self, store: &mut dyn Store, oldest: Micros) -> Result<(), StoreError> {
        let day = oldest.get().div_euclid(DAY);
        if self.looked_through.is_some_and(|looked| looked >= day) {
            return Ok(());
        }
        let mut changes = Vec::new();
        scan_prefix(store, SEQUENCES, &[], &mut |key, value| {
            let old = value.first_chunk().is_some_and(|at| i64::from_be_bytes(*at) < oldest.get());
            if old {
                changes.push(Change { table: SEQUENCES, key: key.into(), value: None });
            }
        })?;
        store.apply(changes)?;
        self.looked_through = Some(day);
        Ok(())
    }

    /// The row's place among those of the open transaction; `first` where there is none yet.
    fn touch(&mut self, store: &dyn Store, first: SequenceRow) -> Result<usize, StoreError> {
        match self.index.entry(first.key()) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let key = entry.key().clone();
                let row = match store.get(SEQUENCES, key.as_bytes())? {
                    Some(value) => decode(&value, first)?,
                    None => first,
                };
                self.pending.push(PendingSequence { key, row, dirty: false });
                Ok(*entry.insert(self.pending.len() - 1))
            }
        }
    }
}

/// Takes a row that was committed before; `None` where it was removed since.
pub(crate) fn restored(key: &str, row: Option<&SequenceRow>) -> Change {
    change(key, row)
}

/// Whether a key of the ledger is that of a sequence.
pub(crate) fn is_sequence(key: &str) -> bool {
    key.ends_with("/~sequence")
}

/// The value: `received_at`, lowest, highest, more, then both ends of each range.
fn change(key: &str, row: Option<&SequenceRow>) -> Change {
    let value = row.map(|row| {
        let head = [row.received_at.get(), row.lowest, row.highest, row.more];
        let ranges = row.missing.iter().flat_map(|range| [range.from, range.until]);
        head.into_iter().chain(ranges).flat_map(i64::to_be_bytes).collect()
    });
    Change { table: SEQUENCES, key: key.as_bytes().into(), value }
}

/// The stored row of the source that `named` is of.
fn decode(value: &[u8], named: SequenceRow) -> Result<SequenceRow, StoreError> {
    let malformed =
        || StoreError::Damaged(format!("a value of the sequences table has {} bytes", value.len()));
    let (words, []) = value.as_chunks::<8>() else { return Err(malformed()) };
    let words: Vec<_> = words.iter().map(|word| i64::from_be_bytes(*word)).collect();
    let [received_at, lowest, highest, more, ref ranges @ ..] = words[..] else { return Err(malformed()) };
    let (ranges, []) = ranges.as_chunks::<2>() else { return Err(malformed()) };
    let missing = ranges.iter().map(|[from, until]| SequenceRange { from: *from, until: *until }).collect();
    Ok(SequenceRow { lowest, highest, missing, more, received_at: Micros::new(received_at), ..named })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::store::MemoryStore;

    fn see(sequences: &mut Sequences, store: &MemoryStore, source: &str, number: i64) {
        let tenant = TenantId::try_from("acme").expect("valid");
        let at = Micros::new(number);
        sequences.see(&mut None, store, (&tenant, source), number, at).expect("memory reads");
    }

    fn commit(sequences: &mut Sequences, store: &mut MemoryStore) {
        let mut changes = Vec::new();
        sequences.commit(&mut changes);
        store.apply(changes).expect("memory takes all");
    }

    fn written(sequences: &mut Sequences) -> Vec<SequenceRow> {
        let take = |pending: &mut PendingSequence| {
            pending.dirty = false;
            pending.row.clone()
        };
        sequences.dirty().map(take).collect()
    }

    #[test]
    fn a_sequence_goes_on_from_what_was_committed() {
        let (mut sequences, mut store) = (Sequences::default(), MemoryStore::default());
        for number in [3, 9, 12] {
            see(&mut sequences, &store, "a", number);
        }
        see(&mut sequences, &store, "b", 1);
        let [a, b] = &written(&mut sequences)[..] else { panic!("two sources") };
        assert_eq!((a.key().as_str(), b.key().as_str()), ("acme/a/~sequence", "acme/b/~sequence"));
        let ranges = |row: &SequenceRow| row.missing.iter().map(|r| (r.from, r.until)).collect::<Vec<_>>();
        assert_eq!(ranges(a), [(4, 8), (10, 11)]);
        assert_eq!(written(&mut sequences), []);
        commit(&mut sequences, &mut store);

        see(&mut sequences, &store, "a", 20);
        sequences.rollback();
        see(&mut sequences, &store, "a", 5);
        let [a] = &written(&mut sequences)[..] else { panic!("one source") };
        assert_eq!((a.lowest, a.highest, ranges(a)), (3, 12, vec![(4, 4), (6, 8), (10, 11)]));
        assert_eq!(a.received_at, Micros::new(12));
    }

    #[test]
    fn rows_are_forgotten_once_nothing_comes_for_long() {
        let (mut sequences, mut store) = (Sequences::default(), MemoryStore::default());
        see(&mut sequences, &store, "a", 3);
        see(&mut sequences, &store, "b", DAY);
        commit(&mut sequences, &mut store);
        for (oldest, kept) in [(3, 2), (4, 2), (DAY, 1), (3 * DAY, 0)] {
            sequences.drop_old(&mut store, Micros::new(oldest)).expect("memory takes all");
            assert_eq!(store.len(SEQUENCES), kept, "{oldest}");
        }
    }
}
