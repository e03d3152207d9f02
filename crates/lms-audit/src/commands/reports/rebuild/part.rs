//! One partition of a rebuild: its rows as they are, its events folded, and the difference.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use catalog::Topic;
use codec::Codec;
use pipeline::Refold;
use runtime::{Log, Producer, Slice};
use stage::store::MemoryStore;
use stage::{Millis, Offset};

use super::Report;
use super::look::{Part, to_end};
use super::outcome::Outcome;
use super::write::{To, Writer};
use crate::reading;

/// A row as it lies in its topic: enough to remove it, and to tell whether another is the same.
struct Before {
    timestamp: Millis,
    hash: u64,
}

/// The rows of one report by key.
type Rows = BTreeMap<Vec<u8>, Before>;

/// Folds the reports of one partition anew; writes them, if there is somebody to write.
///
/// # Errors
/// When the broker does not answer, an event cannot be folded or a transaction is not committed.
pub(super) fn fold<P: Producer>(
    log: &mut impl Log,
    part: &Part,
    reports: &[Report],
    codec: &Codec,
    mut writer: Option<&mut Writer<'_, P>>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let before = rows(log, part, reports)?;
    let mut refold = folded(log, part, reports, codec)?;
    outcome.folded += refold.folded();
    if let Some(writer) = &mut writer {
        for (report, rows) in &before {
            for (key, row) in rows {
                // Stamped as the row it removes: the timestamps of rows are the trail's own clock.
                writer.put(To::Report(*report), part.partition, row.timestamp, key, None)?;
            }
        }
    }
    let mut kept: BTreeMap<Report, u64> = BTreeMap::new();
    let mut written = Ok(());
    refold.rows(&mut |row| {
        if written.is_err() {
            return;
        }
        let counts = outcome.of(row.report);
        counts.after += 1;
        counts.incomplete += u64::from(row.incomplete);
        match before.get(&row.report).and_then(|rows| rows.get(row.key)) {
            Some(old) => {
                *kept.entry(row.report).or_default() += 1;
                counts.changed += u64::from(old.hash != hash(row.value));
            }
            None => counts.added += 1,
        }
        if let Some(writer) = &mut writer {
            let to = To::Report(row.report);
            written = writer.put(to, part.partition, row.timestamp, row.key, Some(row.value));
        }
    })?;
    written?;
    for (report, rows) in &before {
        let counts = outcome.of(*report);
        counts.before += rows.len() as u64;
        counts.lost += rows.len() as u64 - kept.get(report).copied().unwrap_or_default();
    }
    match writer {
        Some(writer) => writer.finish(part.partition, reports),
        None => Ok(()),
    }
}

/// The last row of each key of each report.
fn rows(log: &mut impl Log, part: &Part, reports: &[Report]) -> anyhow::Result<BTreeMap<Report, Rows>> {
    let mut all: BTreeMap<Report, Rows> = reports.iter().map(|report| (*report, Rows::new())).collect();
    let name = |report: &Report| Topic::Report(report.0, report.1).name();
    let by_name: BTreeMap<_, _> = reports.iter().map(|report| (name(report), *report)).collect();
    let slices = by_name.keys().map(|topic| to_end(log, topic, part.partition));
    let slices = slices.collect::<anyhow::Result<Vec<_>>>()?;
    reading::read(log, slices, &mut |topic, record| {
        let rows = by_name.get(topic).and_then(|report| all.get_mut(report));
        let rows = rows.expect("only these topics are read");
        let key = record.key.unwrap_or_default();
        match record.value {
            Some(value) => {
                rows.insert(key.to_vec(), Before { timestamp: record.timestamp, hash: hash(value) });
            }
            None => drop(rows.remove(key)),
        }
        Ok(())
    })?;
    Ok(all)
}

/// Every event that the aggregator has folded, folded again.
fn folded(log: &mut impl Log, part: &Part, reports: &[Report], codec: &Codec) -> anyhow::Result<Refold> {
    let truncated = part.start > Offset::new(0);
    let store = Box::<MemoryStore>::default();
    let mut refold = Refold::new(part.partition, reports.iter().copied(), truncated, codec, store);
    let slice = Slice {
        topic: Topic::Events.name(),
        partition: part.partition,
        from: part.start,
        until: part.coverage.next,
    };
    reading::read_watched(log, vec![slice], &mut |_, record| Ok(refold.fold(record)?))?;
    Ok(refold)
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
