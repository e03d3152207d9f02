//! A dump of topics: JSON lines. The first says of which version it is, how values are framed, and how many partitions there are;
//! then come the schemas that a registry held, by id; then the records, in the order they were written, each with its phase.
//! Keys, values and headers' values are base64, or null.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::Topic;
use codec::Codec;
use serde_json::{Value, json};

use crate::log::{Lying, Phase};
use crate::registry::{self, Known};

/// How values are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Avro's single-object encoding.
    SingleObject,
    /// Confluent's wire format.
    Confluent,
}

/// A dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    pub(crate) version: String,
    pub(crate) framing: Framing,
    pub(crate) partitions: u32,
    pub(crate) schemas: Vec<Known>,
    pub(crate) records: Vec<Kept>,
}

/// A record of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) phase: Phase,
    pub(crate) record: Lying,
}

impl Framing {
    pub(crate) const ALL: [Framing; 2] = [Self::SingleObject, Self::Confluent];

    fn name(self) -> &'static str {
        match self {
            Self::SingleObject => "single-object",
            Self::Confluent => "confluent",
        }
    }

    /// The file of a version's folder that holds its dump.
    pub(crate) fn file(self) -> String {
        format!("{}.jsonl", self.name())
    }
}

impl Dump {
    /// Reads a dump.
    ///
    /// # Errors
    /// Which file, which line, and what is wrong with it.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut lines = text.lines().zip(1..);
        let wrong = |line: i32, what: &str| format!("{}, line {line}: {what}", file.display());
        let parse = |(text, line): (&str, i32)| {
            serde_json::from_str::<Value>(text)
                .map(|value| (value, line))
                .map_err(|error| wrong(line, &error.to_string()))
        };
        let (head, _) = parse(lines.next().ok_or_else(|| wrong(1, "it is empty"))?)?;
        let mut dump = Self::head(&head).ok_or_else(|| wrong(1, "it does not say what it is"))?;
        for line in lines {
            let (value, line) = parse(line)?;
            if let Some(id) = value["schema"].as_u64() {
                let text = value["text"].as_str().ok_or_else(|| wrong(line, "a schema without text"))?;
                dump.schemas
                    .push(Known { id: usize::try_from(id).expect("ids are small"), text: text.to_owned() });
            } else {
                dump.records.push(kept(&value).ok_or_else(|| wrong(line, "it is no record"))?);
            }
        }
        Ok(dump)
    }

    fn head(head: &Value) -> Option<Self> {
        let framing = Framing::ALL.into_iter().find(|framing| head["framing"] == framing.name())?;
        Some(Self {
            version: head["dump_of"].as_str()?.to_owned(),
            framing,
            partitions: u32::try_from(head["partitions"].as_u64()?).ok()?,
            schemas: Vec::new(),
            records: Vec::new(),
        })
    }

    /// The dump as it is kept.
    pub(crate) fn to_lines(&self) -> String {
        let head =
            json!({"dump_of": self.version, "framing": self.framing.name(), "partitions": self.partitions});
        let schemas = self.schemas.iter().map(|known| json!({"schema": known.id, "text": known.text}));
        let records = self.records.iter().map(line);
        [head].into_iter().chain(schemas).chain(records).map(|line| format!("{line}\n")).collect()
    }

    /// What reads and writes values as this dump has them.
    pub(crate) fn codec(&self) -> Codec {
        match self.framing {
            Framing::SingleObject => Codec::single_object(),
            Framing::Confluent => registry::codec(self.schemas.clone()),
        }
    }

    /// The actions of a phase, in a partition.
    pub(crate) fn actions(&self, phase: Phase, partition: u32) -> Vec<&Lying> {
        let here = |one: &&Lying| one.topic == Topic::Actions && one.partition == partition;
        self.of(phase).filter(here).collect()
    }

    /// What the stages wrote in a phase: everything but actions, as re-routed ones lie among those that are read.
    pub(crate) fn outputs(&self, phase: Phase) -> Vec<Lying> {
        self.of(phase).filter(|one| one.topic != Topic::Actions).cloned().collect()
    }

    fn of(&self, phase: Phase) -> impl Iterator<Item = &Lying> {
        self.records.iter().filter(move |kept| kept.phase == phase).map(|kept| &kept.record)
    }
}

fn line(kept: &Kept) -> Value {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| STANDARD.encode(bytes));
    let Kept { phase, record } = kept;
    let headers = record.headers.iter().map(|(name, value)| json!([name, bytes(value)]));
    json!({
        "phase": if *phase == Phase::Before { "before" } else { "after" },
        "topic": record.topic.name(),
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": bytes(&record.key),
        "value": bytes(&record.value),
        "headers": headers.collect::<Vec<_>>(),
    })
}

fn kept(line: &Value) -> Option<Kept> {
    let header = |header: &Value| Some((header[0].as_str()?.to_owned(), bytes(&header[1])?));
    let record = Lying {
        topic: Topic::all().find(|topic| line["topic"] == topic.name())?,
        partition: u32::try_from(line["partition"].as_u64()?).ok()?,
        offset: line["offset"].as_i64()?,
        timestamp: line["timestamp"].as_i64()?,
        key: bytes(&line["key"])?,
        value: bytes(&line["value"])?,
        headers: line["headers"].as_array()?.iter().map(header).collect::<Option<_>>()?,
    };
    let phase = match line["phase"].as_str()? {
        "before" => Phase::Before,
        "after" => Phase::After,
        _ => return None,
    };
    Some(Kept { phase, record })
}

/// What a line says: bytes, or that there are none; nothing where it says neither.
fn bytes(value: &Value) -> Option<Option<Vec<u8>>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => STANDARD.decode(text).ok().map(Some),
        _ => None,
    }
}
