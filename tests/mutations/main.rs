//! `mutations`: switches off one safety rule of the product at a time and says whether the fault campaign saw it.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tests::mutations::{Mutation, Runner, Table, outcomes};

/// Switches off one safety rule of the product at a time; the fault campaign must go red each time
///
/// Each mutation is built from a copy of the working tree, runs through the campaign that the table names, seed by seed until it
/// is red, and counts as caught where the unmutated product stays green over the same seed. Exit code 1 where one is not caught.
#[derive(Debug, Parser)]
#[command(name = "mutations")]
struct Options {
    /// Only these mutations, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Lists the mutations and does nothing.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match mutations(&Options::parse()) {
        Ok(code) => code,
        Err(problem) => {
            say(&format!("mutations: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn mutations(options: &Options) -> Result<ExitCode, String> {
    let chosen = choose(Table::read()?.mutations, &options.only)?;
    if options.list {
        for Mutation { name, without, source, .. } in chosen {
            print(&format!("{name:<22}{without} ({source})\n"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests lie in no workspace")?;
    let mut runner = Runner::new(root, &root.join("target/mutations"), &say)?;
    let mut done = Vec::new();
    for (place, mutation) in (1..).zip(&chosen) {
        say(&format!("{place}/{} {}: {}", chosen.len(), mutation.name, mutation.without));
        done.push(runner.attempt(mutation));
    }
    print(&outcomes(&done));
    let all = done.iter().all(|outcome| outcome.caught);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(mut all: Vec<Mutation>, only: &[String]) -> Result<Vec<Mutation>, String> {
    if let Some(name) = only.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        return Err(format!("there is no mutation {name}: --list names them"));
    }
    all.retain(|one| only.is_empty() || only.contains(&one.name));
    Ok(all)
}

/// To standard output: what came of it. A reader that has gone needs no more of it.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// To standard error: how it goes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
