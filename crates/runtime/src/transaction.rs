//! One transaction: some batches, each record through its partition's stage, one commit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stage::{Millis, Partition, Sink, StageSpec};

use crate::error::Cause;
use crate::failure::Failure;
use crate::ids::Ids;
use crate::metrics::Steps;
use crate::port::{Batch, Consumer, GroupEvent, Producer, Transaction};
use crate::stop::Stop;
use crate::tally::{Counted, Tally};
use crate::task::Task;

/// When a transaction ends.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So long after its first record.
    pub interval: Duration,
    /// After this many records.
    pub records: u64,
    /// After this many bytes of input.
    pub bytes: u64,
    /// How long to wait for a first record.
    pub patience: Duration,
    /// How long a partition rests whose state cannot be opened, written or restored now.
    pub rest: Duration,
    /// Whether a restore waits for the thread, so that nothing is waited for.
    pub restoring: bool,
}

impl Limits {
    /// Limits with this commit interval and room for 15,000 records or 64 MiB. A record of the aggregator's takes some 10 KiB
    /// until it is committed, as several rows that are read, changed, encoded, sent and kept.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        let patience = Duration::from_millis(100);
        let rest = Duration::from_secs(1);
        Self { interval, records: 15_000, bytes: 64 << 20, patience, rest, restoring: false }
    }
}

/// How a transaction ended.
pub(crate) enum Ended {
    /// There was nothing to do.
    Idle,
    /// It was committed; an event of the group may have cut it short. And of which partitions it could not be made state.
    Committed { tally: Box<Tally>, steps: Steps, kept: Result<Vec<Unkept>, Failure> },
    /// It was committed, as the client says; the topics must say so, too, before it is state.
    Doubtful { tally: Box<Tally>, steps: Steps },
    /// It was aborted, because partitions of it belong to somebody else already.
    Lost,
    /// It was begun, and not committed.
    Failed(Failure),
}

/// A partition whose disk did not take what was committed, and why.
pub(crate) type Unkept = (Partition, Failure);

const BATCH: usize = 4096;

/// What stays the same from one transaction to the next.
pub(crate) struct Setting<'a> {
    pub(crate) spec: &'a StageSpec,
    pub(crate) ids: &'a Ids,
    /// The worker's number, for the log.
    pub(crate) worker: u32,
    pub(crate) limits: Limits,
    pub(crate) clock: &'a dyn Fn() -> Millis,
    pub(crate) stop: &'a Stop,
}

pub(crate) fn run_transaction<C: Consumer, P: Producer<Membership = C::Membership>>(
    consumer: &mut C,
    producer: &mut P,
    setting: &Setting<'_>,
    tasks: &mut BTreeMap<Partition, Task>,
    events: &mut std::collections::VecDeque<GroupEvent>,
) -> Result<Ended, Failure> {
    let Setting { spec, limits, .. } = setting;
    let due = tasks.values().any(Task::is_due);
    let patience = if due || limits.restoring { Duration::ZERO } else { limits.patience };
    let batch = consumer.batch(BATCH, patience)?;
    if batch.is_empty() && !due {
        return Ok(Ended::Idle);
    }
    let transaction = producer.begin()?;
    tracing::debug!(stage = spec.name, worker = setting.worker, "transaction begun");
    let ended = fill(consumer, transaction, batch, due, setting, tasks, events);
    let outcome = match &ended {
        Ok(Some(_)) => "committed",
        Ok(None) => "aborted",
        Err(_) => "failed",
    };
    tracing::debug!(stage = spec.name, worker = setting.worker, outcome, "transaction ended");
    Ok(match ended {
        Err(failure) => Ended::Failed(failure),
        Ok(None) => Ended::Lost,
        Ok(Some((tally, steps))) if producer.is_doubtful() => Ended::Doubtful { tally, steps },
        Ok(Some((tally, steps))) => {
            Ended::Committed { tally, steps, kept: publish(producer, setting, tasks) }
        }
    })
}

