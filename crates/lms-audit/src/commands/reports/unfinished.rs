//! Rebuilds that were begun and not finished: the marks that the ledger holds of them, and how they are told.
//!
//! While a mark lies there the aggregator covers nothing, so marks are looked for no further back than
//! to its last coverage.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Topic, coverage_key};
use pipeline::AGGREGATOR;
use runtime::{Log, Slice};
use stage::{Offset, Partition, Record};

use crate::reading;

/// How many records of the ledger are looked at first.
const TAIL: i64 = 1_000;
/// What the keys of marks begin with.
const PREFIX: &str = "~coverage/rebuild.";

/// The keys of marks, by partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeSet<(Partition, String)>);

impl Marks {
    /// Takes note of a record of the ledger, if it is a mark or removes one.
    pub(super) fn note(&mut self, record: &Record<'_>) {
        let Some(key) = record.key.and_then(|key| std::str::from_utf8(key).ok()) else { return };
        if key.starts_with(PREFIX) {
            let mark = (record.partition, key.to_owned());
            match record.value {
                Some(_) => self.0.insert(mark),
                None => self.0.remove(&mark),
            };
        }
    }

    /// What lies in a partition of the ledger, as it is decided now.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) fn of(log: &mut impl Log, partition: Partition) -> anyhow::Result<Self> {
        let topic = Topic::Ledger.name();
        let held = log.extent(&topic, partition)?;
        let key = coverage_key(AGGREGATOR, partition.number());
        let mut back = TAIL;
        loop {
            let from = Offset::new(held.stable.number().saturating_sub(back)).max(held.start);
            let (mut marks, mut covered) = (Self::default(), false);
            let slice = Slice { topic: topic.clone(), partition, from, until: held.stable };
            reading::read(log, vec![slice], &mut |_, record| {
                covered |= record.key == Some(key.as_bytes());
                marks.note(record);
                Ok(())
            })?;
            if covered || from <= held.start {
                return Ok(marks);
            }
            back = back.saturating_mul(8);
        }
    }

    /// Takes those of other partitions in.
    pub(crate) fn join(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether this one is among them.
    pub(crate) fn has(&self, mark: &(Partition, String)) -> bool {
        self.0.contains(mark)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Partition, String)> {
        self.0.iter()
    }

    /// Without those that are meant.
    pub(super) fn without(&self, is_meant: impl Fn(&(Partition, String)) -> bool) -> Self {
        Self(self.0.iter().filter(|mark| !is_meant(mark)).cloned().collect())
    }

    /// What a person should know of them, and do; `None` where there is none.
    pub(crate) fn told(&self) -> Option<String> {
        let mut reports: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (partition, key) in &self.0 {
            let name = key.strip_prefix(PREFIX).and_then(|rest| rest.split('/').next()).unwrap_or(key);
            reports.entry(name).or_default().push(partition.to_string());
        }
        let (first, _) = reports.first_key_value()?;
        let (category, view) = first.split_once('.').unwrap_or((first, "VIEW"));
        let all: Vec<_> = reports
            .iter()
            .map(|(name, partitions)| format!("{name} (partition {})", partitions.join(", ")))
            .collect();
        Some(format!(
            "an earlier rebuild is not finished, rows are missing or are those of before, and the aggregator does not start before it is: {}; run `lms-audit reports rebuild {category} --view {view} --yes` and so on for each",
            all.join("; ")
        ))
    }
}

#[cfg(test)]
impl FromIterator<(Partition, String)> for Marks {
    fn from_iter<I: IntoIterator<Item = (Partition, String)>>(marks: I) -> Self {
        Self(marks.into_iter().collect())
    }
}
