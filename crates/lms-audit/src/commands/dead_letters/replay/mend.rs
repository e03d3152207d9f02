//! Changing an action before it is published again: a new id, a mended field, and not a byte else.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use anyhow::Context as _;
use codec::Decoder;
use pipeline::REROUTE_HEADER;
use pipeline::replay::{REPLAY_HEADER, write_place};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use stage::{Header, Record};

use super::super::letter::{Content, Place};
use super::Command;
use crate::commands::tail::decode;

/// What headers of dead letters and markers begin with.
const OURS: &[u8] = b"__dlq.";
/// The header that tells a binary CloudEvent.
const BINARY: &str = "ce_specversion";
/// The header that names a value's schema where the value has no prefix.
const SCHEMA_ID: &[u8] = b"__value_schema_id";
/// The attributes of a CloudEvent that an action's fields are made of.
const ATTRIBUTES: [&str; 5] = ["id", "source", "type", "time", "tenant"];

/// A text in which `{id}`, `{partition}` and `{offset}` stand for what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = ["{id}", "{partition}", "{offset}"].iter().fold(text.to_owned(), |t, n| t.replace(n, ""));
        match text {
            "" => Err("an id has at least one character".into()),
            _ if rest.contains(['{', '}']) => Err("there are {id}, {partition} and {offset}".into()),
            _ => Ok(Self(text.into())),
        }
    }
}

impl Template {
    /// The id of one dead letter; `None` where it needs an id that cannot be read.
    fn fill(&self, id: Option<&str>, (partition, offset): Place) -> Option<String> {
        let text = self.0.replace("{partition}", &partition.to_string());
        let text = text.replace("{offset}", &offset.to_string());
        match id {
            Some(id) => Some(text.replace("{id}", id)),
            None => (!text.contains("{id}")).then_some(text),
        }
    }
}

/// One field to be set: a path, and the JSON it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mending {
    path: Vec<String>,
    json: String,
}

impl FromStr for Mending {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("write FIELD=TEXT or FIELD:=JSON")?;
        let (path, json) = match path.strip_suffix(':') {
            Some(path) => {
                serde_json::from_str::<&RawValue>(value).map_err(|error| format!("no JSON: {error}"))?;
                (path, value.to_owned())
            }
            None => (path, serde_json::Value::from(value).to_string()),
        };
        let path: Vec<_> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err("a field has a name".into());
        }
        Ok(Self { path, json })
    }
}

/// A header's name and value.
type MendedHeader<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

/// An action as it is to be published.
pub(super) struct Mended<'a> {
    pub(super) value: Option<Cow<'a, [u8]>>,
    headers: Vec<MendedHeader<'a>>,
}

impl<'a> Mended<'a> {
    /// The action of a dead letter without what the trail added to it, with the replay's header, and
    /// changed as the command says; or why that cannot be.
    ///
    /// # Errors
    /// When the schema registry does not answer.
    pub(super) fn of(
        record: &Record<'a>,
        command: &Command,
        decoder: &Decoder,
    ) -> anyhow::Result<Result<Self, String>> {
        let kept = record.headers.iter().filter(|header| !is_ours(header));
        let mut mended = Self {
            value: record.value.map(Cow::Borrowed),
            headers: kept.map(|h| (Cow::Borrowed(h.name), h.value.map(Cow::Borrowed))).collect(),
        };
        let place = (record.partition, record.offset);
        if let Err(why) = mended.change(record, command, decoder)? {
            return Ok(Err(why));
        }
        mended.headers.push((
            Cow::Borrowed(REPLAY_HEADER.as_bytes()),
            Some(Cow::Owned(write_place(place).into_bytes())),
        ));
        Ok(Ok(mended))
    }

