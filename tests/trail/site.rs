//! One broker with the trail's topics, and the product on it: commands that end, and processes that run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use catalog::Topic;
use codec::{Codec, LedgerRecord};
use testkit::{Isolation, Product, Raw, Taken, TestKafka, Watch, fresh_kafka_or_skip, secure_kafka_or_skip};

/// How many partitions every topic has here.
pub const PARTITIONS: u32 = 3;

/// More than anything here takes, on a busy machine too.
pub const LONG: Duration = Duration::from_secs(90);

/// The command that replays what was generated with an unknown action, mended.
pub const REPLAY_MENDED: [&str; 7] =
    ["dead-letters", "replay", "--reason", "unknown_action", "--mend", "action=course.completed", "--yes"];

/// The name of the actions topic.
#[must_use]
pub fn actions_topic() -> String {
    Topic::Actions.name()
}

/// A broker and how the product is told of it.
pub struct Site {
    /// The broker.
    pub kafka: TestKafka,
    /// The product.
    pub binary: PathBuf,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Done {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub out: String,
    /// What it said.
    pub err: String,
}

impl Site {
    /// A broker of its own with the trail's topics; None where there cannot be one, which has been said aloud.
    #[must_use]
    pub fn fresh() -> Option<Self> {
        fresh_kafka_or_skip().map(|kafka| Self::on(kafka, Product::binary()))
    }

    /// A cluster without topics is given the trail's by this product.
    ///
    /// # Panics
    /// When they cannot be made.
    #[must_use]
    pub fn on(kafka: TestKafka, binary: &Path) -> Self {
        let site = Self { kafka, binary: binary.to_owned() };
        site.done(&["topics", "apply"]);
        site
    }

    /// A broker of its own without topics.
    #[must_use]
    pub fn bare() -> Option<Self> {
        fresh_kafka_or_skip().map(|kafka| Self { kafka, binary: Product::binary().to_owned() })
    }

    /// A broker of its own with the trail's topics that asks for SASL over TLS.
    #[must_use]
    pub fn secure() -> Option<Self> {
        secure_kafka_or_skip().map(|kafka| Self::on(kafka, Product::binary()))
    }

    /// What the product is told by its environment: how to connect, and what makes a small cluster quick.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let (replicas, in_sync) = if self.kafka.nodes().len() < 3 { ("1", "1") } else { ("3", "2") };
        let own = [
            ("LMSAUDIT_TOPICS_PARTITIONS", PARTITIONS.to_string()),
            ("LMSAUDIT_TOPICS_REPLICATION_FACTOR", replicas.into()),
            ("LMSAUDIT_TOPICS_MIN_INSYNC_REPLICAS", in_sync.into()),
            // Index files are preallocated: at their usual size the first commit stalls for seconds.
            ("LMSAUDIT_TOPICS_EXTRA", r#"{"segment.index.bytes"="65536"}"#.into()),
            ("LMSAUDIT_LOG_FORMAT", "text".into()),
            // Any free port.
            ("LMSAUDIT_OPS_LISTEN", "127.0.0.1:0".into()),
            // A dead member is expelled soon.
            (
                "LMSAUDIT_KAFKA_PROPERTIES",
                r#"{"session.timeout.ms"="6000","transaction.timeout.ms"="20000"}"#.into(),
            ),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        self.kafka.environment().into_iter().chain(own).collect()
    }

    /// Starts a command of the product.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Product {
        Product::spawn(&self.binary, args, self.environment())
    }

    /// Starts `run` under this name, and waits for its health endpoint: from then on it answers signals.
    #[must_use]
    #[track_caller]
    pub fn run(&self, instance: &str, args: &[&str]) -> Product {
        let mut all = vec!["run", "--instance", instance];
        all.extend(args);
        let mut product = self.start(&all);
        product.await_log(LONG, "metrics and health are served");
        product
    }

    /// Runs a command to its end, whatever that is.
    #[must_use]
    #[track_caller]
    pub fn end_of(&self, args: &[&str]) -> Done {
        let mut product = self.start(args);
        let status = product.wait(LONG);
        Done { status, out: product.stdout(), err: product.stderr() }
    }

    /// Runs a command that must do what it was asked.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn done(&self, args: &[&str]) -> Done {
        let done = self.end_of(args);
        assert!(done.status.success(), "{args:?} ended with {}:\n{}{}", done.status, done.out, done.err);
        done
    }

    /// Sends actions as a platform does.
    pub fn send(&self, actions: impl IntoIterator<Item = Raw>) -> Vec<testkit::Placed> {
        self.kafka.produce(actions)
    }

    /// Every action that a read_committed reader sees.
    #[must_use]
    pub fn actions(&self) -> Vec<Taken> {
        self.kafka.read(&actions_topic())
    }

    /// How far each stage has come in each partition, by the ledger.
    ///
    /// # Panics
    /// When a ledger record cannot be read.
    #[must_use]
    pub fn coverage(&self) -> BTreeMap<(String, u32), i64> {
        let decoder = Codec::single_object().decoder();
        let mut coverage = BTreeMap::new();
        for record in self.kafka.read(&Topic::Ledger.name()) {
            let Some(value) = &record.value else { continue };
            if let LedgerRecord::Coverage { stage, partition, coverage: one, .. } =
                decoder.ledger(value).expect("a ledger record of ours")
            {
                coverage.insert((stage, partition), one.next.number());
            }
        }
        coverage
    }

    /// Waits until both stages have processed all there is, while `running` runs.
    ///
    /// # Panics
    /// When they do not within [`LONG`], or when one of the processes ends.
    #[track_caller]
    pub fn await_caught_up(&self, running: &mut [&mut Product]) {
        let mut last = String::new();
        let began = std::time::Instant::now();
        while began.elapsed() < LONG {
            for product in running.iter_mut() {
                assert!(product.is_running(), "a process ended before it caught up:\n{}", product.stderr());
            }
            // Coverage first: what is read of the topics after it can only be more.
            let coverage = self.coverage();
            let behind = [(Topic::Actions, "normalizer"), (Topic::Events, "aggregator")]
                .into_iter()
                .find_map(|(topic, stage)| self.behind(topic, stage, &coverage));
            match behind {
                None => return,
                Some(one) => last = one,
            }
        }
        panic!("waited {LONG:?} in vain for both stages to catch up: {last}");
    }

    /// Watches how many records come to a topic, committed or not.
    #[must_use]
    pub fn watch(&self, topic: Topic) -> Watch {
        self.kafka.watch(&topic.name(), i32::try_from(PARTITIONS).expect("few"))
    }

    /// How many records of the topic were written and never became visible: those of transactions that died.
    #[must_use]
    pub fn aborted(&self, topic: Topic) -> usize {
        let all = self.kafka.read_as(&topic.name(), Isolation::Uncommitted).len();
        all - self.kafka.read(&topic.name()).len()
    }

    fn behind(&self, topic: Topic, stage: &str, coverage: &BTreeMap<(String, u32), i64>) -> Option<String> {
        (0..PARTITIONS).find_map(|partition| {
            let last = self.kafka.last_offset(&topic.name(), partition.cast_signed())?;
            let next = coverage.get(&(stage.to_owned(), partition)).copied().unwrap_or(0);
            (next <= last).then(|| format!("{stage} covers {next} of partition {partition}, not yet {last}"))
        })
    }
}
