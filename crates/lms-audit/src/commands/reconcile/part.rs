//! One partition: its topics opened side by side, joined and judged; then what only its totals show.

use std::cell::RefCell;

use catalog::{Micros, Topic, coverage_key};
use codec::Decoder;
use pipeline::NORMALIZER;
use runtime::{Log, Slice};
use stage::{Offset, Partition, PartitionCount, Record};

use super::feed::{Ordered, Peeked, feed};
use super::findings::{Finding, Findings, What};
use super::foreign::or_foreign;
use super::join::join;
use super::judge::{Judge, Judged, Known};
use super::moves::Moves;
use super::outputs::{OutputReader, Seen};
use super::range::{Bounds, first_time};
use super::recount::{Entry, Reach, Recount, whole_from};
use super::snapshot::Standing;
use super::totals::{Records, Sums};
use super::{activity, gaps};
use crate::config::Span;
use crate::output::Progress;
use crate::reading::{self, micros};
use crate::when;

/// What is gathered across partitions.
#[derive(Debug)]
pub(super) struct Across {
    pub(super) records: Records,
    pub(super) moves: Moves,
    pub(super) findings: Findings,
}

/// When a source counts as silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    pub(super) now: Micros,
    pub(super) after: Span,
}

/// One partition and what of it is judged.
pub(super) struct Part<'p> {
    pub(super) decoder: &'p Decoder,
    pub(super) count: PartitionCount,
    pub(super) partition: Partition,
    pub(super) standing: &'p Standing,
    pub(super) bounds: Bounds,
    /// Whether all of the partition is judged.
    pub(super) is_whole: bool,
    /// Two events of one id less than this apart are one too many, in microseconds.
    pub(super) window: u64,
    pub(super) silence: Silence,
}

impl Across {
    /// Takes an action that lies in this partition, if it was re-routed to it.
    pub(super) fn arrived(&mut self, action: &Seen, partition: u32) {
        if let Some((from, offset)) = action.moved_from {
            self.moves.arrived(from, partition, offset);
        }
    }
}

