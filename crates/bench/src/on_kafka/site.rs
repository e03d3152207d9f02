//! A broker of its own with the trail's topics, and the product on it; on a core each where that is asked for and there are two.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use catalog::Topic;
use lms_audit::stages::APP;
use runtime::WorkerConfig;
use testkit::{Product, TestKafka, kafka_with_heap};

use super::StageName;

const HEAP: &str = "1g";
const LONG: Duration = Duration::from_secs(3600);

/// What a site is to look like.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Partitions of each topic.
    pub(crate) partitions: u32,
    /// How long the stages gather before a commit, as the configuration has it.
    pub(crate) interval: String,
    /// Whether broker and stage shall have a core each.
    pub(crate) pinned: bool,
}

/// A broker with the trail's topics, and the product.
pub(crate) struct Site {
    kafka: TestKafka,
    product: PathBuf,
    pinned: bool,
    settings: Vec<(String, String)>,
}

impl Site {
    /// Starts the broker and applies the topics.
    pub(crate) fn start(setup: &Setup) -> Result<Self> {
        let product = std::env::current_exe()?.with_file_name("lms-audit");
        ensure!(
            product.is_file(),
            "there is no {}: build it with `cargo build --release --bin lms-audit`",
            product.display()
        );
        // Before the broker's start, which inherits it.
        let pinned = setup.pinned && pin_this_process();
        let kafka = kafka_with_heap(HEAP).map_err(|why| anyhow::anyhow!("there is no Kafka here: {why}"))?;
        Self::on(kafka, product, Setup { pinned, ..setup.clone() })
    }

    /// The same on a broker that runs already.
    pub(crate) fn on(kafka: TestKafka, product: PathBuf, setup: Setup) -> Result<Self> {
        let site = Self { kafka, product, pinned: setup.pinned, settings: settings(&setup) };
        site.command(&["topics", "apply"])?;
        Ok(site)
    }

    /// Whether broker and stage have a core each.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Publishes actions; `more` are further arguments of `generate`. Their first time is fixed, so that the same
    /// arguments give the same bytes on every day.
    pub(crate) fn publish(&self, actions: u64, seed: u64, more: &[&str]) -> Result<()> {
        let (actions, seed) = (actions.to_string(), seed.to_string());
        let fixed = ["generate", "-n", &actions, "--seed", &seed, "--start", "2020-01-01", "--publish"];
        self.command(&[&fixed[..], more].concat())
    }

    /// Starts a stage that leaves its group when it ends.
    pub(crate) fn run(&self, stage: StageName) -> Product {
        self.spawn(&["run", "--stage", stage.name(), "--instance", "bench", "--leave"], &[])
    }

    /// Starts a stage that stays a member of its group, with further settings.
    pub(crate) fn run_with(&self, stage: StageName, more: &[(&str, &str)]) -> Product {
        self.spawn(&["run", "--stage", stage.name(), "--instance", "bench"], more)
    }

    /// Makes these topics and the stage's group anew, as if it had never run.
    pub(crate) fn renew(&self, stage: StageName, topics: impl Iterator<Item = Topic>) -> Result<()> {
        self.kafka.delete_group(&WorkerConfig::group(APP, stage.name()));
        let names: Vec<_> = topics.map(Topic::name).collect();
        self.kafka.delete_topics(&names.iter().map(String::as_str).collect::<Vec<_>>());
        self.command(&["topics", "apply"])
    }

    fn command(&self, args: &[&str]) -> Result<()> {
        let mut process = self.spawn(args, &[]);
        let status = process.wait(LONG);
        if !status.success() {
            bail!("lms-audit {} ended with {status}:\n{}", args.join(" "), process.stderr());
        }
        Ok(())
    }

    /// `taskset` becomes the product, so that the child's pid is the product's.
    fn spawn(&self, args: &[&str], more: &[(&str, &str)]) -> Product {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = self.kafka.environment().into_iter().chain(self.settings.clone()).chain(more);
        if self.pinned {
            let product = self.product.to_string_lossy();
            Product::spawn("taskset", [&["-c", "1", &*product], args].concat(), environment)
        } else {
            Product::spawn(&self.product, args, environment)
        }
    }
}

fn settings(setup: &Setup) -> Vec<(String, String)> {
    let partitions = setup.partitions.to_string();
    [
        ("TOPICS_PARTITIONS", &*partitions),
        ("TOPICS_REPLICATION_FACTOR", "1"),
        ("TOPICS_MIN_INSYNC_REPLICAS", "1"),
        // Index files are preallocated: at their usual size the first commit stalls for seconds.
        ("TOPICS_EXTRA", r#"{"segment.index.bytes"="65536"}"#),
        // Any free port; the log, in JSON, says which.
        ("OPS_LISTEN", "127.0.0.1:0"),
        ("LOG_FORMAT", "json"),
        ("NORMALIZER_COMMIT_INTERVAL", &setup.interval),
        ("AGGREGATOR_COMMIT_INTERVAL", &setup.interval),
    ]
    .map(|(name, value)| (format!("LMSAUDIT_{name}"), value.to_owned()))
    .into()
}

/// Keeps this process, and what it starts, on the first core; tells whether that could be done.
fn pin_this_process() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let id = std::process::id().to_string();
    let pin = || {
        Command::new("taskset").args(["-cp", "0", &id]).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    cores >= 2 && pin().is_ok_and(|status| status.success())
}

/// Asks a stage to end, and waits until it has.
pub(crate) fn end(mut process: Product) -> Result<()> {
    process.signal(testkit::Signal::Term);
    let status = process.wait(LONG);
    ensure!(status.success(), "the stage ended with {status}:\n{}", process.stderr());
    Ok(())
}

/// The address of a started stage's metrics.
pub(crate) fn await_address(process: &mut Product) -> Result<std::net::SocketAddr> {
    process.await_log(LONG, super::metrics::SERVED);
    super::metrics::address(&process.stderr()).context("the stage's log does not name its address")
}
