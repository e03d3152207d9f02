//! The accounts: counts per account and hour, written once per transaction that changed them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use catalog::{Account, LedgerRow, Micros, ledger_key};
use normalizer::{Counted, Delivery, Received};
use stage::store::{Change, Store, StoreError};

use super::sequence::Sequences;
use super::store::LEDGER;

/// Rows are kept as long as their topic keeps them, and the hours of one more day. An hour's row
/// may only be forgotten once nothing is received in that hour any more; a broker's clock that was
/// set wrong for a while must not make an old row begin anew, so nothing sooner than the topic will do.
const KEPT: i64 = (430 + 1) * 24 * 3_600_000_000;

/// Rows of the open transaction, over committed ones in the store.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// In the order in which they were first touched, so that a replay writes them in the same.
    pending: Vec<PendingRow>,
    index: HashMap<(Account, Micros), usize>,
    /// No committed row is of an earlier hour, as far as it was looked at.
    first: Option<Micros>,
    /// The sequences of the accounts that are sources.
    pub(crate) sequences: Sequences,
}

/// A row that the open transaction changed.
#[derive(Debug)]
pub(crate) struct PendingRow {
    pub(crate) key: String,
    pub(crate) row: LedgerRow,
    /// The place of its source's sequence among those of the open transaction, once it was asked for.
    sequence: Option<usize>,
    /// Whether it changed since it was last written.
    pub(crate) dirty: bool,
}

impl Ledger {
    /// Counts one received action.
    pub(crate) fn count(&mut self, store: &dyn Store, received: Received) -> Result<(), StoreError> {
        let Received { account, counted, received_at, sequence, delivery } = received;
        let place = match self.index.entry((account, received_at.hour())) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let (account, hour) = entry.key();
                let key = ledger_key(account, *hour);
                let row = read(store, account, *hour, &key)?;
                self.pending.push(PendingRow { key, row, sequence: None, dirty: false });
                *entry.insert(self.pending.len() - 1)
            }
        };
        let PendingRow { row, dirty, sequence: of_source, .. } = &mut self.pending[place];
        *dirty = true;
        row.received += 1;
        *match counted {
            Counted::Recorded => &mut row.recorded,
            Counted::Duplicate => &mut row.duplicate,
            Counted::Suppressed => &mut row.suppressed,
            Counted::DeadLettered => &mut row.dead_lettered,
        } += 1;
        row.replayed += i64::from(delivery == Delivery::Replayed);
        row.received_at = row.received_at.max(received_at);
        if let (Some(number), Account::Source(tenant, source)) = (sequence, &row.account) {
            self.sequences.see(of_source, store, (tenant, source), number, received_at)?;
        }
        Ok(())
    }

    /// The rows that changed since they were last written, in the order they were first touched.
    pub(crate) fn dirty(&mut self) -> impl Iterator<Item = &mut PendingRow> {
        self.pending.iter_mut().filter(|pending| pending.dirty)
    }

    /// The changes that make the open transaction's rows committed ones.
    pub(crate) fn commit(&mut self, changes: &mut Vec<Change>) {
        self.index.clear();
        self.sequences.commit(changes);
        for PendingRow { key, row, .. } in self.pending.drain(..) {
            self.first = self.first.map(|first| first.min(row.hour));
            changes.push(change(&key, row.hour, Some(&row)));
        }
    }

    /// Forgets rows that their topic no longer keeps either.
    pub(crate) fn drop_old(
        &mut self,
        store: &mut dyn Store,
        latest: Option<Micros>,
    ) -> Result<(), StoreError> {
        let Some(latest) = latest else { return Ok(()) };
        let oldest = latest.get().saturating_sub(KEPT);
        self.sequences.drop_old(store, Micros::new(oldest))?;
        if self.first.is_some_and(|first| first.get() >= oldest) {
            return Ok(());
        }
        let mut changes = Vec::new();
        let mut first = None;
        store.scan(
            LEDGER,
            b"",
            &mut |key, _| match key.first_chunk().map(|hour| i64::from_be_bytes(*hour)) {
                Some(hour) if hour >= oldest => {
                    first = Some(Micros::new(hour));
                    ControlFlow::Break(())
                }
                _ => {
                    changes.push(Change { table: LEDGER, key: key.into(), value: None });
                    ControlFlow::Continue(())
                }
            },
        )?;
        self.first = first;
        if changes.is_empty() { Ok(()) } else { store.apply(changes) }
    }

    pub(crate) fn rollback(&mut self) {
        self.index.clear();
        self.pending.clear();
        self.sequences.rollback();
    }

    /// Takes a row that was committed before; `None` where it was removed since.
    pub(crate) fn restore(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        hour: Micros,
        row: Option<&LedgerRow>,
    ) -> Result<(), StoreError> {
        self.first = self.first.map(|first| first.min(hour));
        store.apply(vec![change(key, hour, row)])
    }
}

