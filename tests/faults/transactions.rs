//! Whether a process has a transaction open, read from what it logs of each: one JSON object a line.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

/// What a worker logs when it opens a transaction, and when it has ended it, however that was.
const BEGUN: &str = "transaction begun";
const ENDED: &str = "transaction ended";

/// Whether this log ends with a transaction open, of whichever worker.
#[must_use]
pub fn is_one_open(log: &str) -> bool {
    !open(log).is_empty()
}

/// When the transaction was begun with which this log ends open: the last one, of whichever worker.
#[must_use]
pub fn open_since(log: &str) -> Option<SystemTime> {
    let at = |entry: &Value| Some(entry["timestamp"].as_str()?.parse::<jiff::Timestamp>().ok()?.into());
    open(log).values().filter_map(at).max()
}

/// Of each worker with a transaction open, what it said when it began it.
fn open(log: &str) -> BTreeMap<String, Value> {
    let mut open = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains(BEGUN) || line.contains(ENDED)) {
        // The last line of a process that was killed may be cut short; it then says nothing.
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        let worker = format!("{}-{}", entry["stage"], entry["worker"]);
        if entry["message"] == BEGUN {
            open.insert(worker, entry);
        } else {
            open.remove(&worker);
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, worker: u32) -> String {
        format!(
            "{{\"timestamp\":\"2026-11-25T09:45:0{worker}.5Z\",\"level\":\"DEBUG\",\"message\":\"{message}\",\"stage\":\"normalizer\",\"worker\":{worker}}}\n"
        )
    }

    #[test]
    fn what_was_begun_and_not_ended_is_open() {
        let mut log = line("partitions assigned", 0);
        assert!(!is_one_open(&log));
        log += &line(BEGUN, 0);
        assert!(is_one_open(&log));
        log += &line(ENDED, 0);
        assert!(!is_one_open(&log));
    }

    #[test]
    fn workers_are_told_apart_and_a_cut_line_says_nothing() {
        let log = line(BEGUN, 0) + &line(BEGUN, 1) + &line(ENDED, 1);
        assert!(is_one_open(&log));
        let cut = log + &line(ENDED, 0);
        assert!(!is_one_open(&cut));
        assert!(is_one_open(&cut[..cut.len() - 5]));
    }

    #[test]
    fn the_last_one_that_is_open_is_told_with_its_time() {
        let log = line(BEGUN, 0) + &line(BEGUN, 1);
        let at = |second: u64| {
            Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_795_599_900_500 + 1000 * second))
        };
        assert_eq!(open_since(&log), at(1));
        assert_eq!(open_since(&(log + &line(ENDED, 1))), at(0));
        assert_eq!(open_since(&line(ENDED, 1)), None);
    }
}
