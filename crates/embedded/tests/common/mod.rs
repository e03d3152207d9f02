//! What the tests of the log share: a clock by hand, short names for the port's calls.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use embedded::{EmbeddedConsumer, EmbeddedLog, EmbeddedProducer, Waiting};
use runtime::{Batch, Broker, Consumer, GroupEvent, Log, MemberSpec, Reader, Reading, Slice};
use stage::{Millis, Offset, Output, Partition, TopicIndex};

pub(crate) const INPUT: &str = "input";
pub(crate) const OUTPUT: &str = "output";
pub(crate) const GROUP: &str = "group";
pub(crate) const NOW: Duration = Duration::ZERO;

/// A log whose clock stands at `time`, with an input topic stamped by the log and an output topic.
pub(crate) fn log_at(time: &Arc<AtomicI64>, partitions: u32) -> EmbeddedLog {
    let time = Arc::clone(time);
    let log = EmbeddedLog::new(Arc::new(move || Millis::new(time.load(Ordering::Relaxed))), Waiting::AtOnce);
    log.create_stamped_topic(INPUT, partitions);
    log.create_topic(OUTPUT, partitions);
    log
}

pub(crate) fn log(partitions: u32) -> EmbeddedLog {
    log_at(&Arc::new(AtomicI64::new(1000)), partitions)
}

pub(crate) fn p(number: u32) -> Partition {
    Partition::new(number)
}

pub(crate) fn at(number: i64) -> Offset {
    Offset::new(number)
}

pub(crate) fn member(instance: Option<&str>) -> MemberSpec {
    MemberSpec {
        group: GROUP.into(),
        topic: INPUT.into(),
        client_id: "test".into(),
        instance_id: instance.map(Into::into),
    }
}

pub(crate) fn consumer(log: &EmbeddedLog) -> EmbeddedConsumer {
    log.consumer(&member(None)).expect("the group takes a member")
}

/// A producer that writes [`INPUT`] as topic 0 and [`OUTPUT`] as topic 1.
pub(crate) fn producer(log: &EmbeddedLog, transactional_id: &str) -> EmbeddedProducer {
    log.producer(transactional_id, INPUT, &[INPUT.into(), OUTPUT.into()]).expect("the topics are there")
}

/// A record for [`OUTPUT`].
pub(crate) fn output(partition: u32, text: &str) -> Output<'_> {
    Output {
        topic: TopicIndex::new(1),
        partition: p(partition),
        timestamp: Millis::new(7),
        key: Some(text.as_bytes()),
        value: Some(text.as_bytes()),
        headers: &[],
    }
}

pub(crate) fn assigned(consumer: &mut EmbeddedConsumer) -> Vec<Partition> {
    match consumer.event().expect("the member is in the group") {
        Some(GroupEvent::Assigned(partitions)) => {
            consumer.accept(&partitions).expect("they were assigned");
            partitions
        }
        other => panic!("expected an assignment, got {other:?}"),
    }
}

/// The committed values of a partition.
pub(crate) fn values(log: &EmbeddedLog, topic: &str, partition: u32) -> Vec<String> {
    let records = log.dump(topic, p(partition)).expect("the topic is there");
    records.into_iter().map(|(_, record)| text(record.value.as_deref())).collect()
}

pub(crate) fn batch_values(batch: &impl Batch) -> Vec<(u32, i64, String)> {
    (0..batch.len())
        .map(|index| {
            let record = batch.record(index);
            (record.partition.number(), record.offset.number(), text(record.value))
        })
        .collect()
}

/// What a reader of these offsets gets in one go.
pub(crate) fn read(
    log: &EmbeddedLog,
    topic: &str,
    partition: u32,
    from: i64,
    until: i64,
) -> (Vec<String>, Reading) {
    let slice = Slice { topic: topic.into(), partition: p(partition), from: at(from), until: at(until) };
    let mut reader = log.clone().open(vec![slice]).expect("the topic is there");
    let mut found = Vec::new();
    let reading = reader.read(NOW, &mut |_, record| found.push(text(record.value))).expect("in range");
    (found, reading)
}

/// Start, last stable offset and end of a partition.
pub(crate) fn extent(log: &EmbeddedLog, topic: &str, partition: u32) -> (i64, i64, i64) {
    let extent = log.restart().extent(topic, p(partition)).expect("the topic is there");
    (extent.start.number(), extent.stable.number(), extent.end.number())
}

pub(crate) fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8(bytes.unwrap_or(b"-").to_vec()).expect("tests write text")
}
