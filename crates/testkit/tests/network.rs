//! A network that can be disturbed, between Kafka's own client and brokers of ours: what is done to it is seen by the client, and
//! by nobody else.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use testkit::{Cluster, Coordinator, EndTxnFault, TestKafka, Way, wait_until};

const LIMIT: Duration = Duration::from_secs(60);
const TOPIC: &str = "sent";
const WRITER: &str = "writer-1";

fn proxied(nodes: usize) -> Option<TestKafka> {
    let kafka = Cluster::of(nodes).proxied().fresh_or_skip()?;
    kafka.create_topic(TOPIC, 1, &[]);
    Some(kafka)
}

fn values(kafka: &TestKafka) -> Vec<String> {
    kafka.read(TOPIC).iter().map(|record| record.value_text()).collect()
}

type Writer = ThreadedProducer<DefaultProducerContext>;

/// As the product's: idempotent, and patient with the network.
fn writer(kafka: &TestKafka, settings: &[(&str, &str)]) -> Writer {
    let mut config: ClientConfig = kafka.product_client();
    config.set("enable.idempotence", "true").set("linger.ms", "1");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create().unwrap()
}

fn transactional(kafka: &TestKafka, settings: &[(&str, &str)]) -> Writer {
    let all = [&[("transactional.id", WRITER)], settings].concat();
    let writer = writer(kafka, &all);
    writer.init_transactions(LIMIT).unwrap();
    writer
}

fn send(writer: &Writer, value: &str) {
    let record: BaseRecord<'_, (), str> = BaseRecord::to(TOPIC).payload(value);
    writer.send(record).unwrap_or_else(|(error, _)| panic!("{value} is not taken: {error}"));
}

fn commit(writer: &Writer, value: &str) {
    writer.begin_transaction().unwrap();
    send(writer, value);
    writer.commit_transaction(LIMIT).unwrap();
}

#[test]
fn the_product_goes_through_the_network_and_tests_past_it() {
    for nodes in [1, 3] {
        let Some(kafka) = proxied(nodes) else { return };
        let seen = |config: ClientConfig| {
            let consumer: BaseConsumer = config.create().unwrap();
            let metadata = consumer.fetch_metadata(None, LIMIT).unwrap();
            let mut seen: Vec<_> =
                metadata.brokers().iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
            seen.sort();
            seen
        };
        let sorted = |addresses: &str| {
            let mut sorted: Vec<_> = addresses.split(',').map(str::to_owned).collect();
            sorted.sort();
            sorted
        };
        assert_eq!(seen(kafka.product_client()), sorted(kafka.bootstrap()));
        assert_eq!(seen(kafka.client()), sorted(kafka.direct()));
        let address = kafka.node(1).proxy().unwrap().address().to_string();
        assert!(kafka.bootstrap().contains(&address));
        let environment = kafka.environment();
        assert_eq!(
            environment,
            [("LMSAUDIT_KAFKA_BOOTSTRAP_SERVERS".to_owned(), kafka.bootstrap().to_owned())]
        );
    }
}

#[test]
fn a_delay_is_felt_by_the_product_alone() {
    let Some(kafka) = proxied(1) else { return };
    let [product, test]: [BaseConsumer; 2] =
        [kafka.product_client(), kafka.client()].map(|config| config.create().unwrap());
    let asked = |consumer: &BaseConsumer| {
        let began = Instant::now();
        consumer.fetch_watermarks(TOPIC, 0, LIMIT).unwrap();
        began.elapsed()
    };
    asked(&product);
    asked(&test);
    kafka.network().delay(Duration::from_millis(400));
    let (product_took, test_took) = (asked(&product), asked(&test));
    assert!(product_took >= Duration::from_millis(800), "{product_took:?}");
    assert!(test_took < Duration::from_millis(800), "{test_took:?}");
    kafka.network().heal();
    assert!(asked(&product) < Duration::from_millis(800));
}

