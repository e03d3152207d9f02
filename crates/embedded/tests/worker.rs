//! The runtime's worker on the embedded log, crashed at every step it makes.

mod counting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use counting::{Counting, TOPICS};
use embedded::{CrashPlan, EmbeddedLog, LogRecord, Waiting, crash_points};
use runtime::{
    Audience, Limits, MembershipKind, Metrics, StageMetrics, Stop, Unobserved, Worker, WorkerConfig,
};
use stage::{Millis, Offset, Partition, StageFactory};

const PARTITIONS: u32 = 2;
const GROUP: &str = "test-counting";

/// The group changes until the workers have asked the time so often; two seats at the end.
const UNREST: u32 = 70;

/// What is written to the input, in three waves: partition, key, value.
const WAVES: [&[(u32, &str, &str)]; 3] = [
    &[(0, "a", "1"), (1, "x", "1"), (0, "a", "2"), (0, "x", ">1 2")],
    &[(1, "x", "3"), (0, "b", "3")],
    &[(1, "b", ">0 4"), (0, "a", "5"), (1, "y", "4")],
];

fn prepare() -> EmbeddedLog {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(1000)), Waiting::AtOnce);
    log.create_stamped_topic(TOPICS[0], PARTITIONS);
    TOPICS[1..].iter().for_each(|topic| log.create_topic(topic, PARTITIONS));
    log
}

fn metrics() -> StageMetrics {
    let registry = prometheus::Registry::new();
    Metrics::register(&registry).expect("a registry of its own").stage(Counting::new().spec())
}

/// What a person would see: the committed values of the events and the last row of each key.
type Seen = Vec<Vec<String>>;

/// How the workers of a run are set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    workers: u32,
    membership: MembershipKind,
    group: Grouping,
}

/// What becomes of the group during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grouping {
    /// As many seats as workers, always.
    Settled,
    /// The seats change between one and two whenever the time was asked so often: between
    /// transactions, and within one.
    Rebalanced { every: u32 },
    /// A member is expelled whenever the time was asked so often.
    Expelled { every: u32 },
}

const CALM: Setup = Setup { workers: 1, membership: MembershipKind::Static, group: Grouping::Settled };

/// Workers that are started again after every death, driven in turn by one thread.
struct Supervised {
    log: EmbeddedLog,
    metrics: StageMetrics,
    setup: Setup,
    stop: Stop,
    /// How often the workers asked the time; the group changes by it.
    asked: Arc<AtomicU32>,
}

impl Supervised {
    fn new(log: &EmbeddedLog, metrics: &StageMetrics, setup: Setup) -> Self {
        // Told to stop, a worker does not sleep between two tries; its passes are the same.
        let stop = Stop::default();
        stop.set();
        log.members(GROUP, setup.workers);
        Self { log: log.clone(), metrics: metrics.clone(), setup, stop, asked: Arc::default() }
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
        let config = WorkerConfig {
            app: "test".into(),
            instance: "one".into(),
            number,
            membership: self.setup.membership,
            limits: Limits::every(Duration::ZERO),
            restores: 2,
            oldest_state: Arc::new(|| Duration::from_secs(14 * 86_400)),
            clock: Arc::new(clock),
        };
        let audience = Audience { metrics: self.metrics.clone(), observer: Arc::new(Unobserved) };
        Worker::new(self.log.restart(), Arc::new(Counting::new()), config, audience)
    }

    /// Works until all waves are done and some rounds more.
    fn run(&self) -> Result<Seen, String> {
        let start = || (0..self.setup.workers).map(|number| self.worker(number)).collect::<Vec<_>>();
        let mut workers = start();
        let mut waves = WAVES.iter();
        let mut calm = 0;
        let share = (PARTITIONS / self.setup.workers) as usize;
        for _ in 0..300 {
            if self.is_done() {
                match waves.next() {
                    Some(wave) => self.append(wave),
                    None if calm == 3 => return Ok(self.seen()),
                    // In the end every partition is worked on, by the member whose it is.
                    None if workers.iter().all(|w| w.working_on() == share) => calm += 1,
                    None => {}
                }
            }
            for worker in &mut workers {
                let Err(failure) = worker.pass(&self.stop) else { continue };
                let dead = failure.to_string().contains("the process has crashed");
                let Err(failure) = worker.recover(failure, &self.stop) else { continue };
                if !dead {
                    return Err(failure.to_string());
                }
                // All of them died; the others of this round are gone before they learn of it.
                workers.clear();
                workers = start();
                break;
            }
        }
        let offset = |n| self.log.group_offset(GROUP, "input", Partition::new(n));
        Err(format!(
            "it came to offsets {:?} and no further",
            (0..PARTITIONS).map(offset).collect::<Vec<_>>()
        ))
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

fn expected() -> Seen {
    [
        vec!["a 1 1", "a 2 2", "b 1 3", "a 3 5", "b 2 4"],
        vec!["a=3", "b=2"],
        vec!["x 1 1", "x 2 2", "x 3 3", "y 1 4"],
        vec!["x=3", "y=1"],
    ]
    .map(|list| list.into_iter().map(str::to_owned).collect())
    .to_vec()
}

fn check_crash_points(setup: Setup) {
    let metrics = metrics();
    let mut wrong = Vec::new();
    let points = crash_points(
        prepare,
        |log| Supervised::new(log, &metrics, setup).run(),
        |point, undisturbed, disturbed| {
            assert_eq!(*undisturbed, Ok(expected()));
            if disturbed != Ok(expected()) {
                wrong.push(format!("{point}: {disturbed:?}"));
            }
        },
    );
    assert!(wrong.is_empty(), "{} of {points} crash points, {setup:?}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(points > 200, "{points} crash points are too few to be all");
}

#[test]
fn a_static_member_survives_every_crash_point() {
    check_crash_points(CALM);
}

#[test]
fn a_leaving_member_survives_every_crash_point() {
    check_crash_points(Setup { membership: MembershipKind::Leaving, ..CALM });
}

#[test]
fn two_workers_survive_every_crash_point() {
    check_crash_points(Setup { workers: 2, ..CALM });
}

#[test]
fn rebalances_and_crash_points() {
    for every in [3, 4, 5, 7] {
        check_crash_points(Setup { workers: 2, group: Grouping::Rebalanced { every }, ..CALM });
    }
}

#[test]
fn lost_partitions_and_crash_points() {
    for every in [3, 8] {
        check_crash_points(Setup { group: Grouping::Expelled { every }, ..CALM });
    }
}

#[test]
fn it_survives_faults_during_the_recovery_from_faults() {
    let metrics = metrics();
    let mut wrong = Vec::new();
    for seed in 0..300 {
        let log = prepare();
        log.plan(CrashPlan::drawn(seed, 40));
        let seen = Supervised::new(&log, &metrics, CALM).run();
        if seen != Ok(expected()) {
            wrong.push(format!("seed {seed}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} seeds:\n{}", wrong.len(), wrong.join("\n"));
}
