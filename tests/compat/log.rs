//! Records as dumps hold them.

use catalog::Topic;
use stage::{Header, Millis, Offset, Output, Partition, Record, Sink};

/// Whether a record lay there before the cut, or was made after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// What stages restore from.
    Before,
    /// The actions they go on with, and what must come of them.
    After,
}

/// A record and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lying {
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Lying {
    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            partition: Partition::new(self.partition),
            offset: Offset::new(self.offset),
            timestamp: Millis::new(self.timestamp),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect(),
        }
    }

    /// Where it lies, for people.
    pub(crate) fn place(&self) -> String {
        format!("{}, partition {}, offset {}", self.topic.name(), self.partition, self.offset)
    }
}

/// Gives what stages send its offsets.
#[derive(Debug, Default)]
pub(crate) struct Outputs(pub(crate) Vec<Lying>);

impl Outputs {
    /// The offset of the next record there.
    pub(crate) fn next(&self, topic: Topic, partition: u32) -> i64 {
        let here = |one: &&Lying| one.topic == topic && one.partition == partition;
        self.0.iter().rev().find(here).map_or(0, |last| last.offset + 1)
    }
}

impl Sink for Outputs {
    fn send(&mut self, output: &Output<'_>) {
        let topic = Topic::all().nth(output.topic.index()).expect("a topic of the trail");
        let partition = output.partition.number();
        let text = |header: &Header<'_>| String::from_utf8(header.name.to_vec()).expect("names are text");
        self.0.push(Lying {
            topic,
            partition,
            offset: self.next(topic, partition),
            timestamp: output.timestamp.get(),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: output.headers.iter().map(|h| (text(h), h.value.map(<[u8]>::to_vec))).collect(),
        });
    }
}
