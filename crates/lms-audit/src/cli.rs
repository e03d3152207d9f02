//! The command line: what all commands share, and the list of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    catalog, config, dead_letters, demo, generate, publish, reconcile, report, reports, run, schemas, tail,
    topics, trail,
};
use crate::output::Format;
use crate::verdict::EXIT_CODES;

/// An exactly-once audit trail for learning platforms on Apache Kafka.
///
/// Platforms and adapters publish actions; the normalizer turns each into one audit event of a
/// closed catalog; the aggregator keeps a report per category. Every action that was read ends as
/// exactly one of: audit event, dead letter, receipt.
///
/// A first look, with one Kafka broker on this machine (with three, `topics apply` needs no --set):
///
///   lms-audit topics apply --set topics.replication_factor=1 --set topics.min_insync_replicas=1
///   lms-audit generate -n 1000 --seed 1 --publish
///   lms-audit run &
///   lms-audit trail --tenant acme --since 1d
#[derive(Debug, Parser)]
#[command(name = "lms-audit", version, verbatim_doc_comment, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Every command takes")]
pub struct Common {
    /// The configuration file, TOML; `config show` prints one with all keys.
    #[arg(long, global = true, env = "LMSAUDIT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Brokers to begin with; stands for kafka.bootstrap_servers.
    #[arg(long, global = true, value_name = "HOST:PORT,…")]
    pub bootstrap_servers: Option<String>,
    /// A property for librdkafka, by its own name; may be repeated. What exactly-once rests on
    /// cannot be set.
    #[arg(short = 'X', global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub properties: Vec<(String, String)>,
    /// A key of the configuration; may be repeated. Wins over file and environment.
    #[arg(long, global = true, value_name = "PART.KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// The form of what is printed.
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub output: Format,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "a comment here would stand in the place of the command's own help")]
pub enum Command {
    #[command(subcommand)]
    Topics(topics::Command),
    #[command(subcommand)]
    Schemas(schemas::Command),
    Publish(publish::Command),
    Run(run::Command),
    Trail(trail::Command),
    Report(report::Command),
    #[command(subcommand)]
    Reports(reports::Command),
    Tail(tail::Command),
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    Reconcile(reconcile::Command),
    Generate(generate::Command),
    Catalog(catalog::Command),
    #[command(subcommand)]
    Config(config::Command),
    Demo(demo::Command),
}

/// `KEY=VALUE`, the value as it stands.
///
/// # Errors
/// When there is no `=` or nothing before it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err("write KEY=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let help = command.render_long_help().to_string();
            let has_example = help.contains(&format!("  lms-audit {}", command.get_name()));
            let has_commands = command.get_subcommands().next().is_some();
            assert!(has_example || has_commands, "{help}");
        }
    }

    #[test]
    fn shared_arguments_stand_anywhere() {
        let line = "lms-audit -X a.b=c=d config show -o json -X e=";
        let cli = Cli::try_parse_from(line.split(' ')).expect("parses");
        assert_eq!(cli.common.output, Format::Json);
        assert!(cli.common.properties.contains(&("e".into(), String::new())), "{:?}", cli.common.properties);
        for line in ["lms-audit -X ab config show", "lms-audit", "lms-audit -o xml catalog"] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