#[test]
fn cut_and_healed_everything_sent_arrives_once_and_in_order() {
    let Some(kafka) = proxied(1) else { return };
    let writer = writer(&kafka, &[]);
    let mut sent = Vec::new();
    let mut send = |value: &str| {
        send(&writer, value);
        sent.push(value.to_owned());
    };
    send("before");
    writer.flush(LIMIT).unwrap();
    let network = kafka.network();
    let ended = || network.counts().ended;
    network.cut();
    send("cut");
    wait_until(LIMIT, "a connection to be refused", || network.counts().refused > 0);
    assert_eq!(values(&kafka), ["before"], "tests see what is there, past the network");
    network.heal();
    writer.flush(LIMIT).unwrap();
    network.reset();
    send("reset");
    writer.flush(LIMIT).unwrap();
    let before = ended();
    network.reset_after(60);
    send("reset within a request");
    wait_until(LIMIT, "the reset", || ended() > before);
    writer.flush(LIMIT).unwrap();
    kafka.freeze();
    send("broker frozen");
    kafka.thaw();
    writer.flush(LIMIT).unwrap();
    drop(writer);
    assert_eq!(values(&kafka), sent);
}

#[test]
fn half_open_it_is_given_up_after_the_clients_own_timeout() {
    let Some(kafka) = proxied(1) else { return };
    for way in [Way::ToBroker, Way::ToClient, Way::Both] {
        // librdkafka's default is a minute.
        let writer = writer(&kafka, &[("socket.timeout.ms", "2000"), ("message.timeout.ms", "60000")]);
        send(&writer, "before");
        writer.flush(LIMIT).unwrap();
        let swallowed = kafka.network().counts().bytes_swallowed;
        kafka.network().half_open(way);
        let began = Instant::now();
        send(&writer, "into silence");
        wait_until(LIMIT, "bytes to vanish", || kafka.network().counts().bytes_swallowed > swallowed);
        kafka.network().heal();
        writer.flush(LIMIT).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(1500), "{way:?}: {:?}", began.elapsed());
    }
    assert_eq!(values(&kafka), ["before", "into silence"].repeat(3));
}

#[test]
fn transactions_end_once_whatever_befalls_their_end() {
    for nodes in [1, 3] {
        let Some(kafka) = proxied(nodes) else { return };
        let writer = transactional(&kafka, &[("socket.timeout.ms", "3000")]);
        commit(&writer, "undisturbed");
        let network = kafka.network();
        assert_eq!(network.counts().end_txn_seen, 1);
        let coordinator = kafka.coordinator_of(Coordinator::Transaction(WRITER));
        assert_eq!(network.proxy(coordinator).counts().end_txn_seen, 1);
        let late = Duration::from_millis(700);
        for (name, fault, least) in [
            ("request delayed", EndTxnFault::DelayRequest(late), late),
            ("response delayed", EndTxnFault::DelayResponse(late), late),
            ("duplicated", EndTxnFault::Duplicate, Duration::ZERO),
            ("response dropped", EndTxnFault::DropResponse, Duration::from_secs(2)),
        ] {
            network.on_end_txn(fault, 1);
            let began = Instant::now();
            commit(&writer, name);
            assert!(began.elapsed() >= least, "{name}: {:?}", began.elapsed());
            assert_eq!(network.end_txn_awaited(), 0, "{name}");
        }
        let counts = network.counts();
        assert_eq!((counts.end_txn_delayed, counts.end_txn_duplicated, counts.end_txn_dropped), (2, 1, 1));
        assert!(counts.end_txn_seen >= 6, "the client sends again what was not answered: {counts:?}");
        assert_eq!(
            values(&kafka),
            ["undisturbed", "request delayed", "response delayed", "duplicated", "response dropped"]
        );
    }
}

#[test]
fn an_end_txn_that_comes_late_ends_the_next_transaction() {
    // What every producer without KIP-890 is open to (librdkafka's issue 5423), and what this network is there to show.
    let Some(kafka) = proxied(1) else { return };
    let writer = transactional(&kafka, &[("socket.timeout.ms", "1000")]);
    commit(&writer, "first");
    let network = kafka.network();
    let late = Duration::from_secs(6);
    network.on_end_txn(EndTxnFault::DelayRequest(late), 1);
    let began = Instant::now();
    commit(&writer, "second");
    assert!(began.elapsed() < late, "the client has sent it again and goes on");
    writer.begin_transaction().unwrap();
    send(&writer, "not committed");
    writer.flush(LIMIT).unwrap();
    // It never is, by its producer; the late request of the transaction before does it.
    wait_until(LIMIT, "the late request", || values(&kafka) == ["first", "second", "not committed"]);
    assert!(began.elapsed() >= late);
}
