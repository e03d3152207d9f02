//! What the loop counts, per stage, under the names of the operations guide.

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use stage::{Label, Millis, Partition, StageSpec};

use crate::progress::Far;
use crate::tally::Tally;

/// Edges in seconds, on the thresholds that objectives speak of.
const LATENCY: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
const AGE: &[f64] = &[1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0, 604_800.0];
const STEP: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What the loop counts; registered once per process, children resolved once per stage.
#[derive(Clone)]
pub struct Metrics {
    consumed: IntCounterVec,
    consumed_bytes: IntCounterVec,
    produced: IntCounterVec,
    latency: HistogramVec,
    age: HistogramVec,
    steps: HistogramVec,
    lag: IntGaugeVec,
    lag_seconds: GaugeVec,
    last_record: GaugeVec,
    last_commit: GaugeVec,
    last_tick: GaugeVec,
    transactions: IntCounterVec,
    rebalances: IntCounterVec,
    assigned: IntGaugeVec,
    rows: IntGaugeVec,
    restoring: IntGaugeVec,
    waiting: IntGaugeVec,
    restore_done: GaugeVec,
    restore_left: GaugeVec,
    unaccounted: IntGaugeVec,
}

impl Metrics {
    /// Registers everything the loop counts.
    ///
    /// # Errors
    /// When a name is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            keep(registry, IntCounterVec::new(Opts::new(format!("lmsaudit_{name}"), help), labels)?)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            keep(registry, IntGaugeVec::new(Opts::new(format!("lmsaudit_{name}"), help), labels)?)
        };
        let seconds = |name: &str, help: &str| {
            keep(registry, GaugeVec::new(Opts::new(format!("lmsaudit_{name}"), help), &["stage"])?)
        };
        let restore = |name: &str, help: &str| {
            let labels = ["stage", "partition"];
            keep(registry, GaugeVec::new(Opts::new(format!("lmsaudit_{name}"), help), &labels)?)
        };
        let histogram = |name: &str, help: &str, labels: &[&str], edges: &[f64]| {
            let opts = HistogramOpts::new(format!("lmsaudit_{name}"), help).buckets(edges.to_vec());
            keep(registry, HistogramVec::new(opts, labels)?)
        };
        Ok(Self {
            consumed: counter(
                "records_consumed_total",
                "Input records of committed transactions.",
                &["stage", "topic"],
            )?,
            consumed_bytes: counter(
                "record_bytes_consumed_total",
                "Bytes of their keys and values.",
                &["stage", "topic"],
            )?,
            produced: counter(
                "records_produced_total",
                "Records written by committed transactions.",
                &["stage", "topic"],
            )?,
            latency: histogram(
                "record_e2e_latency_seconds",
                "From the broker's append of the action to the commit.",
                &["stage"],
                LATENCY,
            )?,
            age: histogram("event_age_seconds", "From when it happened to the commit.", &["stage"], AGE)?,
            steps: histogram(
                "batch_duration_seconds",
                "Duration of the steps of one transaction.",
                &["stage", "step"],
                STEP,
            )?,
            lag: gauge(
                "consumer_lag_records",
                "Input records before the last stable offset that are not processed.",
                &["stage", "topic", "partition"],
            )?,
            lag_seconds: seconds(
                "consumer_lag_seconds",
                "Age of the last processed record while there is lag, else 0.",
            )?,
            last_record: seconds(
                "last_record_processed_timestamp_seconds",
                "When a record was last processed.",
            )?,
            last_commit: seconds("last_commit_timestamp_seconds", "When a transaction was last committed.")?,
            last_tick: seconds("main_loop_last_tick_timestamp_seconds", "When the loop last came around.")?,
            transactions: counter(
                "transactions_total",
                "Transactions, by how they ended.",
                &["stage", "outcome"],
            )?,
            rebalances: counter("rebalances_total", "Changes of the assignment.", &["stage", "type"])?,
            assigned: gauge("assigned_partitions", "Partitions this process holds.", &["stage"])?,
            rows: gauge("state_rows", "Rows held in state.", &["view"])?,
            restoring: gauge(
                "restore_remaining_records",
                "Offsets left to restore from, of the restores under way.",
                &["stage"],
            )?,
            waiting: gauge(
                "restore_waiting_partitions",
                "Partitions whose restore waits for its turn.",
                &["stage"],
            )?,
            restore_done: restore(
                "restore_done_ratio",
                "Share of the topics being read that a restore under way has read, from 0 to 1: the ledger first, then all others.",
            )?,
            restore_left: restore(
                "restore_left_seconds",
                "Seconds until they are read, at the pace so far; absent while nothing was read.",
            )?,
            unaccounted: gauge(
                "unaccounted_records",
                "Input offsets of the partitions held that expired before they were read, in all, by the ledger.",
                &["stage"],
            )?,
        })
    }

    /// The metrics of one stage.
    #[must_use]
    pub fn stage(&self, spec: &StageSpec) -> StageMetrics {
        let stage = spec.name;
        let input = spec.topic(spec.input);
        let outputs = spec
            .outputs
            .iter()
            .map(|topic| (*topic, self.produced.with_label_values(&[stage, spec.topic(*topic)])));
        let step = |step| self.steps.with_label_values(&[stage, step]);
        let ended = |outcome| self.transactions.with_label_values(&[stage, outcome]);
        let moved = |kind| self.rebalances.with_label_values(&[stage, kind]);
        StageMetrics {
            stage,
            topic: input.to_owned(),
            consumed: self.consumed.with_label_values(&[stage, input]),
            consumed_bytes: self.consumed_bytes.with_label_values(&[stage, input]),
            produced: outputs.collect(),
            latency: self.latency.with_label_values(&[stage]),
            age: self.age.with_label_values(&[stage]),
            poll: step("poll"),
            process: step("process"),
            commit: step("commit"),
            lag: self.lag.clone(),
            lag_seconds: self.lag_seconds.with_label_values(&[stage]),
            last_record: self.last_record.with_label_values(&[stage]),
            last_commit: self.last_commit.with_label_values(&[stage]),
            last_tick: self.last_tick.with_label_values(&[stage]),
            committed: ended("committed"),
            aborted: ended("aborted"),
            fenced: ended("fenced"),
            assign: moved("assign"),
            revoke: moved("revoke"),
            lost: moved("lost"),
            assigned: self.assigned.with_label_values(&[stage]),
            rows: self.rows.clone(),
            restoring: self.restoring.with_label_values(&[stage]),
            waiting: self.waiting.with_label_values(&[stage]),
            restore_done: self.restore_done.clone(),
            restore_left: self.restore_left.clone(),
            unaccounted: self.unaccounted.with_label_values(&[stage]),
        }
    }
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// The metrics of one stage, every child resolved.
#[derive(Clone)]
pub struct StageMetrics {
    stage: Label,
    topic: String,
    consumed: IntCounter,
    consumed_bytes: IntCounter,
    produced: Vec<(stage::TopicIndex, IntCounter)>,
    latency: Histogram,
    age: Histogram,
    poll: Histogram,
    process: Histogram,
    commit: Histogram,
    lag: IntGaugeVec,
    lag_seconds: Gauge,
    last_record: Gauge,
    last_commit: Gauge,
    last_tick: Gauge,
    committed: IntCounter,
    aborted: IntCounter,
    fenced: IntCounter,
    assign: IntCounter,
    revoke: IntCounter,
    lost: IntCounter,
    assigned: IntGauge,
    rows: IntGaugeVec,
    restoring: IntGauge,
    waiting: IntGauge,
    restore_done: GaugeVec,
    restore_left: GaugeVec,
    unaccounted: IntGauge,
}

