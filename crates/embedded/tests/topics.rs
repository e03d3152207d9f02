//! Topics and partitions: timestamps, ids, log start, compaction, publishing, description.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use common::*;
use embedded::{LogRecord, Tombstones};
use runtime::{Admin, Consumer, Log, Producer, Publisher, Reader, Remedy, Slice, TopicPlan, Transaction};
use stage::{Header, Millis, Output, PartitionCount, Sink, TopicIndex};

fn record(time: i64, key: &str, value: Option<&str>) -> LogRecord {
    let value = value.map(|value| value.as_bytes().to_vec());
    LogRecord { value, ..LogRecord::new(Millis::new(time), key.as_bytes(), b"") }
}

#[test]
fn the_log_stamps_what_the_topic_says_it_stamps() {
    let time = Arc::new(AtomicI64::new(1000));
    let log = log_at(&time, 1);
    let mut producer = producer(&log, "id");
    log.append(INPUT, p(0), record(1, "a", Some("a"))).expect("the topic is there");
    log.append(OUTPUT, p(0), record(1, "a", Some("a"))).expect("the topic is there");
    time.store(2000, Ordering::Relaxed);
    let mut transaction = producer.begin().expect("nothing is wrong");
    transaction.send(&Output { topic: TopicIndex::new(0), ..output(0, "b") });
    transaction.send(&output(0, "b"));
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    let proof = consumer.membership().expect("it is a member");
    transaction.commit(&[], &proof).expect("nothing is wrong");
    for (topic, expected) in [(INPUT, [1000, 2000]), (OUTPUT, [1, 7])] {
        let records = log.dump(topic, p(0)).expect("the topic is there");
        let stamps: Vec<_> = records.iter().map(|(_, record)| record.timestamp.get()).collect();
        assert_eq!(stamps, expected, "{topic}");
    }
}

#[test]
fn offsets_by_time() {
    let log = log(1);
    for time in [10, 30, 20, 40] {
        log.append(OUTPUT, p(0), record(time, "k", Some("v"))).expect("the topic is there");
    }
    for (time, expected) in [(0, 0), (10, 0), (11, 1), (31, 3), (41, 4)] {
        let offset = log.clone().offset_at(OUTPUT, p(0), Millis::new(time)).expect("the topic is there");
        assert_eq!(offset, at(expected), "{time}");
    }
}

#[test]
fn a_topic_made_anew_has_another_id_and_nothing_in_it() {
    let log = log(1);
    let id = |name: &str| log.clone().topic_id(name);
    let (input, output) = (id(INPUT).expect("it is there"), id(OUTPUT).expect("it is there"));
    assert_ne!(input, output);
    log.append(INPUT, p(0), record(1, "a", Some("a"))).expect("the topic is there");
    log.delete_topic(INPUT);
    assert_eq!(id(INPUT).expect_err("it is gone").remedy, Remedy::Stop);
    log.create_stamped_topic(INPUT, 3);
    assert_ne!(id(INPUT).expect("it is there"), input);
    assert_eq!(log.clone().partition_count(INPUT).expect("it is there"), 3);
    assert_eq!(extent(&log, INPUT, 0), (0, 0, 0));
}

#[test]
fn the_log_start_moves_and_readers_below_it_are_told() {
    let log = log(1);
    for value in ["a", "b", "c"] {
        log.append(INPUT, p(0), record(1, value, Some(value))).expect("the topic is there");
    }
    let mut consumer = consumer(&log);
    assigned(&mut consumer);
    consumer.start(p(0), at(0)).expect("it was accepted");
    log.truncate(INPUT, p(0), at(2)).expect("the topic is there");
    assert_eq!(extent(&log, INPUT, 0), (2, 3, 3));
    assert_eq!(values(&log, INPUT, 0), ["c"]);
    let error = consumer.batch(10, NOW).expect_err("offset 0 is gone");
    assert_eq!(error.remedy, Remedy::Rebuild);
    assert_eq!(
        error.to_string(),
        "embedded log: read input/0 at offset 0: the partition holds offsets from 2 to before 3"
    );
    let slice = Slice { topic: INPUT.into(), partition: p(0), from: at(1), until: at(3) };
    let mut reader = log.clone().open(vec![slice]).expect("the topic is there");
    assert_eq!(reader.read(NOW, &mut |_, _| ()).expect_err("offset 1 is gone").remedy, Remedy::Rebuild);

    log.truncate(INPUT, p(0), at(1)).expect("the topic is there");
    assert_eq!(extent(&log, INPUT, 0), (2, 3, 3), "the start never moves back");
    log.truncate(INPUT, p(0), at(99)).expect("the topic is there");
    assert_eq!(extent(&log, INPUT, 0), (3, 3, 3), "nor beyond the end");
    consumer.start(p(0), at(3)).expect("it was accepted");
    log.append(INPUT, p(0), record(1, "d", Some("d"))).expect("the topic is there");
    assert_eq!(batch_values(&consumer.batch(10, NOW).expect("in range")), [(0, 3, "d".to_owned())]);
}

