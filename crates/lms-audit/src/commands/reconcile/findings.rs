//! What was found: counted without bound, kept up to a limit.

use std::collections::BTreeMap;

use catalog::{SequenceRange, Topic};
use serde_json::{Value, json};

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Nothing became of an action.
    Lost,
    /// Two records say what became of one action.
    Doubled,
    /// A record names an action that nobody sees, or that is not covered yet.
    Unexplained,
    /// A record lies behind one of a later action.
    OutOfOrder,
    /// What was re-routed from one partition is not what arrived in the other.
    RerouteDiffers,
    /// A row of the ledger says something else than the records.
    LedgerDiffers,
    /// A record that cannot be read, in a topic that only the trail writes.
    Foreign,
    /// A process counted more than there is.
    MetricsDiffer,
    /// The rows of a report hold another number of events than were folded.
    ReportsDiffer,
    /// Offsets that expired before they were read.
    Expired,
    /// Numbers of a source's sequence that never arrived.
    Gap,
    /// A source of which nothing came for long.
    Silent,
}

impl What {
    /// The name in output.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Unexplained => "unexplained",
            Self::OutOfOrder => "out_of_order",
            Self::RerouteDiffers => "reroute_differs",
            Self::LedgerDiffers => "ledger_differs",
            Self::Foreign => "foreign",
            Self::MetricsDiffer => "metrics_differ",
            Self::ReportsDiffer => "reports_differ",
            Self::Expired => "expired",
            Self::Gap => "gap",
            Self::Silent => "silent",
        }
    }

    /// Whether it says that the trail contradicts itself; else it says something about the sources, or
    /// what a receipt has accounted for.
    pub(super) const fn is_difference(self) -> bool {
        !matches!(self, Self::Expired | Self::Gap | Self::Silent)
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) what: What,
    pub(super) topic: String,
    pub(super) partition: Option<u32>,
    pub(super) offset: Option<i64>,
    /// The key of the record or row it is about.
    pub(super) key: String,
    /// What differs, for people.
    pub(super) detail: String,
    /// The numbers of a sequence that never arrived.
    pub(super) ranges: Vec<SequenceRange>,
}

impl Finding {
    /// A finding about a topic as a whole.
    pub(super) fn new(what: What, topic: Topic, key: impl Into<String>, detail: String) -> Self {
        let (partition, offset, ranges) = (None, None, Vec::new());
        Self { what, topic: topic.name(), partition, offset, key: key.into(), detail, ranges }
    }

    /// The same about a partition.
    pub(super) fn of(self, partition: u32) -> Self {
        Self { partition: Some(partition), ..self }
    }

    /// The same about the record at this offset.
    pub(super) fn at(self, offset: i64) -> Self {
        Self { offset: Some(offset), ..self }
    }

    pub(super) fn json(&self) -> Value {
        let mut all = json!({
            "what": self.what.name(),
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "key": self.key,
            "detail": self.detail,
        });
        if !self.ranges.is_empty() {
            all["missing"] = self.ranges.iter().map(|range| json!([range.from, range.until])).collect();
        }
        all
    }
}

/// Findings, the first of each kind named.
#[derive(Debug)]
pub(super) struct Findings {
    limit: usize,
    counts: BTreeMap<What, u64>,
    named: BTreeMap<What, Vec<Finding>>,
}

impl Findings {
    /// Names at most `limit` of each kind.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, counts: BTreeMap::new(), named: BTreeMap::new() }
    }

    /// Others, none yet, with the same limit.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.limit)
    }

    /// Takes all of these in.
    pub(super) fn absorb(&mut self, others: Self) {
        for (what, count) in others.counts {
            self.count(what, count);
        }
        for (what, more) in others.named {
            let named = self.named.entry(what).or_default();
            let room = self.limit.saturating_sub(named.len());
            named.extend(more.into_iter().take(room));
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let what = finding.what;
        self.count(what, 1);
        let named = self.named.entry(what).or_default();
        if named.len() < self.limit {
            named.push(finding);
        }
    }

    /// Counts further ones that nobody can name any more.
    pub(super) fn count(&mut self, what: What, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }

    /// How many of each kind, and those that are named.
    pub(super) fn all(&self) -> impl Iterator<Item = (What, u64, &[Finding])> {
        let named = |what| self.named.get(&what).map_or(&[][..], Vec::as_slice);
        self.counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(move |(what, count)| (*what, *count, named(*what)))
    }

    /// How many of one kind.
    #[cfg(test)]
    pub(super) fn of(&self, what: What) -> u64 {
        self.counts.get(&what).copied().unwrap_or(0)
    }

    /// How many differences.
    pub(super) fn differences(&self) -> u64 {
        self.counts.iter().filter(|(what, _)| what.is_difference()).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_named() {
        let mut findings = Findings::new(2);
        let finding = |offset, what| Finding::new(what, Topic::Events, "k", "d".into()).of(0).at(offset);
        for offset in 0..3 {
            findings.add(finding(offset, What::Lost));
        }
        findings.add(finding(9, What::Gap));
        assert_eq!((findings.of(What::Lost), findings.of(What::Doubled), findings.differences()), (3, 0, 3));
        let all: Vec<_> = findings.all().map(|(what, count, named)| (what, count, named.len())).collect();
        assert_eq!(all, [(What::Lost, 3, 2), (What::Gap, 1, 1)]);
    }
}
