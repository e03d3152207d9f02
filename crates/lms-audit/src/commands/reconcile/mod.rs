//! `reconcile`: accounts for every action from the records alone, and compares that with the ledger,
//! the reports and the metrics.
//!
//! Per partition, actions and what became of them are merged by offset (`join`), judged (`judge`) and
//! counted against the ledger (`recount`), all within the bounds that `snapshot` and `range` set.

mod activity;
mod feed;
mod findings;
mod foreign;
mod gaps;
mod ids;
mod join;
mod judge;
mod metrics;
mod moves;
mod outcome;
mod outputs;
mod part;
mod range;
mod recount;
mod snapshot;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Micros, Topic};
use clap::Args;
use codec::Decoder;
use runtime::Log;
use stage::{Partition, PartitionCount};

use self::findings::Findings;
use self::metrics::Samples;
use self::moves::Moves;
use self::outcome::Outcome;
use self::part::{Across, Part};
use self::range::Asked;
pub use self::range::Offsets;
use self::snapshot::Standing;
use self::totals::Records;
use crate::commands::reports::Marks;
use crate::config::Span;
use crate::output::say;
use crate::reading;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};

/// Account for every action: each lies in exactly one of events, dead letters and receipts
///
/// Joins actions with what became of them by offset, recounts the ledger's rows from the records, and
/// compares what the reports and running processes count. Judges what the normalizer had covered when
/// the command began, and says how many actions lie behind that; stages may run meanwhile. It writes nothing and holds no more of a large trail
/// than of a small one.
///
/// Differences: lost, doubled, unexplained, out_of_order, reroute_differs, ledger_differs,
/// reports_differ, metrics_differ, foreign (exit code 3). Also told, and no difference: expired, gap, silent.
/// Reports are compared where neither times nor offsets bound the range, metrics and re-routes where
/// nothing does.
///
///   lms-audit reconcile
///   lms-audit reconcile --since 2d --until 1d -o jsonl
///   lms-audit reconcile --offsets 2:100000..200000
///   lms-audit reconcile --metrics http://127.0.0.1:9464
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Only actions received from then on: 2h, 3d (ago), 2026-11-01, 2026-11-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Only actions received before then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Only this partition; may be repeated.
    #[arg(long, value_name = "NUMBER")]
    pub partition: Vec<u32>,
    /// Only these offsets of the actions topic, the last one left out; once for each partition.
    #[arg(long, value_name = "PARTITION:FROM..UNTIL", conflicts_with_all = ["since", "until", "partition"])]
    pub offsets: Vec<Offsets>,
    /// Compare the counters of this process, http://host:9464; once for each process of the normalizer.
    #[arg(long, value_name = "URL", conflicts_with_all = ["since", "until", "partition", "offsets"])]
    pub metrics: Vec<String>,
    /// Tell of a source of the range of which nothing was received in its last so long.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub silent_after: Span,
    /// How many findings of each kind are named; all are counted.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub limit: usize,
}

/// Judges the trail.
///
/// # Errors
/// When the arguments do not fit, the broker or a process does not answer, a record of ours cannot be
/// read, or a transaction stays open for too long.
pub fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    let now = when::now();
    let count = reading::count(log, &Topic::Actions.name())?;
    let (asked, partitions) = (command.asked(now)?, command.partitions(count)?);
    // Before the topics: whatever a process had counted by then lies in them.
    let samples = Samples::of(&command.metrics)?;
    let standings = snapshot::take(log, decoder, &partitions, asked.is_whole())?;
    for (partition, standing) in &standings {
        asked.beyond(*partition, standing.actions)?.iter().for_each(|note| say(note));
    }
    if asked.is_whole() {
        unfinished(log, &partitions)?.told().iter().for_each(|note| say(note));
    }
    let mut across = Across {
        records: Records::default(),
        moves: Moves::new(if command.is_whole() { comparable(log, &standings)? } else { BTreeMap::new() }),
        findings: Findings::new(command.limit),
    };
    let mut outcome = Outcome::default();
    for (partition, standing) in &standings {
        let part = Part {
            decoder,
            count,
            partition: *partition,
            standing,
            bounds: asked.bounds(log, *partition, standing)?,
            is_whole: asked.is_whole(),
            window: command_window(shell),
            silence: part::Silence { now, after: command.silent_after },
        };
        outcome.add(*partition, part.judge(log, &mut across)?);
    }
    if command.is_whole() {
        across.moves.compare(&mut across.findings);
        samples.compare(&across.records, &truncated(&standings), &mut across.findings);
    }
    outcome.print(shell, &across.findings)
}