#[test]
fn compaction_keeps_the_last_of_each_key_at_its_offset() {
    let log = log(1);
    let entries = [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("c", Some("4")), ("c", None)];
    for (key, value) in entries {
        log.append(OUTPUT, p(0), record(1, key, value)).expect("the topic is there");
    }
    let keyless = LogRecord { key: None, ..record(1, "", Some("5")) };
    log.append(OUTPUT, p(0), keyless).expect("the topic is there");
    let mut done = producer(&log, "done");
    let mut aborted = done.begin().expect("nothing is wrong");
    aborted.send(&output(0, "b"));
    aborted.abort().expect("nothing is wrong");
    let mut open = producer(&log, "open");
    let mut undecided = open.begin().expect("nothing is wrong");
    undecided.send(&output(0, "a"));

    let kept = |log: &embedded::EmbeddedLog| -> Vec<_> {
        let records = log.dump(OUTPUT, p(0)).expect("the topic is there");
        records.iter().map(|(offset, r)| (offset.number(), text(r.value.as_deref()))).collect()
    };
    let expect = |list: &[(i64, &str)]| list.iter().map(|(o, v)| (*o, (*v).to_owned())).collect::<Vec<_>>();
    log.compact(OUTPUT, Tombstones::Kept).expect("the topic is there");
    assert_eq!(kept(&log), expect(&[(1, "2"), (2, "3"), (4, "-"), (5, "5")]));
    log.compact(OUTPUT, Tombstones::Dropped).expect("the topic is there");
    assert_eq!(kept(&log), expect(&[(1, "2"), (2, "3"), (5, "5")]));
    assert_eq!(extent(&log, OUTPUT, 0), (0, 8, 9));
    assert_eq!(read(&log, OUTPUT, 0, 0, 8).1, runtime::Reading::Done, "emptied offsets are passed over");
    undecided.abort().expect("nothing is wrong");
    assert_eq!(extent(&log, OUTPUT, 0), (0, 10, 10), "an open transaction outlives compaction");
}

#[test]
fn published_records_go_by_key_and_keep_key_value_and_headers() {
    let log = log(4);
    let mut publisher = log.publisher(INPUT).expect("the topic is there");
    let headers = [Header::new("h", Some(b"1")), Header::new("h", None)];
    publisher.publish(Some(b"acme"), b"value", &headers).expect("it is taken");
    for _ in 0..4 {
        publisher.publish(None, b"keyless", &[]).expect("it is taken");
    }
    assert_eq!(publisher.flush(NOW), Ok(5));
    let home = PartitionCount::new(4).expect("4 is a count").partition_of(b"acme");
    let records = log.dump(INPUT, home).expect("the topic is there");
    let expected = LogRecord {
        headers: vec![("h".into(), Some(b"1".to_vec())), ("h".into(), None)],
        ..LogRecord::new(Millis::new(1000), b"acme", b"value")
    };
    assert_eq!(records.first(), Some(&(at(0), expected)));
    let keyless = (0..4).map(|n| values(&log, INPUT, n).iter().filter(|v| *v == "keyless").count());
    assert_eq!(keyless.collect::<Vec<_>>(), [1; 4]);
    assert!(log.publisher("elsewhere").is_err());
}

#[test]
fn topics_are_made_described_and_set_by_kafkas_names() {
    let mut log = log(1);
    let config = BTreeMap::from([("message.timestamp.type".to_owned(), "LogAppendTime".to_owned())]);
    let plan = TopicPlan { name: "new".into(), partitions: 3, replication: 2, config };
    let twice = TopicPlan { partitions: 5, ..plan.clone() };
    log.create(&[plan.clone(), twice]).expect("nothing is wrong");
    log.set("new", &BTreeMap::from([("retention.ms".into(), "5".into())])).expect("it is there");
    let found = log.topics(&["new".into(), "none".into()]).expect("it answers");
    let state = found[0].as_ref().expect("it was made");
    assert_eq!((state.partitions, state.replication, found[1].is_none()), (3, 2, true));
    for (key, value) in
        [("message.timestamp.type", "LogAppendTime"), ("retention.ms", "5"), ("cleanup.policy", "delete")]
    {
        assert_eq!(state.config.get(key).map(String::as_str), Some(value), "{key}");
    }
    log.append("new", p(2), record(1, "a", Some("a"))).expect("the topic is there");
    assert_eq!(log.dump("new", p(2)).expect("the topic is there")[0].1.timestamp, Millis::new(1000));

    let none = TopicPlan { name: "zero".into(), partitions: 0, ..plan.clone() };
    assert!(log.create(&[none]).is_err());
    let wrong = BTreeMap::from([("message.timestamp.type".to_owned(), "Never".to_owned())]);
    assert!(log.create(&[TopicPlan { name: "wrong".into(), config: wrong.clone(), ..plan }]).is_err());
    assert!(log.set("new", &wrong).is_err());
    assert!(log.set("none", &BTreeMap::new()).is_err());
}
