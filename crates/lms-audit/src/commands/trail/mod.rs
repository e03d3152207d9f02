//! `trail`: the audit trail report of one tenant.

mod filter;
mod latest;
mod line;
mod print;

use std::cell::RefCell;
use std::io::Write;

use anyhow::Context as _;
use catalog::{AuditEvent, Category, Micros, TenantId, Topic};
use clap::Args;
use codec::Decoder;
use runtime::{Log, Slice};
use stage::{Millis, Offset, Partition, Record};

use crate::commands::catalog::category;
use crate::output::{Format, say};
use crate::reading::{self, CLOCK_STEP};
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};
pub use filter::{Filter, event_type};
use latest::Latest;
pub use line::{line, row};
use print::Lines;

/// The audit trail report: who did what, to whom, when
///
/// Reads the tenant's partition of the events topic to its committed end. Sorted by when things
/// happened; --unsorted prints in the order they were recorded, as they are read, and needs no
/// memory.
///
///   lms-audit trail --tenant acme --since 1d --category certificate
///   lms-audit trail --tenant acme --object course/c-9 --since 2026-11-01 -o csv
///   lms-audit trail --tenant acme --user u-17 --follow
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Whose trail.
    #[arg(long)]
    pub tenant: TenantId,
    /// Only this category; may be repeated.
    #[arg(long, value_name = "CATEGORY", value_parser = category)]
    pub category: Vec<Category>,
    /// Only this event type, such as CertificateIssued; may be repeated.
    #[arg(long, value_name = "TYPE", value_parser = event_type)]
    pub event_type: Vec<&'static str>,
    /// Only what this actor did, by id, or by kind where it has none; may be repeated.
    #[arg(long, value_name = "ID")]
    pub actor: Vec<String>,
    /// Only what was done to or for this user; may be repeated.
    #[arg(long, value_name = "ID")]
    pub user: Vec<String>,
    /// Only what was done to this thing or to something that lies in it; may be repeated.
    #[arg(long, value_name = "[KIND/]ID")]
    pub object: Vec<String>,
    /// Only the event of this id, or of the action of this id; may be repeated.
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// Only what happened from then on: 2h, 3d (ago), 2026-11-01, 2026-11-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Only what happened before then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Only what was received from then on.
    #[arg(long, value_name = "TIME")]
    pub received_since: Option<When>,
    /// Only what was received before then.
    #[arg(long, value_name = "TIME")]
    pub received_until: Option<When>,
    /// Sorted output holds events in memory: at most so many, the latest ones. Says so where there
    /// are more.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub limit: usize,
    /// In the order they were recorded, as they are read.
    #[arg(long)]
    pub unsorted: bool,
    /// Go on with what is recorded from now on.
    #[arg(long)]
    pub follow: bool,
}

/// Prints the report.
///
/// # Errors
/// When the arguments do not fit, the broker does not answer or an event cannot be read.
pub fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    if command.follow && shell.format == Format::Json {
        return Err(Misuse("--follow never ends, so it has no -o json: use -o jsonl".into()).into());
    }
    let filter = Filter::of(command, when::now());
    let slice = slice(log, &filter)?;
    let end = (slice.partition, slice.until);
    let mut printer = Lines::new(&mut shell.out, shell.format)?;
    let mut latest = Latest::new(command.limit);
    let mut printed: u64 = 0;
    if command.unsorted {
        reading::read(log, vec![slice], &mut |_, record| {
            if let Some(event) = event(record, &filter, decoder)? {
                printed += 1;
                printer.event(&event)?;
            }
            Ok(())
        })?;
    } else {
        reading::read_watched(log, vec![slice], &mut |_, record| {
            if let Some(event) = event(record, &filter, decoder)? {
                latest.add(event);
            }
            Ok(())
        })?;
    }
    let (seen, kept) = (latest.seen(), latest.len());
    for event in latest.sorted() {
        printer.event(&event)?;
    }
    notes(&filter, seen, kept, printed);
    if command.follow {
        follow(&filter, end, printer, log, decoder)?;
    } else {
        printer.finish()?;
    }
    Ok(Verdict::Fine)
}

/// Prints what is recorded from now on, until somebody ends the process.
fn follow<W: Write>(
    filter: &Filter,
    end: (Partition, Offset),
    mut printer: Lines<W>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<()> {
    printer.flush()?;
    let printer = RefCell::new(printer);
    let each = &mut |_: &str, record: &Record<'_>| {
        if let Some(event) = event(record, filter, decoder)? {
            printer.borrow_mut().event(&event)?;
        }
        Ok(())
    };
    let round = &mut || Ok(printer.borrow_mut().flush()?);
    match reading::follow(log, &Topic::Events.name(), vec![end], each, round)? {}
}

fn notes(filter: &Filter, seen: u64, kept: usize, printed: u64) {
    if seen > kept as u64 {
        say(&format!("the last {kept} of {seen} events are shown: raise --limit, or use --unsorted"));
    } else if seen + printed == 0 {
        say(&format!("no audit event of tenant {} matches", filter.tenant()));
    }
}

/// What has to be read: record times are when actions were received, and nothing is recorded that
/// happened over 24 h after it was received.
fn slice(log: &mut impl Log, filter: &Filter) -> anyhow::Result<Slice> {
    let topic = Topic::Events.name();
    let partition = reading::home(log, &topic, filter.tenant())?;
    let mut slice = reading::whole(log, &topic, partition)?;
    if let Some(from) = filter.received_from() {
        slice.from = slice.from.max(log.offset_at(&topic, partition, Millis::new(from.millis()))?);
    }
    if let Some(until) = filter.received_until() {
        let until = Millis::new(until.millis().saturating_add(CLOCK_STEP));
        slice.until = slice.until.min(log.offset_at(&topic, partition, until)?);
    }
    Ok(slice)
}

fn event(
    record: &Record<'_>,
    filter: &Filter,
    decoder: &Decoder,
) -> anyhow::Result<Option<AuditEvent<'static>>> {
    // The key is the tenant: other tenants of the partition are not even decoded.
    if record.key != Some(filter.tenant().as_str().as_bytes()) {
        return Ok(None);
    }
    let Some(value) = record.value else { return Ok(None) };
    let event = decoder.event(value).with_context(|| place(record.partition.number(), record.offset))?;
    Ok(filter.matches(&event).then_some(event))
}

fn place(partition: u32, offset: Offset) -> String {
    format!("reading {}, partition {partition}, offset {offset}", Topic::Events.name())
}

const DAY: i64 = 24 * 3_600_000_000;

impl Filter {
    /// The earliest time at which what matches can have been received.
    fn received_from(&self) -> Option<Micros> {
        let happened = self.since().map(|since| Micros::new(since.get().saturating_sub(DAY)));
        happened.max(self.received_since())
    }
}

#[cfg(test)]
mod tests;
