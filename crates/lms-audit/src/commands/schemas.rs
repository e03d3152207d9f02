//! `schemas check|lint|register`: the Avro schemas of this build.

use clap::Subcommand;
use codec::schemas;
use serde_json::json;

use crate::output::{Printer, Row, say};
use crate::shell::Shell;
use crate::verdict::Verdict;
use crate::wiring;

/// Check the Avro schemas of this build, or register them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check that every version of a schema can be read as the trail promises; exit code 3 if not.
    Check,
    /// Check the habits of the house: docs, namespaces, nulls, times; exit code 3 if one is broken.
    Lint,
    /// Register the schemas of this build in the schema registry, one subject per topic.
    Register,
}

/// Runs the command.
///
/// # Errors
/// When the registry does not answer or refuses, or nothing more can be written.
pub fn run(command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    match command {
        Command::Check => match schemas::check() {
            Ok(report) => {
                let schemas::Report { schemas, versions, pairs } = report;
                say(&format!("{schemas} schemas, {versions} versions, {pairs} pairs: all can be read"));
                Ok(Verdict::Fine)
            }
            Err(problems) => print(problems.iter().map(ToString::to_string), shell),
        },
        Command::Lint => print(schemas::lint().iter().map(ToString::to_string), shell),
        Command::Register => wiring::register(shell),
    }
}

fn print(problems: impl Iterator<Item = String>, shell: &mut Shell<'_>) -> anyhow::Result<Verdict> {
    let mut printer = Printer::new(&mut shell.out, shell.format, &["problem"])?;
    for problem in problems {
        printer.row(&Row { json: json!({"problem": problem}), cells: vec![problem] })?;
    }
    if printer.finish()? == 0 {
        say("no problem found");
        Ok(Verdict::Fine)
    } else {
        Ok(Verdict::Differs)
    }
}
