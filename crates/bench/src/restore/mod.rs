//! `bench restore`: how soon processing goes on after a crash, what it costs to read state back from the topics, and
//! what memory state and a backlog take. Every part judges itself by the bound it must keep.
#![allow(clippy::print_stdout, reason = "the results are what the program is for")]

mod backlog;
mod figure;
mod larger;
mod running;
#[cfg(test)]
mod testing;
mod trail;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use figure::Figure;

/// How soon processing goes on after a crash, and what restoring costs; fails where a bound is broken
///
/// restart  An aggregator that holds the register rows on disk is killed with SIGKILL while it works, three times, and
///          started again. Told is the time from each start until all its partitions are restored and a transaction was
///          committed after that. The same instance comes back, so the broker fences its predecessor at once and no
///          session timeout is part of it.
/// topics   Without that disk: all state is read from the topics, into memory and onto an empty disk. Rows per second
///          and core are the records taken from the topics by the CPU seconds of the whole process, its start included.
/// larger   State that exceeds memory, within this process and without a broker: that many register rows and as many
///          entries of the dedup table, made by both stages of every partition from that many actions, transaction by
///          transaction. Then duplicates and further events at random places.
/// backlog  Actions that wait on a broker, worked off by both stages, a process each, their state on disk.
///
/// A broker is started for `restart`, `topics` and `backlog`, with 1 GB of heap; `lms-audit` is the binary beside this
/// one. Memory is VmHWM, the greatest resident set of a process.
///
///   cargo build --release --bin lms-audit --bin bench
///   target/release/bench restore
///   target/release/bench restore restart topics --rows 200000
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// What is measured; all of it if not given.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How many rows, or actions of the backlog: 1000000 for restart and topics, 10000000 for the others.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..))]
    rows: Option<u64>,
    /// Partitions of each topic.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    partitions: u32,
    /// Megabytes that state on disk may take in memory: state.memory_mb.
    #[arg(long, default_value_t = 128)]
    memory_mb: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Restart,
    Topics,
    Larger,
    Backlog,
}

/// The sizes of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows, or actions of the backlog.
    pub(crate) rows: u64,
    /// Partitions of each topic.
    pub(crate) partitions: u32,
    /// See `state.memory_mb`.
    pub(crate) memory_mb: u32,
}

/// Bounds that must hold, whatever the sizes.
pub(crate) const RESTART_SECONDS: f64 = 5.0;
pub(crate) const ROWS_PER_CORE: f64 = 300_000.0;
/// 512 MB.
pub(crate) const PEAK_MIB: f64 = 488.0;

/// Measures, prints and judges.
///
/// # Errors
/// When the product or Kafka is missing, a run fails, or a bound is broken.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let sizes = |rows: u64| Sizes {
        rows: arguments.rows.unwrap_or(rows),
        partitions: arguments.partitions,
        memory_mb: arguments.memory_mb,
    };
    let wanted = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let mut figures = Vec::new();
    // First, as its memory is that of this process.
    if wanted(Part::Larger) {
        figures.extend(told("larger", larger::measure(sizes(10_000_000)))?);
    }
    if wanted(Part::Restart) || wanted(Part::Topics) {
        let trail = trail::Trail::start(sizes(1_000_000))?;
        let (trail, found) = trail.restart()?;
        if wanted(Part::Restart) {
            figures.extend(told("restart", Ok(found))?);
        }
        if wanted(Part::Topics) {
            figures.extend(told("topics", trail.topics())?);
        }
    }
    if wanted(Part::Backlog) {
        figures.extend(told("backlog", backlog::measure(sizes(10_000_000)))?);
    }
    let broken: Vec<_> = figures.iter().filter(|figure| !figure.holds()).map(|f| f.name.as_str()).collect();
    ensure!(broken.is_empty(), "{} of the bounds are broken: {}", broken.len(), broken.join("; "));
    Ok(())
}

fn told(part: &str, found: Result<Vec<Figure>>) -> Result<Vec<Figure>> {
    let found = found.with_context(|| format!("measuring {part}"))?;
    println!("{part}");
    for figure in &found {
        println!("  {figure}");
    }
    Ok(found)
}

/// A folder for state, on the disk that temporary files are on.
fn folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("lms-audit-bench-").tempdir().context("making a folder for state")
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the folder for temporary files is no UTF-8")
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
