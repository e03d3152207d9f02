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

use ops::ServerError;
use runtime::BrokerError;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
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
/// missing topic what to run; one of an address that is taken, which key it is.
fn say_where(error: anyhow::Error, servers: &str) -> anyhow::Error {
    let any = |is: fn(&BrokerError) -> bool| error.chain().filter_map(|cause| cause.downcast_ref()).any(is);
    if any(wiring::is_away) {
        error.context(format!(
            "no broker answers at {servers}; is it the right address (--bootstrap-servers)?"
        ))
    } else if any(wiring::is_missing_topic) {
        error.context(format!("a topic is missing at {servers}: run `lms-audit topics apply`"))
    } else if let Some(ServerError::Bind { address, .. }) = error.downcast_ref() {
        let advice = format!(
            "metrics and health cannot be served at {address}: give this process another address with ops.listen"
        );
        error.context(advice)
    } else {
        error
    }
}

/// Sees to it that dead letters are accepted where they are counted alone.
fn accepts_what_is_counted(command: &run::Command, config: &Config) -> Result<(), Misuse> {
    if command.accept_dead_letters.is_empty() || config.normalizer.stop_on_dead_letters {
        return Ok(());
    }
    Err(Misuse(
        "--accept-dead-letters goes with normalizer.stop_on_dead_letters = true, which is not set: nothing stops for dead letters, so none need be accepted".into(),
    ))
}

fn dispatch(command: Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    match command {
        Command::Catalog(command) => catalog::run(&command, shell),
        Command::Config(command) => config::run(&command, shell),
        Command::Schemas(command) => schemas::run(&command, shell),
        Command::Topics(command) => topics::run(&command, shell, &mut wiring::admin(shell.config())?),
        Command::Generate(command) => wiring::generate(&command, shell),
        Command::Publish(command) => wiring::publish(&command, shell),
        Command::Run(command) => {
            accepts_what_is_counted(&command, shell.config())?;
            run::run(&command, shell)
        }
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
    use clap::Parser as _;
    use runtime::Cause;

    use super::*;

    #[test]
    fn dead_letters_are_accepted_only_where_they_are_counted() {
        let mut config = Config::default();
        for (accept, counted, fits) in [("0:9", false, false), ("0:9", true, true), ("", false, true)] {
            config.normalizer.stop_on_dead_letters = counted;
            let words = ["lms-audit", "run", "--accept-dead-letters", accept];
            let words = if accept.is_empty() { &words[..2] } else { &words };
            let Command::Run(command) = Cli::try_parse_from(words).expect("parses").command else {
                panic!("{words:?}")
            };
            assert_eq!(accepts_what_is_counted(&command, &config).is_ok(), fits, "{accept} {counted}");
        }
    }

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
        let address = ([127, 0, 0, 1], 9464).into();
        let taken = ServerError::Bind { address, source: std::io::ErrorKind::AddrInUse.into() };
        let said = format!("{:#}", say_where(taken.into(), "b:9092"));
        assert!(said.contains("with ops.listen: cannot listen on 127.0.0.1:9464: "), "{said}");
    }
}