/// How long the steps of one transaction took, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps {
    pub(crate) poll: f64,
    pub(crate) process: f64,
    pub(crate) commit: f64,
}

fn seconds(at: Millis) -> f64 {
    at.get() as f64 / 1e3
}

impl StageMetrics {
    pub(crate) fn ticked(&self, now: Millis) {
        self.last_tick.set(seconds(now));
    }

    pub(crate) fn committed(&self, tally: &Tally, steps: Steps, now: Millis) {
        self.committed.inc();
        self.consumed.inc_by(tally.consumed);
        self.consumed_bytes.inc_by(tally.consumed_bytes);
        for (topic, counter) in &self.produced {
            counter.inc_by(tally.produced.get(topic).copied().unwrap_or(0));
        }
        let since = |then: &Millis| (now.get() - then.get()).max(0) as f64 / 1e3;
        tally.received.iter().for_each(|at| self.latency.observe(since(at)));
        tally.occurred.iter().for_each(|at| self.age.observe(since(at)));
        self.poll.observe(steps.poll);
        self.process.observe(steps.process);
        self.commit.observe(steps.commit);
        self.last_commit.set(seconds(now));
        if tally.consumed > 0 {
            self.last_record.set(seconds(now));
        }
    }

    pub(crate) fn aborted(&self) {
        self.aborted.inc();
    }