/// Fills the open transaction and commits it; none where it was aborted, as its partitions were lost.
fn fill<C: Consumer, T: Transaction<Membership = C::Membership>>(
    consumer: &mut C,
    mut transaction: T,
    mut batch: C::Batch,
    due: bool,
    setting: &Setting<'_>,
    tasks: &mut BTreeMap<Partition, Task>,
    events: &mut std::collections::VecDeque<GroupEvent>,
) -> Result<Option<(Box<Tally>, Steps)>, Failure> {
    let Setting { spec, ids, limits, clock, stop, .. } = setting;
    let mut tally = Box::<Tally>::default();
    let mut steps = Steps::default();
    let began = Instant::now();
    account_for_expired(spec, tasks, clock(), &mut transaction, &mut tally)?;
    loop {
        let started = Instant::now();
        process(spec, tasks, &batch, &mut transaction, &mut tally)?;
        steps.process += started.elapsed().as_secs_f64();
        if let Some(event) = consumer.event()? {
            events.push_back(event);
            break;
        }
        let left = limits.interval.saturating_sub(began.elapsed());
        let full = tally.consumed >= limits.records || tally.consumed_bytes >= limits.bytes;
        if full || left.is_zero() || limits.restoring || stop.is_set() || (due && tally.consumed == 0) {
            break;
        }
        let started = Instant::now();
        batch = consumer.batch(BATCH, left.min(limits.patience))?;
        steps.poll += started.elapsed().as_secs_f64();
    }
    drop(batch);
    if let Some(GroupEvent::Lost(_)) = events.back() {
        transaction.abort()?;
        return Ok(None);
    }
    let started = Instant::now();
    let offsets = close(spec, ids, tasks, clock(), &mut transaction, &mut tally)?;
    transaction.commit(&offsets, &consumer.membership()?)?;
    steps.commit = started.elapsed().as_secs_f64();
    Ok(Some((tally, steps)))
}

/// What was committed is state now, but of those partitions whose disk does not take it.
fn publish<P: Producer>(
    producer: &P,
    setting: &Setting<'_>,
    tasks: &mut BTreeMap<Partition, Task>,
) -> Result<Vec<Unkept>, Failure> {
    let Setting { spec, ids, clock, .. } = setting;
    let mut unkept = Vec::new();
    for (partition, task) in tasks.iter_mut().filter(|(_, task)| task.touched) {
        let coverage = task.coverage(&ids.cluster, &ids.input);
        let written = |topic| producer.written(topic, *partition);
        let Err(error) = task.commit(coverage, &ids.trail, clock(), written) else { continue };
        let failure = Failure::stage(error, spec.topic(spec.input), *partition, task.committed);
        if failure.cause() != Cause::Storage {
            return Err(failure);
        }
        unkept.push((*partition, failure));
    }
    Ok(unkept)
}

fn account_for_expired(
    spec: &StageSpec,
    tasks: &mut BTreeMap<Partition, Task>,
    now: Millis,
    transaction: &mut impl Sink,
    tally: &mut Tally,
) -> Result<(), Failure> {
    for (partition, task) in tasks.iter_mut().filter(|(_, task)| task.is_due()) {
        task.touched = true;
        let Some((from, until)) = task.expired else { continue };
        tracing::error!(
            stage = spec.name,
            topic = spec.topic(spec.input),
            partition = partition.number(),
            from = from.number(),
            until = until.number(),
            "records expired before they were read: they are lost to the trail; a receipt says so"
        );
        let mut sink = Counted { sink: transaction, produced: &mut tally.produced };
        task.stage
            .expire(from, until, now, &mut sink)
            .map_err(|error| Failure::stage(error, spec.topic(spec.input), *partition, from))?;
    }
    Ok(())
}

fn process(
    spec: &StageSpec,
    tasks: &mut BTreeMap<Partition, Task>,
    batch: &impl Batch,
    transaction: &mut impl Sink,
    tally: &mut Tally,
) -> Result<(), Failure> {
    for index in 0..batch.len() {
        let record = batch.record(index);
        // Rows of partitions given up since, and of before a rewind, are not this worker's business.
        let Some(task) = tasks.get_mut(&record.partition).filter(|task| record.offset >= task.next) else {
            continue;
        };
        let mut sink = Counted { sink: transaction, produced: &mut tally.produced };
        let outcome = task.stage.process(&record, &mut sink).map_err(|error| {
            Failure::stage(error, spec.topic(spec.input), record.partition, record.offset)
        })?;
        task.read(record.offset, record.timestamp);
        tally.count(&record, outcome);
    }
    Ok(())
}

/// Sends the changed rows and the coverage of every touched partition; returns the input offsets.
fn close(
    spec: &StageSpec,
    ids: &Ids,
    tasks: &mut BTreeMap<Partition, Task>,
    now: Millis,
    transaction: &mut impl Sink,
    tally: &mut Tally,
) -> Result<Vec<(Partition, stage::Offset)>, Failure> {
    let mut offsets = Vec::new();
    for (partition, task) in tasks.iter_mut().filter(|(_, task)| task.touched) {
        let mut sink = Counted { sink: transaction, produced: &mut tally.produced };
        let coverage = task.coverage(&ids.cluster, &ids.input);
        task.stage
            .flush(&mut sink)
            .and_then(|()| task.stage.cover(&coverage, now, &mut sink))
            .map_err(|error| Failure::stage(error, spec.topic(spec.input), *partition, task.next))?;
        offsets.push((*partition, task.next));
    }
    Ok(offsets)
}
