//! What workers tell: the trail's own counters, and the pulse that health checks feel.

use std::sync::Arc;
use std::time::Instant;

use catalog::{Category, Reason};
use prometheus::{IntCounterVec, Opts, Registry};
use runtime::{Observer, Phase, Tally};

/// Counters of what became of actions: closed sets of labels, each child there from the start, so
/// that a rate over one that never happened is 0 and not nothing.
#[derive(Clone)]
pub struct TrailMetrics {
    actions: IntCounterVec,
    dead_letters: IntCounterVec,
    events: IntCounterVec,
}

impl TrailMetrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When a name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(format!("lmsaudit_{name}"), help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let metrics = Self {
            actions: counter("actions_total", "Actions, by what became of them.", "outcome")?,
            dead_letters: counter("dead_letters_total", "Dead letters, by reason.", "reason")?,
            events: counter("audit_events_total", "Audit events recorded, by category.", "category")?,
        };
        for outcome in ["recorded", "duplicate", "suppressed", "dead_lettered", "rerouted"] {
            metrics.actions.with_label_values(&[outcome]);
        }
        for reason in Reason::ALL {
            metrics.dead_letters.with_label_values(&[reason.name()]);
        }
        for category in Category::ALL {
            metrics.events.with_label_values(&[category.name()]);
        }
        Ok(metrics)
    }

    fn count(&self, tally: &Tally) {
        let action = |outcome: &str, count: u64| self.actions.with_label_values(&[outcome]).inc_by(count);
        action("recorded", tally.emitted.values().sum());
        action("dead_lettered", tally.rejected.values().sum());
        action("rerouted", tally.rerouted);
        tally.skipped.iter().for_each(|(why, count)| action(why, *count));
        for (reason, count) in &tally.rejected {
            self.dead_letters.with_label_values(&[reason]).inc_by(*count);
        }
        for (category, count) in &tally.emitted {
            self.events.with_label_values(&[category]).inc_by(*count);
        }
    }
}

/// Listens to one worker.
pub(super) struct Listener {
    pub(super) pulse: Arc<ops::Pulse>,
    /// The trail's counters, for a worker of the normalizer.
    pub(super) trail: Option<TrailMetrics>,
}

impl Observer for Listener {
    fn ticked(&self) {
        self.pulse.ticked(Instant::now());
        #[cfg(feature = "failpoints")]
        super::failpoints::stall();
    }

    fn entered(&self, phase: Phase) {
        let phase = match phase {
            Phase::Joining => ops::Phase::Joining,
            Phase::Restoring => ops::Phase::Restoring,
            Phase::Running => ops::Phase::Running,
        };
        self.pulse.entered(phase, Instant::now());
    }

    fn saw_backlog(&self, records: u64) {
        self.pulse.saw_backlog(ops::Backlog::Records(records), Instant::now());
    }

    fn committed(&self, tally: &Tally) {
        self.pulse.progressed(Instant::now());
        if let Some(trail) = &self.trail {
            trail.count(tally);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_tally_is_counted_under_its_closed_labels() {
        let registry = Registry::new();
        let metrics = TrailMetrics::register(&registry).expect("a fresh registry");
        let series = || registry.gather().iter().map(|family| family.get_metric().len()).sum::<usize>();
        assert_eq!(series(), 5 + 9 + 12);
        metrics.count(&Tally {
            emitted: BTreeMap::from([("certificate", 3), ("skill", 1)]),
            skipped: BTreeMap::from([("duplicate", 2)]),
            rejected: BTreeMap::from([("malformed", 5)]),
            rerouted: 7,
            ..Tally::default()
        });
        assert_eq!(series(), 5 + 9 + 12, "counting adds no series");
        for (outcome, count) in
            [("recorded", 4), ("duplicate", 2), ("suppressed", 0), ("dead_lettered", 5), ("rerouted", 7)]
        {
            assert_eq!(metrics.actions.with_label_values(&[outcome]).get(), count, "{outcome}");
        }
        assert_eq!(metrics.events.with_label_values(&["certificate"]).get(), 3);
        assert_eq!(metrics.dead_letters.with_label_values(&["malformed"]).get(), 5);
    }
}
