//! What a store keeps beside its rows: its format, its mark, how many rows each table holds. As JSON,
//! so that a person can read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stage::{Coverage, Mark, Millis, Offset, TopicIndex};

/// The version of what is on disk: of the head, of keys, and of the rows as stages encode them. Raised
/// when any of them changes so that older state is not read rightly; older state is rebuilt then.
pub const FORMAT: u32 = 1;

/// The head of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    format: u32,
    trail: String,
    at: i64,
    coverage: Option<Covered>,
    changelogs: BTreeMap<u16, i64>,
    /// Rows by table; none while they were not counted, during a first restore.
    pub(crate) rows: Option<BTreeMap<u16, u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Covered {
    next: i64,
    last_read: Option<i64>,
    cluster: String,
    topic: String,
    expired: u64,
}

impl Head {
    pub(crate) fn new(mark: &Mark, rows: Option<BTreeMap<u16, u64>>) -> Self {
        let covered = |coverage: &Coverage| Covered {
            next: coverage.next.number(),
            last_read: coverage.last_read.map(Millis::get),
            cluster: coverage.cluster_id.clone(),
            topic: coverage.topic_id.clone(),
            expired: coverage.expired,
        };
        let place = |(topic, offset): (&TopicIndex, &Offset)| {
            (u16::try_from(topic.index()).expect("an index is made of a u16"), offset.number())
        };
        Self {
            format: FORMAT,
            trail: mark.trail.clone(),
            at: mark.at.get(),
            coverage: mark.coverage.as_ref().map(covered),
            changelogs: mark.changelogs.iter().map(place).collect(),
            rows,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and text can be written")
    }

    /// Reads a head.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version =
            serde_json::from_slice(bytes).map_err(|e| format!("its head is damaged: {e}"))?;
        if version.format != FORMAT {
            return Err(format!("it has format {}, this version reads {FORMAT}", version.format));
        }
        serde_json::from_slice(bytes).map_err(|e| format!("its head is damaged: {e}"))
    }

    pub(crate) fn mark(&self) -> Mark {
        let coverage = |covered: &Covered| Coverage {
            next: Offset::new(covered.next),
            last_read: covered.last_read.map(Millis::new),
            cluster_id: covered.cluster.clone(),
            topic_id: covered.topic.clone(),
            expired: covered.expired,
        };
        Mark {
            trail: self.trail.clone(),
            at: Millis::new(self.at),
            coverage: self.coverage.as_ref().map(coverage),
            changelogs: self
                .changelogs
                .iter()
                .map(|(topic, offset)| (TopicIndex::new(*topic), Offset::new(*offset)))
                .collect(),
        }
    }
}

/// The mark that a store's head says.
///
/// # Errors
/// Why the head cannot be used.
pub fn read_head(bytes: &[u8]) -> Result<Mark, String> {
    Head::read(bytes).map(|head| head.mark())
}

/// A store's head that says this mark, rows not counted.
#[must_use]
pub fn write_head(mark: &Mark) -> Vec<u8> {
    Head::new(mark, None).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written_and_nothing_else_is() {
        let mark = Mark {
            trail: "t".into(),
            at: Millis::new(5),
            coverage: Some(Coverage {
                next: Offset::new(7),
                last_read: Some(Millis::new(3)),
                cluster_id: "c".into(),
                topic_id: "i".into(),
                expired: 2,
            }),
            changelogs: BTreeMap::from([(TopicIndex::new(4), Offset::new(9))]),
        };
        let head = Head::new(&mark, Some(BTreeMap::from([(0, 3)])));
        let bytes = head.to_bytes();
        assert_eq!(Head::read(&bytes), Ok(head.clone()));
        assert_eq!(head.mark(), mark);
        let text = String::from_utf8(bytes).expect("JSON is text");
        for (bytes, says) in [
            (text.replace("\"format\":1", "\"format\":2"), "it has format 2, this version reads 1"),
            (text.replace("\"at\":5", "\"at\":null"), "its head is damaged"),
            (text.replace("\"trail\"", "\"other\""), "its head is damaged"),
            (String::new(), "its head is damaged"),
        ] {
            let problem = Head::read(bytes.as_bytes()).expect_err(says);
            assert!(problem.starts_with(says), "{problem}");
        }
    }
}
