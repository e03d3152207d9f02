//! What the tests drive a stage with: input records, a sink that keeps what it is sent, and a
//! runtime in a few lines.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use stage::{
    Coverage, Header, Mark, Millis, Offset, Outcome, Output, Partition, PartitionCount, ReadFrom, Record,
    RestorePoint, Sink, Stage, StageFactory, TopicIndex,
};

use crate::{NormalizerConfig, NormalizerStages};

/// How many partitions the tests' topics have.
pub(super) const COUNT: u32 = 3;
/// The most bytes a value may have in the tests.
pub(super) const LIMIT: usize = 2_000;
/// 2026-11-02T09:14:04Z, in milliseconds.
pub(super) const NOW: i64 = 1_793_610_844_000;
pub(super) const HOUR: i64 = 3_600_000;

pub(super) type Bytes = Option<Vec<u8>>;

/// A record, read or written, that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    pub(super) headers: Vec<(String, Bytes)>,
}

impl Owned {
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            partition: Partition::new(self.partition),
            offset: Offset::new(self.offset),
            timestamp: Millis::new(self.timestamp),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.record().header(name).map(|value| String::from_utf8(value.to_vec()).expect("text"))
    }

    pub(super) fn key_text(&self) -> &str {
        str::from_utf8(self.key.as_deref().expect("a key")).expect("text")
    }
}

/// Keeps what it is sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(pub(super) Vec<Owned>);

impl Sink for Kept {
    fn send(&mut self, output: &Output<'_>) {
        self.0.push(Owned {
            topic: Topic::all().nth(output.topic.index()).expect("a topic of the trail"),
            partition: output.partition.number(),
            offset: self.0.len() as i64,
            timestamp: output.timestamp.get(),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: output
                .headers
                .iter()
                .map(|h| (h.shown_name().into_owned(), h.value.map(<[u8]>::to_vec)))
                .collect(),
        });
    }
}

impl Kept {
    /// What was sent to one topic, in order.
    pub(super) fn of(&self, topic: Topic) -> Vec<Owned> {
        self.0
            .iter()
            .filter(|sent| sent.topic == topic)
            .cloned()
            .map(|sent| Owned { offset: 0, ..sent })
            .collect()
    }

    /// The last row of each key, coverage left out.
    pub(super) fn rows(&self, topic: Topic) -> BTreeMap<String, Owned> {
        let rows = self.of(topic).into_iter().map(|row| (row.key_text().to_owned(), row));
        rows.filter(|(key, _)| !key.starts_with("~coverage/")).collect()
    }

    /// What must not depend on where commits fell: everything but how often rows were written.
    pub(super) fn facts(&self) -> (Vec<Vec<Owned>>, [BTreeMap<String, Owned>; 2]) {
        let logs = [Topic::Events, Topic::Receipts, Topic::DeadLetters, Topic::Actions];
        (
            logs.map(|topic| self.of(topic)).into(),
            [Topic::Ledger, Topic::Settings].map(|topic| self.rows(topic)),
        )
    }
}

pub(super) fn count() -> PartitionCount {
    PartitionCount::new(COUNT).expect("at least one")
}

/// The partition of `acme`.
pub(super) fn home() -> u32 {
    count().partition_of(b"acme").number()
}

pub(super) fn stages() -> NormalizerStages {
    let config =
        NormalizerConfig { max_value_bytes: LIMIT, ..NormalizerConfig::new(count(), Codec::single_object()) };
    NormalizerStages::new(config)
}

pub(super) fn stage_of(partition: u32) -> Box<dyn Stage> {
    stages().create(Partition::new(partition)).expect("memory opens")
}

pub(super) fn process(stage: &mut dyn Stage, input: &Owned, sink: &mut Kept) -> Outcome {
    stage.process(&input.record(), sink).expect("the codec needs no registry")
}

/// One transaction: these records, flush, coverage, commit.
pub(super) fn transaction(stage: &mut dyn Stage, inputs: &[Owned], sink: &mut Kept) {
    for input in inputs {
        process(stage, input, sink);
    }
    stage.flush(sink).expect("the store is in memory");
    if let Some(last) = inputs.last() {
        let coverage = coverage(last);
        stage.cover(&coverage, Millis::new(last.timestamp), sink).expect("coverage is written");
    }
    stage.commit(&Mark::unkept()).expect("the store is in memory");
}

pub(super) fn coverage(last: &Owned) -> Coverage {
    Coverage {
        next: Offset::new(last.offset + 1),
        last_read: Some(Millis::new(last.timestamp)),
        cluster_id: "cluster".into(),
        topic_id: "topic".into(),
        expired: 0,
    }
}

/// A new stage with the state that these outputs hold, to go on where `point` says.
pub(super) fn restored(partition: u32, outputs: &Kept, point: RestorePoint) -> Box<dyn Stage> {
    let mut stage = stage_of(partition);
    let ledger = stages().spec().ledger;
    restore(stage.as_mut(), ledger, ReadFrom::Start, outputs);
    for changelog in stage.changelogs(point) {
        restore(stage.as_mut(), changelog.topic, changelog.from, outputs);
    }
    stage
}

/// As Kafka reads from a time: from the first record that is not older, whatever follows it.
fn restore(stage: &mut dyn Stage, topic: TopicIndex, from: ReadFrom, outputs: &Kept) {
    let all = outputs.of(Topic::all().nth(topic.index()).expect("a topic of the trail"));
    let begin = match from {
        ReadFrom::Start => 0,
        ReadFrom::Time(time) => all.iter().position(|r| r.timestamp >= time.get()).unwrap_or(all.len()),
    };
    for record in &all[begin..] {
        stage.restore(topic, &record.record()).expect("it reads what it wrote");
    }
}
