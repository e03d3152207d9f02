//! `reports`: what is done to the report topics as a whole.

mod rebuild;
mod unfinished;

use clap::Subcommand;
use codec::Codec;
use runtime::{Broker, Groups};

use crate::shell::Shell;
use crate::verdict::Verdict;
pub(super) use unfinished::Marks;

/// The report topics as a whole: folded anew from the audit events
///
///   lms-audit reports rebuild certificate --dry-run
#[derive(Clone, Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub enum Command {
    /// Fold reports anew from the audit events, after a mended rule.
    Rebuild(rebuild::Command),
}

/// Runs the command.
///
/// # Errors
/// What the command could not do.
pub fn run<B: Broker>(
    command: &Command,
    shell: &mut Shell<'_>,
    broker: &B,
    groups: &mut impl Groups,
    codec: &Codec,
) -> anyhow::Result<Verdict> {
    match command {
        Command::Rebuild(command) => rebuild::run(command, shell, broker, groups, codec),
    }
}

#[cfg(test)]
mod tests;
