//! The committed outputs of the trail: what only grows, record for record; and the last row of each key, byte for byte.

use std::collections::BTreeMap;
use std::fmt;

use catalog::{Cleanup, Topic};
use testkit::Taken;

use super::site::Site;

/// A record but for its offset, which aborted transactions shift.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub struct Written {
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Bytes as text as far as they are, so that a failed test can be read.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { timestamp, key, value, headers } = self;
        let text = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map_or_else(|| "none".into(), |bytes| bytes.escape_ascii().to_string())
        };
        write!(f, "at {timestamp:?}, key {}, value {}, headers", text(key), text(value))?;
        headers.iter().try_for_each(|(name, value)| write!(f, " {name}={}", text(value)))
    }
}

impl From<Taken> for Written {
    fn from(taken: Taken) -> Self {
        let Taken { timestamp_ms, key, value, headers, .. } = taken;
        Self { timestamp: timestamp_ms, key, value, headers }
    }
}

/// Where a record lies: topic and partition.
pub(super) type Lane = (Topic, u32);

/// All that the two stages wrote, but for coverage and re-routed actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Audit events, receipts and dead letters in their order.
    pub streams: BTreeMap<Lane, Vec<Written>>,
    /// The last row of each key of the compacted topics; rows that were deleted are not there.
    pub rows: BTreeMap<Lane, BTreeMap<Vec<u8>, Written>>,
}

impl Outputs {
    /// What lies in the topics now.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let topics: Vec<_> = Topic::all().filter(|topic| *topic != Topic::Actions).collect();
        let read = |topic: &Topic| (*topic, site.kafka.read(&topic.name()));
        let mut outputs = Self::default();
        // Reading is waiting, so many can at once.
        std::thread::scope(|scope| {
            let share = |topics: &'_ [Topic]| topics.iter().map(read).collect::<Vec<_>>();
            let readers: Vec<_> = topics.chunks(6).map(|topics| scope.spawn(move || share(topics))).collect();
            for (topic, records) in readers.into_iter().flat_map(|one| one.join().expect("it can be read")) {
                for taken in records {
                    let partition = u32::try_from(taken.partition).expect("not negative");
                    outputs.add(topic, partition, taken.into());
                }
            }
        });
        outputs
    }

    /// Adds one record.
    ///
    /// # Panics
    /// When a row has no key.
    pub fn add(&mut self, topic: Topic, partition: u32, written: Written) {
        let lane = (topic, partition);
        if matches!(topic.cleanup(), Cleanup::Delete(_)) {
            self.streams.entry(lane).or_default().push(written);
            return;
        }
        let key = written.key.clone().expect("every row has a key");
        if key.starts_with(b"~coverage/") {
            return;
        }
        let rows = self.rows.entry(lane).or_default();
        match written.value {
            Some(_) => rows.insert(key, written),
            None => rows.remove(&key),
        };
    }

    /// All records of one topic that only grows, by partition, then in their order.
    pub fn stream(&self, topic: Topic) -> impl Iterator<Item = (u32, &Written)> {
        let lanes = self.streams.iter().filter(move |((one, _), _)| *one == topic);
        lanes.flat_map(|((_, partition), all)| all.iter().map(|one| (*partition, one)))
    }

    /// All rows of one compacted topic.
    pub fn rows_of(&self, topic: Topic) -> impl Iterator<Item = (u32, &Written)> {
        let lanes = self.rows.iter().filter(move |((one, _), _)| *one == topic);
        lanes.flat_map(|((_, partition), all)| all.values().map(|one| (*partition, one)))
    }

    /// The first difference to what was expected, for people.
    #[must_use]
    pub fn difference(&self, expected: &Self) -> Option<String> {
        let lanes = expected.streams.keys().chain(self.streams.keys());
        let streams = lanes.filter_map(|lane| {
            let none = Vec::new();
            let wanted = expected.streams.get(lane).unwrap_or(&none);
            let found = self.streams.get(lane).unwrap_or(&none);
            let at = (0..wanted.len().max(found.len())).find(|at| wanted.get(*at) != found.get(*at))?;
            let (wanted, found) = (wanted.get(at), found.get(at));
            Some(format!("record {at} of {lane:?} is\n{found:?}, not\n{wanted:?}"))
        });
        let lanes = expected.rows.keys().chain(self.rows.keys());
        let rows = lanes.filter_map(|lane| {
            let none = BTreeMap::new();
            let wanted = expected.rows.get(lane).unwrap_or(&none);
            let found = self.rows.get(lane).unwrap_or(&none);
            let key = wanted.keys().chain(found.keys()).find(|key| wanted.get(*key) != found.get(*key))?;
            let name = String::from_utf8_lossy(key);
            Some(format!("row {name} of {lane:?} is\n{:?}, not\n{:?}", found.get(key), wanted.get(key)))
        });
        streams.chain(rows).next()
    }
}
