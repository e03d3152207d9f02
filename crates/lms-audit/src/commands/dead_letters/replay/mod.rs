//! `dead-letters replay`: publishes dead letters again, each at most once.
//!
//! The producer is opened first, which fences every other replay; then markers and events are looked
//! for, up to the end; then each action and its marker go out in one transaction. So whatever a
//! replay that is killed or fenced leaves undone has no marker, and whatever has one was published.

mod events;
mod foresee;
mod mend;
mod plan;
mod send;

use catalog::Topic;
use clap::{ArgGroup, Args};
use codec::Decoder;
use pipeline::replay::write_place;
use runtime::{Broker, BrokerError, Cause, Remedy};
use serde_json::json;

use super::read::{Until, slices};
use super::select::Selection;
use crate::output::{Printer, Row, say};
use crate::reading;
use crate::shell::Shell;
use crate::stages::APP;
use crate::verdict::{Misuse, Verdict};
use crate::when;
use foresee::Ground;
use mend::{Mending, Template};
use plan::{Decision, Plan};
use send::Sender;

/// Publish dead letters again, each at most once
///
/// Each goes to the actions topic as it was, keyed by its tenant and with the header __lms.replay;
/// in the same transaction a marker is written beside the dead letter. The normalizer then judges it
/// anew. A dead letter is refused
///
///   - when it has a marker, or an audit event of its tenant, source and id exists (--again: not);
///   - when no tenant can be read from it: nobody could say whose it is (--mend tenant=acme helps
///     where the value is JSON);
///   - when it is oversized: what is kept of it was cut;
///   - when by the rules of this version it would become a dead letter again (--again: not);
///   - when it is a conflicting_duplicate, unless it is given a new id;
///   - when it expired before it could be published.
///
/// --mend changes the value before it is published, where that is JSON: FIELD=TEXT sets a text,
/// FIELD:=JSON any value, FIELD may be a path such as user.id. In a CloudEvent, id, source, type,
/// time and tenant are attributes, the rest lies in data. Exit code 3 says that some were refused.
///
///   lms-audit dead-letters replay --reason unknown_action --since 2d --dry-run
///   lms-audit dead-letters replay --reason unknown_action --since 2d --yes
///   lms-audit dead-letters replay --id 2:17 --new-id '{id}-corrected' --yes
///   lms-audit dead-letters replay --id 2:18 --mend actor:='{"kind":"unknown"}' --yes
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(group(ArgGroup::new("how").required(true)))]
pub struct Command {
    /// Which.
    #[command(flatten)]
    pub selection: Selection,
    /// All there are: no other criterion.
    #[arg(long)]
    pub all: bool,
    /// Show what would be done, and do nothing.
    #[arg(long, group = "how")]
    pub dry_run: bool,
    /// Do it.
    #[arg(long, group = "how")]
    pub yes: bool,
    /// Those, too, that were replayed before, of which an audit event exists, or that would become dead
    /// letters again.
    #[arg(long)]
    pub again: bool,
    /// Give each this id: a text in which {id}, {partition} and {offset} stand for the action's id
    /// and for the dead letter's place.
    #[arg(long, value_name = "TEMPLATE")]
    pub new_id: Option<Template>,
    /// Change a field of each before it is published; may be repeated.
    #[arg(long, value_name = "FIELD=TEXT|FIELD:=JSON")]
    pub mend: Vec<Mending>,
    /// At most so many, the first ones of each partition that were not replayed before; and so many of
    /// the refused ones are shown. Says so where there are more.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub limit: usize,
    /// So many go into one transaction.
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_transaction: u32,
}

