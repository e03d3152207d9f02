//! Rebuilds the state of newly assigned partitions from committed topics, a piece at a time.
//!
//! First the ledger, which holds coverage; then what the stage asks for. The ends are high watermarks
//! seen before reading, so that a transaction still open at the end is waited for (KAFKA-10167).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stage::{
    Millis, Offset, Partition, ReadFrom, RestorePoint, StageError, StageFactory, StageSpec, TopicIndex,
};

use crate::error::{BrokerError, Cause, Remedy};
use crate::failure::Failure;
use crate::port::{Extent, Log, Reader, Reading, Slice};
use crate::start::{Found, Start, decide};
use crate::task::Task;

/// What offsets are spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) cluster: String,
    pub(crate) input: String,
}

/// A restore under way.
pub(crate) struct Restore<L: Log> {
    tasks: BTreeMap<Partition, Task>,
    committed: BTreeMap<Partition, Option<Offset>>,
    starts: BTreeMap<Partition, Start>,
    phase: Phase,
    /// Which partition and topic each slice of the reader is of.
    slots: Vec<(Partition, TopicIndex)>,
    reader: L::Reader,
    standstill: Standstill,
}

/// How long nothing may come before it is said, and said again.
const STILL: Duration = Duration::from_secs(30);

/// Notices that a restore gets nowhere. Readers wait for a transaction that was left open, however
/// long that is; who looks at the log must learn it.
struct Standstill {
    left: u64,
    since: Instant,
}

impl Standstill {
    fn new(now: Instant) -> Self {
        Self { left: u64::MAX, since: now }
    }

    fn is_to_be_said(&mut self, left: u64, now: Instant) -> bool {
        let still = left == self.left && now.duration_since(self.since) >= STILL;
        if still || left != self.left {
            *self = Self { left, since: now };
        }
        still
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ledger,
    Changelogs,
}

impl<L: Log> Restore<L> {
    /// Begins to restore these partitions, whose group offsets are given.
    pub(crate) fn begin(
        log: &mut L,
        factory: &dyn StageFactory,
        committed: Vec<(Partition, Option<Offset>)>,
    ) -> Result<Self, Failure> {
        let spec = factory.spec();
        let tasks =
            committed.iter().map(|(partition, _)| (*partition, Task::new(factory, *partition))).collect();
        let mut slices = Vec::new();
        let mut slots = Vec::new();
        for (partition, _) in &committed {
            let extent = log.extent(spec.topic(spec.ledger), *partition)?;
            slices.push(whole(spec, spec.ledger, *partition, extent));
            slots.push((*partition, spec.ledger));
        }
        let reader = log.open(slices)?;
        let committed = committed.into_iter().collect();
        Ok(Self {
            tasks,
            committed,
            starts: BTreeMap::new(),
            phase: Phase::Ledger,
            slots,
            reader,
            standstill: Standstill::new(Instant::now()),
        })
    }

    /// Reads for at most `wait` and returns the finished tasks, if this was the last piece.
    pub(crate) fn step(
        &mut self,
        log: &mut L,
        spec: &StageSpec,
        ids: &Ids,
        wait: Duration,
    ) -> Result<Option<BTreeMap<Partition, Task>>, Failure> {
        if self.read(spec, wait)? == Reading::Open {
            return Ok(None);
        }
        match self.phase {
            Phase::Ledger => {
                self.reader = self.changelogs(log, spec, ids)?;
                self.phase = Phase::Changelogs;
                Ok(None)
            }
            Phase::Changelogs => Ok(Some(self.finish())),
        }
    }

    /// Offsets left to read.
    pub(crate) fn remaining(&self) -> u64 {
        self.reader.remaining()
    }

    /// Whether it has got nowhere for so long that it is to be said, now.
    pub(crate) fn stands_still(&mut self, now: Instant) -> bool {
        self.standstill.is_to_be_said(self.reader.remaining(), now)
    }

    /// Leaves these partitions out: they belong to somebody else now.
    pub(crate) fn forget(&mut self, partitions: &[Partition]) {
        self.tasks.retain(|partition, _| !partitions.contains(partition));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.tasks.keys().copied()
    }

    fn read(&mut self, spec: &StageSpec, wait: Duration) -> Result<Reading, Failure> {
        let mut failed = None;
        let (slots, tasks) = (&self.slots, &mut self.tasks);
        let reading = self.reader.read(wait, &mut |slot, record| {
            let (partition, topic) = slots[slot];
            let Some(task) = tasks.get_mut(&partition) else { return };
            if failed.is_none()
                && let Err(error) = task.stage.restore(topic, record)
            {
                failed = Some(Failure::stage(error, spec.topic(topic), partition, record.offset));
            }
        })?;
        failed.map_or(Ok(reading), Err)
    }

