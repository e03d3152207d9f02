//! The command line of the campaign.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use super::kind::Kind;
use super::schedule::{NodesChoice, Plan};
use super::verdict::JudgeChoice;

/// From so many seeds on, a campaign of all kinds is a whole one.
pub const WHOLE_FROM: usize = 20;

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
    #[arg(long, default_value_t = 26)]
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
    /// What must not be exceeded, separated by commas: recovery=45s, from a fault's end until every partition of both groups
    /// moves on; failover=30s, from the death of one of three brokers until every one has done so twice without it.
    #[arg(long, value_parser = Bounds::read, default_value = "recovery=45s,failover=30s")]
    pub bound: Bounds,
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

/// What must not be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// A session of 6 s that has to time out and a rebuild of the whole state from the topics, on a busy machine.
    pub recovery: Duration,
    /// The dead broker's session of 3 s, elections, what was on its way to it sent again, and two commit intervals of up to 4 s;
    /// as much again for a busy machine.
    pub failover: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { recovery: Duration::from_secs(45), failover: Duration::from_secs(30) }
    }
}

impl Bounds {
    /// As on the command line; what is not named has its default.
    fn read(text: &str) -> Result<Self, String> {
        let mut bounds = Self::default();
        for part in text.split(',') {
            let (name, time) = part.split_once('=').unwrap_or((part, ""));
            let seconds = time.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
            let time = seconds.map(Duration::from_secs).ok_or("write recovery=45s,failover=30s")?;
            match name {
                "recovery" => bounds.recovery = time,
                "failover" => bounds.failover = time,
                _ => return Err(format!("there is no bound {name}; there are recovery and failover")),
            }
        }
        Ok(bounds)
    }
}

impl Options {
    /// What schedules are made for.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { nodes: self.nodes, kinds: self.kinds.clone(), faults: self.faults }
    }

    /// Whether this is a whole campaign, which must do enough of everything: of every kind, over `WHOLE_FROM` seeds.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.seeds >= WHOLE_FROM as u64 && Kind::ALL.iter().all(|kind| self.kinds.contains(kind))
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let all = || Kind::ALL.map(Kind::name).join(", ");
    Kind::named(name).ok_or_else(|| format!("there is no such kind; there are {}", all()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_bounds_are_read() {
        let arguments = ["faults", "--kinds", "sigkill,zombie", "--bound", "recovery=50s", "--nodes", "3"];
        let options = Options::try_parse_from(arguments).expect("all of it is known");
        assert_eq!(options.kinds, [Kind::Sigkill, Kind::Zombie]);
        assert_eq!(
            options.bound,
            Bounds { recovery: Duration::from_secs(50), failover: Duration::from_secs(30) }
        );
        assert_eq!(options.nodes, NodesChoice::Three);
        let default = Options::try_parse_from(["faults"]).expect("all has a default");
        assert_eq!((default.bound, default.whole()), (Bounds::default(), false));
        assert_eq!(default.kinds, Kind::ALL);
        let whole = ["faults", "--seeds", "20", "--bound", "failover=9s,recovery=8s"];
        let whole = Options::try_parse_from(whole).expect("all of it is known");
        assert_eq!(
            whole.bound,
            Bounds { recovery: Duration::from_secs(8), failover: Duration::from_secs(9) }
        );
        assert!(whole.whole() && !Options { kinds: vec![Kind::Zombie], ..whole }.whole());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let bounds = ["30s", "recovery=soon", "patience=3s"].map(|bound| ["--bound", bound]);
        for wrong in bounds.into_iter().chain([["--kinds", "sigkil"], ["--nodes", "2"]]) {
            let arguments = ["faults"].into_iter().chain(wrong);
            assert!(Options::try_parse_from(arguments).is_err(), "{wrong:?}");
        }
    }
}
