//! A record that owns its bytes, as a partition keeps it.

use stage::{Header, Millis, Offset, Output, Partition, Record};

/// One record of the log, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its timestamp; replaced by the broker's where the topic says `LogAppendTime`.
    pub timestamp: Millis,
    /// The key, if there is one.
    pub key: Option<Vec<u8>>,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in their order; Kafka tells an absent value from an empty one.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl LogRecord {
    /// A record with a key and a value, at this time and without headers.
    #[must_use]
    pub fn new(timestamp: Millis, key: &[u8], value: &[u8]) -> Self {
        Self { timestamp, key: Some(key.to_vec()), value: Some(value.to_vec()), headers: Vec::new() }
    }

    pub(crate) fn view(&self, partition: Partition, offset: Offset) -> Record<'_> {
        Record {
            partition,
            offset,
            timestamp: self.timestamp,
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

impl From<&Output<'_>> for LogRecord {
    fn from(output: &Output<'_>) -> Self {
        Self {
            timestamp: output.timestamp,
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: owned_headers(output.headers),
        }
    }
}

pub(crate) fn owned_headers(headers: &[Header<'_>]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    headers.iter().map(|h| (h.name.to_vec(), h.value.map(<[u8]>::to_vec))).collect()
}
