//! `tail`: records of any topic of the trail, decoded.

pub(crate) mod decode;
mod print;

use std::ops::ControlFlow;
use std::str::FromStr;

use catalog::Topic;
use clap::Args;
use codec::Decoder;
use runtime::{Extent, Log, Slice};
use stage::{Millis, Offset, Partition, Record};

use crate::output::{Format, say};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};
use print::{Records, Shown};

/// Records of any topic, decoded: key, headers, place, time, value
///
/// A topic may be named in short: events, dead-letters, reports.certificate.register. Aborted
/// records are never shown. A value that cannot be decoded is shown as it is, with the reason.
///
///   lms-audit tail dead-letters -n 5
///   lms-audit tail actions --from 2h --follow
///   lms-audit tail ledger --from start -n 1000 -o jsonl
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// The topic; `lms-audit topics list` lists all.
    #[arg(value_parser = topic)]
    pub topic: Topic,
    /// Where to begin: start, end (the last records), an offset, or a time (2h, 2026-11-01, …).
    #[arg(long, default_value = "end", value_name = "PLACE")]
    pub from: From,
    /// Only this partition; may be repeated.
    #[arg(long, value_name = "NUMBER")]
    pub partition: Vec<u32>,
    /// How many records of each partition; 10, or without end for --follow from elsewhere than end.
    #[arg(short = 'n', long, value_name = "N")]
    pub count: Option<usize>,
    /// Go on with what is written from now on.
    #[arg(long)]
    pub follow: bool,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the first record.
    Start,
    /// So that the last records are shown.
    End,
    /// At this offset.
    Offset(Offset),
    /// At the first record that is not older.
    Time(When),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "start" => Ok(Self::Start),
            "end" => Ok(Self::End),
            _ if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => match text.parse() {
                Ok(offset) => Ok(Self::Offset(Offset::new(offset))),
                Err(_) => Err("no offset is so large".into()),
            },
            _ => text.parse().map(Self::Time).map_err(|error| format!("{error}, start, end or an offset")),
        }
    }
}

/// A topic by its name or what is left of that without `lms.`, `lms.audit.` and `.v1`.
fn topic(name: &str) -> Result<Topic, String> {
    let is = |topic: &Topic| {
        let full = topic.name();
        let short = full.strip_suffix(".v1").unwrap_or(&full);
        let shorter = short.strip_prefix("lms.audit.").or_else(|| short.strip_prefix("lms."));
        full == name || short == name || shorter == Some(name)
    };
    Topic::all().find(is).ok_or_else(|| "there is no such topic; `lms-audit topics list` lists all".into())
}

/// Prints the records.
///
/// # Errors
/// When the arguments do not fit or the broker does not answer.
pub fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    if command.follow && shell.format == Format::Json {
        return Err(Misuse("--follow never ends, so it has no -o json: use -o jsonl".into()).into());
    }
    let topic = command.topic.name();
    let slices = slices(command, log, &topic)?;
    let ends: Vec<_> = slices.iter().map(|slice| (slice.partition, slice.until)).collect();
    let printer = std::cell::RefCell::new(Records::new(&mut shell.out, shell.format, &topic)?);
    let mut found = first_or_last(command, log, slices, decoder)?;
    found.sort_by_key(|shown| (shown.at, shown.partition, shown.offset));
    for shown in &found {
        printer.borrow_mut().record(shown)?;
    }
    if command.follow {
        printer.borrow_mut().flush()?;
        let each = &mut |_: &str, record: &Record<'_>| {
            printer.borrow_mut().record(&Shown::of(command.topic, record, decoder))?;
            Ok(())
        };
        match reading::follow(log, &topic, ends, each, &mut || Ok(printer.borrow_mut().flush()?))? {}
    }
    if found.is_empty() {
        say(&format!("{topic} has no record there"));
    }
    printer.into_inner().finish()?;
    Ok(Verdict::Fine)
}

fn slices(command: &Command, log: &mut impl Log, topic: &str) -> anyhow::Result<Vec<Slice>> {
    let count = reading::count(log, topic)?;
    if let Some(partition) = command.partition.iter().find(|partition| **partition >= count.get()) {
        return Err(Misuse(format!("{topic} has no partition {partition}: it has {}", count.get())).into());
    }
    let wanted = |partition: &Partition| {
        command.partition.is_empty() || command.partition.contains(&partition.number())
    };
    let mut slices = Vec::new();
    for partition in count.partitions().filter(wanted) {
        let extent = log.extent(topic, partition)?;
        let from = match command.from {
            From::Start => extent.start,
            From::End => before_end(extent, command.limit()),
            From::Offset(offset) => offset.max(extent.start),
            From::Time(when) => {
                log.offset_at(topic, partition, Millis::new(when.at(when::now()).millis()))?
            }
        };
        slices.push(Slice { topic: topic.into(), partition, from, until: extent.stable });
    }
    Ok(slices)
}

/// Far enough before the end that the last records are among what is read: some offsets belong to
/// control records, at worst one for each record of ours, with room for empty transactions.
fn before_end(extent: Extent, count: usize) -> Offset {
    let room = i64::try_from(count.saturating_mul(4).saturating_add(100)).unwrap_or(i64::MAX);
    Offset::new(extent.stable.number().saturating_sub(room)).max(extent.start)
}

fn first_or_last(
    command: &Command,
    log: &mut impl Log,
    slices: Vec<Slice>,
    decoder: &Decoder,
) -> anyhow::Result<Vec<Shown>> {
    let limit = command.limit();
    let mut found = Vec::new();
    for slice in slices {
        let mut of_one = std::collections::VecDeque::new();
        reading::read_until(log, vec![slice], &mut |_, record| {
            of_one.push_back(Shown::of(command.topic, record, decoder));
            if of_one.len() > limit && command.from == From::End {
                of_one.pop_front();
            }
            let full = of_one.len() >= limit && command.from != From::End;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        found.extend(of_one);
    }
    Ok(found)
}

impl Command {
    fn limit(&self) -> usize {
        let unlimited = self.follow && self.from != From::End;
        self.count.unwrap_or(if unlimited { usize::MAX } else { 10 })
    }
}

#[cfg(test)]
mod tests;