    pub(crate) fn fenced(&self) {
        self.fenced.inc();
    }

    pub(crate) fn assigned(&self, count: usize) {
        self.assign.inc();
        self.assigned.add(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn taken(&self, partitions: &[Partition], lost: bool) {
        if lost {
            self.lost.inc()
        } else {
            self.revoke.inc()
        }
        self.dropped(partitions);
    }

    /// Partitions are no longer held: what was said of them alone is said no more.
    pub(crate) fn dropped(&self, partitions: &[Partition]) {
        self.assigned.sub(i64::try_from(partitions.len()).unwrap_or(i64::MAX));
        for partition in partitions {
            // An error says only that there was no lag to forget.
            let _ = self.lag.remove_label_values(&[self.stage, &self.topic, &partition.to_string()]);
        }
    }

    pub(crate) fn lag(&self, partition: Partition, records: u64) {
        let gauge = self.lag.with_label_values(&[self.stage, &self.topic, &partition.to_string()]);
        gauge.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    pub(crate) fn lag_seconds(&self, age: f64) {
        self.lag_seconds.set(age);
    }

    /// Changes of how many offsets are left to restore from.
    pub(crate) fn restoring(&self, change: i64) {
        self.restoring.add(change);
    }

    /// Changes of how many partitions wait for their restore.
    pub(crate) fn waiting(&self, change: i64) {
        self.waiting.add(change);
    }

    /// How far the restore of this partition is.
    pub(crate) fn restored_so_far(&self, partition: Partition, far: Far) {
        let labels = [self.stage, &partition.to_string()];
        self.restore_done.with_label_values(&labels).set(far.ratio());
        match far.seconds_left() {
            Some(seconds) => self.restore_left.with_label_values(&labels).set(seconds),
            // An error says only that nothing was known before.
            None => drop(self.restore_left.remove_label_values(&labels)),
        }
    }

    /// The restore of this partition is over, or somebody else's.
    pub(crate) fn restore_ended(&self, partition: Partition) {
        let labels = [self.stage, &partition.to_string()];
        for gauges in [&self.restore_done, &self.restore_left] {
            // An error says only that nothing was known.
            let _ = gauges.remove_label_values(&labels);
        }
    }

    /// Changes of how many offsets of the partitions held expired unread, in all.
    pub(crate) fn unaccounted(&self, change: i64) {
        self.unaccounted.add(change);
    }

    /// Changes of the rows held, by view.
    pub(crate) fn rows(&self, view: Label, change: i64) {
        self.rows.with_label_values(&[view]).add(change);
    }
}
