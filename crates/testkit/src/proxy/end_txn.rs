//! What is to befall the next requests that end a transaction, and which answers on a connection are marked for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::EndTxnFault;

/// KIP-98.
pub(super) const END_TXN: i16 = 26;

/// The armed fault, shared by the proxies of a network: a transaction's coordinator may be any broker.
#[derive(Debug, Default)]
pub(super) struct Armed(Mutex<Option<(EndTxnFault, usize)>>);

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    Hold(Duration),
    Swallow,
}

/// Marked answers of one connection, by correlation id, in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Fates(Mutex<HashMap<i32, VecDeque<Fate>>>);

impl Armed {
    pub(super) fn arm(&self, fault: EndTxnFault, times: usize) {
        *self.lock() = (times > 0).then_some((fault, times));
    }

    pub(super) fn disarm(&self) {
        *self.lock() = None;
    }

    /// How many requests it waits for.
    pub(super) fn awaited(&self) -> usize {
        self.lock().map_or(0, |(_, times)| times)
    }

    /// The fault for the request at hand.
    pub(super) fn take(&self) -> Option<EndTxnFault> {
        let mut armed = self.lock();
        let (fault, times) = (*armed)?;
        *armed = (times > 1).then_some((fault, times - 1));
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(EndTxnFault, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fates {
    pub(super) fn mark(&self, correlation: i32, fates: &[Fate]) {
        self.lock().entry(correlation).or_default().extend(fates);
    }

    pub(super) fn marked(&self, correlation: i32) -> bool {
        self.lock().contains_key(&correlation)
    }

    /// The fate of the answer at hand.
    pub(super) fn take(&self, correlation: i32) -> Fate {
        let mut fates = self.lock();
        let Some(waiting) = fates.get_mut(&correlation) else { return Fate::Pass };
        let fate = waiting.pop_front().unwrap_or(Fate::Pass);
        if waiting.is_empty() {
            fates.remove(&correlation);
        }
        fate
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, VecDeque<Fate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_befalls_as_many_requests_as_asked_for() {
        let armed = Armed::default();
        assert_eq!(armed.take(), None);
        armed.arm(EndTxnFault::Duplicate, 2);
        assert_eq!(armed.awaited(), 2);
        assert_eq!([armed.take(), armed.take(), armed.take()].iter().flatten().count(), 2);
        armed.arm(EndTxnFault::Duplicate, 0);
        assert_eq!((armed.awaited(), armed.take()), (0, None));
    }

    #[test]
    fn answers_of_one_number_meet_their_fates_in_order() {
        let fates = Fates::default();
        fates.mark(7, &[Fate::Pass, Fate::Swallow]);
        assert!(fates.marked(7) && !fates.marked(8));
        assert_eq!([fates.take(7), fates.take(7), fates.take(7)], [Fate::Pass, Fate::Swallow, Fate::Pass]);
        assert!(!fates.marked(7));
    }
}
