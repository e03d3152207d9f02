//! The dedup table: what was recorded or suppressed, for as long as it can matter.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use catalog::{Digest, Micros};
use normalizer::Seen;
use stage::store::{Change, Store, StoreError};

use super::store::{CLOCK, DEDUP, KEY, QUEUE, VALUE, queued, sized};

/// Broker clocks may step back by so much, in microseconds.
pub(crate) const CLOCK_SLACK: i64 = HOUR;
const HOUR: i64 = 3_600_000_000;
/// So many entries are dropped at a commit beside those it adds, so that an hour's worth of them
/// never makes one commit wait.
const DROPPED_AT_ONCE: usize = 1024;
/// The key of the greatest broker time in its table.
const LATEST: &[u8] = b"latest";
/// And of the window that its entries were kept for.
const KEPT_FOR: &[u8] = b"window";

/// The dedup table: committed entries in the store, those of the open transaction here.
#[derive(Debug)]
pub(crate) struct Dedup {
    window: i64,
    pending: HashMap<[u8; KEY], Seen>,
    /// Where the queue of committed entries begins, as far as it was looked at: keys by hour of
    /// `received_at`, in which order they are dropped. A key may stand in more than one hour: the
    /// entry itself says which is true. To begin behind what was dropped saves a store on disk from
    /// stepping over it again and again.
    front: Vec<u8>,
    /// The greatest broker time of the committed log, and with the open transaction.
    latest: Option<Micros>,
    pending_latest: Option<Micros>,
}

