//! `bench on-kafka`: what a stage costs as a whole process on Apache Kafka: client, transactions and metrics included.
#![allow(clippy::print_stdout, reason = "the results are what the program is for")]

pub(crate) mod metrics;
pub(crate) mod site;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use catalog::Topic;
use clap::{Args, ValueEnum};
use lms_audit::config::Span;

use crate::measure::{SHORTEST, median};
use crate::process::{cpu_seconds, peak_kib};
use metrics::Metrics;
use site::{Setup, Site};

/// Input records left out of the warm rate: connections, page faults and small tables lie before.
const WARM_UP: u64 = 200_000;
/// How often a stage is asked for its progress: each time takes it some CPU, too.
const EVERY: Duration = Duration::from_millis(50);
/// How long a stage may stand still before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a stage costs as a whole process on Apache Kafka: input records per CPU-second
///
/// Starts a broker of its own, with 1 GB of heap and 3 partitions a topic, publishes generated
/// actions, and runs `lms-audit run --stage STAGE --leave` until all are processed; `lms-audit` is
/// the binary beside this one. For the aggregator the normalizer runs first, once and unmeasured.
/// Every run begins with empty output topics and a new group. The normalizer's actions are
/// published anew as well, since it re-routes some of them into the topic it reads.
///
/// CPU time is that of the stage's process alone, user and system, from /proc. The warm rate leaves
/// out what comes before the commit nearest to the 200000th record; "with start-up" leaves out
/// nothing. A re-routed action is one record, counted where it arrives. Where there are two cores
/// and taskset, the broker has core 0 and the stage core 1. On a busy machine wall time says
/// little, CPU time much.
///
///   cargo build --release --bin lms-audit --bin bench
///   target/release/bench on-kafka --stage normalizer
///   target/release/bench on-kafka --stage aggregator -n 2000000 --runs 5
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Which stage is measured.
    #[arg(long, value_enum)]
    stage: StageName,
    /// How many actions are published; more than 200000 records must reach the stage.
    #[arg(short = 'n', long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(WARM_UP + 1..))]
    actions: u64,
    /// How many runs are measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How long the stage gathers before a commit.
    #[arg(long, default_value = "1s", value_name = "SPAN")]
    commit_interval: Span,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Publish once for all runs: quicker, but a run of the normalizer also reads what those before
    /// it re-routed.
    #[arg(long)]
    keep_input: bool,
}

/// The stages, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageName {
    /// Actions to audit events.
    Normalizer,
    /// Audit events to report rows.
    Aggregator,
}

impl StageName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normalizer => "normalizer",
            Self::Aggregator => "aggregator",
        }
    }

    /// What must be made anew before it runs again. The ledger holds the coverage of both stages.
    fn topics(self, keep_input: bool) -> impl Iterator<Item = Topic> {
        Topic::all().filter(move |topic| match self {
            Self::Normalizer => !(keep_input && *topic == Topic::Actions),
            Self::Aggregator => matches!(topic, Topic::Report(..) | Topic::Ledger),
        })
    }
}

const COLUMNS: [&str; 5] = ["records", "warm /CPU-second", "with start-up", "wall s", "peak RSS MiB"];

/// What a run showed, as [`COLUMNS`].
type Row = [f64; 5];

