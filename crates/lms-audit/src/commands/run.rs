//! `run`: the stages, until SIGTERM or Ctrl-C; with metrics and health over HTTP.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use ops::{BuildInfo, Health, Server};
use prometheus::Registry;
use runtime::kafka::{Kafka, librdkafka_version};
use runtime::{MembershipKind, Stop, watch_shares};
use stage::{Offset, Partition};

use crate::config::{Config, Log, LogFormat};
use crate::shell::Shell;
use crate::stages::{self, How, OldestState, Stages, Telemetry, Which, check_topics, watch_topics};
use crate::verdict::Verdict;
use crate::wiring;

/// How often it is said that a start waits for a broker.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Run the stages: actions become audit events, audit events become report rows
///
/// Ends on SIGTERM or Ctrl-C after committing what is open. Each process needs a name of its own,
/// kept across restarts: kafka.instance, the host's name where nothing is set. Metrics, /livez and
/// /readyz are at ops.listen.
///
///   lms-audit run
///   lms-audit run --stage normalizer --workers 4 --instance a
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Which stages.
    #[arg(long, value_enum, default_value = "all")]
    pub stage: Which,
    /// Workers of each stage, each a thread; stands for normalizer.workers and aggregator.workers.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: Option<u32>,
    /// Names this process among those that run the same stage; stands for kafka.instance.
    #[arg(long)]
    pub instance: Option<String>,
    /// Leave the groups at the end, so that the partitions move to others at once. Without it the
    /// process stays a member while it restarts, and nothing moves.
    #[arg(long)]
    pub leave: bool,
    /// Go on over a flood of dead letters that stopped the stage: those of actions before this offset
    /// do not count. Only with normalizer.stop_on_dead_letters; once for each partition.
    #[arg(long, value_name = "PARTITION:UNTIL_OFFSET", value_parser = place)]
    pub accept_dead_letters: Vec<(Partition, Offset)>,
}

fn place(text: &str) -> Result<(Partition, Offset), String> {
    let place = pipeline::replay::read_place(text);
    place.ok_or_else(|| "write the partition and the first offset that counts again, such as 2:1234".into())
}

/// Runs the command.
///
/// # Errors
/// When the topics are not as the stages need them, or a stage cannot go on: a person must act.
pub fn run(command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let mut config = shell.config().clone();
    if let Some(instance) = &command.instance {
        config.kafka.instance.clone_from(instance);
    }
    logging(&config.log)?;
    let stop = Stop::default();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.set()).context("listening for signals")?;
    let membership = if command.leave { MembershipKind::Leaving } else { MembershipKind::Static };
    let accepted = command.accept_dead_letters.clone();
    let oldest_state = OldestState::default();
    let how = How { which: command.stage, workers: command.workers, membership, accepted, oldest_state };
    let kafka = wiring::kafka(&config).map_err(anyhow::Error::from);
    let served = kafka.and_then(|kafka| serve(&kafka, &config, how, &stop));
    // In the log as well, in its format and at its level: that is what is searched for why a process ended.
    served.inspect_err(|error| tracing::error!("the process ends: {error:#}"))?;
    Ok(Verdict::Fine)
}

fn serve(kafka: &Kafka, config: &Config, how: How, stop: &Stop) -> anyhow::Result<()> {
    let registry = Registry::new();
    let librdkafka = librdkafka_version();
    let revision = option_env!("LMSAUDIT_REVISION").unwrap_or("unknown");
    BuildInfo { version: env!("CARGO_PKG_VERSION"), revision, librdkafka: &librdkafka }
        .register(&registry)?;
    let limits = ops::Limits { tick: Duration::from_secs(300), progress: Duration::from_secs(120) };
    let health = Arc::new(Health::new(limits));
    let telemetry = Telemetry::register(&registry, Arc::clone(&health))?;
    let server = Server::start(config.ops.listen, registry, health)?;
    tracing::info!(address = %server.local_addr(), "metrics and health are served");

    let mut admin = kafka.admin()?;
    let oldest_state = how.oldest_state.clone();
    await_topics(&mut admin, config, &oldest_state, stop)?;
    if stop.is_set() {
        return Ok(());
    }
    let codec = wiring::codec(config)?;
    let (groups, mut shares) = (stages::groups(config, how.which), kafka.admin()?);
    let stages = Stages::start(kafka, config, &codec, how, &telemetry, stop.clone())?;
    let (watched, told) = (config.clone(), stop.clone());
    let watch = std::thread::spawn(move || watch_topics(&mut admin, &watched, &oldest_state, &told));
    let (kafka, told) = (kafka.clone(), stop.clone());
    let shared = std::thread::spawn(move || watch_shares(&kafka, &mut shares, &groups, &told));
    let ended = stages.join();
    stop.set();
    shared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let topics = watch.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    ended.and(topics)?;
    tracing::info!("every worker has committed and ended");
    Ok(())
}

/// Checks the topics, as soon as a broker answers: an outage is waited out, however long, as it is later.
fn await_topics(
    admin: &mut impl runtime::Admin,
    config: &Config,
    oldest_state: &OldestState,
    stop: &Stop,
) -> anyhow::Result<()> {
    let mut said: Option<Instant> = None;
    loop {
        let Err(error) = check_topics(admin, config, oldest_state) else { return Ok(()) };
        let away = error.chain().filter_map(|cause| cause.downcast_ref()).any(wiring::is_away);
        if !away {
            return Err(error);
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            let servers = &config.kafka.bootstrap_servers;
            tracing::warn!(
                "waiting for a broker at {servers}: {error:#}; it goes on by itself when one answers, if the address is right (kafka.bootstrap_servers)"
            );
            said = Some(Instant::now());
        }
        if stop.wait(Duration::from_secs(2)) {
            return Ok(());
        }
    }
}

fn logging(log: &Log) -> anyhow::Result<()> {
    let format = match log.format {
        LogFormat::Auto if std::io::stderr().is_terminal() => ops::LogFormat::Text,
        LogFormat::Auto => ops::LogFormat::Json,
        LogFormat::Text => ops::LogFormat::Text,
        LogFormat::Json => ops::LogFormat::Json,
    };
    // What the store says of its files is of use to its authors; whoever wants it names it.
    Ok(ops::init_logging(format, &format!("fjall=warn,lsm_tree=warn,{}", log.level))?)
}