/// Rows of an hour lie together, so that they are forgotten together.
fn store_key(key: &str, hour: Micros) -> Box<[u8]> {
    [&hour.get().to_be_bytes(), key.as_bytes()].concat().into()
}

fn change(key: &str, hour: Micros, row: Option<&LedgerRow>) -> Change {
    let value = row.map(|row| {
        let counts = [
            row.received,
            row.recorded,
            row.duplicate,
            row.suppressed,
            row.dead_lettered,
            row.replayed,
            row.received_at.get(),
        ];
        counts.map(i64::to_be_bytes).concat().into()
    });
    Change { table: LEDGER, key: store_key(key, hour), value }
}

fn read(store: &dyn Store, account: &Account, hour: Micros, key: &str) -> Result<LedgerRow, StoreError> {
    let mut counts = [0, 0, 0, 0, 0, 0, i64::MIN];
    if let Some(value) = store.get(LEDGER, &store_key(key, hour))? {
        let (words, []) = value.as_chunks::<8>() else { return Err(malformed(&value)) };
        let words: [[u8; 8]; 7] = words.try_into().map_err(|_| malformed(&value))?;
        counts = words.map(i64::from_be_bytes);
    }
    let [received, recorded, duplicate, suppressed, dead_lettered, replayed, received_at] = counts;
    Ok(LedgerRow {
        account: account.clone(),
        hour,
        received,
        recorded,
        duplicate,
        suppressed,
        dead_lettered,
        replayed,
        received_at: Micros::new(received_at),
    })
}

fn malformed(value: &[u8]) -> StoreError {
    StoreError::Damaged(format!("a value of the ledger table has {} bytes, not 56", value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::store::MemoryStore;

    const HOUR: i64 = 3_600_000_000;

    fn count(ledger: &mut Ledger, store: &MemoryStore, counted: Counted, at: i64) {
        let at = Micros::new(at);
        let (account, delivery) = (Account::Partition(0), Delivery::Published);
        let received = Received { account, counted, received_at: at, sequence: None, delivery };
        ledger.count(store, received).expect("memory reads");
    }

    fn commit(ledger: &mut Ledger, store: &mut MemoryStore) {
        let mut changes = Vec::new();
        ledger.commit(&mut changes);
        store.apply(changes).expect("memory takes all");
    }

    fn row(ledger: &mut Ledger) -> LedgerRow {
        let pending = ledger.dirty().next().expect("one changed");
        pending.dirty = false;
        pending.row.clone()
    }

    #[test]
    fn counts_go_on_from_what_was_committed() {
        let (mut ledger, mut store) = (Ledger::default(), MemoryStore::default());
        count(&mut ledger, &store, Counted::Recorded, HOUR + 5);
        count(&mut ledger, &store, Counted::DeadLettered, HOUR + 3);
        assert_eq!(row(&mut ledger).received_at, Micros::new(HOUR + 5));
        assert_eq!(ledger.dirty().count(), 0);
        commit(&mut ledger, &mut store);
        count(&mut ledger, &store, Counted::Duplicate, HOUR + 4);
        ledger.rollback();
        count(&mut ledger, &store, Counted::Suppressed, HOUR + 4);
        let row = row(&mut ledger);
        assert_eq!(
            (row.received, row.recorded, row.duplicate, row.suppressed, row.dead_lettered),
            (3, 1, 0, 1, 1)
        );
        assert_eq!((row.received_at, row.hour), (Micros::new(HOUR + 5), Micros::new(HOUR)));
    }

    #[test]
    fn rows_are_forgotten_with_their_topic() {
        let (mut ledger, mut store) = (Ledger::default(), MemoryStore::default());
        count(&mut ledger, &store, Counted::Recorded, 0);
        count(&mut ledger, &store, Counted::Recorded, HOUR);
        commit(&mut ledger, &mut store);
        for (latest, kept) in [(KEPT, 2), (KEPT + 1, 1), (KEPT + HOUR + 1, 0)] {
            ledger.drop_old(&mut store, Some(Micros::new(latest))).expect("memory takes all");
            assert_eq!(store.len(LEDGER), kept);
        }
    }
}
