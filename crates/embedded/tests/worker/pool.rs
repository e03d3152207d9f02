//! A pool whose stage panics: once, and again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded::{EmbeddedLog, LogRecord, Waiting};
use runtime::{Audience, MembershipKind, Pool, Stop, Unobserved};
use stage::{Millis, Partition, StageFactory};

use super::counting::{Counting, TOPICS, TROUBLED, Trouble};
use super::supervised::{GROUP, config, metrics};

const LONG: Duration = Duration::from_secs(60);

/// A log with three records in its only partition, the second of which meets the stage's trouble.
fn log() -> EmbeddedLog {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(1000)), Waiting::Live);
    log.create_stamped_topic(TOPICS[0], 1);
    TOPICS[1..].iter().for_each(|topic| log.create_topic(topic, 1));
    for (key, value) in [("a", "1"), (TROUBLED, "2"), ("a", "3")] {
        let record = LogRecord::new(Millis::new(0), key.as_bytes(), value.as_bytes());
        log.append("input", Partition::new(0), record).expect("the topic is there");
    }
    log
}

fn start(log: &EmbeddedLog, factory: &Arc<Counting>, stop: &Stop) -> Pool {
    let (_, metrics) = metrics();
    let audience = Audience { metrics, observer: Arc::new(Unobserved) };
    let workers = vec![(config(0, MembershipKind::Static, 2), audience)];
    let factory: Arc<dyn StageFactory> = factory.clone();
    Pool::start(log, &factory, workers, stop).expect("threads start")
}

fn events(log: &EmbeddedLog) -> Vec<String> {
    let records = log.dump("events", Partition::new(0)).expect("the topic is there");
    let text = |record: LogRecord| String::from_utf8(record.value.expect("not null")).expect("text");
    records.into_iter().map(|(_, record)| text(record)).collect()
}

fn all() -> Vec<String> {
    ["a 1 1", "troubled 1 2", "a 2 3"].map(str::to_owned).into()
}

#[test]
fn a_worker_whose_stage_panics_is_replaced_and_nothing_is_lost_or_doubled() {
    let (log, stop) = (log(), Stop::default());
    let factory = Arc::new(Counting::with(Trouble::Panics(1)));
    let pool = start(&log, &factory, &stop);
    let began = Instant::now();
    while log.group_offset(GROUP, "input", Partition::new(0)).is_none_or(|next| next.number() < 3) {
        assert!(!stop.is_set(), "the pool ended: {:?}", pool.join());
        assert!(began.elapsed() < LONG, "processing does not go on");
        std::thread::yield_now();
    }
    stop.set();
    assert_eq!(pool.join(), Ok(()));
    assert_eq!(events(&log), all());
    let work = factory.work();
    assert_eq!((work.panicked, work.made), (1, 2), "it panicked once, and was rebuilt once");
}

#[test]
fn a_stage_that_always_panics_ends_the_pool_and_says_what_to_do() {
    let (log, stop) = (log(), Stop::default());
    let factory = Arc::new(Counting::with(Trouble::Panics(u32::MAX)));
    let began = Instant::now();
    let ended = start(&log, &factory, &stop).join().expect_err("it cannot go on");
    assert_eq!(
        ended.to_string(),
        "worker 0 of counting: it panicked, which is a defect to be reported (a stage of a test panics); rebuilt 10 times within 60 s: rebuilding does not help; mend what this names, as deploy/crash-loop.md says, and start again: nothing is lost meanwhile"
    );
    assert!(stop.is_set(), "all that share its end are told");
    assert_eq!(factory.work().panicked, 10);
    // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 + 5 + 5 seconds.
    assert!(began.elapsed() >= Duration::from_millis(21_300), "it was rebuilt without a pause");
    assert_eq!(events(&log), Vec::<String>::new(), "what was begun is undone");
}

#[test]
fn a_pool_that_is_told_to_stop_while_it_waits_ends_with_what_failed() {
    let (log, stop) = (log(), Stop::default());
    let factory = Arc::new(Counting::with(Trouble::Panics(u32::MAX)));
    let pool = start(&log, &factory, &stop);
    let began = Instant::now();
    while factory.work().panicked < 3 {
        assert!(!stop.is_set(), "the pool ended: {:?}", pool.join());
        assert!(began.elapsed() < LONG, "it is not rebuilt");
        std::thread::yield_now();
    }
    stop.set();
    let ended = pool.join().expect_err("a defect is no orderly end").to_string();
    assert!(ended.contains("a stage of a test panics") && ended.contains("told to stop"), "{ended}");
}