    /// Its headers.
    pub(super) fn headers(&self) -> Vec<Header<'_>> {
        self.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect()
    }

    fn change(
        &mut self,
        record: &Record<'_>,
        command: &Command,
        decoder: &Decoder,
    ) -> anyhow::Result<Result<(), String>> {
        if command.mend.is_empty() && command.new_id.is_none() {
            return Ok(Ok(()));
        }
        if let Err(why) = self.as_json(decoder)? {
            return Ok(Err(why));
        }
        for mending in &command.mend {
            if let Err(why) = self.set(&mending.path, &mending.json) {
                return Ok(Err(why));
            }
        }
        let Some(template) = &command.new_id else { return Ok(Ok(())) };
        let content = Content::read(self.value.as_deref(), &self.headers(), decoder)?;
        let id = content.ok().and_then(|content| content.id);
        let place = (record.partition, record.offset);
        let Some(id) = template.fill(id.as_deref(), place) else {
            return Ok(Err("its id cannot be read, so that {id} stands for nothing".into()));
        };
        Ok(self.set(&["id".to_owned()], &serde_json::Value::from(id).to_string()))
    }

    /// Makes an action in Avro one in JSON: bytes of a schema cannot be changed in one place.
    fn as_json(&mut self, decoder: &Decoder) -> anyhow::Result<Result<(), String>> {
        let Some(value) = self.value.as_deref() else { return Ok(Err("it has no value to change".into())) };
        let is_text = std::str::from_utf8(value).is_ok() && !value.starts_with(b"\0");
        if is_text && !self.headers.iter().any(|(name, _)| name.as_ref() == SCHEMA_ID) {
            return Ok(Ok(()));
        }
        if let Err(why) = Content::read(Some(value), &self.headers(), decoder)? {
            return Ok(Err(why));
        }
        let json = match decoder.action(Some(value), &self.headers()) {
            Ok(raw) => decode::whole(raw),
            Err(_) => None,
        };
        let Some(json) = json else {
            return Ok(Err(
                "it is an action in Avro that lacks a field, which only its source can add".into()
            ));
        };
        self.value = Some(Cow::Owned(serde_json::to_vec(&json).context("writing an action as JSON")?));
        self.headers.retain(|(name, _)| name.as_ref() != SCHEMA_ID);
        Ok(Ok(()))
    }

    /// Sets one field; in a binary CloudEvent the attributes are headers.
    fn set(&mut self, path: &[String], json: &str) -> Result<(), String> {
        let is_binary = self.headers.iter().any(|(name, _)| name.as_ref() == BINARY.as_bytes());
        if let [name] = path
            && is_binary
            && ATTRIBUTES.contains(&name.as_str())
        {
            let text: String = serde_json::from_str(json).map_err(|_| format!("{name} is a text"))?;
            let header = format!("ce_{name}").into_bytes();
            self.headers.retain(|(name, _)| name.as_ref() != header);
            self.headers.push((Cow::Owned(header), Some(Cow::Owned(text.into_bytes()))));
            return Ok(());
        }
        let value = self.value.as_deref().unwrap_or_default();
        let text = std::str::from_utf8(value).map_err(|_| "its value is no text".to_owned())?;
        self.value = Some(Cow::Owned(set(text, path, json)?.into_bytes()));
        Ok(())
    }
}

fn is_ours(header: &Header<'_>) -> bool {
    let trail = [REROUTE_HEADER, REPLAY_HEADER].map(str::as_bytes);
    header.name.starts_with(OURS) || trail.contains(&header.name)
}

/// The JSON object with one field set, every other one as it was written.
fn set(text: &str, path: &[String], json: &str) -> Result<String, String> {
    let (name, rest) = path.split_first().ok_or("a field has a name")?;
    let mut object: Members =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object to change: {error}"))?;
    let member = object.0.iter().position(|(one, _)| one == name);
    let inner = member.map_or("{}", |place| object.0[place].1.get());
    let changed = if rest.is_empty() { json.to_owned() } else { set(inner, rest, json)? };
    let changed = RawValue::from_string(changed).map_err(|error| format!("{name}: {error}"))?;
    match member {
        Some(place) => object.0[place].1 = changed,
        None => object.0.push((name.clone(), changed)),
    }
    Ok(object.to_string())
}

