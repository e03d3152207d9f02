//! What there is to rebuild from: how far the aggregator has come, and what the events topic holds.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use catalog::{Topic, View, coverage_key};
use codec::{Codec, LedgerRecord};
use pipeline::{AGGREGATOR, rebuild_key};
use runtime::{Log, Slice, decide};
use stage::{Coverage, Offset, Partition};

use super::super::unfinished::Marks;
use super::{Command, Report};
use crate::output::say;
use crate::reading;

/// One partition.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Which.
    pub(super) partition: Partition,
    /// The first event there still is.
    pub(super) start: Offset,
    /// How far the aggregator has come.
    pub(super) coverage: Coverage,
}

/// What was found.
pub(super) struct Found {
    parts: Vec<Part>,
    /// The marks that a rebuild left.
    unfinished: Marks,
}

impl Found {
    /// The partitions in which the aggregator has run.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The partitions whose first events are gone, and where they begin.
    pub(super) fn truncated(&self) -> Vec<(Partition, Offset)> {
        let gone = self.parts.iter().filter(|part| part.start > Offset::new(0));
        gone.map(|part| (part.partition, part.start)).collect()
    }

    /// Whether an earlier rebuild left this mark.
    pub(super) fn is_unfinished(&self, mark: &(Partition, String)) -> bool {
        self.unfinished.has(mark)
    }

    /// Whether an earlier rebuild of this report was begun and not finished, in any partition.
    pub(super) fn was_begun(&self, (category, view): &Report) -> bool {
        self.unfinished.iter().any(|(partition, key)| rebuild_key(*category, *view, *partition) == *key)
    }

    /// What of these reports is rebuilt in a partition: all of them; where it is accepted that its first
    /// events are gone, of the registers those alone that are unfinished there.
    pub(super) fn left_to(&self, command: &Command, part: &Part, reports: &[Report]) -> Vec<Report> {
        let is_left = |(category, view): &Report| {
            let mark = || (part.partition, rebuild_key(*category, *view, part.partition));
            let is_whole = part.start == Offset::new(0) || *view != View::Register;
            is_whole || !command.accept_lost_events || self.is_unfinished(&mark())
        };
        reports.iter().copied().filter(is_left).collect()
    }

    /// Says that an earlier rebuild left more than what is rebuilt now.
    pub(super) fn tell_unfinished(&self, rebuilt: &[Report]) {
        self.left_by(rebuilt).iter().for_each(|note| say(note));
    }

    /// What an earlier rebuild left, told; nothing of the reports that are rebuilt now.
    fn left_by(&self, rebuilt: &[Report]) -> Option<String> {
        let is_rebuilt = |(partition, key): &(Partition, String)| {
            rebuilt.iter().any(|(category, view)| rebuild_key(*category, *view, *partition) == *key)
        };
        self.unfinished.without(is_rebuilt).told()
    }
}

/// Looks.
///
/// # Errors
/// When coverage contradicts what there is, as it would stop the aggregator; when the broker does not
/// answer.
pub(super) fn found(log: &mut impl Log, codec: &Codec) -> anyhow::Result<Found> {
    let (events, ledger) = (Topic::Events.name(), Topic::Ledger.name());
    let (cluster, topic) = (log.cluster_id()?, log.topic_id(&events)?);
    let mut slices = Vec::new();
    for partition in reading::count(log, &ledger)?.partitions() {
        slices.push(to_end(log, &ledger, partition)?);
    }
    let all: Vec<_> = slices.iter().map(|slice| slice.partition).collect();
    let (mut coverage, unfinished) = ledgers(log, slices, codec)?;
    let mut parts = Vec::new();
    for partition in all {
        let extent = log.extent(&events, partition)?;
        let covered = coverage.remove(&partition);
        let written = match &covered {
            Some(_) => None,
            None => has_rows(log, partition)?,
        };
        decide(&runtime::Found {
            coverage: covered.as_ref(),
            committed: None,
            extent,
            cluster_id: &cluster,
            topic_id: &topic,
            written: written.as_deref(),
        })
        .map_err(|contradiction| anyhow::anyhow!("{events} partition {partition}: {contradiction}"))?;
        parts.extend(covered.map(|coverage| Part { partition, start: extent.start, coverage }));
    }
    if parts.is_empty() {
        bail!("the aggregator has never run here: there is nothing to rebuild");
    }
    Ok(Found { parts, unfinished })
}