/// Measures and prints.
///
/// # Errors
/// When the product or Kafka is missing, a run fails, or the runs are too short to be measured.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let stage = arguments.stage;
    let interval = arguments.commit_interval.to_string();
    let site = Site::start(&Setup { partitions: 3, interval, pinned: true })?;
    site.publish(arguments.actions, arguments.seed, &[])?;
    let mut expected = arguments.actions;
    if stage == StageName::Aggregator {
        expected = watch(&site, StageName::Normalizer, expected)?.last.actions("recorded")?;
    }
    let (seed, interval) = (arguments.seed, arguments.commit_interval);
    let cores = if site.is_pinned() { "a core each for broker and stage" } else { "cores shared" };
    println!(
        "{} on Kafka: -n {}, seed {seed}, commits every {interval}, {cores}",
        stage.name(),
        arguments.actions
    );
    println!("{:<8}{}", "run", COLUMNS.map(|column| format!("{column:>20}")).concat());
    let mut rows = Vec::new();
    for number in 1..=arguments.runs {
        if number > 1 {
            site.renew(stage, stage.topics(arguments.keep_input))?;
            if stage == StageName::Normalizer && !arguments.keep_input {
                site.publish(arguments.actions, arguments.seed, &[])?;
            }
        }
        let watched = watch(&site, stage, expected)?;
        rows.push(watched.row()?);
        print(&number.to_string(), rows[rows.len() - 1]);
        if arguments.keep_input {
            expected += watched.last.actions("rerouted")?;
        }
    }
    let column = |of: fn(&mut [f64]) -> f64| {
        std::array::from_fn(|at| of(&mut rows.iter().map(|row| row[at]).collect::<Vec<_>>()))
    };
    print("min", column(|values| values.iter().copied().fold(f64::INFINITY, f64::min)));
    print("median", column(median));
    print("max", column(|values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
    Ok(())
}

fn print(name: &str, [records, warm, whole, wall, peak]: Row) {
    println!("{name:<8}{records:>20.0}{warm:>20.0}{whole:>20.0}{wall:>20.2}{peak:>20.1}");
}

/// How far a stage had come when it had used so much CPU time, in seconds.
struct Mark {
    settled: u64,
    cpu: f64,
}

/// A run up to its last input record.
struct Watched {
    /// One for each commit that was seen; the last is the end.
    marks: Vec<Mark>,
    wall: Duration,
    peak_kib: u64,
    last: Metrics,
}

impl Watched {
    fn row(&self) -> Result<Row> {
        let warm = self.marks.iter().min_by_key(|mark| mark.settled.abs_diff(WARM_UP));
        let (warm, end) = warm.zip(self.marks.last()).context("nothing was seen")?;
        let (records, cpu) = (end.settled - warm.settled, end.cpu - warm.cpu);
        ensure!(
            cpu >= SHORTEST,
            "{records} records and {cpu:.2} s of CPU are left after the warm-up: make more actions with -n"
        );
        let (all, peak) = (end.settled as f64, self.peak_kib as f64 / 1024.0);
        Ok([all, records as f64 / cpu, all / end.cpu, self.wall.as_secs_f64(), peak])
    }
}

/// Runs a stage over all of its input.
fn watch(site: &Site, stage: StageName, expected: u64) -> Result<Watched> {
    ensure!(expected > WARM_UP, "{expected} records are no more than the warm-up: make more actions with -n");
    let began = Instant::now();
    let mut process = site.run(stage);
    let id = process.id().to_string();
    let address = site::await_address(&mut process)?;
    let (mut marks, mut settled, mut moved) = (Vec::new(), 0, Instant::now());
    let last = loop {
        let metrics = Metrics::scrape(address)
            .with_context(|| format!("asking the {} for metrics:\n{}", stage.name(), process.stderr()))?;
        let now = metrics.settled(stage)?;
        if now > settled {
            // The counters move with a commit, so at this first look the CPU time is that of little more than it.
            marks.push(Mark { settled: now, cpu: cpu_seconds(&id)? });
            (settled, moved) = (now, Instant::now());
        }
        if settled >= expected {
            break metrics;
        }
        ensure!(
            moved.elapsed() < PATIENCE,
            "the {} stands at {settled} of {expected} records:\n{}",
            stage.name(),
            process.stderr()
        );
        std::thread::sleep(EVERY);
    };
    let (wall, peak_kib) = (began.elapsed(), peak_kib(&id)?);
    site::end(process)?;
    ensure!(settled == expected, "{settled} records were read, {expected} are there");
    Ok(Watched { marks, wall, peak_kib, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_rated_from_the_commit_nearest_to_the_warm_up_and_from_its_start() {
        let rated = |marks: &[(u64, f64)]| {
            let marks = marks.iter().map(|&(settled, cpu)| Mark { settled, cpu }).collect();
            let wall = Duration::from_millis(12_500);
            Watched { marks, wall, peak_kib: 2560, last: Metrics::none() }.row().ok()
        };
        let row = |warm| Some([1_000_000.0, warm, 250_000.0, 12.5, 2.5]);
        assert_eq!(rated(&[(150_000, 1.0), (240_000, 2.1), (1_000_000, 4.0)]), row(400_000.0));
        assert_eq!(rated(&[(170_000, 1.0), (240_000, 2.0), (1_000_000, 4.0)]), row(830_000.0 / 3.0));
        assert_eq!(rated(&[(300_000, 2.0)]), None, "nothing is left");
        assert_eq!(rated(&[]), None);
    }

    #[test]
    fn what_a_stage_wrote_is_made_anew() {
        let count = |stage: StageName, keep| stage.topics(keep).count();
        assert_eq!(count(StageName::Normalizer, false), Topic::all().count());
        assert_eq!(count(StageName::Normalizer, true), Topic::all().count() - 1);
        assert_eq!(count(StageName::Aggregator, false), 37);
        assert!(!StageName::Aggregator.topics(false).any(|topic| topic == Topic::Events));
    }
}
