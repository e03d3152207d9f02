//! What the processes' logs say, one JSON object a line: which transactions were open when, what a process holds, what it
//! restores. The one place where the campaign reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;

const BEGUN: &str = "transaction begun";
const ENDED: &str = "transaction ended";
const RESTORING: &str = "restoring";
const RESTORED: &str = "partition restored";
const ASSIGNED: &str = "partitions assigned";
const REVOKED: &str = "partitions revoked";
const LOST: &str = "partitions lost";

/// The log of one life of a process: a restart has another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is kept.
    pub kept: PathBuf,
    /// Where it is written, as long as it is not kept.
    pub written: PathBuf,
}

/// From when until when something was so. Without an end, it was so until the process ended, or is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub from: SystemTime,
    /// When it ended.
    pub until: Option<SystemTime>,
}

/// What a log says, in its order.
#[derive(Clone, Debug, Default)]
pub struct Log(Vec<(SystemTime, Value)>);

impl LogFile {
    /// What it says so far.
    #[must_use]
    pub fn read(&self) -> Log {
        let text = std::fs::read(&self.kept).or_else(|_| std::fs::read(&self.written)).unwrap_or_default();
        Log::of(&String::from_utf8_lossy(&text))
    }
}

impl Span {
    /// Whether it was so at some instant of these two and all between.
    #[must_use]
    pub fn meets(&self, from: SystemTime, until: SystemTime) -> bool {
        self.from <= until && self.until.is_none_or(|end| end > from)
    }
}

impl Log {
    /// What this text says. The last line of a process that was killed may be cut short; it then says nothing.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let entry = |line: &str| {
            let entry: Value = serde_json::from_str(line).ok()?;
            let at: jiff::Timestamp = entry["timestamp"].as_str()?.parse().ok()?;
            Some((at.into(), entry))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    /// When it first says one of these words after an instant.
    #[must_use]
    pub fn first(&self, words: &[&str], after: SystemTime) -> Option<SystemTime> {
        self.said(words).find(|at| *at > after)
    }

    /// Its transactions, of all workers. One that was not ended before its worker began another ends there.
    #[must_use]
    pub fn transactions(&self) -> Vec<Span> {
        self.spans(BEGUN, ENDED, "worker")
    }

    /// The restores of its partitions. Progress is said in the words of the beginning.
    #[must_use]
    pub fn restores(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for span in self.spans(RESTORING, RESTORED, "partition") {
            match spans.iter_mut().find(|earlier| earlier.until == Some(span.from)) {
                Some(earlier) => earlier.until = span.until,
                None => spans.push(span),
            }
        }
        spans
    }

    /// The partitions that it began to restore with nothing on disk.
    #[must_use]
    pub fn rebuilt(&self) -> BTreeSet<u32> {
        let anew = |entry: &&Value| entry["message"] == RESTORING && entry["from"] == "topics";
        let partition = |entry: &Value| entry["partition"].as_u64()?.try_into().ok();
        self.0.iter().map(|(_, entry)| entry).filter(anew).filter_map(partition).collect()
    }

    /// When its open transaction was begun, the last one of all workers.
    #[must_use]
    pub fn open_since(&self) -> Option<SystemTime> {
        self.transactions().iter().filter(|span| span.until.is_none()).map(|span| span.from).max()
    }

    /// When its assignment changed, or was confirmed, after a rebalance.
    #[must_use]
    pub fn rebalanced(&self, after: SystemTime) -> Vec<SystemTime> {
        self.said(&[ASSIGNED, REVOKED, LOST]).filter(|at| *at > after).collect()
    }

    /// The partitions that it was assigned and has not given up.
    #[must_use]
    pub fn holds(&self) -> BTreeSet<u32> {
        let mut held = BTreeSet::new();
        for (_, entry) in &self.0 {
            let message = entry["message"].as_str().unwrap_or_default();
            let named = entry["partitions"].as_str().unwrap_or_default();
            let named = named.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
            if message.starts_with(ASSIGNED) {
                held.extend(named);
            } else if message.starts_with(REVOKED) || message.starts_with(LOST) {
                named.for_each(|partition: u32| {
                    held.remove(&partition);
                });
            }
        }
        held
    }

