//! Drops the windowed rows that are cleared, so that state does not grow for ever.
//!
//! When that is done changes nothing but memory: what the aggregator folds looks at no cleared row.
//! Kafka deletes the records by retention; no tombstones are written.

use aggregator::is_cleared;
use catalog::{Category, Micros, View, Window, window_start};
use stage::StageError;
use stage::store::{Change, scan_prefix};

use super::committed::{Committed, table};
use crate::errors::storing;

const DAY: i64 = 24 * 3_600_000_000;
/// How far the latest `received_at` must go before the state is looked through again.
const EVERY: i64 = 7 * DAY;
/// A cleared row was last received over 430 days ago, and nothing that happened more than 24 hours
/// after it was received is recorded: so its window began over 429 days ago.
const OLDEST_WINDOW: i64 = 429 * DAY;

/// When the state was last looked through.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    committed: Option<Micros>,
    pending: Option<Micros>,
}

impl Sweep {
    /// The removal of each cleared row, once in a while; `latest` is the latest `received_at` seen.
    pub(super) fn removals(
        &mut self,
        latest: Option<Micros>,
        rows: &Committed<'_>,
    ) -> Result<Vec<Change>, StageError> {
        let Some(latest) = latest else { return Ok(Vec::new()) };
        if self.committed.is_some_and(|last| latest.get() - last.get() < EVERY) {
            return Ok(Vec::new());
        }
        self.pending = Some(latest);
        let mut removals = Vec::new();
        for category in Category::ALL {
            for view in [View::Activity, View::Actors] {
                cleared(category, view, latest, rows, &mut removals)?;
            }
        }
        Ok(removals)
    }

    /// The removals are committed.
    pub(super) fn commit(&mut self) {
        self.committed = self.pending.take().or(self.committed);
    }

    /// When the state was last looked through.
    pub(super) fn last(&self) -> Option<Micros> {
        self.pending.or(self.committed)
    }

    /// A store that outlived its process was last looked through then.
    pub(super) fn opened(&mut self, last: Micros) {
        self.committed = Some(last);
    }

    /// The removals are dropped.
    pub(super) fn rollback(&mut self) {
        self.pending = None;
    }
}

fn cleared(
    category: Category,
    view: View,
    latest: Micros,
    rows: &Committed<'_>,
    removals: &mut Vec<Change>,
) -> Result<(), StageError> {
    let table = table(category, view);
    let oldest = window_start(Window::Day, Micros::new(latest.get() - OLDEST_WINDOW));
    let mut problem = None;
    let mut visit = |key: &[u8], value: &[u8]| {
        // A key ends with its window's start, which sorts as text; few rows are older than that.
        if problem.is_some() || key.rsplit(|byte| *byte == b'/').next() >= Some(oldest.as_bytes()) {
            return;
        }
        let received_at = match view {
            View::Activity => rows.decoder.activity(value).map(|row| row.received_at),
            _ => rows.decoder.actors(value).map(|row| row.received_at),
        };
        match received_at {
            Ok(at) if is_cleared(at, latest) => removals.push(Change { table, key: key.into(), value: None }),
            Ok(_) => {}
            Err(error) => problem = Some(error),
        }
    };
    scan_prefix(rows.store, table, b"", &mut visit).map_err(storing)?;
    match problem {
        Some(error) => Err(rows.unreadable(category, view, error)),
        None => Ok(()),
    }
}