/// The members of a JSON object in their order, unread.
struct Members(Vec<(String, Box<RawValue>)>);

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (number, (name, value)) in self.0.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{}:{}", serde_json::Value::from(name.as_str()), value.get())?;
        }
        f.write_str("}")
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taker;
        impl<'de> Visitor<'de> for Taker {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Taker)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use stage::{Offset, Partition};

    use super::*;

    #[derive(Parser)]
    struct Called {
        #[command(flatten)]
        command: Command,
    }

    #[test]
    fn one_field_is_set_and_nothing_else_changes() {
        let text = r#"{"id":"a" ,"n": 1.00e2,"user":{"id":"u","name":"\u00e9"},"z":[1 , 2]}"#;
        for (mending, expected) in [
            ("id=b\"", r#"{"id":"b\"","n":1.00e2,"user":{"id":"u","name":"\u00e9"},"z":[1 , 2]}"#),
            ("n:=7", r#"{"id":"a","n":7,"user":{"id":"u","name":"\u00e9"},"z":[1 , 2]}"#),
            ("user.id=v", r#"{"id":"a","n":1.00e2,"user":{"id":"v","name":"\u00e9"},"z":[1 , 2]}"#),
            (
                "a.b:=null",
                r#"{"id":"a","n":1.00e2,"user":{"id":"u","name":"\u00e9"},"z":[1 , 2],"a":{"b":null}}"#,
            ),
        ] {
            let Mending { path, json } = mending.parse().expect(mending);
            assert_eq!(set(text, &path, &json).as_deref(), Ok(expected), "{mending}");
        }
        assert!(set(text, &["id".into(), "x".into()], "1").is_err(), "a text has no fields");
        assert!(set("[1]", &["id".into()], "1").is_err());
        for wrong in ["id", "=x", "a..b=x", "n:=tru", ".=x"] {
            assert!(wrong.parse::<Mending>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_the_trail_added_is_dropped_and_the_sources_headers_stay() {
        let letter: Place = (Partition::new(2), Offset::new(17));
        let headers = [
            (REROUTE_HEADER, "0:5"),
            ("traceparent", "00-1"),
            ("__dlq.errors.reason", "malformed"),
            ("__dlq.errors.offset", "9"),
            (REPLAY_HEADER, "1:4"),
            ("ce_id", "a"),
        ];
        let record = Record {
            partition: letter.0,
            offset: letter.1,
            timestamp: stage::Millis::new(1),
            key: Some(b"acme"),
            value: Some(b"{}"),
            headers: headers.map(|(name, value)| Header::new(name, Some(value.as_bytes()))).into(),
        };
        let decoder = codec::Codec::single_object().decoder();
        let called = Called::parse_from(["replay", "--all", "--yes"]);
        let mended = Mended::of(&record, &called.command, &decoder).expect("no registry is asked");
        let mended = mended.expect("there is nothing to change");
        let place = write_place(letter);
        let expected = [("traceparent", "00-1"), ("ce_id", "a"), (REPLAY_HEADER, place.as_str())];
        let expected = expected.map(|(name, value)| Header::new(name, Some(value.as_bytes())));
        assert_eq!(mended.headers(), expected, "its own place alone is what a replay adds");
        assert_eq!(mended.value.as_deref(), Some(&b"{}"[..]));
    }

    #[test]
    fn templates() {
        let place = (Partition::new(2), Offset::new(17));
        for (template, id, expected) in [
            ("{id}-r", Some("a"), Some("a-r")),
            ("{id}-r", None, None),
            ("r-{partition}-{offset}", None, Some("r-2-17")),
            ("{id}", Some("{offset}"), Some("{offset}")),
        ] {
            let template: Template = template.parse().expect("a template");
            assert_eq!(template.fill(id, place).as_deref(), expected);
        }
        assert!("".parse::<Template>().is_err() && "{x}".parse::<Template>().is_err());
    }
}
