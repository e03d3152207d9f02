//! The report over all runs of a campaign: what was injected, what it hit, how long recovery took, what was lost; as a table for
//! people and as JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::evidence::Hit;
use super::kind::Kind;
use super::options::WHOLE_FROM;
use super::run::Done;

/// More memory than this is red, in KiB: 512 MB.
pub const MOST_MEMORY: u64 = 500_000;

/// A whole campaign is red with fewer faults that acted,
const FAULTS: usize = 500;
/// with fewer of any kind,
const OF_EACH_KIND: usize = 15;
/// or with a smaller share of them, in per cent, in an open transaction.
const IN_OPEN_TRANSACTION: usize = 40;

/// What came of all runs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The runs.
    pub runs: Vec<Done>,
}

#[derive(Clone, Copy, Default)]
struct Row {
    injected: usize,
    open: usize,
    without_effect: usize,
    unrecovered: usize,
    worst: Duration,
}

impl Report {
    /// Everything that makes it red, in words; nothing where all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.runs.iter().flat_map(problems).chain(self.too_few()).collect()
    }

    /// What a whole campaign did too little of.
    fn too_few(&self) -> Vec<String> {
        let whole = self.runs.len() >= WHOLE_FROM && self.runs.iter().all(|run| run.whole);
        if !whole {
            return Vec::new();
        }
        let (rows, all) = (self.rows(), self.sum());
        let mut problems = Vec::new();
        if all.injected < FAULTS {
            problems.push(format!("{} faults were injected, {FAULTS} are due", all.injected));
        }
        for kind in Kind::ALL {
            let injected = rows.get(&kind).map_or(0, |row| row.injected);
            if injected < OF_EACH_KIND {
                problems.push(format!("{kind} was injected {injected} times, {OF_EACH_KIND} are due"));
            }
        }
        if 100 * all.open < IN_OPEN_TRANSACTION * all.injected {
            let (open, injected) = (all.open, all.injected);
            problems.push(format!(
                "{open} of {injected} faults hit an open transaction, {IN_OPEN_TRANSACTION} % are due"
            ));
        }
        problems
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let kinds: BTreeMap<_, _> = self
            .rows()
            .into_iter()
            .map(|(kind, row)| {
                let row = json!({
                    "injected": row.injected, "in_open_transaction": row.open, "without_effect": row.without_effect,
                    "unrecovered": row.unrecovered, "worst_recovery_ms": millis(row.worst),
                });
                (kind.name(), row)
            })
            .collect();
        let all = self.sum();
        json!({
            "kinds": kinds,
            "injected": all.injected, "in_open_transaction": all.open, "without_effect": all.without_effect,
            "unrecovered": all.unrecovered, "worst_recovery_ms": millis(all.worst),
            "worst_failover_ms": self.worst_failover().map(millis),
            "lost": self.total(|verdict| verdict.lost), "doubled": self.total(|verdict| verdict.doubled),
            "out_of_order": self.total(|verdict| verdict.out_of_order),
            "differing": self.total(|verdict| verdict.differing),
            "max_rss_kib": self.memory(), "records": self.records(),
            "runs": self.runs.iter().map(run_json).collect::<Vec<_>>(),
            "problems": self.problems(),
        })
    }

    /// The report as text.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<22}{:>10}{:>22}{:>17}{:>17}\n",
            "FAULT", "INJECTED", "IN OPEN TRANSACTION", "WITHOUT EFFECT", "WORST RECOVERY"
        );
        let mut row = |name: &str, row: Row| {
            let worst = match row.unrecovered {
                0 => format!("{:.1} s", row.worst.as_secs_f64()),
                count => format!("{count} never"),
            };
            let Row { injected, open, without_effect, .. } = row;
            let _ = writeln!(text, "{name:<22}{injected:>10}{open:>22}{without_effect:>17}{worst:>17}");
        };
        self.rows().into_iter().for_each(|(kind, one)| row(kind.name(), one));
        let all = self.sum();
        row("all", all);
        if let Some(worst) = self.worst_failover() {
            let _ = writeln!(text, "while a broker was down: worst {:.1} s", worst.as_secs_f64());
        }
        let share = (100 * all.open).checked_div(all.injected).unwrap_or(0);
        let nodes = |count| self.runs.iter().filter(|run| run.nodes == count).count();
        let seeds: Vec<_> = self.runs.iter().map(|run| run.seed.to_string()).collect();
        let _ = write!(
            text,
            "{} runs ({} on one node, {} on three), {} records, {share} % in an open transaction\n\
             {} lost, {} doubled, {} out of order, {} differing\n\
             most memory of a process: {} MiB\n\
             seeds: {}\n",
            self.runs.len(),
            nodes(1),
            nodes(3),
            self.records(),
            self.total(|verdict| verdict.lost),
            self.total(|verdict| verdict.doubled),
            self.total(|verdict| verdict.out_of_order),
            self.total(|verdict| verdict.differing),
            self.memory() / 1024,
            seeds.join(" "),
        );
        let problems = self.problems();
        if problems.is_empty() {
            text.push_str("green\n");
        } else {
            let _ = writeln!(text, "red:\n  {}", problems.join("\n  "));
        }
        text
    }

    fn rows(&self) -> BTreeMap<Kind, Row> {
        let mut rows: BTreeMap<Kind, Row> = BTreeMap::new();
        for done in self.runs.iter().flat_map(|run| &run.faults) {
            let row = rows.entry(done.fault.kind).or_default();
            row.injected += usize::from(done.hit != Hit::NoEffect);
            row.without_effect += usize::from(done.hit == Hit::NoEffect);
            row.open += usize::from(done.hit == Hit::Open);
            row.unrecovered += usize::from(done.recovery.is_none());
            row.worst = row.worst.max(done.recovery.unwrap_or_default());
        }
        rows
    }

    fn sum(&self) -> Row {
        self.rows().values().fold(Row::default(), |sum, row| Row {
            injected: sum.injected + row.injected,
            open: sum.open + row.open,
            without_effect: sum.without_effect + row.without_effect,
            unrecovered: sum.unrecovered + row.unrecovered,
            worst: sum.worst.max(row.worst),
        })
    }

    fn total(&self, count: impl Fn(&super::verdict::Verdict) -> u64) -> u64 {
        self.runs.iter().filter_map(|run| run.verdict.as_ref()).map(count).sum()
    }

    /// The longest that one of three brokers kept any partition from moving on while it was down.
    fn worst_failover(&self) -> Option<Duration> {
        self.runs.iter().flat_map(|run| &run.faults).filter_map(|done| done.failover).max()
    }

    fn memory(&self) -> u64 {
        self.runs.iter().map(|run| run.memory).max().unwrap_or(0)
    }

    fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.records).sum()
    }
}

