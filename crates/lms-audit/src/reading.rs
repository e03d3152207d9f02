//! Reading topics through the runtime's log, for people: to the committed end, or on and on.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;
use catalog::{Micros, TenantId};
use runtime::{Log, Reader as _, Reading, Slice};
use stage::{Millis, Offset, Partition, PartitionCount, Record};

use crate::output::Progress;

const WAIT: Duration = Duration::from_millis(500);
/// Clocks of brokers may step back by this much; records of a later time can lie before earlier ones.
pub(crate) const CLOCK_STEP: i64 = 3_600_000;

/// What is done with each record of a topic.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&str, &Record<'_>) -> anyhow::Result<()>;
/// The same, where it can tell that it has enough.
pub(crate) type EachUntil<'a> = &'a mut dyn FnMut(&str, &Record<'_>) -> anyhow::Result<ControlFlow<()>>;

/// Like [`read`], and says how far it has come.
pub(crate) fn read_watched(log: &mut impl Log, slices: Vec<Slice>, each: Each<'_>) -> anyhow::Result<()> {
    let mut on = |topic: &str, record: &Record<'_>| {
        each(topic, record)?;
        Ok(ControlFlow::Continue(()))
    };
    let mut progress = Progress::default();
    let read =
        run(log, slices, &mut on, &mut |left| progress.tick(|| format!("{left} offsets left to read")));
    progress.done();
    read
}

/// Reads slices side by side, each to its end.
pub(crate) fn read(log: &mut impl Log, slices: Vec<Slice>, each: Each<'_>) -> anyhow::Result<()> {
    read_until(log, slices, &mut |topic, record| {
        each(topic, record)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Reads slices side by side, each to its end or all until `each` breaks.
pub(crate) fn read_until(log: &mut impl Log, slices: Vec<Slice>, each: EachUntil<'_>) -> anyhow::Result<()> {
    run(log, slices, each, &mut |_| {})
}

fn run(
    log: &mut impl Log,
    slices: Vec<Slice>,
    each: EachUntil<'_>,
    left: &mut dyn FnMut(u64),
) -> anyhow::Result<()> {
    let slices: Vec<_> = slices.into_iter().filter(|slice| slice.from < slice.until).collect();
    if slices.is_empty() {
        return Ok(());
    }
    let topics: Vec<_> = slices.iter().map(|slice| slice.topic.clone()).collect();
    let mut reader = log.open(slices)?;
    let mut flow = Ok(ControlFlow::Continue(()));
    loop {
        let reading = reader.read(WAIT, &mut |place, record| {
            if matches!(flow, Ok(ControlFlow::Continue(()))) {
                flow = each(&topics[place], record);
            }
        })?;
        if reading == Reading::Done || !matches!(flow, Ok(ControlFlow::Continue(()))) {
            return flow.map(drop);
        }
        left(reader.remaining());
    }
}

/// Reads partitions as they grow, `round` after each time something came; ends only by failing.
pub(crate) fn follow(
    log: &mut impl Log,
    topic: &str,
    mut places: Vec<(Partition, Offset)>,
    each: Each<'_>,
    round: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Infallible> {
    loop {
        let slices = grown(log, topic, &mut places)?;
        if slices.is_empty() {
            sleep(WAIT);
            continue;
        }
        read(log, slices, each)?;
        round()?;
    }
}

/// What has come to these partitions beyond these offsets, which move to the new ends.
pub(crate) fn grown(
    log: &mut impl Log,
    topic: &str,
    places: &mut [(Partition, Offset)],
) -> anyhow::Result<Vec<Slice>> {
    let mut slices = Vec::new();
    for (partition, from) in places {
        let until = log.extent(topic, *partition)?.stable;
        if until > *from {
            slices.push(Slice { topic: topic.into(), partition: *partition, from: *from, until });
            *from = until;
        }
    }
    Ok(slices)
}

/// The partition in which a tenant's records lie.
pub(crate) fn home(log: &mut impl Log, topic: &str, tenant: &TenantId) -> anyhow::Result<Partition> {
    Ok(count(log, topic)?.partition_of(tenant.as_str().as_bytes()))
}

/// How many partitions a topic has.
pub(crate) fn count(log: &mut impl Log, topic: &str) -> anyhow::Result<PartitionCount> {
    let count = log.partition_count(topic)?;
    PartitionCount::new(count).with_context(|| format!("topic {topic} has no partition"))
}

/// A partition from its first record to its committed end.
pub(crate) fn whole(log: &mut impl Log, topic: &str, partition: Partition) -> anyhow::Result<Slice> {
    let extent = log.extent(topic, partition)?;
    Ok(Slice { topic: topic.into(), partition, from: extent.start, until: extent.stable })
}

/// A broker time as the trail's own, cut to what that can hold.
pub(crate) fn micros(at: Millis) -> Micros {
    Micros::from_millis(at.get()).unwrap_or(Micros::new(if at.get() < 0 { i64::MIN } else { i64::MAX }))
}
