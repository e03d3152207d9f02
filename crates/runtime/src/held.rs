//! What this worker's partitions hold, told to gauges that all workers of a process share: each tells
//! only how its own part changes.

use std::collections::{BTreeMap, BTreeSet};

use stage::{Label, Partition};

use crate::metrics::StageMetrics;
use crate::restores::Standing;
use crate::task::Task;

/// What was told last.
#[derive(Debug, Default)]
pub(crate) struct Held {
    rows: BTreeMap<Label, i64>,
    expired: i64,
    restoring: i64,
    waiting: i64,
    /// Partitions whose restores are under way.
    under_way: BTreeSet<Partition>,
}

impl Held {
    /// Tells what has changed since the last time.
    pub(crate) fn tell(
        &mut self,
        tasks: &BTreeMap<Partition, Task>,
        restores: &Standing,
        metrics: &StageMetrics,
    ) {
        let now = Self {
            restoring: i64::try_from(restores.remaining).unwrap_or(i64::MAX),
            waiting: i64::try_from(restores.waiting).unwrap_or(i64::MAX),
            under_way: restores.far.keys().copied().collect(),
            ..Self::of(tasks)
        };
        let views: BTreeSet<_> = now.rows.keys().chain(self.rows.keys()).copied().collect();
        for view in views {
            let count = |held: &Self| held.rows.get(view).copied().unwrap_or(0);
            metrics.rows(view, count(&now) - count(self));
        }
        metrics.unaccounted(now.expired - self.expired);
        metrics.restoring(now.restoring - self.restoring);
        metrics.waiting(now.waiting - self.waiting);
        for (partition, far) in &restores.far {
            metrics.restored_so_far(*partition, *far);
        }
        for partition in self.under_way.difference(&now.under_way) {
            metrics.restore_ended(*partition);
        }
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