    fn said(&self, words: &[&str]) -> impl Iterator<Item = SystemTime> {
        let says = |entry: &Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            words.iter().any(|words| message.contains(words))
        };
        self.0.iter().filter(move |(_, entry)| says(entry)).map(|(at, _)| *at)
    }

    /// From each line that says `begins` to the next that says `ends`, or `begins` again, of the same stage and `whose`.
    fn spans(&self, begins: &str, ends: &str, whose: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut open: BTreeMap<String, usize> = BTreeMap::new();
        for (at, entry) in &self.0 {
            let (begun, ended) = (entry["message"] == begins, entry["message"] == ends);
            if !begun && !ended {
                continue;
            }
            let key = format!("{}-{}", entry["stage"], entry[whose]);
            if let Some(place) = open.remove(&key) {
                spans[place].until = Some(*at);
            }
            if begun {
                open.insert(key, spans.len());
                spans.push(Span { from: *at, until: None });
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(message: &str, second: u64, more: &str) -> String {
        format!(
            "{{\"timestamp\":\"2026-11-25T09:45:{second:02}.5Z\",\"message\":\"{message}\",\"stage\":\"normalizer\",{more}}}\n"
        )
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_599_900_500 + 1000 * second)
    }

    fn span(from: u64, until: Option<u64>) -> Span {
        Span { from: at(from), until: until.map(at) }
    }

    #[test]
    fn transactions_are_read_by_worker_and_a_cut_line_says_nothing() {
        let (first, second) = ("\"worker\":0", "\"worker\":1");
        let log = line(BEGUN, 1, first) + &line(BEGUN, 2, second) + &line(ENDED, 4, first);
        assert_eq!(Log::of(&log).transactions(), [span(1, Some(4)), span(2, None)]);
        assert_eq!(Log::of(&log).open_since(), Some(at(2)));
        assert_eq!(Log::of(&log[..log.len() - 5]).transactions(), [span(1, None), span(2, None)]);
        assert_eq!(Log::of(&(log + &line(ENDED, 5, second))).open_since(), None);
    }

    #[test]
    fn a_transaction_meets_an_instant_from_its_begin_to_just_before_its_end() {
        let (ended, open) = (span(3, Some(5)), span(3, None));
        let meets = |instant| ended.meets(at(instant), at(instant));
        assert_eq!([2, 3, 4, 5].map(meets), [false, true, true, false]);
        assert!(open.meets(at(9), at(9)) && !open.meets(at(2), at(2)));
        assert!(ended.meets(at(1), at(3)) && ended.meets(at(4), at(9)) && !ended.meets(at(5), at(9)));
    }

    #[test]
    fn progress_of_a_restore_belongs_to_it() {
        let (zero, one) = ("\"partition\":0", "\"partition\":1");
        let log = line(RESTORING, 1, zero)
            + &line(RESTORING, 1, one)
            + &line(RESTORING, 3, zero)
            + &line(RESTORED, 6, zero);
        assert_eq!(Log::of(&log).restores(), [span(1, Some(6)), span(1, None)]);
    }

    #[test]
    fn what_was_assigned_and_neither_revoked_nor_lost_is_held() {
        let partitions = |text: &str| format!("\"partitions\":\"[{text}]\"");
        let log = line(ASSIGNED, 1, &partitions("Partition(0), Partition(12)"))
            + &line(REVOKED, 2, &partitions("Partition(0)"))
            + &line(ASSIGNED, 3, &partitions(""))
            + &line(ASSIGNED, 4, &partitions("Partition(1), Partition(2)"))
            + &line("partitions lost: the group went on", 5, &partitions("Partition(2)"));
        let log = Log::of(&log);
        assert_eq!(log.holds(), [1, 12].into());
        assert_eq!(log.rebalanced(at(3)), [at(4), at(5)]);
        assert_eq!(log.first(&["lost"], at(2)), Some(at(5)));
    }
}
