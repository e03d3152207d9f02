//! A run of counting workers on the embedded log that are started again after every death, its books kept.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use embedded::{EmbeddedLog, LogRecord, Waiting};
use prometheus::Registry;
use runtime::{
    Audience, Limits, MembershipKind, Metrics, StageMetrics, Stop, Unobserved, Worker, WorkerConfig,
};
use stage::{Millis, Offset, Partition, StageFactory};

use super::books::{Books, series};
use super::counting::{Counting, TOPICS, Work};

pub(crate) const PARTITIONS: u32 = 2;
pub(crate) const GROUP: &str = "test-counting";

/// The group changes until the workers have asked the time so often; two seats at the end.
const UNREST: u32 = 70;

/// What is written to the input, in three waves: partition, key, value.
pub(crate) const WAVES: [&[(u32, &str, &str)]; 3] = [
    &[(0, "a", "1"), (1, "x", "1"), (0, "a", "2"), (0, "x", ">1 2")],
    &[(1, "x", "3"), (0, "b", "3")],
    &[(1, "b", ">0 4"), (0, "a", "5"), (1, "y", "4")],
];

/// An empty log with the topics of the counting stage.
pub(crate) fn prepare() -> EmbeddedLog {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(1000)), Waiting::AtOnce);
    log.create_stamped_topic(TOPICS[0], PARTITIONS);
    TOPICS[1..].iter().for_each(|topic| log.create_topic(topic, PARTITIONS));
    log
}

/// The metrics of the counting stage, in a registry of their own.
pub(crate) fn metrics() -> (Registry, StageMetrics) {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).expect("a registry of its own");
    let metrics = metrics.stage(Counting::new().spec());
    (registry, metrics)
}

/// A worker's configuration for tests that nothing times.
pub(crate) fn config(number: u32, membership: MembershipKind, restores: usize) -> WorkerConfig {
    WorkerConfig {
        app: "test".into(),
        instance: "one".into(),
        number,
        membership,
        limits: Limits::every(Duration::ZERO),
        restores,
        oldest_state: Arc::new(|| Duration::from_secs(14 * 86_400)),
        clock: Arc::new(|| Millis::new(1000)),
    }
}

/// What a person would see: the committed values of the events and the last row of each key.
pub(crate) type Seen = Vec<Vec<String>>;

/// How the workers of a run are set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) workers: u32,
    pub(crate) membership: MembershipKind,
    pub(crate) group: Grouping,
}

/// What becomes of the group during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// As many seats as workers, always.
    Settled,
    /// The seats change between one and two whenever the time was asked so often: between
    /// transactions, and within one.
    Rebalanced { every: u32 },
    /// A member is expelled whenever the time was asked so often.
    Expelled { every: u32 },
}

pub(crate) const CALM: Setup =
    Setup { workers: 1, membership: MembershipKind::Static, group: Grouping::Settled };

/// Workers that are started again after every death, driven in turn by one thread.
pub(crate) struct Supervised {
    log: EmbeddedLog,
    registry: Registry,
    metrics: StageMetrics,
    factory: Arc<Counting>,
    setup: Setup,
    stop: Stop,
    /// How often the workers asked the time; the group changes by it.
    asked: Arc<AtomicU32>,
    /// Metrics and log as of the last pass.
    books: Cell<Option<Books>>,
}

/// Whether the process lives on after a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    GoesOn,
    Over,
}

impl Supervised {
    pub(crate) fn new(log: &EmbeddedLog, setup: Setup) -> Self {
        // Told to stop, a worker does not sleep between two tries; its passes are the same.
        let stop = Stop::default();
        stop.set();
        log.members(GROUP, setup.workers);
        let (registry, metrics) = metrics();
        let factory = Arc::new(Counting::new());
        Self {
            log: log.clone(),
            registry,
            metrics,
            factory,
            setup,
            stop,
            asked: Arc::default(),
            books: Cell::default(),
        }
    }

    /// What its stages were asked to do so far.
    pub(crate) fn work(&self) -> Work {
        self.factory.work()
    }

    fn worker(&self, number: u32) -> Worker<EmbeddedLog> {
        let (log, asked, group) = (self.log.clone(), Arc::clone(&self.asked), self.setup.group);
        let clock = move || {
            let asked = asked.fetch_add(1, Ordering::Relaxed);
            match group {
                Grouping::Rebalanced { every } if asked % every == every - 1 && asked < UNREST => {
                    log.members(GROUP, 1 + asked / every % 2);
                }
                Grouping::Rebalanced { .. } if asked == UNREST => log.members(GROUP, 2),
                Grouping::Expelled { every } if asked % every == every - 1 && asked < UNREST => {
                    log.expel(GROUP, 0)
                }
                _ => {}
            }
            Millis::new(1000)
        };
        let config = config(number, self.setup.membership, 2);
        let config = WorkerConfig { clock: Arc::new(clock), ..config };
        let audience = Audience { metrics: self.metrics.clone(), observer: Arc::new(Unobserved) };
        Worker::new(self.log.restart(), self.factory.clone(), config, audience)
    }

