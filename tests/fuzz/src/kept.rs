//! Records that own their bytes, and a sink that keeps what it is sent.

use std::collections::BTreeMap;

use catalog::Topic;
use stage::{Header, Millis, Offset, Output, Partition, Record, Sink};

/// A record, read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Kept {
    /// The record, at this offset.
    pub(crate) fn record(&self, offset: i64) -> Record<'_> {
        Record {
            partition: Partition::new(self.partition),
            offset: Offset::new(offset),
            timestamp: Millis::new(self.timestamp),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| Header { name, value: value.as_deref() })
                .collect(),
        }
    }
}

/// What was sent, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent(pub(crate) Vec<Kept>);

impl Sent {
    /// What was sent to this topic, in order.
    pub(crate) fn to(&self, topic: Topic) -> impl Iterator<Item = &Kept> {
        self.0.iter().filter(move |sent| sent.topic == topic)
    }

    /// The last row of each key.
    pub(crate) fn rows(&self, topic: Topic) -> BTreeMap<Option<&[u8]>, &Kept> {
        self.to(topic).map(|row| (row.key.as_deref(), row)).collect()
    }
}

impl Sink for Sent {
    fn send(&mut self, output: &Output<'_>) {
        self.0.push(Kept {
            topic: Topic::all().nth(output.topic.index()).expect("a topic of the trail"),
            partition: output.partition.number(),
            timestamp: output.timestamp.get(),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: output.headers.iter().map(|h| (h.name.to_vec(), h.value.map(<[u8]>::to_vec))).collect(),
        });
    }
}
