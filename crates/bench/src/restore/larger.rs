//! `larger`: state that exceeds memory. Both stages of every partition, their state on disk, in this process and without
//! a broker: each action makes one entry of the dedup table and one register row.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context, Result, ensure};
use catalog::Topic;
use codec::Codec;
use pipeline::{AGGREGATOR, AggregatorStages, NORMALIZER, NormalizerConfig, NormalizerStages, topic_index};
use stage::store::Store;
use stage::{
    Coverage, Label, Mark, Millis, Offset, Outcome, Output, Partition, PartitionCount, Record, Sink, Stage,
    StageFactory,
};
use state::{Folder, Memory};

use super::figure::Figure;
use super::{PEAK_MIB, Sizes, folder, mebibytes};
use crate::process::{cpu_seconds, peak_kib};

/// Actions of all partitions that are one transaction.
const TRANSACTION: u64 = 20_000;
/// Tenants, so that every partition has some.
const TENANTS: u64 = 120;
/// When the first action was received, in milliseconds; the last one 30 days later, so that none leaves the window of 35.
const START: i64 = 1_790_000_000_000;
const SPAN: i64 = 30 * 24 * 3_600_000;

/// Inserts so many rows, looks them up, and tells what that took.
pub(crate) fn measure(sizes: Sizes) -> Result<Vec<Figure>> {
    let dir = folder()?;
    let memory = Memory { bytes: u64::from(sizes.memory_mb) << 20, stores: 2 * sizes.partitions };
    let state = Folder::hold(dir.path(), memory)?;
    let mut stages = Stages::open(&state, sizes.partitions)?;
    let (rows, lookups) = (sizes.rows, (sizes.rows / 50).max(1));
    let began = cpu_seconds("self")?;
    for from in (0..rows).step_by(usize::try_from(TRANSACTION)?) {
        let numbers = from..rows.min(from + TRANSACTION);
        stages.transact(numbers.map(|number| Said { number, again: false, at: received(number, rows) }))?;
    }
    let inserted = cpu_seconds("self")? - began;
    ensure!(stages.skipped == 0, "{} new actions were taken for duplicates", stages.skipped);
    let began = cpu_seconds("self")?;
    let mut random = 1_u64;
    for _ in 0..lookups.div_ceil(TRANSACTION) {
        let numbers: Vec<_> = (0..TRANSACTION.min(lookups)).map(|_| at_random(&mut random, rows)).collect();
        // Once as it was: a duplicate. And another event about the same subject: the row is read and changed.
        let said = |number| {
            let one = |again| Said { number, again, at: START + SPAN };
            [one(false), one(true)]
        };
        stages.transact(numbers.into_iter().flat_map(said))?;
    }
    let (looked, found) = (cpu_seconds("self")? - began, stages.skipped);
    ensure!(found >= lookups, "{found} of {lookups} duplicates were known");
    let (dedup, register) = (stages.held("dedup"), stages.held("register"));
    ensure!(register == rows, "{register} register rows are held after {rows} were made and read");
    Ok(vec![
        Figure::at_least(rows as f64, "entries of the dedup table on disk", dedup as f64),
        Figure::at_least(rows as f64, "register rows on disk", register as f64),
        Figure::told("actions per CPU-second, through both stages onto disk", rows as f64 / inserted),
        Figure::told("the same at random places: duplicates and changed rows", 2.0 * found as f64 / looked),
        Figure::told("MiB on disk", mebibytes(size(dir.path())? >> 10)),
        Figure::at_most(
            PEAK_MIB,
            format!("peak memory with {} MiB for state, MiB", sizes.memory_mb),
            mebibytes(peak_kib("self")?),
        ),
    ])
}

/// What an action says: a person starts a course, or completes it `again` later.
#[derive(Clone, Copy, Debug)]
struct Said {
    number: u64,
    again: bool,
    at: i64,
}

impl Said {
    fn tenant(self) -> String {
        format!("tenant-{}", self.number % TENANTS)
    }

    fn value(self) -> String {
        let (number, tenant) = (self.number, self.tenant());
        let (id, action) = match self.again {
            false => (format!("{number}"), "course.started"),
            true => (format!("{number}-{}", self.at), "course.completed"),
        };
        format!(
            r#"{{"id":"{id}","source":"lms.web","action":"{action}","occurred_at":{START},"tenant":"{tenant}","actor":{{"kind":"service","id":"lms.web"}},"user":{{"id":"user-{number}"}},"object":{{"kind":"course","id":"course-{}"}}}}"#,
            number % 1000
        )
    }
}

fn received(number: u64, of: u64) -> i64 {
    let part = i128::from(SPAN) * i128::from(number) / i128::from(of.max(1));
    START + i64::try_from(part).expect("a part of a span is no longer than it")
}

/// Numbers that look random and are the same every time (Knuth's linear congruential generator, MMIX).
fn at_random(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) % below
}

/// Both stages of every partition.
struct Stages {
    count: PartitionCount,
    partitions: Vec<Pair>,
    /// Actions that were duplicates.
    skipped: u64,
}