/// The rebuilds that were begun and not finished: reports are compared, and may differ by that.
fn unfinished(log: &mut impl Log, partitions: &[Partition]) -> anyhow::Result<Marks> {
    let mut all = Marks::default();
    for partition in partitions {
        all.join(Marks::of(log, *partition)?);
    }
    Ok(all)
}

impl Command {
    fn asked(&self, now: Micros) -> Result<Asked, Misuse> {
        let at = |when: Option<When>| when.map(|when| when.at(now));
        let asked = Asked { since: at(self.since), until: at(self.until), offsets: self.offsets.clone() };
        match (asked.since, asked.until) {
            (Some(since), Some(until)) if since >= until => Err(Misuse(format!(
                "--since {} is not before --until {}",
                when::readable(since),
                when::readable(until)
            ))),
            _ => Ok(asked),
        }
    }

    /// Whether nothing bounds the range.
    fn is_whole(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.partition.is_empty() && self.offsets.is_empty()
    }

    /// The partitions that are judged.
    fn partitions(&self, count: PartitionCount) -> Result<Vec<Partition>, Misuse> {
        let named: Vec<_> = self.offsets.iter().map(|offsets| offsets.partition).collect();
        let distinct: BTreeSet<_> = named.iter().chain(&self.partition).copied().collect();
        if distinct.len() < named.len() {
            return Err(Misuse("--offsets names a partition twice: give one range for each".into()));
        }
        if let Some(beyond) = distinct.iter().find(|number| **number >= count.get()) {
            return Err(Misuse(format!(
                "there is no partition {beyond}: {} has {} (0 to {})",
                Topic::Actions.name(),
                count.get(),
                count.get() - 1
            )));
        }
        let all = count
            .partitions()
            .filter(|partition| distinct.is_empty() || distinct.contains(&partition.number()));
        Ok(all.collect())
    }
}

/// How far apart two events of one id must lie, in microseconds.
fn command_window(shell: &Shell<'_>) -> u64 {
    shell.config().normalizer.dedup_window.millis().saturating_mul(1000)
}

/// The actions of each partition whose re-routes can be compared: covered, and so young that the
/// partition they went to still holds them.
fn comparable(
    log: &mut impl Log,
    standings: &BTreeMap<Partition, Standing>,
) -> anyhow::Result<BTreeMap<u32, std::ops::Range<i64>>> {
    let mut oldest = None;
    for (partition, standing) in standings {
        if let Some(from) = standing.actions.reach(log, Topic::Actions, *partition)? {
            oldest = oldest.max(Some(from));
        }
    }
    let mut all = BTreeMap::new();
    for (partition, standing) in standings {
        let from = match oldest {
            Some(at) => range::offset_at(log, Topic::Actions, *partition, at)?,
            None => standing.actions.start,
        };
        all.insert(partition.number(), from.number()..standing.covered.number().max(from.number()));
    }
    let open: Vec<_> =
        standings.iter().filter(|(_, standing)| !standing.all_arrived).map(|(p, _)| *p).collect();
    if let Some(partition) = open.first() {
        say(&format!(
            "re-routed actions are not compared: a transaction stays open in {} partition {partition}",
            Topic::Actions.name()
        ));
        all.clear();
    }
    Ok(all)
}

/// Topics of outputs that no longer hold all that was ever written to them.
fn truncated(standings: &BTreeMap<Partition, Standing>) -> BTreeSet<Topic> {
    let of = |standing: &Standing| {
        let all = [
            (Topic::Events, standing.events),
            (Topic::Receipts, standing.receipts),
            (Topic::DeadLetters, standing.dead_letters),
        ];
        all.into_iter().filter(|(_, held)| held.is_truncated()).map(|(topic, _)| topic)
    };
    standings.values().flat_map(of).collect()
}

#[cfg(test)]
mod tests;
