//! Restores beside each other: one that cannot go on holds up no other, there are never more than was
//! said, and logs and metrics say how far they are.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use embedded::{EmbeddedLog, EmbeddedProducer, LogRecord, Waiting};
use prometheus::Registry;
use runtime::{Audience, Broker as _, MembershipKind, Producer as _, Stop, Unobserved, Worker};
use stage::{Millis, Output, Partition, Sink as _};

use super::books::series;
use super::counting::{Counting, ROWS, TOPICS};
use super::supervised::{GROUP, config, metrics};

const PARTITIONS: u32 = 5;
const RESTORES: usize = 2;

/// More rows than one read of the log hands over.
const ROUNDS: u32 = 400;

fn p(number: u32) -> Partition {
    Partition::new(number)
}

/// A log with the rows of an earlier life, and one record more in each partition.
fn prepare() -> EmbeddedLog {
    let log = EmbeddedLog::new(Arc::new(|| Millis::new(1000)), Waiting::AtOnce);
    log.create_stamped_topic(TOPICS[0], PARTITIONS);
    TOPICS[1..].iter().for_each(|topic| log.create_topic(topic, PARTITIONS));
    let mut earlier = Run::new(&log);
    for round in 0..ROUNDS {
        feed(&log, &format!("key {round}"));
    }
    earlier.pass_until(|| offsets(&log) == [i64::from(ROUNDS); PARTITIONS as usize]);
    drop(earlier);
    feed(&log, "key 0");
    log
}

fn feed(log: &EmbeddedLog, key: &str) {
    for partition in (0..PARTITIONS).map(p) {
        let record = LogRecord::new(Millis::new(0), key.as_bytes(), b"1");
        log.append("input", partition, record).expect("the topic is there");
    }
}

fn offsets(log: &EmbeddedLog) -> [i64; PARTITIONS as usize] {
    std::array::from_fn(|partition| {
        let next = log.group_offset(GROUP, "input", p(partition as u32));
        next.map_or(0, |next| next.number())
    })
}

/// A worker, and all that can be seen of it.
struct Run {
    worker: Worker<EmbeddedLog>,
    factory: Arc<Counting>,
    registry: Registry,
    stop: Stop,
}

impl Run {
    fn new(log: &EmbeddedLog) -> Self {
        let factory = Arc::new(Counting::new());
        let (registry, metrics) = metrics();
        let audience = Audience { metrics, observer: Arc::new(Unobserved) };
        let config = config(0, MembershipKind::Static, RESTORES);
        let worker = Worker::new(log.clone(), factory.clone(), config, audience);
        Self { worker, factory, registry, stop: Stop::default() }
    }

    fn pass(&mut self) {
        self.worker.pass(&self.stop).expect("nothing is wrong");
    }

    fn pass_until(&mut self, mut is_done: impl FnMut() -> bool) {
        for _ in 0..1000 {
            if is_done() {
                return;
            }
            self.pass();
        }
        panic!("it does not come there in 1000 passes");
    }

    /// The gauges about restores: what is left, who waits, and of each partition the share and the time left.
    fn gauges(&self) -> BTreeMap<String, f64> {
        let all = series(&self.registry).into_iter();
        let ours = all.filter_map(|(name, value)| {
            let short = name.strip_prefix("lmsaudit_restore_")?.replace(r#"stage="counting""#, "");
            Some((short.replace(['{', '}', ','], " ").trim().to_owned(), value))
        });
        ours.collect()
    }
}

/// Opens a transaction that writes to the rows of this partition: readers come no further until it ends.
fn block(producer: &mut EmbeddedProducer, partition: u32) -> impl Drop {
    let mut transaction = producer.begin().expect("one can begin");
    transaction.send(&Output {
        topic: ROWS,
        partition: p(partition),
        timestamp: Millis::new(1),
        key: Some(b"stray"),
        value: Some(b"1"),
        headers: &[],
    });
    transaction
}

#[test]
fn a_restore_that_is_held_up_holds_up_no_other_and_there_are_never_more_than_was_said() {
    let log = prepare();
    let mut producer = log.producer("another", "input", &TOPICS.map(str::to_owned)).expect("claimed");
    let open = block(&mut producer, 0);
    let mut run = Run::new(&log);
    let (before, after) = (i64::from(ROUNDS), i64::from(ROUNDS) + 1);
    run.pass();
    let gauges = run.gauges();
    assert_eq!(gauges["waiting_partitions"], f64::from(PARTITIONS) - RESTORES as f64, "{gauges:?}");
    assert!(gauges["remaining_records"] > 0.0, "{gauges:?}");

    run.pass_until(|| offsets(&log)[1..] == [after; PARTITIONS as usize - 1]);
    assert_eq!(offsets(&log)[0], before, "it is still being restored");
    assert_eq!(run.worker.working_on(), PARTITIONS as usize - 1);
    feed(&log, "key 1");
    run.pass_until(|| offsets(&log)[1..] == [after + 1; PARTITIONS as usize - 1]);
    let gauges = run.gauges();
    assert_eq!(gauges["waiting_partitions"], 0.0);
    assert_eq!(gauges["remaining_records"], 1.0, "the record of the open transaction: {gauges:?}");
    let done = gauges[r#"done_ratio partition="0""#];
    assert!(done > 0.99 && done < 1.0, "{gauges:?}");
    assert!(gauges.contains_key(r#"left_seconds partition="0""#), "{gauges:?}");

    drop(open);
    run.pass_until(|| offsets(&log) == [after + 1; PARTITIONS as usize]);
    let over = [("remaining_records", 0.0), ("waiting_partitions", 0.0)];
    assert_eq!(run.gauges(), over.map(|(name, value)| (name.to_owned(), value)).into());
    let work = run.factory.work();
    assert_eq!((work.made, work.most_restoring), (PARTITIONS, RESTORES as i32), "{work:?}");
}

/// Lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics while holding it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_says_how_far_a_restore_is() {
    let log = prepare();
    let lines = Lines::default();
    let to = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || to.clone()).finish();
    // While there is one subscriber alone, and it is one thread's, what other threads log first is taken
    // to interest nobody anywhere; a second one ends that.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(subscriber, || {
        let mut run = Run::new(&log);
        run.pass_until(|| offsets(&log) == [i64::from(ROUNDS) + 1; PARTITIONS as usize]);
    });
    let text = String::from_utf8(lines.0.lock().expect("nobody panics").clone()).expect("text");
    let said: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    for partition in 0..PARTITIONS {
        let of = |message: &str| {
            let mut found =
                said.iter().filter(|one| one["message"] == message && one["partition"] == partition);
            let first = found.next().unwrap_or_else(|| panic!("{message} of partition {partition}: {text}"));
            assert_eq!(found.next(), None, "once");
            first
        };
        let began = of("restoring");
        assert_eq!((&began["percent"], &began["records"]), (&0.into(), &0.into()), "{began}");
        assert!(began["left"].as_u64().is_some_and(|left| left > 0), "{began}");
        assert_eq!(began.get("seconds_left"), None, "nothing is read, so nothing is known: {began}");
        let done = of("partition restored");
        assert_eq!((&done["percent"], &done["left"]), (&100.into(), &0.into()), "{done}");
        assert_eq!(done["seconds_left"], 0.0, "{done}");
        assert!(done["records"].as_u64().is_some_and(|records| records > u64::from(ROUNDS)), "{done}");
    }
}
