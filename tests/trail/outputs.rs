//! The committed outputs of the trail: what only grows, record for record; and the last row of each key, byte for byte.

use std::collections::BTreeMap;

use catalog::{Cleanup, Topic};
use testkit::Taken;

use super::site::Site;

/// A record but for its offset, which aborted transactions shift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub struct Written {
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
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

    /// Fails with the first difference to what was expected.
    ///
    /// # Panics
    /// When there is one.
    #[track_caller]
    pub fn assert_are(&self, expected: &Self) {
        let lanes = expected.streams.keys().chain(self.streams.keys());
        for lane in lanes {
            let none = Vec::new();
            let wanted = expected.streams.get(lane).unwrap_or(&none);
            let found = self.streams.get(lane).unwrap_or(&none);
            for (at, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                assert_eq!(found, wanted, "record {at} of {lane:?} differs");
            }
            assert_eq!(found.len(), wanted.len(), "{lane:?} has more or fewer records");
        }
        let lanes = expected.rows.keys().chain(self.rows.keys());
        for lane in lanes {
            let none = BTreeMap::new();
            let wanted = expected.rows.get(lane).unwrap_or(&none);
            let found = self.rows.get(lane).unwrap_or(&none);
            for key in wanted.keys().chain(found.keys()) {
                let name = String::from_utf8_lossy(key);
                assert_eq!(found.get(key), wanted.get(key), "row {name} of {lane:?} differs");
            }
        }
    }
}
