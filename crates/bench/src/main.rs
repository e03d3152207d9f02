//! Measures what the stages cost: records per CPU-second over generated actions.
//!
//! `normalize` and `aggregate` work in memory, so theirs is the cost of decoding, rules, state and encoding alone;
//! `on-kafka` runs the product on a broker, so its is the cost of all there is. `restore` measures recovery: how soon
//! processing goes on after a crash, what it costs to read state back, and what memory it takes.

mod drive;
mod input;
mod measure;
mod on_kafka;
mod process;
mod restore;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use codec::Codec;
use pipeline::{AggregatorStages, NormalizerConfig, NormalizerStages};
use stage::{PartitionCount, StageFactory};

use crate::drive::{Drive, Keep};
use crate::input::Input;
use crate::measure::measure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Actions to audit events, in memory.
    Normalize(Arguments),
    /// Audit events to report rows, in memory.
    Aggregate(Arguments),
    OnKafka(on_kafka::Arguments),
    Restore(restore::Arguments),
}

#[derive(Args)]
struct Arguments {
    /// How many actions are made.
    #[arg(short = 'n', long, default_value_t = 200_000)]
    actions: u64,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs are measured.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How many runs come before, unmeasured.
    #[arg(long, default_value_t = 1)]
    warm_up: usize,
    /// How many partitions the topics have.
    #[arg(long, default_value = "12", value_parser = partitions)]
    partitions: PartitionCount,
    /// Records of one partition in one transaction.
    #[arg(long, default_value_t = 1000)]
    transaction: usize,
}

fn main() -> Result<()> {
    let (name, arguments) = match Cli::parse().what {
        What::Normalize(arguments) => ("normalize", arguments),
        What::Aggregate(arguments) => ("aggregate", arguments),
        What::OnKafka(arguments) => return on_kafka::run(&arguments),
        What::Restore(arguments) => return restore::run(&arguments),
    };
    let actions = Input::generate(arguments.actions, arguments.seed, arguments.partitions)?;
    let codec = Codec::single_object();
    let normalizer = NormalizerStages::new(NormalizerConfig::new(arguments.partitions, codec.clone()));
    let (input, factory): (Input, Box<dyn StageFactory>) = match name {
        "normalize" => (actions, Box::new(normalizer)),
        _ => (
            Drive::new(&normalizer, arguments.transaction).events(&actions)?,
            Box::new(AggregatorStages::new(codec)),
        ),
    };
    let drive = Drive::new(factory.as_ref(), arguments.transaction);
    measure(name, &input, arguments.warm_up, arguments.runs, || drive.run(&input, Keep::Nothing))
}

fn partitions(text: &str) -> Result<PartitionCount, String> {
    let count = text.parse().map_err(|error| format!("{error}"))?;
    PartitionCount::new(count).ok_or_else(|| "a topic has at least one partition".into())
}
