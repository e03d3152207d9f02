//! The latest events of many, at bounded memory, in the order they happened.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use catalog::{AuditEvent, EventId, Micros};

/// Keeps the latest events.
pub(super) struct Latest {
    limit: usize,
    seen: u64,
    heap: BinaryHeap<Reverse<Entry>>,
}

struct Entry(AuditEvent<'static>);

impl Latest {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, seen: 0, heap: BinaryHeap::new() }
    }

    pub(super) fn add(&mut self, event: AuditEvent<'static>) {
        self.seen += 1;
        self.heap.push(Reverse(Entry(event)));
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn sorted(self) -> impl Iterator<Item = AuditEvent<'static>> {
        // Sorted by Reverse, the latest stands first.
        self.heap.into_sorted_vec().into_iter().rev().map(|Reverse(Entry(event))| event)
    }
}

impl Entry {
    /// The register's order, as far as two events of one trail can differ in it.
    fn key(&self) -> (Micros, &str, Option<i64>, EventId) {
        let action = &self.0.action;
        (action.occurred_at, action.source.as_ref(), action.sequence, self.0.event_id)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
