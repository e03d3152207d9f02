//! `reports rebuild`: removes every row of some reports and folds them anew from the audit events.
//!
//! Nothing is removed before the ledger says that a rebuild was begun, and it says so until the last
//! row is written: the aggregator does not start meanwhile, and a rebuild that was killed is run again
//! from its beginning. Folded is what the aggregator has folded, up to its coverage, so that it goes on
//! from there as if nothing had been.

mod look;
mod outcome;
mod part;
mod write;

use catalog::{Category, Topic, View};
use clap::{ArgGroup, Args};
use codec::Codec;
use pipeline::AGGREGATOR;
use runtime::{Broker, Groups, WorkerConfig};

use crate::commands::catalog::category;
use crate::output::say;
use crate::shell::Shell;
use crate::stages::APP;
use crate::verdict::{Misuse, Verdict};
use look::Found;
use outcome::Outcome;
use write::Writer;

/// Fold reports anew from the audit events, after a mended rule
///
/// Every row of the reports is removed and made anew from the events topic, up to where the aggregator
/// has come; it goes on from there. Refused while the aggregator runs: end it everywhere first, with
/// `run --leave` or by waiting until its sessions are over. If a rebuild is interrupted, the aggregator
/// does not start before it was run again.
///
/// Where the events topic no longer holds its first events, the windows that may miss some say
/// `restarted`, rows without any event are lost, and registers are refused: the purges among the events
/// that are gone would no longer guard. --dry-run says how many rows that is.
///
/// The rows of a partition are held in memory.
///
///   lms-audit reports rebuild --dry-run
///   lms-audit reports rebuild certificate --yes
///   lms-audit reports rebuild user-progress --view activity --view actors --yes
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(group(ArgGroup::new("how").required(true)))]
pub struct Command {
    /// Only this category; all of them where none is given.
    #[arg(value_parser = category)]
    pub category: Option<Category>,
    /// Only this view: activity, actors or register; may be repeated.
    #[arg(long, value_name = "VIEW", value_parser = view)]
    pub view: Vec<View>,
    /// Show what would be removed and folded, and do nothing.
    #[arg(long, group = "how")]
    pub dry_run: bool,
    /// Do it.
    #[arg(long, group = "how")]
    pub yes: bool,
    /// So many records go into one transaction.
    #[arg(long, default_value_t = 5_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_transaction: u32,
}

fn view(name: &str) -> Result<View, String> {
    View::from_name(name).ok_or_else(|| "there are activity, actors and register".into())
}

/// A report.
type Report = (Category, View);

impl Command {
    /// The reports that are meant, in the order of topics.
    fn reports(&self) -> Vec<Report> {
        let all = Category::ALL.into_iter().flat_map(|category| View::ALL.map(|view| (category, view)));
        let is_meant = |(category, view): &Report| {
            self.category.is_none_or(|one| one == *category)
                && (self.view.is_empty() || self.view.contains(view))
        };
        all.filter(is_meant).collect()
    }
}

/// Rebuilds, or says what that would do.
///
/// # Errors
/// [`Misuse`] where registers are refused; while the aggregator's group has members; when the broker
/// does not answer or an event cannot be folded.
pub(super) fn run<B: Broker>(
    command: &Command,
    shell: &mut Shell<'_>,
    broker: &B,
    groups: &mut impl Groups,
    codec: &Codec,
) -> anyhow::Result<Verdict> {
    let reports = command.reports();
    let mut log = broker.log()?;
    if command.dry_run {
        if let Err(refusal) = nobody_runs(groups) {
            say(&format!("with --yes it would be refused now: {refusal}"));
        }
        let found = look::found(&mut log, codec)?;
        let refused = registers_can_be(&found, &reports);
        let mut outcome = Outcome::new(&reports, found.truncated());
        for one in found.parts() {
            part::fold(&mut log, one, &reports, codec, None::<&mut Writer<'_, B::Producer>>, &mut outcome)?;
        }
        outcome.print(command, shell)?;
        found.tell_unfinished(&reports);
        return refused.map(|()| Verdict::Fine).map_err(Into::into);
    }
    nobody_runs(groups)?;
    let topics: Vec<_> = Topic::all().map(Topic::name).collect();
    // Fences every other rebuild: what it left open is aborted before anything is looked at.
    let mut producer = broker.producer(&format!("{APP}-reports-rebuild"), &Topic::Events.name(), &topics)?;
    let mut writer = Writer::new(&mut producer, usize::try_from(command.per_transaction)?);
    let found = look::found(&mut log, codec)?;
    registers_can_be(&found, &reports)?;
    let began = writer.mark(&found, &reports, codec).map_err(explained)?;
    // Who joined before the marks lay there may have restored already and not know of them; nothing
    // has been removed yet. Who joins from here on finds them.
    if let Err(refusal) = nobody_runs(groups) {
        writer.unmark(&began, &found).map_err(explained)?;
        return Err(refusal);
    }
    let mut outcome = Outcome::new(&reports, found.truncated());
    for one in found.parts() {
        part::fold(&mut log, one, &reports, codec, Some(&mut writer), &mut outcome).map_err(explained)?;
    }
    outcome.print(command, shell)?;
    found.tell_unfinished(&reports);
    Ok(Verdict::Fine)
}

/// Sees to it that no aggregator runs.
fn nobody_runs(groups: &mut impl Groups) -> anyhow::Result<()> {
    let group = WorkerConfig::group(APP, AGGREGATOR);
    let members = groups.members(&group)?;
    if members.is_empty() {
        return Ok(());
    }
    anyhow::bail!(
        "the group {group} has members ({}): end every `lms-audit run` of the aggregator; one that was not run with --leave stays a member until its session is over (30 s)",
        members.join(", ")
    )
}

/// Sees to it that no register is folded without its first events.
fn registers_can_be(found: &Found, reports: &[Report]) -> Result<(), Misuse> {
    let wanted = reports.iter().any(|(_, view)| *view == View::Register);
    let Some((partition, start)) = found.truncated().first().copied().filter(|_| wanted) else {
        return Ok(());
    };
    Err(Misuse(format!(
        "registers cannot be rebuilt: {} partition {partition} begins at offset {start}, not 0, and a purge among the events that are gone would no longer guard; rebuild the windows alone, with --view activity --view actors",
        Topic::Events.name()
    )))
}

/// An error in the middle says what that means.
fn explained(error: anyhow::Error) -> anyhow::Error {
    error.context(
        "the rebuild is not finished, and the aggregator does not start before it is: run the same command again",
    )
}
