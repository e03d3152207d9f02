//! What librdkafka's own statistics tell of each partition being read: how much of it waits.

use std::collections::HashMap;

use serde_json::Value;
use stage::{Offset, Partition};

/// The part of one statistics report that the loop uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    partitions: HashMap<Partition, Fetched>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fetched {
    /// The last stable offset.
    stable: Offset,
    /// Where the next fetch begins, if everything fetched was handed over: behind control records,
    /// too.
    drained: Option<Offset>,
}

impl Statistics {
    /// Reads one report. The pseudo-partition -1, partitions not being fetched and values that are
    /// not known yet (negative) are left out.
    ///
    /// # Errors
    /// When it is no JSON.
    pub(crate) fn parse(json: &str, topic: &str) -> serde_json::Result<Self> {
        let report: Value = serde_json::from_str(json)?;
        let partitions = report["topics"][topic]["partitions"].as_object();
        let partitions = partitions
            .into_iter()
            .flatten()
            .filter(|(_, partition)| partition["fetch_state"] == "active")
            .filter_map(|(number, partition)| {
                let offset =
                    |name: &str| partition[name].as_i64().filter(|offset| *offset >= 0).map(Offset::new);
                let drained = offset("next_offset").filter(|_| partition["fetchq_cnt"] == 0);
                let fetched = Fetched { stable: offset("ls_offset")?, drained };
                Some((Partition::new(number.parse().ok()?), fetched))
            })
            .collect();
        Ok(Self { partitions })
    }

    /// How many offsets from `next` to the last stable one wait.
    pub(crate) fn backlog(&self, partition: Partition, next: Offset) -> Option<u64> {
        let fetched = self.partitions.get(&partition)?;
        let next = fetched.drained.map_or(next, |drained| drained.max(next));
        Some(u64::try_from(fetched.stable.number() - next.number()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(partition: &str, next: i64) -> Option<u64> {
        let json = format!(r#"{{"topics":{{"t":{{"partitions":{{"0":{partition}}}}}}}}}"#);
        Statistics::parse(&json, "t").expect("JSON").backlog(Partition::new(0), Offset::new(next))
    }

    #[test]
    fn the_backlog_ends_at_the_last_stable_offset() {
        for (partition, next, expected) in [
            (r#"{"fetch_state":"active","ls_offset":9,"next_offset":9,"fetchq_cnt":3}"#, 5, Some(4)),
            (r#"{"fetch_state":"active","ls_offset":9,"next_offset":9,"fetchq_cnt":0}"#, 8, Some(0)),
            (r#"{"fetch_state":"active","ls_offset":9,"next_offset":7,"fetchq_cnt":0}"#, 5, Some(2)),
            (r#"{"fetch_state":"active","ls_offset":9,"next_offset":9,"fetchq_cnt":0}"#, 12, Some(0)),
            (r#"{"fetch_state":"stopped","ls_offset":9,"next_offset":7,"fetchq_cnt":0}"#, 5, None),
            (r#"{"fetch_state":"active","ls_offset":-1001,"next_offset":7,"fetchq_cnt":0}"#, 5, None),
        ] {
            assert_eq!(backlog(partition, next), expected, "{partition} from {next}");
        }
        assert!(Statistics::parse("no json", "t").is_err());
    }
}
