//! How far the trail had come when the command began. Everything is judged by that, so that it may go
//! on growing meanwhile.
//!
//! Coverage lies in the ledger behind the rows of its own transaction, so what lies before it in that
//! partition is what it covers. A transaction becomes visible partition by partition: who saw its
//! coverage may have to wait for its outputs, so each end is asked for after the coverage, and waited
//! for until nothing before it is undecided.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use catalog::{Category, Micros, Topic, View};
use codec::{Decoder, LedgerRecord};
use pipeline::{AGGREGATOR, NORMALIZER};
use runtime::{Log, Slice};
use stage::{Coverage, Offset, Partition};

use super::range::first_time;
use crate::reading;

/// How many records of the ledger are looked at first for the last coverage.
const TAIL: i64 = 1_000;
/// Longer than a transaction of ours may stay open.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// What a partition of a topic holds, everything before its end decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) start: Offset,
    pub(super) end: Offset,
}

/// How far one partition had come.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The first action that the normalizer had not covered.
    pub(super) covered: Offset,
    /// How many offsets had expired unread, by the ledger.
    pub(super) expired: u64,
    /// The ledger up to that coverage.
    pub(super) ledger: Held,
    pub(super) actions: Held,
    /// Whether the actions reach as far as anything that was re-routed to them by then.
    pub(super) all_arrived: bool,
    pub(super) events: Held,
    pub(super) receipts: Held,
    pub(super) dead_letters: Held,
    /// Events that the aggregator had covered before and after the ends of the reports were asked for;
    /// `None` where it never ran.
    pub(super) folded: Option<RangeInclusive<i64>>,
    /// What the activity view of each category held in between.
    pub(super) activity: BTreeMap<Category, Held>,
}

/// The last coverage of a stage in one partition, and its own offset in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Covered {
    coverage: Coverage,
    at: Offset,
}

impl Standing {
    /// Whether the normalizer ever covered anything.
    pub(super) fn is_covered(&self) -> bool {
        self.ledger.start < self.ledger.end
    }
}

impl Held {
    /// Whether earlier records were deleted.
    pub(super) fn is_truncated(self) -> bool {
        self.start > Offset::new(0)
    }

    /// The broker time that it goes back to; `None` where nothing was deleted, and the end of time where
    /// everything was.
    pub(super) fn reach(
        self,
        log: &mut impl Log,
        topic: Topic,
        partition: Partition,
    ) -> anyhow::Result<Option<Micros>> {
        if !self.is_truncated() {
            return Ok(None);
        }
        let slice = self.slice(topic, partition);
        Ok(Some(first_time(log, slice)?.unwrap_or(Micros::new(i64::MAX))))
    }

    /// All of it.
    pub(super) fn slice(self, topic: Topic, partition: Partition) -> Slice {
        Slice { topic: topic.name(), partition, from: self.start, until: self.end }
    }
}

/// How far these partitions had come; the reports only where they will be compared.
///
/// # Errors
/// When the broker does not answer, the ledger cannot be read, or a transaction stays open in a topic
/// that only the trail writes.
pub(super) fn take(
    log: &mut impl Log,
    decoder: &Decoder,
    partitions: &[Partition],
    with_reports: bool,
) -> anyhow::Result<BTreeMap<Partition, Standing>> {
    let mut reports = BTreeMap::new();
    for partition in partitions.iter().filter(|_| with_reports) {
        reports.insert(*partition, folded(log, decoder, *partition)?);
    }
    let mut covered = BTreeMap::new();
    for partition in partitions {
        covered.insert(*partition, last(log, decoder, *partition, NORMALIZER)?);
    }
    // What was re-routed before any of these coverages lies before all of these ends. Others' transactions
    // may be open among the actions for as long as they like: that much is waited for, and no longer.
    let deadline = Instant::now() + if with_reports { PATIENCE } else { Duration::ZERO };
    let mut all = BTreeMap::new();
    for (partition, normalizer) in covered {
        let mut held = |topic: Topic| settled(log, topic, partition);
        let (events, receipts, dead_letters) =
            (held(Topic::Events)?, held(Topic::Receipts)?, held(Topic::DeadLetters)?);
        let ledger = log.extent(&Topic::Ledger.name(), partition)?.start;
        let (actions, all_arrived) = try_settled(log, &Topic::Actions.name(), partition, deadline)?;
        let (folded, activity) = reports.remove(&partition).unwrap_or_default();
        let standing = Standing {
            covered: normalizer.as_ref().map_or(actions.start, |covered| covered.coverage.next),
            expired: normalizer.as_ref().map_or(0, |covered| covered.coverage.expired),
            ledger: Held { start: ledger, end: normalizer.map_or(ledger, |covered| covered.at.next()) },
            actions,
            all_arrived,
            events,
            receipts,
            dead_letters,
            folded,
            activity,
        };
        all.insert(partition, standing);
    }
    Ok(all)
}