/// Replays.
///
/// # Errors
/// [`Misuse`] when nothing was chosen; when the broker does not answer; when another replay has
/// begun meanwhile, or the outcome of a transaction is unknown: then it can be run again.
pub(super) fn run<B: Broker>(
    command: &Command,
    shell: &mut Shell<'_>,
    broker: &B,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    match (command.all, command.selection.is_everything()) {
        (true, true) | (false, false) => {}
        (true, false) => return Err(Misuse("--all goes with no other criterion".into()).into()),
        (false, true) => {
            return Err(Misuse("say which dead letters are to be replayed, or --all".into()).into());
        }
    }
    let mut log = broker.log()?;
    let partitions = reading::count(&mut log, &Topic::Actions.name())?;
    let topics = [Topic::Actions.name(), Topic::DeadLetters.name()];
    // Before anything is looked for: whoever replays besides is fenced from here on.
    let producer = match command.yes {
        true => Some(broker.producer(&format!("{APP}-dead-letters-replay"), &topics[0], &topics)?),
        false => None,
    };
    let now = when::now();
    let slices = slices(&mut log, &command.selection, now, Until::End)?;
    let window = shell.config().normalizer.dedup_window;
    let max_value_bytes = shell.config().normalizer.max_value_bytes;
    let ground = Ground { partitions, max_value_bytes, now };
    let mut plan = plan::make(command, &mut log, slices.clone(), decoder, &ground)?;
    events::leave_out(&mut plan.all, command.again, &mut log, decoder, window)?;
    if let Some(mut producer) = producer {
        let mut sender = Sender::new(&mut producer, partitions);
        sender.send(command, &mut plan.all, &mut log, slices, decoder).map_err(explained)?;
    }
    print(command, &plan, partitions, shell)
}

/// A transaction that failed says what that means for what was to be replayed.
fn explained(error: anyhow::Error) -> anyhow::Error {
    let Some(broker) = error.chain().find_map(|cause| cause.downcast_ref::<BrokerError>()) else {
        return error;
    };
    let meaning = match (broker.cause, broker.remedy) {
        (Cause::Fenced, _) => "another replay has begun: nothing more was published by this one",
        (_, Remedy::Abort) => "the last transaction was aborted: nothing of it was published",
        _ => "whether the last transaction was committed is unknown",
    };
    let advice = "run it again: what was published has a marker and is not published twice";
    error.context(format!("{meaning}; {advice}"))
}

fn print(
    command: &Command,
    plan: &Plan,
    partitions: stage::PartitionCount,
    shell: &mut Shell<'_>,
) -> anyhow::Result<Verdict> {
    let columns = ["letter", "reason", "tenant", "source", "id", "to partition", "verdict"];
    let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
    let [mut replayed, mut before, mut refused] = [0, 0, plan.more_refused];
    for one in &plan.all {
        let (word, why) = match &one.decision {
            Decision::Replay => (if command.yes { "replayed" } else { "would be replayed" }, None),
            Decision::Before(why) => ("not again", Some(why)),
            Decision::Refuse(why) => ("refused", Some(why)),
        };
        *match one.decision {
            Decision::Replay => &mut replayed,
            Decision::Before(_) => &mut before,
            Decision::Refuse(_) => &mut refused,
        } += 1;
        let tenant = one.content.tenant.as_ref().map(ToString::to_string);
        let to = tenant.as_ref().map(|tenant| partitions.partition_of(tenant.as_bytes()).number());
        let place = write_place(one.place);
        let cell = |text: &Option<String>| text.clone().unwrap_or_default();
        printer.row(&Row {
            cells: vec![
                place.clone(),
                one.reason.name().into(),
                cell(&tenant),
                cell(&one.content.source),
                cell(&one.content.id),
                to.map(|to| to.to_string()).unwrap_or_default(),
                why.map_or_else(|| word.into(), |why| format!("{word}: {why}")),
            ],
            json: json!({
                "letter": place, "reason": one.reason.name(), "tenant": tenant,
                "source": one.content.source, "id": one.content.id, "to_partition": to,
                "verdict": word, "why": why,
            }),
        })?;
    }
    printer.finish()?;
    if plan.all.is_empty() && plan.notes().is_empty() {
        say("no dead letter matches");
    } else {
        let done = if command.yes { "replayed" } else { "would be replayed" };
        say(&format!("{replayed} {done}, {before} not again, {refused} refused"));
    }
    plan.notes().iter().for_each(|note| say(note));
    Ok(if refused > 0 { Verdict::Differs } else { Verdict::Fine })
}