impl Part<'_> {
    /// Judges it.
    ///
    /// # Errors
    /// When the broker does not answer or a record of ours cannot be read.
    pub(super) fn judge(&self, log: &mut impl Log, across: &mut Across) -> anyhow::Result<Sums> {
        let mut joined = self.join(log, across)?;
        joined.sums.waiting = self.waiting(log, across)?;
        joined.sums.next = self.standing.covered.number();
        self.compare_coverage(&mut across.findings);
        for row in &joined.gaps {
            across.findings.add(gaps::finding(self.partition.number(), row));
        }
        if self.is_whole {
            self.compare_expired(&joined, &mut across.findings);
            self.compare_reports(log, &joined, &mut across.findings)?;
        }
        let sums = joined.sums;
        self.tell_silent(log, joined, &mut across.findings)?;
        Ok(sums)
    }

    fn join(&self, log: &mut impl Log, across: &mut Across) -> anyhow::Result<Judged> {
        let Self { decoder, count, partition, standing, .. } = *self;
        let reach = self.reach(log)?;
        let reader =
            OutputReader { decoder, partition, count, actions: Topic::Actions.name(), stage: NORMALIZER };
        let slice = |log: &mut _, topic, held| self.bounds.slice(log, topic, partition, held);
        let (events, receipts) =
            (slice(log, Topic::Events, standing.events)?, slice(log, Topic::Receipts, standing.receipts)?);
        let dead_letters = slice(log, Topic::DeadLetters, standing.dead_letters)?;
        let ledger = slice(log, Topic::Ledger, standing.ledger)?;
        let until = self.bounds.until;
        let foreign = RefCell::new(across.findings.fresh());
        let ours = |topic, record: &Record<'_>, read| or_foreign(read, topic, record, &foreign);
        let event = |record: &Record<'_>| ours(Topic::Events, record, reader.event(record));
        let receipt = |record: &Record<'_>| ours(Topic::Receipts, record, reader.receipt(record));
        let letter = |record: &Record<'_>| ours(Topic::DeadLetters, record, reader.dead_letter(record));
        let mut outputs = [
            Ordered::new(feed(log, events, event)?, until),
            Ordered::new(feed(log, receipts, receipt)?, until),
            Ordered::new(feed(log, dead_letters, letter)?, until),
        ];
        let ledger = feed(log, ledger, |record| {
            let entry = or_foreign(Entry::of(record, decoder), Topic::Ledger, record, &foreign)?;
            Ok(entry.map(|entry| (micros(record.timestamp), entry)))
        })?;
        let (from, until) = (Offset::new(self.bounds.actions.start), Offset::new(self.bounds.actions.end));
        let actions = Slice { topic: Topic::Actions.name(), partition, from, until };
        let mut actions = Peeked::new(feed(log, actions, |record| Ok(Some(Seen::of(record, count))))?);
        let hours = self.hours(log)?;
        let recount = Recount::new(partition.number(), Peeked::new(ledger), hours, reach);
        let mut judge = Judge::new(self.known(reach), recount, across);
        let mut progress = Progress::default();
        join(&self.bounds.actions, &mut actions, &mut outputs, &mut |case| {
            progress.tick(|| format!("partition {partition}: {} actions judged", judge.actions()));
            judge.take(case)
        })?;
        progress.done();
        let judged = judge.finish()?;
        drop(outputs);
        across.findings.absorb(foreign.into_inner());
        Ok(judged)
    }

    fn known(&self, reach: Reach) -> Known {
        let comparable = !self.standing.events.is_truncated();
        Known {
            partition: self.partition.number(),
            actions: self.bounds.actions.clone(),
            is_whole: self.is_whole,
            covered: self.standing.covered.number(),
            reach: reach.events.max(reach.receipts).max(reach.dead_letters),
            folded: self.standing.folded.clone().filter(|_| self.is_whole && comparable),
            window: self.window,
        }
    }

    fn reach(&self, log: &mut impl Log) -> anyhow::Result<Reach> {
        let mut from = |held: super::snapshot::Held, topic| {
            Ok::<_, anyhow::Error>(held.reach(log, topic, self.partition)?.map(whole_from))
        };
        Ok(Reach {
            events: from(self.standing.events, Topic::Events)?,
            receipts: from(self.standing.receipts, Topic::Receipts)?,
            dead_letters: from(self.standing.dead_letters, Topic::DeadLetters)?,
            actions: from(self.standing.actions, Topic::Actions)?,
        })
    }

    /// The hours whose rows are compared; none that the ledger itself holds no longer.
    fn hours(&self, log: &mut impl Log) -> anyhow::Result<std::ops::Range<Micros>> {
        let mut hours = self.bounds.hours.clone();
        if let Some(first) = self.standing.ledger.reach(log, Topic::Ledger, self.partition)? {
            hours.start = hours.start.max(whole_from(first));
        }
        Ok(hours)
    }

    /// Counts what was asked for and is not covered yet; takes what was re-routed to here among it.
    fn waiting(&self, log: &mut impl Log, across: &mut Across) -> anyhow::Result<u64> {
        let [from, until] = [self.bounds.waiting.start, self.bounds.waiting.end].map(Offset::new);
        let slice = Slice { topic: Topic::Actions.name(), partition: self.partition, from, until };
        let mut waiting = 0;
        reading::read_watched(log, vec![slice], &mut |_, record| {
            waiting += 1;
            if self.is_whole {
                across.arrived(&Seen::of(record, self.count), self.partition.number());
            }
            Ok(())
        })?;
        Ok(waiting)
    }

    /// Without coverage nothing can be judged; where there are outputs, it is missing.
    fn compare_coverage(&self, findings: &mut Findings) {
        let Standing { events, receipts, dead_letters, .. } = self.standing;
        let are_outputs = [events, receipts, dead_letters].iter().any(|held| held.start < held.end);
        if self.standing.is_covered() || !are_outputs {
            return;
        }
        let number = self.partition.number();
        let key = coverage_key(NORMALIZER, number);
        let detail = "there is no coverage, but outputs are there: nothing can be judged".to_owned();
        findings.add(Finding::new(What::LedgerDiffers, Topic::Ledger, key, detail).of(number));
    }

    fn compare_expired(&self, joined: &Judged, findings: &mut Findings) {
        if self.standing.receipts.is_truncated() || self.standing.expired == joined.expired {
            return;
        }
        let number = self.partition.number();
        let detail = format!("expired {}, but receipts name {}", self.standing.expired, joined.expired);
        let key = coverage_key(NORMALIZER, number);
        findings.add(Finding::new(What::LedgerDiffers, Topic::Ledger, key, detail).of(number));
    }

    fn compare_reports(
        &self,
        log: &mut impl Log,
        joined: &Judged,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        if !self.standing.is_covered()
            || self.standing.folded.is_none()
            || self.standing.events.is_truncated()
        {
            return Ok(());
        }
        for (category, held) in self.standing.activity.iter().filter(|(_, held)| !held.is_truncated()) {
            let folded = joined.folded.get(category).copied().unwrap_or_default();
            activity::compare(log, self.decoder, self.partition, (*category, *held), folded, findings)?;
        }
        Ok(())
    }

    /// Tells of sources that fell silent before the end of the range: its own, or, where the normalizer
    /// is behind, what it has come to.
    fn tell_silent(&self, log: &mut impl Log, joined: Judged, findings: &mut Findings) -> anyhow::Result<()> {
        let (from, until) =
            (self.standing.covered.max(self.standing.actions.start), self.standing.actions.end);
        let next = Slice { topic: Topic::Actions.name(), partition: self.partition, from, until };
        let end = first_time(log, next)?.unwrap_or(self.silence.now).min(self.bounds.end(self.silence.now));
        let since = end.get().saturating_sub_unsigned(self.silence.after.millis().saturating_mul(1000));
        for ((tenant, source), last) in joined.heard.silent_since(Micros::new(since)) {
            let detail = format!("source {source}: nothing since {}", when::readable(last));
            let finding = Finding::new(What::Silent, Topic::Actions, tenant, detail);
            findings.add(finding.of(self.partition.number()));
        }
        Ok(())
    }
}
