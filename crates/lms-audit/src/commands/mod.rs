//! One module per command: its arguments, what it does, how it prints.
//!
//! Commands are written over the ports of the runtime; which broker stands behind them is
//! decided in [`crate::wiring`].

pub mod catalog;
pub mod config;
pub mod generate;
pub mod publish;
pub mod report;
pub mod run;
pub mod schemas;
pub mod tail;
pub mod topics;
pub mod trail;

use crate::cli::{Cli, Command};
use crate::shell::Shell;
use crate::verdict::Verdict;
use crate::wiring;

/// Runs the command of this process.
///
/// # Errors
/// What the command could not do; [`crate::verdict::Misuse`] where it was called wrongly.
pub fn run(cli: Cli) -> anyhow::Result<Verdict> {
    let mut shell = Shell::of_process(&cli.common)?;
    let shell = &mut shell;
    match cli.command {
        Command::Catalog(command) => catalog::run(&command, shell),
        Command::Config(command) => config::run(&command, shell),
        Command::Schemas(command) => schemas::run(&command, shell),
        Command::Topics(command) => topics::run(&command, shell, &mut wiring::admin(shell.config())?),
        Command::Generate(command) => wiring::generate(&command, shell),
        Command::Publish(command) => wiring::publish(&command, shell),
        Command::Run(command) => run::run(&command, shell),
        Command::Trail(command) => wiring::trail(&command, shell),
        Command::Report(command) => wiring::report(&command, shell),
        Command::Tail(command) => wiring::tail(&command, shell),
    }
}
