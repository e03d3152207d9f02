//! The loop on Apache Kafka with a stage that copies: each record once, in order, whatever happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::Registry;
use runtime::kafka::{Kafka, Settings};
use runtime::{
    Audience, Broker, Consumer, Failure, GroupEvent, Limits, MemberSpec, MembershipKind, Metrics, Observer,
    Phase, Pool, Producer, Remedy, Shares, Stop, Transaction, Watched, WorkerConfig, share_anew,
};
use stage::{Millis, Output, Partition, Sink, StageFactory, TopicIndex};
use testkit::{Cluster, EndTxnFault, Isolation, Raw, TestKafka, fresh_kafka_or_skip, wait_until};
use tests::copying::Copying;

const PARTITIONS: i32 = 3;
const LONG: Duration = Duration::from_secs(60);

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Millis::new(since.as_millis().try_into().expect("before the year 292 million"))
}

#[derive(Default)]
struct Ready(AtomicBool);

impl Observer for Ready {
    fn entered(&self, phase: Phase) {
        self.0.store(phase == Phase::Running, Ordering::Relaxed);
    }
}

struct Running {
    pool: Pool,
    stop: Stop,
    ready: Vec<Arc<Ready>>,
}

fn start(kafka: &TestKafka, instance: &str, workers: u32, membership: MembershipKind) -> Running {
    let properties = BTreeMap::from([("session.timeout.ms".to_owned(), "6000".to_owned())]);
    let broker = Kafka::new(Settings::new(kafka.bootstrap(), properties).expect("nothing reserved"));
    let factory: Arc<dyn StageFactory> = Arc::new(Copying::default());
    let metrics = Metrics::register(&Registry::new()).expect("a fresh registry").stage(factory.spec());
    let config = |number| WorkerConfig {
        app: "test".into(),
        instance: instance.into(),
        number,
        membership,
        limits: Limits::every(Duration::from_millis(50)),
        restores: 2,
        oldest_state: Arc::new(|| Duration::from_secs(14 * 86_400)),
        clock: Arc::new(now),
    };
    let ready: Vec<_> = (0..workers).map(|_| Arc::<Ready>::default()).collect();
    let audience = |ready: &Arc<Ready>| Audience { metrics: metrics.clone(), observer: ready.clone() };
    let all: Vec<_> = (0..).zip(&ready).map(|(number, ready)| (config(number), audience(ready))).collect();
    let stop = Stop::default();
    let pool = Pool::start(&broker, &factory, all, &stop).expect("threads start");
    Running { pool, stop, ready }
}

impl Running {
    fn await_ready(&self) {
        wait_until(LONG, "every worker is ready", || {
            self.ready.iter().all(|ready| ready.0.load(Ordering::Relaxed))
        });
    }

    fn end(self) -> Result<(), Failure> {
        self.stop.set();
        self.pool.join()
    }
}

fn topics(kafka: &TestKafka) {
    for topic in ["in", "copy", "ledger"] {
        kafka.create_topic(topic, PARTITIONS, &[]);
    }
}

fn feed(kafka: &TestKafka, numbers: std::ops::Range<i64>) {
    kafka.produce(numbers.map(|number| {
        let partition = i32::try_from(number % i64::from(PARTITIONS)).expect("small");
        Raw::to("in").partition(partition).key("k").value(number.to_string())
    }));
}

fn copied(kafka: &TestKafka) -> Vec<Vec<i64>> {
    let numbers = |partition| {
        let all = kafka.read_partition("copy", partition);
        all.iter().map(|record| record.value_text().parse().expect("a number")).collect()
    };
    (0..PARTITIONS).map(numbers).collect()
}

fn expected(until: i64) -> Vec<Vec<i64>> {
    (0..i64::from(PARTITIONS)).map(|first| (first..until).step_by(3).collect()).collect()
}

fn await_copied(kafka: &TestKafka, until: i64) {
    wait_until(LONG, "everything is copied", || {
        copied(kafka).iter().map(Vec::len).sum::<usize>() as i64 >= until
    });
    assert_eq!(copied(kafka), expected(until), "each record once, in order");
}

#[test]
fn every_record_is_copied_once_across_restarts_and_rebalances() {
    let Some(kafka) = fresh_kafka_or_skip() else { return };
    topics(&kafka);
    feed(&kafka, 0..3000);
    let one = start(&kafka, "one", 1, MembershipKind::Static);
    one.await_ready();
    await_copied(&kafka, 3000);
    one.end().expect("an orderly end");

    let one = start(&kafka, "one", 1, MembershipKind::Static);
    feed(&kafka, 3000..6000);
    await_copied(&kafka, 6000);
    let two = start(&kafka, "two", 2, MembershipKind::Leaving);
    feed(&kafka, 6000..9000);
    two.await_ready();
    feed(&kafka, 9000..12000);
    await_copied(&kafka, 12000);
    two.end().expect("an orderly end");
    feed(&kafka, 12000..15000);
    await_copied(&kafka, 15000);
    one.end().expect("an orderly end");
}

