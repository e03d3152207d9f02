//! `demo`: topics, actions, both stages and all reports in one go, and the account at the end.
//!
//! Generic over the broker; who starts the stages is behind [`Lifecycle`].

mod account;
mod ledger;
mod outcome;
mod wait;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

use adapters::{Adapter, Control, Format as Source, Input, Settings};
use anyhow::Context as _;
use catalog::{TenantId, Topic};
use clap::Args;
use codec::{Codec, Decoder};
use indicatif::ProgressBar;
use runtime::{Admin, BrokerError, Log, Publisher};

use crate::commands::{generate, publish};
use crate::config::{Config, Origin, Span};
use crate::output::say;
use crate::shell::Shell;
use crate::topics;
use crate::verdict::{Misuse, Verdict};
use crate::when;
pub use account::Account;
use ledger::Ledger;
pub use workers::Workers;

/// Topics, actions, both stages and all reports in one go, and the account at the end
///
/// Makes the topics (3 partitions, 1 replica, unless configured), starts both stages, publishes
/// generated actions and a few lines of other platforms, waits until every action is accounted for
/// and folded into the reports, and prints what each category holds. Whatever does not add up is
/// said, and the exit code is 3. May be run again on the same cluster.
///
///   lms-audit demo --embedded
///   lms-audit demo -n 100000 --bootstrap-servers 127.0.0.1:9092
///   lms-audit demo --actions tracking.log --format openedx --tenant acme
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// How many actions to generate.
    #[arg(short = 'n', long, default_value_t = 100_000)]
    pub count: u64,
    /// Publish the lines of this file instead of generated actions; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub actions: Vec<PathBuf>,
    /// What those lines are: action, openedx, moodle or learn365.
    #[arg(long, default_value = "action", value_parser = publish::format)]
    pub format: Source,
    /// Whose trail those lines belong to; every format but action needs it.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Without Kafka, in this process alone: for a first look.
    #[arg(long)]
    pub embedded: bool,
    /// Give up if nothing moves for so long.
    #[arg(long, default_value = "1m", value_name = "SPAN")]
    pub patience: Span,
}

/// What a demo needs of a broker.
pub trait Cluster {
    /// Reads committed records.
    type Log: Log;
    /// Makes topics.
    type Admin: Admin;
    /// Publishes actions.
    type Publisher: Publisher;

    /// Reads committed records.
    ///
    /// # Errors
    /// When the configuration is refused.
    fn log(&self) -> Result<Self::Log, BrokerError>;

    /// Makes topics.
    ///
    /// # Errors
    /// When the configuration is refused.
    fn admin(&self) -> Result<Self::Admin, BrokerError>;

    /// Publishes to a topic that is there.
    ///
    /// # Errors
    /// When the configuration is refused.
    fn publisher(&self, topic: &str) -> Result<Self::Publisher, BrokerError>;
}

/// The stages, as a demo starts and stops them.
pub trait Lifecycle {
    /// Starts both stages.
    ///
    /// # Errors
    /// When they cannot be started.
    fn start(&mut self) -> anyhow::Result<()>;

    /// Whether all workers still run.
    ///
    /// # Errors
    /// What ended the first that does not.
    fn check(&mut self) -> anyhow::Result<()>;

    /// Commits what is open and ends.
    ///
    /// # Errors
    /// What a worker could not do.
    fn stop(&mut self) -> anyhow::Result<()>;
}

/// The tenant of the lines of other platforms.
const FIXTURES: &str = "demo-fixtures";
const LINES: [(Source, &str); 4] = [
    (Source::Action, include_str!("actions.jsonl")),
    (Source::Openedx, include_str!("../../../../adapters/fixtures/openedx.log")),
    (Source::Moodle, include_str!("../../../../adapters/fixtures/moodle.jsonl")),
    (Source::Learn365, include_str!("../../../../adapters/fixtures/learn365.jsonl")),
];

/// The configuration of a demo: small topics where nobody asked for others.
#[must_use]
pub fn config(shell: &Shell<'_>) -> Config {
    let mut config = shell.config().clone();
    let free = |key: &str| shell.settings.origin("topics", key) == Origin::Default;
    if free("partitions") {
        config.topics.partitions = 3;
    }
    if free("replication_factor") {
        config.topics.replication_factor = 1;
    }
    if free("min_insync_replicas") {
        config.topics.min_insync_replicas = 1;
    }
    config
}

/// Waits until the stages have handled everything there is.
///
/// # Errors
/// When a stage fails or nothing moves for `patience`.
pub fn settle(
    log: &mut impl Log,
    decoder: &Decoder,
    partitions: u32,
    stages: &mut impl Lifecycle,
    patience: Duration,
) -> anyhow::Result<()> {
    wait::caught_up(log, &mut Ledger::new(partitions), decoder, stages, patience)
}