fn problems(run: &Done) -> Vec<String> {
    let mut problems = run.problems.clone();
    if run.memory > MOST_MEMORY {
        problems.push(format!(
            "a process had {} MiB in memory, {} are allowed",
            run.memory / 1024,
            MOST_MEMORY / 1024
        ));
    }
    if run.records < run.least {
        problems.push(format!("it carried {} records, {} are due", run.records, run.least));
    }
    match &run.verdict {
        None => problems.push("nobody judged the run".into()),
        Some(verdict) if verdict.is_clean() => {}
        Some(verdict) => problems.push(format!(
            "{}: {} lost, {} doubled, {} out of order, {} differing; {}",
            verdict.by,
            verdict.lost,
            verdict.doubled,
            verdict.out_of_order,
            verdict.differing,
            verdict.remarks.join("; ")
        )),
    }
    problems.into_iter().map(|problem| format!("seed {}: {problem}", run.seed)).collect()
}

fn run_json(run: &Done) -> Value {
    let faults = run.faults.iter().map(|done| {
        json!({
            "number": done.fault.number, "kind": done.fault.kind.name(), "stage": done.fault.stage.name(),
            "hold_ms": millis(done.fault.hold), "in_open_transaction": done.hit == Hit::Open,
            "without_effect": done.hit == Hit::NoEffect, "failover_ms": done.failover.map(millis),
            "recovery_ms": done.recovery.map(millis), "input": done.input,
        })
    });
    let verdict = run.verdict.as_ref().map(|verdict| {
        json!({
            "by": verdict.by, "lost": verdict.lost, "doubled": verdict.doubled,
            "out_of_order": verdict.out_of_order, "differing": verdict.differing, "remarks": verdict.remarks,
        })
    });
    json!({
        "seed": run.seed, "nodes": run.nodes, "records": run.records, "seconds": run.took.as_secs(),
        "max_rss_kib": run.memory, "faults": faults.collect::<Vec<_>>(), "verdict": verdict,
        "problems": problems(run),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