impl Dedup {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window: i64::try_from(window.as_micros()).unwrap_or(i64::MAX),
            pending: HashMap::new(),
            front: Vec::new(),
            latest: None,
            pending_latest: None,
        }
    }

    /// Forgets everything that is not in the store.
    pub(crate) fn reset(&mut self) {
        *self = Self { window: self.window, ..Self::new(Duration::ZERO) };
    }

    /// Takes the clock from a store that outlived its process. One that has dropped entries which matter now, as the window was
    /// shorter, is begun anew.
    pub(crate) fn open(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        if let Some(kept) = number(store, KEPT_FOR)?
            && kept < self.window
        {
            let [kept, window] = [kept, self.window].map(|window| window / HOUR);
            return store
                .reset(&format!("it was kept for a dedup window of {kept} hours, which is {window} now"));
        }
        if let Some(latest) = number(store, LATEST)? {
            self.restore_time(Micros::new(latest));
        }
        Ok(())
    }

    /// The log has come to this broker time.
    pub(crate) fn observe(&mut self, received_at: Micros) {
        self.pending_latest = self.pending_latest.max(Some(received_at));
    }

    /// The greatest broker time of the committed log.
    pub(crate) fn latest(&self) -> Option<Micros> {
        self.latest
    }

    /// What is remembered under a key. An entry that may be dropped is none, whether or not it
    /// was: else the verdict would depend on where commits fell.
    pub(crate) fn get(&self, store: &dyn Store, key: &[u8; KEY]) -> Result<Option<Seen>, StoreError> {
        let seen = match self.pending.get(key) {
            Some(seen) => Some(*seen),
            None => read(store, key)?,
        };
        let horizon = self.horizon(self.pending_latest);
        Ok(seen.filter(|seen| Some(seen.received_at) >= horizon))
    }

    pub(crate) fn set(&mut self, key: [u8; KEY], seen: Seen) {
        self.pending.insert(key, seen);
    }

    /// Takes an entry that was committed before. Of two of one key the later counts; they lie a
    /// window apart, so that is the one of the greater broker time, in whatever order they come.
    pub(crate) fn restore(
        &mut self,
        store: &mut dyn Store,
        key: [u8; KEY],
        seen: Seen,
    ) -> Result<(), StoreError> {
        self.restore_time(seen.received_at);
        if read(store, &key)?.is_some_and(|held| held.received_at >= seen.received_at) {
            return Ok(());
        }
        store.apply(self.entry(key, seen).into())
    }

    /// The committed log had come to this broker time.
    pub(crate) fn restore_time(&mut self, received_at: Micros) {
        self.latest = self.latest.max(Some(received_at));
        self.pending_latest = self.latest;
    }

    /// The changes that make the open transaction's entries committed ones, and how many entries those are.
    pub(crate) fn commit(&mut self, changes: &mut Vec<Change>) -> usize {
        self.latest = self.pending_latest;
        let mut pending = std::mem::take(&mut self.pending);
        let added = pending.len();
        changes.extend(pending.drain().flat_map(|(key, seen)| self.entry(key, seen)));
        self.pending = pending;
        changes.extend(self.clock());
        added
    }

    /// The clock and the window as rows.
    pub(crate) fn clock(&self) -> impl Iterator<Item = Change> {
        let latest = self.latest.map(|latest| (LATEST, latest.get()));
        let rows = latest.into_iter().chain([(KEPT_FOR, self.window)]);
        rows.map(|(key, number)| Change {
            table: CLOCK,
            key: key.into(),
            value: Some(number.to_be_bytes().into()),
        })
    }

    /// Drops entries that can no longer matter: twice what was added and some, so that dropping
    /// keeps up. Called once the transaction's entries are committed.
    pub(crate) fn drop_old(&mut self, store: &mut dyn Store, added: usize) -> Result<(), StoreError> {
        let Some(horizon) = self.horizon(self.latest) else { return Ok(()) };
        let over = |hour: &[u8; 8]| i64::from_be_bytes(*hour).saturating_add(HOUR) <= horizon.get();
        if self.front.first_chunk().is_some_and(|hour| !over(hour)) {
            return Ok(());
        }
        let most = 2 * added + DROPPED_AT_ONCE;
        let (mut dropped, mut front, mut problem) = (Vec::new(), None, None);
        store.scan(QUEUE, &self.front, &mut |place, _| match queued(place) {
            Ok((hour, key)) if over(&hour) => {
                dropped.push((place.to_vec(), key));
                if dropped.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            }
            Ok((hour, _)) => {
                // The first that stays; others of its hour may come to lie before it.
                front = Some(hour.to_vec());
                ControlFlow::Break(())
            }
            Err(error) => {
                problem = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = problem {
            return Err(error);
        }
        if let Some(front) = front.or_else(|| dropped.last().map(|(place, _)| place.clone())) {
            self.front = front;
        }
        let mut changes = Vec::new();
        for (place, key) in dropped {
            if read(store, &key)?.is_some_and(|seen| seen.received_at < horizon) {
                changes.push(Change { table: DEDUP, key: key.into(), value: None });
            }
            changes.push(Change { table: QUEUE, key: place.into(), value: None });
        }
        if changes.is_empty() { Ok(()) } else { store.apply(changes) }
    }

    pub(crate) fn rollback(&mut self) {
        self.pending.clear();
        self.pending_latest = self.latest;
    }

    /// Entries older than this are none.
    fn horizon(&self, latest: Option<Micros>) -> Option<Micros> {
        let latest = latest?.get();
        Some(Micros::new(latest.saturating_sub(self.window).saturating_sub(CLOCK_SLACK)))
    }

    /// An entry and its place in the queue.
    fn entry(&mut self, key: [u8; KEY], seen: Seen) -> [Change; 2] {
        let hour = seen.received_at.hour().get().to_be_bytes();
        // One before the front, of a clock that stepped back, moves it.
        if !self.front.is_empty() && hour[..] < self.front[..] {
            self.front.clear();
        }
        let mut value = [0; VALUE];
        value[..8].copy_from_slice(&seen.received_at.get().to_be_bytes());
        value[8..].copy_from_slice(seen.digest.as_bytes());
        let place = [&hour[..], &key].concat();
        [
            Change { table: DEDUP, key: key.into(), value: Some(value.into()) },
            Change { table: QUEUE, key: place.into(), value: Some([].into()) },
        ]
    }
}

/// A number of the clock's table.
fn number(store: &dyn Store, key: &[u8]) -> Result<Option<i64>, StoreError> {
    let Some(value) = store.get(CLOCK, key)? else { return Ok(None) };
    let bytes = <[u8; 8]>::try_from(&value[..])
        .map_err(|_| StoreError::Damaged(format!("the clock has {} bytes, not 8", value.len())))?;
    Ok(Some(i64::from_be_bytes(bytes)))
}

fn read(store: &dyn Store, key: &[u8; KEY]) -> Result<Option<Seen>, StoreError> {
    let Some(value) = store.get(DEDUP, key)? else { return Ok(None) };
    let value: [u8; VALUE] = sized("value", &value)?;
    let (time, digest) = value.split_first_chunk::<8>().expect("41 bytes hold 8");
    let digest = digest.try_into().expect("33 of 41 bytes are left");
    let received_at = Micros::new(i64::from_be_bytes(*time));
    Ok(Some(Seen { received_at, digest: Digest::from_bytes(digest) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalizer::NormalizerStore;

    const WINDOW: i64 = 10 * HOUR;

    fn seen(received_at: i64) -> Seen {
        Seen { received_at: Micros::new(received_at), digest: Digest::new(1, [received_at as u8; 32]) }
    }

    fn dedup() -> (Dedup, NormalizerStore) {
        (Dedup::new(Duration::from_micros(WINDOW as u64)), NormalizerStore::default())
    }

    fn commit(dedup: &mut Dedup, store: &mut NormalizerStore) {
        let mut changes = Vec::new();
        let added = dedup.commit(&mut changes);
        store.apply(changes).expect("memory takes all");
        dedup.drop_old(store, added).expect("memory takes all");
    }

    #[test]
    fn entries_are_seen_at_once_kept_by_a_commit_and_dropped_by_a_rollback() {
        let (mut dedup, mut store) = dedup();
        dedup.observe(Micros::new(HOUR));
        dedup.set([1; KEY], seen(HOUR));
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(Some(seen(HOUR))));
        dedup.rollback();
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(None));
        dedup.set([1; KEY], seen(HOUR));
        commit(&mut dedup, &mut store);
        dedup.rollback();
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(Some(seen(HOUR))));
    }

    #[test]
    fn an_entry_is_there_until_window_and_slack_are_over_whether_or_not_it_was_dropped() {
        let (mut dedup, mut store) = dedup();
        let last = HOUR + WINDOW + CLOCK_SLACK;
        dedup.set([1; KEY], seen(HOUR));
        commit(&mut dedup, &mut store);
        dedup.observe(Micros::new(last));
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(Some(seen(HOUR))));
        dedup.observe(Micros::new(last + 1));
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(None), "though it lies in the store yet");
        commit(&mut dedup, &mut store);
        assert_eq!(store.len(DEDUP), 1, "its hour may hold others that are not over");
        dedup.observe(Micros::new(last + HOUR));
        commit(&mut dedup, &mut store);
        assert_eq!(store.len(DEDUP), 0);
    }

    #[test]
    fn an_entry_that_was_replaced_is_not_dropped_with_the_hour_of_the_old_one() {
        let (mut dedup, mut store) = dedup();
        let again = HOUR + WINDOW;
        for received_at in [HOUR, again] {
            dedup.observe(Micros::new(received_at));
            dedup.set([1; KEY], seen(received_at));
            commit(&mut dedup, &mut store);
        }
        dedup.observe(Micros::new(again + WINDOW));
        commit(&mut dedup, &mut store);
        assert_eq!(dedup.get(&store, &[1; KEY]), Ok(Some(seen(again))));
    }

    #[test]
    fn a_store_kept_for_a_shorter_window_is_begun_anew() {
        for (window, there) in
            [(WINDOW - HOUR, Some(seen(HOUR))), (WINDOW, Some(seen(HOUR))), (WINDOW + HOUR, None)]
        {
            let (mut before, mut store) = dedup();
            before.observe(Micros::new(HOUR));
            before.set([1; KEY], seen(HOUR));
            commit(&mut before, &mut store);
            let mut after = Dedup::new(Duration::from_micros(window as u64));
            after.open(&mut store).expect("memory takes all");
            assert_eq!(after.get(&store, &[1; KEY]), Ok(there), "{window}");
            assert_eq!(after.latest(), there.map(|seen| seen.received_at));
        }
    }

    #[test]
    fn of_two_restored_entries_of_a_key_the_later_counts() {
        for order in [[HOUR, 20 * HOUR], [20 * HOUR, HOUR]] {
            let (mut dedup, mut store) = dedup();
            for received_at in order {
                dedup.restore(&mut store, [1; KEY], seen(received_at)).expect("memory takes all");
            }
            assert_eq!(dedup.get(&store, &[1; KEY]), Ok(Some(seen(20 * HOUR))));
        }
    }

    #[test]
    fn dropping_takes_its_time_and_keeps_up() {
        let (mut dedup, mut store) = dedup();
        for n in 0..10_000_u64 {
            let mut key = [0; KEY];
            key[..8].copy_from_slice(&n.to_be_bytes());
            dedup.set(key, seen(HOUR));
        }
        commit(&mut dedup, &mut store);
        dedup.observe(Micros::new(100 * HOUR));
        commit(&mut dedup, &mut store);
        assert_eq!(store.len(DEDUP), 10_000 - DROPPED_AT_ONCE as u64);
        for _ in 0..10 {
            commit(&mut dedup, &mut store);
        }
        assert_eq!((store.len(DEDUP), store.len(QUEUE)), (0, 0));
    }
}
