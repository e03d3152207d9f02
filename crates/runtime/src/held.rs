//! What this worker's partitions hold, told to gauges that all workers of a process share: each tells
//! only how its own part changes.

use std::collections::{BTreeMap, BTreeSet};

use stage::{Label, Partition};

use crate::metrics::StageMetrics;
use crate::task::Task;

/// What was told last.
#[derive(Debug, Default)]
pub(crate) struct Held {
    rows: BTreeMap<Label, i64>,
    expired: i64,
    restoring: i64,
}

impl Held {
    /// Tells what has changed since the last time; `restoring` are the offsets left to restore from.
    pub(crate) fn tell(&mut self, tasks: &BTreeMap<Partition, Task>, restoring: u64, metrics: &StageMetrics) {
        let now = Self { restoring: i64::try_from(restoring).unwrap_or(i64::MAX), ..Self::of(tasks) };
        let views: BTreeSet<_> = now.rows.keys().chain(self.rows.keys()).copied().collect();
        for view in views {
            let count = |held: &Self| held.rows.get(view).copied().unwrap_or(0);
            metrics.rows(view, count(&now) - count(self));
        }
        metrics.unaccounted(now.expired - self.expired);
        metrics.restoring(now.restoring - self.restoring);
        *self = now;
    }

    fn of(tasks: &BTreeMap<Partition, Task>) -> Self {
        let mut held = Self::default();
        for task in tasks.values() {
            for (view, count) in task.stage.rows() {
                *held.rows.entry(view).or_default() += i64::try_from(count).unwrap_or(i64::MAX);
            }
            held.expired += i64::try_from(task.expired_in_all).unwrap_or(i64::MAX);
        }
        held
    }
}
