//! Waits until both stages have handled everything there is: by condition, never by time alone.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::bail;
use catalog::Topic;
use codec::Decoder;
use pipeline::{AGGREGATOR, NORMALIZER};
use runtime::{Log, Slice};
use stage::{Offset, Partition};

use super::Lifecycle;
use super::ledger::Ledger;
use crate::output::Progress;
use crate::reading;

const PAUSE: Duration = Duration::from_millis(200);

/// Where a stage stands in one partition of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    stage: &'static str,
    partition: Partition,
    covered: Option<Offset>,
    end: Offset,
    done: bool,
}

/// Waits until no stage has anything left. One look after another must find the same: while the
/// first partitions are looked at, a later one may still send them something.
pub(super) fn caught_up(
    log: &mut impl Log,
    ledger: &mut Ledger,
    decoder: &Decoder,
    stages: &mut impl Lifecycle,
    patience: Duration,
) -> anyhow::Result<()> {
    let mut progress = Progress::default();
    let (mut last, mut moved) = (Vec::new(), Instant::now());
    loop {
        stages.check()?;
        ledger.update(log, decoder)?;
        let now = standings(log, ledger)?;
        let done = now.iter().filter(|standing| standing.done).count();
        progress.tick(|| format!("{done} of {} partitions are done", now.len()));
        if now == last && done == now.len() {
            progress.done();
            return Ok(());
        }
        if now != last {
            moved = Instant::now();
        } else if moved.elapsed() > patience {
            progress.done();
            bail!("nothing has moved for {} s; {}", patience.as_secs(), stuck(&now));
        }
        last = now;
        std::thread::sleep(PAUSE);
    }
}

fn standings(log: &mut impl Log, ledger: &Ledger) -> anyhow::Result<Vec<Standing>> {
    let mut standings = Vec::new();
    for (stage, topic) in [(NORMALIZER, Topic::Actions.name()), (AGGREGATOR, Topic::Events.name())] {
        for partition in ledger.partitions() {
            let extent = log.extent(&topic, partition)?;
            let covered = ledger.covered(stage, partition);
            let done = match covered {
                // An open transaction may still bring something.
                Some(from) => {
                    extent.stable == extent.end && is_empty(log, &topic, partition, from, extent.stable)?
                }
                None => false,
            };
            standings.push(Standing { stage, partition, covered, end: extent.stable, done });
        }
    }
    Ok(standings)
}

/// Whether no record lies there: what is left may be control records alone.
fn is_empty(
    log: &mut impl Log,
    topic: &str,
    partition: Partition,
    from: Offset,
    until: Offset,
) -> anyhow::Result<bool> {
    let mut empty = true;
    let slice = Slice { topic: topic.into(), partition, from, until };
    reading::read_until(log, vec![slice], &mut |_, _| {
        empty = false;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(empty)
}

fn stuck(standings: &[Standing]) -> String {
    let name = |standing: &Standing| {
        let covered = standing.covered.map_or("nothing".into(), |next| format!("up to {next}"));
        format!(
            "the {} has covered {covered} of {} in partition {}",
            standing.stage, standing.end, standing.partition
        )
    };
    standings.iter().filter(|standing| !standing.done).map(name).collect::<Vec<_>>().join(", ")
}
