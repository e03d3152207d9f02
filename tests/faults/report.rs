//! The report over all runs of a campaign: what was injected, what it hit, how long recovery took, what was lost; as a table for
//! people and as JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::inject::Hit;
use super::kind::Kind;
use super::run::Done;

/// More memory than this is red, in KiB: 512 MiB.
pub const MOST_MEMORY: u64 = 512 * 1024;

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
    unrecovered: usize,
    worst: Duration,
}

impl Report {
    /// Everything that makes it red, in words; nothing where all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.runs.iter().flat_map(problems).collect()
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let kinds: BTreeMap<_, _> = self
            .rows()
            .into_iter()
            .map(|(kind, row)| {
                let row = json!({
                    "injected": row.injected, "in_open_transaction": row.open,
                    "unrecovered": row.unrecovered, "worst_recovery_ms": millis(row.worst),
                });
                (kind.name(), row)
            })
            .collect();
        let all = self.sum();
        json!({
            "kinds": kinds,
            "injected": all.injected, "in_open_transaction": all.open, "unrecovered": all.unrecovered, "worst_recovery_ms": millis(all.worst),
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
            "{:<22}{:>10}{:>22}{:>18}\n",
            "FAULT", "INJECTED", "IN OPEN TRANSACTION", "WORST RECOVERY"
        );
        let mut row = |name: &str, row: Row| {
            let worst = match row.unrecovered {
                0 => format!("{:.1} s", row.worst.as_secs_f64()),
                count => format!("{count} never"),
            };
            let _ = writeln!(text, "{name:<22}{:>10}{:>22}{worst:>18}", row.injected, row.open);
        };
        self.rows().into_iter().for_each(|(kind, one)| row(kind.name(), one));
        let all = self.sum();
        row("all", all);
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
            row.injected += 1;
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
            unrecovered: sum.unrecovered + row.unrecovered,
            worst: sum.worst.max(row.worst),
        })
    }

    fn total(&self, count: impl Fn(&super::verdict::Verdict) -> u64) -> u64 {
        self.runs.iter().filter_map(|run| run.verdict.as_ref()).map(count).sum()
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
mod tests {
    use super::*;
    use crate::faults::run::FaultDone;
    use crate::faults::schedule::{NodesChoice, Plan, Schedule};
    use crate::faults::verdict::Verdict;

    fn run(verdict: Option<Verdict>) -> Done {
        let plan = Plan { nodes: NodesChoice::One, kinds: vec![Kind::Sigkill, Kind::Zombie], faults: 4 };
        let schedule = Schedule::of(5, &plan);
        let faults = schedule.faults.into_iter().map(|fault| {
            let hit = if fault.kind == Kind::Sigkill { Hit::Open } else { Hit::Closed };
            let recovery = Some(Duration::from_millis(1000 * u64::try_from(fault.number).expect("few")));
            FaultDone { fault, hit, recovery, input: 9 }
        });
        Done {
            seed: 5,
            nodes: 1,
            faults: faults.collect(),
            records: 100,
            verdict,
            memory: 2048,
            ..Done::default()
        }
    }

    #[test]
    fn kinds_are_counted_and_a_clean_run_is_green() {
        let report = Report { runs: vec![run(Some(Verdict::default()))] };
        assert_eq!(report.problems(), Vec::<String>::new());
        let json = report.json();
        assert_eq!(json["kinds"]["sigkill"]["injected"], 2);
        assert_eq!(json["kinds"]["sigkill"]["in_open_transaction"], 2);
        assert_eq!(json["kinds"]["zombie"]["in_open_transaction"], 0);
        assert_eq!((&json["injected"], &json["worst_recovery_ms"]), (&json!(4), &json!(4000)));
        assert!(
            report.table().contains("50 % in an open transaction") && report.table().ends_with("green\n")
        );
    }

    #[test]
    fn a_loss_no_verdict_too_much_memory_and_a_problem_are_red() {
        let lost = run(Some(Verdict { lost: 1, ..Verdict::default() }));
        let fat = Done { memory: MOST_MEMORY + 1, ..run(Some(Verdict::default())) };
        let stuck = Done { problems: vec!["stuck".into()], ..run(Some(Verdict::default())) };
        for red in [lost, run(None), fat, stuck] {
            let report = Report { runs: vec![red] };
            assert_eq!(report.problems().len(), 1, "{:?}", report.problems());
            assert!(report.table().contains("red:"));
        }
    }
}
