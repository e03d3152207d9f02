//! The stages as `run` and `demo` run them: workers over a broker, with metrics and health.

#[cfg(feature = "failpoints")]
mod failpoints;
mod observer;
mod oldest_state;
mod states;
mod watch;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use catalog::Topic;
use codec::Codec;
use ops::Health;
use pipeline::{FloodLimit, NormalizerConfig};
use prometheus::Registry;
use runtime::{Audience, Broker, Limits, MembershipKind, Metrics, Pool, Stop, Watched, WorkerConfig};
use stage::{Millis, Offset, Partition, PartitionCount, StageFactory};

use crate::config::Config;
use crate::verdict::Misuse;

use states::States;

pub use observer::TrailMetrics;
pub use oldest_state::OldestState;
pub use watch::{check_topics, watch_topics};

/// What groups and transactional ids begin with.
pub const APP: &str = "lms-audit";

/// Which stages to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// Actions to audit events.
    Normalizer,
    /// Audit events to report rows.
    Aggregator,
    /// Both.
    All,
}

impl Which {
    fn has(self, one: Which) -> bool {
        self == one || self == Which::All
    }
}

/// How to run them.
#[derive(Clone, Debug)]
pub struct How {
    /// Which stages.
    pub which: Which,
    /// Workers of each stage; the configuration's where `None`.
    pub workers: Option<u32>,
    /// Whether workers stay members of their groups while they restart.
    pub membership: MembershipKind,
    /// Dead letters that do not count for `normalizer.stop_on_dead_letters`: those of actions before
    /// these offsets.
    pub accepted: Vec<(Partition, Offset)>,
    /// How old state on disk may be, as the topics are.
    pub oldest_state: OldestState,
}

/// Where the stages' metrics and health go.
pub struct Telemetry {
    metrics: Metrics,
    trail: TrailMetrics,
    health: Arc<Health>,
}

impl Telemetry {
    /// Registers every metric of the stages.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry, health: Arc<Health>) -> anyhow::Result<Self> {
        let metrics = Metrics::register(registry)?;
        Ok(Self { metrics, trail: TrailMetrics::register(registry)?, health })
    }
}

/// Running stages.
#[must_use = "the stages run until they are joined"]
pub struct Stages {
    pools: Vec<Pool>,
    stop: Stop,
}

impl Stages {
    /// Starts the workers. One that cannot go on stops all that share `stop`.
    ///
    /// # Errors
    /// When the configuration is refused or a thread cannot be started.
    pub fn start<B: Broker>(
        broker: &B,
        config: &Config,
        codec: &Codec,
        how: How,
        telemetry: &Telemetry,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        let mut pools = Vec::new();
        let states = States::open(config, how.which)?;
        let mut start =
            |factory: Arc<dyn StageFactory>, workers: u32, interval, trail: Option<&TrailMetrics>| {
                let metrics = telemetry.metrics.stage(factory.spec());
                let worker = |number| {
                    let name = format!("{}-{number}", factory.spec().name);
                    let pulse = telemetry.health.worker(name, std::time::Instant::now());
                    let listener = observer::Listener { pulse, trail: trail.cloned() };
                    let audience = Audience { metrics: metrics.clone(), observer: Arc::new(listener) };
                    (worker_config(config, &how, number, interval), audience)
                };
                let workers = (0..how.workers.unwrap_or(workers)).map(worker).collect();
                pools.push(Pool::start(broker, &factory, workers, &stop).context("starting workers")?);
                anyhow::Ok(())
            };
        if how.which.has(Which::Normalizer) {
            let part = &config.normalizer;
            let stages = states.normalizer(normalizer_config(config, codec, &how.accepted)?);
            start(Arc::new(stages), part.workers, duration(part.commit_interval), Some(&telemetry.trail))?;
        }
        if how.which.has(Which::Aggregator) {
            let part = &config.aggregator;
            let stages = states.aggregator(codec.clone());
            start(Arc::new(stages), part.workers, duration(part.commit_interval), None)?;
        }
        telemetry.health.started();
        Ok(Self { pools, stop })
    }

    /// Waits until every worker has ended, because it was told to or because one could not go on.
    ///
    /// # Errors
    /// The first failure that needs a person.
    pub fn join(self) -> anyhow::Result<()> {
        let ends: Vec<_> = self.pools.into_iter().map(Pool::join).collect();
        ends.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(())
    }

    /// Asks every worker to commit and end, and waits for them.
    ///
    /// # Errors
    /// The first failure that needs a person.
    pub fn end(self) -> anyhow::Result<()> {
        self.stop.set();
        self.join()
    }
}

/// The groups that this process has members in, to be watched for partitions that nobody owns.
#[must_use]
pub fn groups(config: &Config, which: Which) -> Vec<Watched> {
    let stages = [
        (Which::Normalizer, Topic::Actions, pipeline::NORMALIZER),
        (Which::Aggregator, Topic::Events, pipeline::AGGREGATOR),
    ];
    let here = stages.into_iter().filter(|(stage, ..)| which.has(*stage));
    here.map(|(_, input, name)| Watched {
        group: WorkerConfig::group(APP, name),
        topic: input.name(),
        other: Topic::Ledger.name(),
        own: format!("{APP}-{name}-{}-", config.kafka.instance),
    })
    .collect()
}

fn normalizer_config(
    config: &Config,
    codec: &Codec,
    accepted: &[(Partition, Offset)],
) -> anyhow::Result<NormalizerConfig> {
    let partitions = PartitionCount::new(config.topics.partitions)
        .ok_or_else(|| Misuse("topics.partitions is at least 1".into()))?;
    Ok(NormalizerConfig {
        partitions,
        max_value_bytes: usize::try_from(config.normalizer.max_value_bytes)?,
        dedup_window: duration(config.normalizer.dedup_window),
        flood_limit: (config.normalizer.stop_on_dead_letters)
            .then(|| FloodLimit { accepted: accepted.to_vec() }),
        codec: codec.clone(),
    })
}

fn worker_config(config: &Config, how: &How, number: u32, interval: Duration) -> WorkerConfig {
    let oldest_state = how.oldest_state.clone();
    WorkerConfig {
        app: APP.to_owned(),
        instance: config.kafka.instance.clone(),
        number,
        membership: how.membership,
        limits: Limits::every(interval),
        restores: usize::try_from(config.state.restores).unwrap_or(usize::MAX),
        oldest_state: Arc::new(move || oldest_state.get()),
        clock: Arc::new(now),
    }
}

fn duration(span: crate::config::Span) -> Duration {
    Duration::from_millis(span.millis())
}

/// The time, as brokers count it.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
