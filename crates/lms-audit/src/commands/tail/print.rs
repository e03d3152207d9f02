//! A record as it is shown: some lines for people, a row for programs.

use std::io::Write;

use catalog::Topic;
use codec::Decoder;
use serde_json::Value;
use stage::{Millis, Record};

use super::decode;
use crate::output::{Format, Printer, Row, escape, escape_json};
use crate::reading;

/// A record as it is shown.
pub(super) struct Shown {
    pub(super) partition: u32,
    pub(super) offset: i64,
    pub(super) at: Millis,
    pub(super) key: Option<String>,
    pub(super) headers: Vec<(String, Option<String>)>,
    pub(super) value: Value,
}

impl Shown {
    pub(super) fn of(topic: Topic, record: &Record<'_>, decoder: &Decoder) -> Self {
        let header =
            |header: &stage::Header<'_>| (header.shown_name().into_owned(), header.value.map(decode::text));
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
pub(super) enum Records<W> {
    Readable(W),
    Rows(Box<Printer<W>>, String),
}

impl<W: Write> Records<W> {
    pub(super) fn new(out: W, format: Format, topic: &str) -> std::io::Result<Self> {
        const COLUMNS: [&str; 6] = ["partition", "offset", "timestamp", "key", "headers", "value"];
        Ok(match format {
            Format::Table => Self::Readable(out),
            _ => Self::Rows(Box::new(Printer::new(out, format, &COLUMNS)?), topic.into()),
        })
    }

    pub(super) fn record(&mut self, shown: &Shown) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => readable(out, shown),
            Self::Rows(printer, topic) => printer.row(&row(topic, shown)),
        }
    }

    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => out.flush(),
            Self::Rows(printer, _) => printer.flush(),
        }
    }

    pub(super) fn finish(self) -> std::io::Result<()> {
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
