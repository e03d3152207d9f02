//! `tail`: records of any topic of the trail, decoded.

mod decode;

use std::io::Write;
use std::ops::ControlFlow;
use std::str::FromStr;

use catalog::Topic;
use clap::Args;
use codec::Decoder;
use runtime::{Extent, Log, Slice};
use serde_json::Value;
use stage::{Millis, Offset, Partition, Record};

use crate::output::{Format, Printer, Row, escape, escape_json, say};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when::{self, When};

/// Records of any topic, decoded: key, headers, place, time, value.
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

/// A record as it is shown.
struct Shown {
    partition: u32,
    offset: i64,
    at: Millis,
    key: Option<String>,
    headers: Vec<(String, Option<String>)>,
    value: Value,
}

impl Shown {
    fn of(topic: Topic, record: &Record<'_>, decoder: &Decoder) -> Self {
        let header = |header: &stage::Header<'_>| (header.name.to_string(), header.value.map(decode::text));
        Self {
            partition: record.partition.number(),
            offset: record.offset.number(),
            at: record.timestamp,
            key: record.key.map(decode::text),
            headers: record.headers.iter().map(header).collect(),
            value: decode::value(topic.content(), record, decoder),
        }
    }
}

/// Prints records: some lines each for people, rows for programs.
enum Records<W> {
    Readable(W),
    Rows(Printer<W>, String),
}

impl<W: Write> Records<W> {
    fn new(out: W, format: Format, topic: &str) -> std::io::Result<Self> {
        const COLUMNS: [&str; 6] = ["partition", "offset", "timestamp", "key", "headers", "value"];
        Ok(match format {
            Format::Table => Self::Readable(out),
            _ => Self::Rows(Printer::new(out, format, &COLUMNS)?, topic.into()),
        })
    }

    fn record(&mut self, shown: &Shown) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => readable(out, shown),
            Self::Rows(printer, topic) => printer.row(&row(topic, shown)),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => out.flush(),
            Self::Rows(printer, _) => printer.flush(),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Readable(mut out) => out.flush(),
            Self::Rows(printer, _) => printer.finish().map(drop),
        }
    }
}

fn readable(out: &mut impl Write, shown: &Shown) -> std::io::Result<()> {
    let at = codec::rfc3339(reading::micros(shown.at));
    let key = shown.key.as_deref().map_or("no key".into(), escape);
    writeln!(out, "{}@{}  {at}  {key}", shown.partition, shown.offset)?;
    for (name, value) in &shown.headers {
        writeln!(out, "    {}: {}", escape(name), value.as_deref().map_or("null".into(), escape))?;
    }
    match &shown.value {
        Value::Null => writeln!(out, "    (tombstone)"),
        Value::String(text) => writeln!(out, "    {}", escape(text)),
        value => writeln!(out, "    {}", escape_json(&value.to_string())),
    }
}

fn row(topic: &str, shown: &Shown) -> Row {
    let at = codec::rfc3339(reading::micros(shown.at));
    let headers: Vec<_> =
        shown.headers.iter().map(|(name, value)| serde_json::json!([name, value])).collect();
    let json = serde_json::json!({
        "topic": topic, "partition": shown.partition, "offset": shown.offset, "timestamp": at,
        "key": shown.key, "headers": headers, "value": shown.value,
    });
    let value = match &shown.value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let cells = vec![
        shown.partition.to_string(),
        shown.offset.to_string(),
        at,
        shown.key.clone().unwrap_or_default(),
        Value::from(headers).to_string(),
        value,
    ];
    Row { cells, json }
}

#[cfg(test)]
mod tests;
