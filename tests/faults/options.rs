//! The command line of the campaign.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use super::kind::Kind;
use super::schedule::{NodesChoice, Plan};
use super::verdict::JudgeChoice;

/// Disturbs the trail on Apache Kafka in every way there is and has a judge decide what came of it
///
/// Each seed gives one run: a cluster of its own, two processes of each stage, input that flows, and a schedule of faults. Exit
/// code 1 where anything is lost, doubled, out of order or different, where recovery takes longer than its bound, a process
/// ends by itself or needs more memory than it may. Logs are kept under --folder, by seed.
#[derive(Clone, Debug, Parser)]
#[command(name = "faults")]
pub struct Options {
    /// The product; without it, one is built with its failpoints.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// The cluster: odd seeds have one node and even ones three, unless told otherwise.
    #[arg(long, value_enum, default_value = "both")]
    pub nodes: NodesChoice,
    /// Only these kinds of faults, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = kind, default_values_t = Kind::ALL)]
    pub kinds: Vec<Kind>,
    /// Where the report goes as JSON.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// How many records a run carries at least.
    #[arg(long, default_value_t = 200_000)]
    pub records: u64,
    /// How many faults a run has.
    #[arg(long, default_value_t = 25)]
    pub faults: usize,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    pub seeds: u64,
    /// How many runs at once, each on a cluster of its own.
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// What must not be exceeded: recovery=30s, from a fault's end until every partition of both groups moves on.
    #[arg(long, value_parser = bound, default_value = "recovery=30s")]
    pub bound: Duration,
    /// Records a second while faults are injected.
    #[arg(long, default_value_t = 700)]
    pub rate: u64,
    /// Who decides.
    #[arg(long, value_enum, default_value = "oracle")]
    pub judge: JudgeChoice,
    /// Where logs are kept.
    #[arg(long, default_value = "target/faults")]
    pub folder: PathBuf,
    /// Prints the schedules and does nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl Options {
    /// What schedules are made for.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { nodes: self.nodes, kinds: self.kinds.clone(), faults: self.faults }
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let all = || Kind::ALL.map(Kind::name).join(", ");
    Kind::named(name).ok_or_else(|| format!("there is no such kind; there are {}", all()))
}

fn bound(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_prefix("recovery=").and_then(|time| time.strip_suffix('s'));
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    seconds.map(Duration::from_secs).ok_or_else(|| "write recovery=30s".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_bounds_are_read() {
        let arguments = ["faults", "--kinds", "sigkill,zombie", "--bound", "recovery=45s", "--nodes", "3"];
        let options = Options::try_parse_from(arguments).expect("all of it is known");
        assert_eq!(options.kinds, [Kind::Sigkill, Kind::Zombie]);
        assert_eq!(options.bound, Duration::from_secs(45));
        assert_eq!(options.nodes, NodesChoice::Three);
        assert_eq!(Options::try_parse_from(["faults"]).expect("all has a default").kinds, Kind::ALL);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for wrong in
            [["--kinds", "sigkil"], ["--bound", "30s"], ["--bound", "recovery=soon"], ["--nodes", "2"]]
        {
            let arguments = ["faults"].into_iter().chain(wrong);
            assert!(Options::try_parse_from(arguments).is_err(), "{wrong:?}");
        }
    }
}
