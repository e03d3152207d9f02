//! What librdkafka's own statistics tell: the last stable offset of each partition being read.

use std::collections::HashMap;

use serde_json::Value;
use stage::{Offset, Partition};

/// The part of one statistics report that the loop uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    /// The last stable offset of each partition that is being fetched.
    pub(crate) stable_ends: HashMap<Partition, Offset>,
}

impl Statistics {
    /// Reads one report. The pseudo-partition -1, partitions not being fetched and values that are
    /// not known yet (negative) are left out.
    pub(crate) fn parse(json: &str, topic: &str) -> Self {
        let report: Value = serde_json::from_str(json).unwrap_or_default();
        let partitions = report["topics"][topic]["partitions"].as_object();
        let stable_ends = partitions
            .into_iter()
            .flatten()
            .filter(|(_, partition)| partition["fetch_state"] == "active")
            .filter_map(|(number, partition)| {
                let offset = partition["ls_offset"].as_i64().filter(|offset| *offset >= 0)?;
                Some((Partition::new(number.parse().ok()?), Offset::new(offset)))
            })
            .collect();
        Self { stable_ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_being_fetched_and_known_counts() {
        let json = r#"{"topics":{"t":{"partitions":{
            "0":{"fetch_state":"active","ls_offset":7},
            "1":{"fetch_state":"stopped","ls_offset":9},
            "2":{"fetch_state":"active","ls_offset":-1001},
            "-1":{"fetch_state":"active","ls_offset":3}}}}}"#;
        let expected = HashMap::from([(Partition::new(0), Offset::new(7))]);
        assert_eq!(Statistics::parse(json, "t").stable_ends, expected);
        assert_eq!(Statistics::parse("no json", "t"), Statistics::default());
    }
}