type Folded = (Option<RangeInclusive<i64>>, BTreeMap<Category, Held>);

/// What the activity views hold, between two coverages of the aggregator.
fn folded(log: &mut impl Log, decoder: &Decoder, partition: Partition) -> anyhow::Result<Folded> {
    let before = last(log, decoder, partition, AGGREGATOR)?;
    let mut activity = BTreeMap::new();
    for category in Category::ALL {
        activity.insert(category, settled(log, Topic::Report(category, View::Activity), partition)?);
    }
    let after = last(log, decoder, partition, AGGREGATOR)?;
    let next = |covered: &Covered| covered.coverage.next.number();
    Ok((after.map(|after| before.as_ref().map_or(0, next)..=next(&after)), activity))
}

/// What a partition holds, once nothing before its end as it is now is undecided.
fn settled(log: &mut impl Log, topic: Topic, partition: Partition) -> anyhow::Result<Held> {
    match try_settled(log, &topic.name(), partition, Instant::now() + PATIENCE)? {
        (held, true) => Ok(held),
        (held, false) => bail!(
            "a transaction is open in {topic} partition {partition} from offset {} on for more than {} s: end its producer, or wait for the broker to abort it, and run this again",
            held.end,
            PATIENCE.as_secs(),
            topic = topic.name(),
        ),
    }
}

/// What a partition holds, and whether that is up to its end as it was when this was asked.
fn try_settled(
    log: &mut impl Log,
    topic: &str,
    partition: Partition,
    deadline: Instant,
) -> anyhow::Result<(Held, bool)> {
    let first = log.extent(topic, partition)?;
    let mut now = first;
    while now.stable < first.end && Instant::now() < deadline {
        sleep(PAUSE);
        now = log.extent(topic, partition)?;
    }
    let end = first.end.min(now.stable);
    Ok((Held { start: now.start.min(end), end }, end == first.end))
}

/// The last coverage of a stage: looked for from the end, ever further back.
fn last(
    log: &mut impl Log,
    decoder: &Decoder,
    partition: Partition,
    stage: &str,
) -> anyhow::Result<Option<Covered>> {
    let held = settled(log, Topic::Ledger, partition)?;
    let key = catalog::coverage_key(stage, partition.number());
    let mut back = TAIL;
    let mut until = held.end;
    loop {
        let from = Offset::new(held.end.number().saturating_sub(back)).max(held.start);
        let found = last_between(log, decoder, partition, &key, from..until)?;
        if found.is_some() || from <= held.start {
            return Ok(found);
        }
        (until, back) = (from, back.saturating_mul(8));
    }
}

fn last_between(
    log: &mut impl Log,
    decoder: &Decoder,
    partition: Partition,
    key: &str,
    offsets: Range<Offset>,
) -> anyhow::Result<Option<Covered>> {
    let mut found = None;
    let slice = Slice { topic: Topic::Ledger.name(), partition, from: offsets.start, until: offsets.end };
    reading::read(log, vec![slice], &mut |topic, record| {
        // The key is that of one stage: marks of unfinished rebuilds lie under others.
        if let (Some(of), Some(value)) = (record.key, record.value)
            && of == key.as_bytes()
        {
            let read = decoder.ledger(value);
            let read =
                read.with_context(|| format!("{topic} partition {partition} offset {}", record.offset))?;
            if let LedgerRecord::Coverage { coverage, .. } = read {
                found = Some(Covered { coverage, at: record.offset });
            }
        }
        Ok(())
    })?;
    Ok(found)
}