/// A partition to its end as it is now, however long transactions that are open there take.
pub(super) fn to_end(log: &mut impl Log, topic: &str, partition: Partition) -> anyhow::Result<Slice> {
    let extent = log.extent(topic, partition)?;
    Ok(Slice { topic: topic.into(), partition, from: extent.start, until: extent.end })
}

/// The aggregator's coverage, and the marks of rebuilds.
type Ledgers = (BTreeMap<Partition, Coverage>, Marks);

fn ledgers(log: &mut impl Log, slices: Vec<Slice>, codec: &Codec) -> anyhow::Result<Ledgers> {
    let decoder = codec.decoder();
    let (mut coverage, mut unfinished) = (BTreeMap::new(), Marks::default());
    reading::read_watched(log, slices, &mut |topic, record| {
        let partition = record.partition;
        unfinished.note(record);
        let Some(key) = record.key.and_then(|key| std::str::from_utf8(key).ok()) else { return Ok(()) };
        if key != coverage_key(AGGREGATOR, partition.number()) {
            return Ok(());
        }
        let Some(value) = record.value else {
            coverage.remove(&partition);
            return Ok(());
        };
        let place = || format!("reading {topic} partition {partition} offset {}", record.offset);
        if let LedgerRecord::Coverage { coverage: one, .. } = decoder.ledger(value).with_context(place)? {
            coverage.insert(partition, one);
        }
        Ok(())
    })?;
    Ok((coverage, unfinished))
}

/// A report topic that holds something in this partition.
fn has_rows(log: &mut impl Log, partition: Partition) -> anyhow::Result<Option<String>> {
    for name in Topic::all().filter(|topic| matches!(topic, Topic::Report(..))).map(Topic::name) {
        let slice = to_end(log, &name, partition)?;
        let mut any = false;
        reading::read_until(log, vec![slice], &mut |_, _| {
            any = true;
            Ok(std::ops::ControlFlow::Break(()))
        })?;
        if any {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::Category;

    #[derive(clap::Parser)]
    struct Arguments {
        #[command(flatten)]
        command: Command,
    }

    /// Partition 0 was finished before the rebuild was killed, partition 1 was not; 2 has all its events.
    #[test]
    fn where_lost_events_are_accepted_registers_stay_as_they_are_unless_they_are_unfinished() {
        let [activity, register] = [View::Activity, View::Register].map(|view| (Category::Certificate, view));
        let coverage = Coverage {
            next: Offset::new(9),
            last_read: None,
            cluster_id: "c".into(),
            topic_id: "t".into(),
            expired: 0,
        };
        let part = |(partition, start)| Part {
            partition: Partition::new(partition),
            start: Offset::new(start),
            coverage: coverage.clone(),
        };
        let parts: Vec<_> = [(0, 3), (1, 3), (2, 0)].map(part).into();
        let mark = (parts[1].partition, rebuild_key(register.0, register.1, parts[1].partition));
        let found = Found { parts, unfinished: Marks::from_iter([mark]) };
        for (arguments, expected) in [
            (&["rebuild", "--yes"][..], [2, 2, 2]),
            (&["rebuild", "--yes", "--accept-lost-events"], [1, 2, 2]),
        ] {
            let Arguments { command } = clap::Parser::try_parse_from(arguments).expect("arguments");
            let left = found.parts().iter().map(|part| found.left_to(&command, part, &[activity, register]));
            assert_eq!(left.map(|left| left.len()).collect::<Vec<_>>(), expected, "{arguments:?}");
        }
        assert!(found.was_begun(&register) && !found.was_begun(&activity));
        let told = found.left_by(&[activity]).expect("the register is not rebuilt");
        assert!(told.contains("certificate.register (partition 1);"), "{told}");
        assert!(told.contains("`lms-audit reports rebuild certificate --view register --yes`"), "{told}");
        assert_eq!(found.left_by(&[register]), None);
    }
}
