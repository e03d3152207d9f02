//! One module per command: its arguments, what it does, how it prints.
//!
//! Commands are written over the ports of the runtime; which broker stands behind them is
//! decided in [`crate::wiring`].

pub mod catalog;
pub mod config;
pub mod dead_letters;
pub mod demo;
pub mod generate;
pub mod publish;
pub mod reconcile;
pub mod report;
pub mod reports;
pub mod run;
pub mod schemas;
pub mod tail;
pub mod topics;
pub mod trail;

use runtime::BrokerError;

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
    let servers = shell.config().kafka.bootstrap_servers.clone();
    dispatch(cli.command, &mut shell).map_err(|error| say_where(error, &servers))
}

/// An error that only says that no broker answers also says where one was looked for, and one of a
/// missing topic what to run.
fn say_where(error: anyhow::Error, servers: &str) -> anyhow::Error {
    let any = |is: fn(&BrokerError) -> bool| error.chain().filter_map(|cause| cause.downcast_ref()).any(is);
    if any(wiring::is_away) {
        error.context(format!(
            "no broker answers at {servers}; is it the right address (--bootstrap-servers)?"
        ))
    } else if any(wiring::is_missing_topic) {
        error.context(format!("a topic is missing at {servers}: run `lms-audit topics apply`"))
    } else {
        error
    }
}

fn dispatch(command: Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    match command {
        Command::Catalog(command) => catalog::run(&command, shell),
        Command::Config(command) => config::run(&command, shell),
        Command::Schemas(command) => schemas::run(&command, shell),
        Command::Topics(command) => topics::run(&command, shell, &mut wiring::admin(shell.config())?),
        Command::Generate(command) => wiring::generate(&command, shell),
        Command::Publish(command) => wiring::publish(&command, shell),
        Command::Run(command) => run::run(&command, shell),
        Command::Trail(command) => wiring::trail(&command, shell),
        Command::Report(command) => wiring::report(&command, shell),
        Command::Reports(command) => wiring::reports(&command, shell),
        Command::Tail(command) => wiring::tail(&command, shell),
        Command::DeadLetters(command) => wiring::dead_letters(&command, shell),
        Command::Reconcile(command) => wiring::reconcile(&command, shell),
        Command::Demo(command) => wiring::demo(&command, shell),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use runtime::Cause;

    use super::*;

    #[test]
    fn an_error_says_what_to_do_where_that_is_known() {
        for (cause, expected) in [
            (
                Cause::Transport,
                "no broker answers at b:9092; is it the right address (--bootstrap-servers)?: trail: asking: no",
            ),
            (Cause::NoTopic, "a topic is missing at b:9092: run `lms-audit topics apply`: trail: asking: no"),
            (Cause::Other, "trail: asking: no"),
        ] {
            let error = BrokerError { cause, ..BrokerError::stop("asking", "no") };
            let error = Err::<(), _>(error).context("trail").expect_err("it is one");
            assert_eq!(format!("{:#}", say_where(error, "b:9092")), expected);
        }
    }
}