#[test]
fn a_transaction_whose_end_was_asked_for_twice_is_its_producers_last() {
    let Some(kafka) = Cluster::of(1).proxied().fresh_or_skip() else { return };
    kafka.create_topic("out", 1, &[]);
    let properties = BTreeMap::from([("socket.timeout.ms".to_owned(), "1000".to_owned())]);
    let broker = Kafka::new(Settings::new(kafka.bootstrap(), properties).expect("nothing reserved"));
    // Records, and not the offsets, of which control records that come after a commit take some, too.
    let written = || kafka.read_as("out", Isolation::Uncommitted).len();
    for commits in [true, false] {
        let id = format!("commits-{commits}");
        let mut producer = broker.producer(&id, "in", &["out".into()]).expect("the broker answers");
        let transact = |producer: &mut <Kafka as Broker>::Producer, value: &str, commits: bool| {
            let before = written();
            let mut transaction = producer.begin().expect("one can begin");
            transaction.send(&Output {
                topic: TopicIndex::new(0),
                partition: Partition::new(0),
                timestamp: now(),
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
            });
            // Of a transaction that has written nothing no end is asked for.
            wait_until(LONG, "the record is written", || written() > before);
            if commits { transaction.commit_alone() } else { transaction.abort() }
                .expect("the broker answers");
        };
        transact(&mut producer, "undisturbed", true);
        assert!(!producer.is_doubtful());
        kafka.network().on_end_txn(EndTxnFault::DelayRequest(Duration::from_secs(4)), 1);
        transact(&mut producer, "disturbed", commits);
        assert!(producer.is_doubtful(), "commits: {commits}");
        let refused = producer.begin().err().expect("a late copy could end it");
        assert_eq!(refused.remedy, Remedy::Rebuild);
        let mut next = broker.producer(&id, "in", &["out".into()]).expect("the broker answers");
        transact(&mut next, "next", true);
        assert!(!next.is_doubtful());
    }
    let values: Vec<_> =
        kafka.read_as("out", Isolation::Committed).into_iter().filter_map(|taken| taken.value).collect();
    let expected =
        ["undisturbed", "disturbed", "next", "undisturbed", "next"].map(|value| value.as_bytes().to_vec());
    assert_eq!(values, expected);
}

/// A member of group `shared`, that keeps all it is given.
struct Member(<Kafka as Broker>::Consumer);

impl Member {
    fn join(broker: &Kafka, name: &str) -> Self {
        let spec = MemberSpec {
            group: "shared".into(),
            topic: "in".into(),
            client_id: name.into(),
            instance_id: Some(name.into()),
        };
        Self(broker.consumer(&spec).expect("the configuration is in order"))
    }

    /// Takes what it is given; says whether it was asked to give something up, which it does not.
    fn takes(&mut self) -> Option<GroupEvent> {
        let event = self.0.event().expect("the broker answers")?;
        if let GroupEvent::Assigned(partitions) = &event {
            self.0.accept(partitions).expect("they can be taken");
        }
        Some(event)
    }
}

#[test]
fn a_partition_that_was_given_to_nobody_is_given_to_somebody() {
    let Some(kafka) = fresh_kafka_or_skip() else { return };
    for topic in ["in", "other"] {
        kafka.create_topic(topic, PARTITIONS, &[]);
    }
    let properties = BTreeMap::from([("session.timeout.ms".to_owned(), "45000".to_owned())]);
    let broker = Kafka::new(Settings::new(kafka.bootstrap(), properties).expect("nothing reserved"));
    let mut shares = broker.admin().expect("an admin client can be made");
    // A coordinator that was just made cannot tell yet.
    let mut share = || shares.share("shared", "in").ok();
    let mut one = Member::join(&broker, "one");
    wait_until(LONG, "one owns all", || {
        one.takes();
        share().is_some_and(|now| now.unowned.is_empty())
    });
    // Another joins; one is to give a partition up, and dies before it has.
    let mut two = Member::join(&broker, "two");
    wait_until(LONG, "one is to give up", || {
        two.takes();
        matches!(one.takes(), Some(GroupEvent::Revoked(_)))
    });
    drop(one);
    let mut one = Member::join(&broker, "one");
    wait_until(LONG, "the group is at rest", || {
        one.takes();
        two.takes();
        share().is_some_and(|now| now.at_rest && now.members == ["one", "two"])
    });
    assert_eq!(
        share().expect("it could tell before").unowned.len(),
        1,
        "it comes back to what it had been promised, and the rest is nobody's"
    );

    let watched =
        Watched { group: "shared".into(), topic: "in".into(), other: "other".into(), own: "w-".into() };
    let passing = std::thread::spawn(move || share_anew(&broker, &watched, &Stop::default()));
    wait_until(LONG, "all are owned", || {
        one.takes();
        two.takes();
        share().is_some_and(|now| now.at_rest && now.unowned.is_empty() && now.members == ["one", "two"])
    });
    passing.join().expect("it does not panic").expect("the group shares out anew");
}
