//! Whether a process has a transaction open, read from what it logs of each: one JSON object a line.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a worker logs when it opens a transaction, and when it has ended it, however that was.
const BEGUN: &str = "transaction begun";
const ENDED: &str = "transaction ended";

/// Whether this log ends with a transaction open, of whichever worker.
#[must_use]
pub fn is_one_open(log: &str) -> bool {
    let mut open: BTreeSet<String> = BTreeSet::new();
    for line in log.lines().filter(|line| line.contains(BEGUN) || line.contains(ENDED)) {
        // The last line of a process that was killed may be cut short; it then says nothing.
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        let worker = format!("{}-{}", entry["stage"], entry["worker"]);
        if entry["message"] == BEGUN {
            open.insert(worker);
        } else {
            open.remove(&worker);
        }
    }
    !open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, worker: u32) -> String {
        format!(
            "{{\"level\":\"DEBUG\",\"message\":\"{message}\",\"stage\":\"normalizer\",\"worker\":{worker}}}\n"
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
}