    fn changelogs(&mut self, log: &mut L, spec: &StageSpec, ids: &Ids) -> Result<L::Reader, Failure> {
        let mut slices = Vec::new();
        self.slots.clear();
        for (partition, task) in &self.tasks {
            let committed = self.committed.get(partition).copied().flatten();
            let extent = log.extent(spec.topic(spec.input), *partition)?;
            let start = start(log, spec, ids, *partition, task, committed, extent)?;
            self.starts.insert(*partition, start);
            let unread = first_time(log, spec.topic(spec.input), *partition, start.next, extent.stable)?;
            let last_read = task.stage.coverage().and_then(|coverage| coverage.last_read);
            for changelog in task.stage.changelogs(RestorePoint { time: unread.or(last_read) }) {
                let extent = log.extent(spec.topic(changelog.topic), *partition)?;
                let mut slice = whole(spec, changelog.topic, *partition, extent);
                if let ReadFrom::Time(time) = changelog.from {
                    slice.from = log.offset_at(&slice.topic, *partition, time)?;
                }
                slices.push(slice);
                self.slots.push((*partition, changelog.topic));
            }
        }
        Ok(log.open(slices)?)
    }

    fn finish(&mut self) -> BTreeMap<Partition, Task> {
        let mut tasks = std::mem::take(&mut self.tasks);
        for (partition, task) in &mut tasks {
            task.begin(self.starts[partition]);
        }
        tasks
    }
}

fn whole(spec: &StageSpec, topic: TopicIndex, partition: Partition, extent: Extent) -> Slice {
    Slice { topic: spec.topic(topic).to_owned(), partition, from: extent.start, until: extent.end }
}

fn start<L: Log>(
    log: &mut L,
    spec: &StageSpec,
    ids: &Ids,
    partition: Partition,
    task: &Task,
    committed: Option<Offset>,
    extent: Extent,
) -> Result<Start, Failure> {
    let coverage = task.stage.coverage();
    let written = match coverage {
        Some(_) => None,
        None => first_written(log, spec, partition)?,
    };
    let found = Found {
        coverage,
        committed,
        extent,
        cluster_id: &ids.cluster,
        topic_id: &ids.input,
        written: written.as_deref(),
    };
    decide(&found).map_err(|message| Failure::Stage {
        error: StageError::Stop(message),
        place: format!("{} cannot start in {} partition {partition}", spec.name, spec.topic(spec.input)),
    })
}

/// An output topic that holds a committed record in this partition. The ledger and the input are
/// left out: other stages write there, too. What is still undecided is nobody's who could yet commit:
/// asking for the group's offsets waited out a transaction that holds some, and one that holds none
/// is of an earlier generation.
fn first_written<L: Log>(
    log: &mut L,
    spec: &StageSpec,
    partition: Partition,
) -> Result<Option<String>, BrokerError> {
    let own = |topic: &&TopicIndex| **topic != spec.input && **topic != spec.ledger;
    for topic in spec.outputs.iter().filter(own) {
        let name = spec.topic(*topic);
        let extent = log.extent(name, partition)?;
        if first_time(log, name, partition, extent.start, extent.stable)?.is_some() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// The timestamp of the first committed record in `from..until`.
fn first_time<L: Log>(
    log: &mut L,
    topic: &str,
    partition: Partition,
    from: Offset,
    until: Offset,
) -> Result<Option<Millis>, BrokerError> {
    if from >= until {
        return Ok(None);
    }
    let mut reader = log.open(vec![Slice { topic: topic.to_owned(), partition, from, until }])?;
    let mut first = None;
    let deadline = Instant::now() + STILL;
    loop {
        let reading = reader.read(Duration::from_millis(200), &mut |_, record| {
            first.get_or_insert(record.timestamp);
        })?;
        if first.is_some() || reading == Reading::Done {
            return Ok(first);
        }
        if Instant::now() >= deadline {
            return Err(BrokerError {
                remedy: Remedy::Retry,
                cause: Cause::Transport,
                attempt: format!("looking at {topic} partition {partition}"),
                detail: format!("nothing came from offset {from} to {until} within {} s", STILL.as_secs()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_that_gets_nowhere_is_said_every_half_minute() {
        let start = Instant::now();
        let mut standstill = Standstill::new(start);
        for (second, left, said) in [
            (0, 9, false),
            (29, 9, false),
            (30, 9, true),
            (31, 9, false),
            (59, 8, false),
            (60, 8, false),
            (89, 8, true),
        ] {
            let now = start + Duration::from_secs(second);
            assert_eq!(standstill.is_to_be_said(left, now), said, "{second}");
        }
    }
}
