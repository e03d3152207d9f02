//! `dead-letters`: what could not be recorded, looked at and worked off.
//!
//! Beside dead letters their topic holds markers of those that were replayed. `Failure::read` and
//! `Marker::read` of the pipeline tell them apart, and `letter::Entry` asks both for all of these commands.

mod letter;
mod list;
mod read;
mod replay;
mod select;
mod show;

use clap::Subcommand;
use codec::Decoder;
use runtime::Broker;

use crate::shell::Shell;
use crate::verdict::Verdict;

/// Dead letters: actions that could not become audit events, listed, shown and replayed
///
/// A dead letter is the action's record byte for byte, with the reason it was rejected for. Once its
/// cause is mended (a newer catalog, a schema that is registered by now, a mended value) it can be
/// replayed: published to the actions topic again, once.
///
///   lms-audit dead-letters list --reason unknown_action --since 2d
///   lms-audit dead-letters show 2:17
///   lms-audit dead-letters replay --reason unknown_action --dry-run
#[derive(Clone, Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub enum Command {
    /// List dead letters, or count them, and whether they were replayed.
    List(list::Command),
    /// Show one dead letter in full.
    Show(show::Command),
    /// Publish dead letters again, each at most once.
    Replay(replay::Command),
}

/// Runs the command.
///
/// # Errors
/// When the arguments do not fit, the broker does not answer, or another replay has begun.
pub fn run<B: Broker>(
    command: &Command,
    shell: &mut Shell<'_>,
    broker: &B,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    match command {
        Command::List(command) => list::run(command, shell, &mut broker.log()?, decoder),
        Command::Show(command) => show::run(command, shell, &mut broker.log()?, decoder),
        Command::Replay(command) => replay::run(command, shell, broker, decoder),
    }
}

#[cfg(test)]
mod tests;
