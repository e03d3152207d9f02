//! `dead-letters show`: one dead letter in full, and what became of it.

use std::io::Write;

use anyhow::Context as _;
use catalog::{Content as TopicContent, Topic};
use clap::Args;
use codec::{Decoder, rfc3339};
use pipeline::replay::{read_place, write_place};
use runtime::{Log, Slice};
use serde_json::{Value, json};
use stage::{Offset, Record};

use super::letter::{Letter, Place, Replayed, shown_place};
use super::read::{Until, letters, markers, slices};
use super::select::{Selection, Which};
use crate::commands::tail::decode;
use crate::output::{Format, Printer, Row, escape, escape_json};
use crate::reading;
use crate::shell::Shell;
use crate::verdict::{Misuse, Verdict};
use crate::when;

/// Show one dead letter in full
///
/// Its place, the action's place, the reason, key, headers and value as they came, and whether it
/// was replayed. Control characters are escaped; bytes that are no text are shown in hex.
///
///   lms-audit dead-letters show 2:17
///   lms-audit dead-letters show 2:17 -o json
#[derive(Clone, Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Command {
    /// Where it lies in the dead-letter topic; `list` shows that.
    #[arg(value_name = "PARTITION:OFFSET", value_parser = place)]
    pub letter: Place,
}

fn place(text: &str) -> Result<Place, String> {
    read_place(text).ok_or_else(|| "write the partition and the offset, such as 2:17".into())
}

/// Prints it.
///
/// # Errors
/// [`Misuse`] when there is no such dead letter; when the broker does not answer.
pub(super) fn run(
    command: &Command,
    shell: &mut Shell<'_>,
    log: &mut impl Log,
    decoder: &Decoder,
) -> anyhow::Result<Verdict> {
    let selection =
        Selection { id: vec![Which::At(command.letter.0, command.letter.1)], ..Selection::default() };
    let now = when::now();
    let slices = slices(log, &selection, now, Until::Stable)?;
    let mut markers = markers(log, slices.clone())?;
    let mut found = None;
    let behind = Offset::new(command.letter.1.number().saturating_add(1));
    let only = |slice: Slice| Slice { until: slice.until.min(behind), ..slice };
    letters(
        log,
        slices.into_iter().map(only).collect(),
        (&selection, now),
        decoder,
        &mut |letter, record| {
            found = Some(Whole::of(letter, record, decoder));
            Ok(())
        },
    )?;
    let whole = found.ok_or_else(|| {
        let place = shown_place(command.letter);
        Misuse(format!("there is no {place}: `lms-audit dead-letters list` shows where they lie"))
    })?;
    let replayed = markers.remove(&command.letter).unwrap_or_default();
    if shell.format == Format::Table {
        whole.print(&replayed, &mut shell.out).context("printing")?;
    } else {
        let mut printer = Printer::new(&mut shell.out, shell.format, &COLUMNS)?;
        printer.row(&whole.row(&replayed))?;
        printer.finish()?;
    }
    Ok(Verdict::Fine)
}

/// A dead letter with all its bytes, ready to be shown.
struct Whole {
    letter: Letter,
    key: Option<String>,
    headers: Vec<(String, Option<String>)>,
    value: Value,
    bytes: usize,
}

const COLUMNS: [&str; 8] =
    ["letter", "action", "received at", "reason", "message", "key", "headers", "value"];

impl Whole {
    fn of(letter: Letter, record: &Record<'_>, decoder: &Decoder) -> Self {
        let header =
            |header: &stage::Header<'_>| (header.shown_name().into_owned(), header.value.map(decode::text));
        Self {
            letter,
            key: record.key.map(decode::text),
            headers: record.headers.iter().map(header).collect(),
            value: decode::value(TopicContent::DeadLetter, record, decoder),
            bytes: record.value.map_or(0, <[u8]>::len),
        }
    }

    fn print(&self, replayed: &[Replayed], out: &mut impl Write) -> std::io::Result<()> {
        let Self { letter, .. } = self;
        let (partition, offset) = letter.action_place;
        let readable = letter.readable();
        let tenant = readable.tenant.map(|tenant| tenant.to_string());
        let facts = [
            ("dead letter", Some(format!("{} of {}", write_place(letter.place), Topic::DeadLetters.name()))),
            ("action", Some(format!("{} partition {partition} offset {offset}", Topic::Actions.name()))),
            ("received at", Some(rfc3339(letter.received_at))),
            ("reason", Some(letter.reason.name().into())),
            ("message", Some(letter.message.clone())),
            ("stage", Some(letter.stage.clone())),
            ("unreadable", letter.content.as_ref().err().cloned()),
            ("tenant", tenant),
            ("source", readable.source),
            ("id", readable.id),
            ("name", readable.action),
            ("key", self.key.clone()),
        ];
        for (name, text) in facts.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            writeln!(out, "{name:<12}  {}", escape(text))?;
        }
        for one in replayed {
            let at = rfc3339(reading::micros(one.at));
            let (to, tenant, id) = (one.to_partition, escape(&one.tenant), escape(&one.id));
            writeln!(out, "{:<12}  {at} to partition {to}, for tenant {tenant}, id {id}", "replayed")?;
        }
        writeln!(out, "headers")?;
        for (name, value) in &self.headers {
            let value = value.as_deref().map_or("null".into(), escape);
            writeln!(out, "    {}: {value}", escape(name))?;
        }
        writeln!(out, "value, {} bytes", self.bytes)?;
        match &self.value {
            Value::Null => writeln!(out, "    null")?,
            Value::String(text) => writeln!(out, "    {}", escape(text))?,
            value => writeln!(out, "    {}", escape_json(&value.to_string()))?,
        }
        out.flush()
    }

    fn row(&self, replayed: &[Replayed]) -> Row {
        let Self { letter, key, headers, value, bytes } = self;
        let (partition, offset) = letter.action_place;
        let readable = letter.readable();
        let (place, received_at) = (write_place(letter.place), rfc3339(letter.received_at));
        let headers: Vec<_> = headers.iter().map(|(name, value)| json!([name, value])).collect();
        let replays: Vec<_> = replayed.iter().map(shown).collect();
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let cells = vec![
            place.clone(),
            format!("{partition}:{offset}"),
            received_at.clone(),
            letter.reason.name().into(),
            letter.message.clone(),
            key.clone().unwrap_or_default(),
            Value::from(headers.clone()).to_string(),
            text,
        ];
        let json = json!({
            "letter": place, "partition": partition.number(), "offset": offset.number(),
            "received_at": received_at, "reason": letter.reason.name(), "message": letter.message,
            "stage": letter.stage, "unreadable": letter.content.as_ref().err(),
            "tenant": readable.tenant.map(|tenant| tenant.to_string()), "source": readable.source,
            "id": readable.id, "action": readable.action, "key": key, "headers": headers, "value": value,
            "bytes": bytes, "replayed": replays,
        });
        Row { cells, json }
    }
}

fn shown(replayed: &Replayed) -> Value {
    json!({
        "at": rfc3339(reading::micros(replayed.at)), "marker": replayed.marker.number(),
        "to_partition": replayed.to_partition.number(), "tenant": replayed.tenant, "id": replayed.id,
    })
}