/// Both stages of one partition, and how far each has come.
struct Pair {
    partition: Partition,
    normalizer: Box<dyn Stage>,
    aggregator: Box<dyn Stage>,
    actions: i64,
    events: i64,
}

/// Audit events on their way from one stage to the other; all else that is written is dropped.
#[derive(Default)]
struct Events(Vec<(Millis, Vec<u8>)>);

impl Sink for Events {
    fn send(&mut self, output: &Output<'_>) {
        if output.topic == topic_index(Topic::Events) {
            self.0.push((output.timestamp, output.value.unwrap_or_default().to_vec()));
        }
    }
}

impl Stages {
    fn open(folder: &Folder, partitions: u32) -> Result<Self> {
        let count = PartitionCount::new(partitions).context("a topic has at least one partition")?;
        let codec = Codec::single_object();
        let open = |stage: Label| {
            let folder = folder.clone();
            move |partition| Ok(Box::new(folder.open(stage, partition)?) as Box<dyn Store>)
        };
        let config = NormalizerConfig::new(count, codec.clone());
        let normalizers = NormalizerStages::with_store(config, open(NORMALIZER));
        let aggregators = AggregatorStages::with_store(codec, open(AGGREGATOR));
        let pair = |partition| -> Result<Pair> {
            let (normalizer, aggregator) = (normalizers.create(partition)?, aggregators.create(partition)?);
            Ok(Pair { partition, normalizer, aggregator, actions: 0, events: 0 })
        };
        Ok(Self { count, partitions: count.partitions().map(pair).collect::<Result<_>>()?, skipped: 0 })
    }

    /// One transaction of each stage in each partition that has something to do.
    fn transact(&mut self, said: impl Iterator<Item = Said>) -> Result<()> {
        let mut actions = BTreeMap::<_, Vec<_>>::new();
        for said in said {
            let tenant = said.tenant();
            let partition = self.count.partition_of(tenant.as_bytes()).number();
            actions.entry(partition).or_default().push((Millis::new(said.at), said.value().into_bytes()));
        }
        for (partition, actions) in actions {
            let pair = &mut self.partitions[partition as usize];
            self.skipped += pair.transact(&actions)?;
        }
        Ok(())
    }

    fn held(&self, view: &str) -> u64 {
        let rows =
            |stage: &dyn Stage| stage.rows().into_iter().filter(|(name, _)| *name == view).map(|r| r.1);
        self.partitions.iter().flat_map(|pair| rows(&*pair.normalizer).chain(rows(&*pair.aggregator))).sum()
    }
}

impl Pair {
    fn transact(&mut self, actions: &[(Millis, Vec<u8>)]) -> Result<u64> {
        let mut events = Events::default();
        let skipped =
            transact(&mut *self.normalizer, self.partition, &mut self.actions, actions, &mut events)?;
        let mut rows = Events::default();
        transact(&mut *self.aggregator, self.partition, &mut self.events, &events.0, &mut rows)?;
        Ok(skipped)
    }
}

/// One transaction, call for call as the runtime makes them; gives how many records were passed over.
fn transact(
    stage: &mut dyn Stage,
    partition: Partition,
    next: &mut i64,
    records: &[(Millis, Vec<u8>)],
    sink: &mut Events,
) -> Result<u64> {
    let Some((last, _)) = records.last() else { return Ok(0) };
    let mut skipped = 0;
    for (timestamp, value) in records {
        let (offset, value) = (Offset::new(*next), Some(value.as_slice()));
        let record =
            Record { partition, offset, timestamp: *timestamp, key: None, value, headers: Vec::new() };
        match stage.process(&record, sink)? {
            Outcome::Emit { .. } => {}
            Outcome::Skip(_) => skipped += 1,
            outcome => anyhow::bail!("offset {offset} of partition {partition} came to {outcome:?}"),
        }
        *next += 1;
    }
    let coverage = Coverage {
        next: Offset::new(*next),
        last_read: Some(*last),
        cluster_id: "bench".into(),
        topic_id: "bench".into(),
        expired: 0,
    };
    stage.flush(sink)?;
    stage.cover(&coverage, *last, sink)?;
    let mark =
        Mark { trail: "bench".into(), at: *last, coverage: Some(coverage), changelogs: BTreeMap::new() };
    stage.commit(&mark)?;
    Ok(skipped)
}

/// Bytes that the files below take on disk: journals are long and mostly empty.
fn size(path: &std::path::Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // A file may go while we look: stores compact in the background.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_on_disk_is_filled_and_looked_up() {
        let figures =
            measure(Sizes { rows: 5000, partitions: 3, memory_mb: 16 }).expect("it can be measured");
        assert!(figures.iter().all(Figure::holds), "{figures:?}");
        let value = |name: &str| figures.iter().find(|f| f.name.starts_with(name)).expect(name).value;
        assert_eq!(value("register rows"), 5000.0);
        let entries = value("entries of the dedup table");
        assert!((5001.0..=5100.0).contains(&entries), "lookups made {entries} entries of 5000");
    }
}