    /// Works until all waves are done and some rounds more.
    pub(crate) fn run(&self) -> Result<Seen, String> {
        let start = || (0..self.setup.workers).map(|number| self.worker(number)).collect::<Vec<_>>();
        let mut workers = start();
        let mut waves = WAVES.iter();
        let mut calm = 0;
        let share = (PARTITIONS / self.setup.workers) as usize;
        for _ in 0..300 {
            if self.is_done() {
                match waves.next() {
                    Some(wave) => self.append(wave),
                    // In the end every partition is worked on, by the member whose it is.
                    None if workers.iter().any(|w| w.working_on() != share) => {}
                    None if calm < 3 => calm += 1,
                    None => return self.check_gauges().map(|()| self.seen()),
                }
            }
            for worker in &mut workers {
                if self.pass(worker)? == Life::Over {
                    // All of them died; the others of this round are gone before they learn of it.
                    workers.clear();
                    workers = start();
                    break;
                }
            }
        }
        let offset = |n| self.log.group_offset(GROUP, "input", Partition::new(n));
        Err(format!(
            "it came to offsets {:?} and no further",
            (0..PARTITIONS).map(offset).collect::<Vec<_>>()
        ))
    }

    /// One pass and what its failure asks for; metrics and log are compared after it.
    fn pass(&self, worker: &mut Worker<EmbeddedLog>) -> Result<Life, String> {
        // What one worker left open hides what another one commits; alone, every pass shows.
        let alone = self.setup.workers == 1;
        let before =
            alone.then(|| self.books.take().unwrap_or_else(|| Books::read(&self.log, &self.registry)));
        let failure = worker.pass(&self.stop).err();
        let recovered = failure.clone().map_or(Ok(()), |failure| worker.recover(failure, &self.stop));
        if let Some(before) = before {
            let now = before.check(&self.log, &self.registry, failure.as_ref())?;
            self.books.set(Some(now));
        }
        match recovered {
            Ok(()) => Ok(Life::GoesOn),
            Err(failure) if failure.to_string().contains("the process has crashed") => Ok(Life::Over),
            Err(failure) => Err(failure.to_string()),
        }
    }

    /// In the end gauges say what is held: of workers that died before nothing is left in them.
    fn check_gauges(&self) -> Result<(), String> {
        if self.setup.workers > 1 {
            return Ok(());
        }
        let all = series(&self.registry);
        let rows: usize = self.seen().iter().skip(1).step_by(2).map(Vec::len).sum();
        for (name, expected) in [
            (r#"assigned_partitions{stage="counting"}"#, f64::from(PARTITIONS)),
            (r#"state_rows{view="rows"}"#, rows as f64),
            (r#"unaccounted_records{stage="counting"}"#, 0.0),
            (r#"restore_remaining_records{stage="counting"}"#, 0.0),
            (r#"restore_waiting_partitions{stage="counting"}"#, 0.0),
            (r#"consumer_lag_records{partition="0",stage="counting",topic="input"}"#, 0.0),
            (r#"consumer_lag_records{partition="1",stage="counting",topic="input"}"#, 0.0),
        ] {
            let found = all.get(&format!("lmsaudit_{name}"));
            if found != Some(&expected) {
                return Err(format!("{name} is {found:?} and not {expected}"));
            }
        }
        let restores = all.keys().filter(|name| name.contains("restore_") && name.contains("partition="));
        match restores.collect::<Vec<_>>()[..] {
            [] => Ok(()),
            ref left => Err(format!("no restore is under way, but there are {left:?}")),
        }
    }

    fn append(&self, wave: &[(u32, &str, &str)]) {
        for (partition, key, value) in wave {
            let record = LogRecord::new(Millis::new(0), key.as_bytes(), value.as_bytes());
            self.log.append("input", Partition::new(*partition), record).expect("the topic is there");
        }
    }

    fn is_done(&self) -> bool {
        (0..PARTITIONS).map(Partition::new).all(|partition| {
            let last = self.dump("input", partition).last().map_or(-1, |(offset, _)| offset.number());
            let next = self.log.group_offset(GROUP, "input", partition);
            next.is_some_and(|next| next.number() > last)
        })
    }

    fn dump(&self, topic: &str, partition: Partition) -> Vec<(Offset, LogRecord)> {
        self.log.dump(topic, partition).expect("the topic is there")
    }

    fn seen(&self) -> Seen {
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.expect("not null")).expect("text");
        let mut seen = Vec::new();
        for partition in (0..PARTITIONS).map(Partition::new) {
            let events = self.dump("events", partition).into_iter().map(|(_, record)| text(record.value));
            seen.push(events.collect());
            let rows = self.dump("rows", partition).into_iter();
            let last = rows.map(|(_, record)| (text(record.key), text(record.value)));
            let last: std::collections::BTreeMap<_, _> = last.collect();
            seen.push(last.into_iter().map(|(key, count)| format!("{key}={count}")).collect());
        }
        seen
    }
}
