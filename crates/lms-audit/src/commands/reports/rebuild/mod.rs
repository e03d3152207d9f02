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
/// that are gone would no longer guard. --dry-run says how many rows that is. Where they went between a
/// rebuild of registers that was interrupted and its second run, --accept-lost-events finishes it.
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
    /// Finish a rebuild of registers that was begun, though the events topic has lost its first events
    /// since: from what is left of them. Only such registers are let through.
    #[arg(long)]
    pub accept_lost_events: bool,
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
        let refusal = nobody_runs(groups).err();
        if let Some(refusal) = &refusal {
            say(&format!("with --yes it would be refused now: {refusal}"));
        }
        let found = look::found(&mut log, codec)?;
        let refused = registers_can_be(command, &found, &reports);
        let mut outcome = Outcome::new(&reports, found.truncated());
        for one in found.parts() {
            let reports = found.left_to(command, one, &reports);
            part::fold(&mut log, one, &reports, codec, None::<&mut Writer<'_, B::Producer>>, &mut outcome)?;
        }
        // Coverage was read first, the rows of a partition when it was its turn.
        outcome.meanwhile = refusal.is_some() || nobody_runs(groups).is_err();
        outcome.print(command, shell)?;
        // All of them: none is rebuilt now.
        found.tell_unfinished(&[]);
        return refused.map(|()| Verdict::Fine).map_err(Into::into);
    }
    nobody_runs(groups)?;
    let topics: Vec<_> = Topic::all().map(Topic::name).collect();
    // Fences every other rebuild: what it left open is aborted before anything is looked at.
    let mut producer = broker.producer(&format!("{APP}-reports-rebuild"), &Topic::Events.name(), &topics)?;
    let mut writer = Writer::new(&mut producer, usize::try_from(command.per_transaction)?);
    let found = look::found(&mut log, codec)?;
    registers_can_be(command, &found, &reports)?;
    let began =
        writer.mark(&found, |part| found.left_to(command, part, &reports), codec).map_err(explained)?;
    // Who joined before the marks lay there may have restored already and not know of them; nothing
    // has been removed yet. Who joins from here on finds them.
    if let Err(refusal) = nobody_runs(groups) {
        writer.unmark(&began, &found).map_err(explained)?;
        return Err(refusal);
    }
    let mut outcome = Outcome::new(&reports, found.truncated());
    for one in found.parts() {
        let reports = found.left_to(command, one, &reports);
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

/// Sees to it that no register is folded without its first events, but for those that are half rebuilt:
/// what the events that are left make is more than what lies there.
fn registers_can_be(command: &Command, found: &Found, reports: &[Report]) -> Result<(), Misuse> {
    let registers: Vec<_> = reports.iter().filter(|(_, view)| *view == View::Register).collect();
    let Some((partition, start)) = found.truncated().first().copied() else { return Ok(()) };
    let begun: Vec<_> = registers.iter().filter(|report| found.was_begun(report)).collect();
    if registers.is_empty() || (command.accept_lost_events && begun.len() == registers.len()) {
        return Ok(());
    }
    let mut way_out = "rebuild the windows alone, with --view activity --view actors".to_owned();
    if let Some((category, view)) = begun.first() {
        way_out += &format!(
            "; the rebuild of {} was begun and not finished: `lms-audit reports rebuild {category} --view {view} --accept-lost-events` finishes it from the events that are left",
            Topic::Report(*category, *view).name()
        );
    }
    Err(Misuse(format!(
        "registers cannot be rebuilt: {} partition {partition} begins at offset {start}, not 0, and a purge among the events that are gone would no longer guard; {way_out}",
        Topic::Events.name()
    )))
}

/// An error in the middle says what that means.
fn explained(error: anyhow::Error) -> anyhow::Error {
    error.context(
        "the rebuild is not finished, and the aggregator does not start before it is: run the same command again",
    )
}