/// Runs the demo.
///
/// # Errors
/// When the broker refuses, a stage fails or nothing moves any more.
pub fn run(
    command: &Command,
    config: &Config,
    shell: &mut Shell<'_>,
    cluster: &impl Cluster,
    codec: &Codec,
    stages: &mut impl Lifecycle,
) -> anyhow::Result<Verdict> {
    make_topics(config, &mut cluster.admin()?)?;
    stages.start().context("starting the stages")?;
    let outcome = watch(command, config, cluster, codec, stages);
    let stopped = stages.stop();
    // What went wrong while watching says more than what it did to the workers.
    let outcome = outcome?;
    stopped.context("stopping the stages")?;
    outcome.print(shell)
}

fn make_topics(config: &Config, admin: &mut impl Admin) -> anyhow::Result<()> {
    topics::check(config)?;
    let plan = topics::plan(config);
    let state = admin.topics(&topics::names()).context("asking for the topics")?;
    for step in topics::steps(&plan, &state)? {
        match step {
            topics::Step::Create(plan) => admin.create(&[plan])?,
            topics::Step::Set { topic, entries, .. } => admin.set(&topic, &entries)?,
        }
    }
    Ok(())
}

fn watch(
    command: &Command,
    config: &Config,
    cluster: &impl Cluster,
    codec: &Codec,
    stages: &mut impl Lifecycle,
) -> anyhow::Result<outcome::Outcome> {
    let fixtures = TenantId::try_from(FIXTURES).map_err(|error| Misuse(error.to_string()))?;
    let decoder = codec.decoder();
    let mut log = cluster.log()?;
    let mut ledger = Ledger::new(config.topics.partitions);
    let patience: Duration = command.patience.duration();
    // The trail may hold what earlier runs left: only what is new counts.
    wait::caught_up(&mut log, &mut ledger, &decoder, stages, patience)
        .context("waiting for the stages to start")?;
    let before = outcome::Before::look(&mut log, &ledger, config.topics.partitions, &fixtures)?;

    let mut publisher = cluster.publisher(&Topic::Actions.name())?;
    let sent = if command.actions.is_empty() {
        let summary = generate::send(generator(command, config)?, &mut publisher)?;
        say(&format!("published {} generated actions", summary.total));
        outcome::Sent::Generated(Box::new(summary))
    } else {
        outcome::Sent::Given(publish_files(command, config, &mut publisher)?)
    };
    let lines = publish_lines(&fixtures, &mut publisher)?;
    say(&format!("published {lines} actions of the fixtures of every adapter"));

    wait::caught_up(&mut log, &mut ledger, &decoder, stages, patience).context("waiting for the stages")?;
    outcome::Outcome::look(&mut log, &decoder, &ledger, before, &fixtures, &sent, lines)
}

fn generator(command: &Command, config: &Config) -> anyhow::Result<crate::generate::Options> {
    let command = generate::Command {
        count: command.count,
        seed: command.seed,
        start: None,
        span: Span::from_days(1),
        tenants: 12,
        learners: 500,
        courses: 40,
        out: None,
        publish: true,
        summary: None,
    };
    Ok(command.options(config, generate::planned(config)?, when::now())?)
}

/// Publishes the files that were given, says what became of their lines, and gives the number of
/// actions they made.
fn publish_files(command: &Command, config: &Config, publisher: &mut impl Publisher) -> anyhow::Result<u64> {
    if command.tenant.as_ref().is_some_and(|tenant| tenant.as_str() == FIXTURES) {
        return Err(Misuse(format!("{FIXTURES} is the tenant of the demo's own lines: name another")).into());
    }
    let settings = Settings { tenant: command.tenant.clone(), ..Settings::default() };
    let adapter = Adapter::new(command.format, settings).map_err(|error| Misuse(error.to_string()))?;
    let value_limit = usize::try_from(config.normalizer.max_value_bytes).unwrap_or(usize::MAX);
    let never = std::sync::atomic::AtomicBool::new(false);
    let mut actions = 0;
    for file in &command.actions {
        let input = Input::open(file).with_context(|| format!("opening {}", file.display()))?;
        let control = Control::new(&never).with_value_limit(value_limit);
        let summary = publish::feed(&adapter, input, publisher, control, &publish::progress_bar())?;
        publish::say_summary(&summary);
        actions += summary.published;
    }
    Ok(actions)
}

/// Publishes a few lines of each platform and gives the number of actions they made.
fn publish_lines(tenant: &TenantId, publisher: &mut impl Publisher) -> anyhow::Result<u64> {
    let never = std::sync::atomic::AtomicBool::new(false);
    let mut actions = 0;
    for (source, lines) in LINES {
        let settings = Settings { tenant: Some(tenant.clone()), ..Settings::default() };
        let adapter = Adapter::new(source, settings)?;
        let input = Input::from_reader(source.name(), lines.as_bytes(), Some(lines.len() as u64));
        let bar = ProgressBar::hidden();
        actions += publish::feed(&adapter, input, publisher, Control::new(&never), &bar)?.published;
    }
    Ok(actions)
}

#[cfg(test)]
mod tests;
