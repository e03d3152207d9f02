//! CloudEvents 1.0 around an action: structured JSON, and the Kafka binding's binary mode. The
//! attributes say id, source, action, time and tenant, and win over the data, which says the rest.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::{Field, Micros, RawAction, Text};
use serde::de::{DeserializeSeed as _, MapAccess};
use serde_json::value::RawValue;
use stage::Header;

use super::plain::{self, Plain, Specversion};
use super::take::{Name, Names, Path, Seed, Take};
use super::unknown::{Format, Unknown};
use super::{malformed, owned, raw, utf8};
use crate::DecodeError;

/// The header that tells binary mode, and what the names of attributes begin with there.
pub(super) const SPECVERSION: &str = "ce_specversion";
const PREFIX: &str = "ce_";

/// What a CloudEvent's attributes say.
#[derive(Default)]
struct Attributes<'a> {
    specversion: Field<Text<'a>>,
    id: Field<Text<'a>>,
    source: Field<Text<'a>>,
    kind: Field<Text<'a>>,
    tenant: Field<Text<'a>>,
    time: Field<Micros>,
    content_type: Field<Text<'a>>,
    /// Those that this trail gives no meaning to.
    others: Vec<(String, Text<'a>)>,
}

/// A structured CloudEvent, or what may be one.
pub(super) struct Structured<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Structured<'a> {
    /// Reads the members of a JSON object without looking into them.
    pub(super) fn read(text: &'a str) -> Result<Self, DecodeError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let members = Seed { take: MembersOf, depth: 0 }.deserialize(&mut reader).map_err(malformed)?;
        reader.end().map_err(malformed)?;
        let members = members.ok_or_else(|| DecodeError::malformed("the value is not a JSON object"))?;
        Ok(Self { members })
    }

    /// Whether it has the attributes that every CloudEvent has.
    pub(super) fn is_cloudevent(&self) -> bool {
        ["specversion", "type", "source", "id"]
            .iter()
            .all(|attribute| self.members.iter().any(|(name, _)| name == attribute))
    }

    /// The action in it.
    pub(super) fn action(self) -> Result<RawAction<'a>, DecodeError> {
        let mut attributes = Attributes::default();
        let (mut data, mut data_base64) = (None, Field::Absent);
        for (name, value) in self.members {
            let value = value.get();
            match name.as_ref() {
                "data" => data = (value != "null").then_some(value),
                "data_base64" => data_base64 = string(value, "data_base64")?,
                _ => attributes.take_json(&name, value)?,
            }
        }
        attributes.check()?;
        match (data, data_base64) {
            (Some(_), Field::Present(_)) => {
                Err(DecodeError::malformed("both data and data_base64 are there"))
            }
            (_, Field::Invalid(problem)) => Err(DecodeError::malformed(problem)),
            (None, Field::Absent) => Ok(attributes.over(RawAction::default(), Unknown::new(Format::Json))),
            (Some(data), Field::Absent) => attributes.around(data, 1),
            (None, Field::Present(data)) => {
                let data = STANDARD.decode(data.as_bytes());
                let data = data.map_err(|_| DecodeError::malformed("data_base64 is not base64"))?;
                let text = utf8(&data)?;
                let (action, unknown) = read_data(text, 0)?;
                let fields = unknown.fields.into_iter().map(|(path, value)| (path, owned::text(value)));
                let unknown = Unknown { format: Format::Json, fields: fields.collect() };
                Ok(attributes.over(owned::action(action), unknown))
            }
        }
    }
}

/// The action of a binary CloudEvent.
pub(super) fn binary<'a>(
    value: &'a [u8],
    headers: &[Header<'a>],
    content_type: Option<&'a [u8]>,
) -> Result<RawAction<'a>, DecodeError> {
    // The last of headers of one name counts, as Kafka's own clients have it.
    let named: BTreeMap<&str, &'a [u8]> = headers
        .iter()
        .filter_map(|header| {
            Some((std::str::from_utf8(header.name).ok()?.strip_prefix(PREFIX)?, header.value?))
        })
        .collect();
    let mut attributes = Attributes::default();
    if let Some(content_type) = content_type {
        attributes.content_type = Field::Present(header_text("content-type", content_type)?);
    }
    for (name, value) in named {
        attributes.take_header(name, header_text(name, value)?);
    }
    attributes.check()?;
    attributes.around(utf8(value)?, 0)
}

impl<'a> Attributes<'a> {
    fn take_json(&mut self, name: &str, value: &'a str) -> Result<(), DecodeError> {
        match name {
            "specversion" => self.specversion = string(value, name)?,
            "id" => self.id = string(value, name)?,
            "source" => self.source = string(value, name)?,
            "type" => self.kind = string(value, name)?,
            "tenant" => self.tenant = string(value, name)?,
            "datacontenttype" => self.content_type = string(value, name)?,
            "time" => {
                self.time = raw::time(value, &Path::root(name), 1).map_err(|problem| of(name, problem))?;
            }
            _ => {
                let value = raw::text(value, 1).map_err(|problem| of(name, problem))?;
                self.other(name, value);
            }
        }
        Ok(())
    }

    fn take_header(&mut self, name: &str, value: Text<'a>) {
        match name {
            "specversion" => self.specversion = Field::Present(value),
            "id" => self.id = Field::Present(value),
            "source" => self.source = Field::Present(value),
            "type" => self.kind = Field::Present(value),
            "tenant" => self.tenant = Field::Present(value),
            // In binary mode the content type has a header of its own.
            "datacontenttype" => {}
            "time" => self.time = raw::time_in_text(&value, &Path::root(name)),
            _ => self.other(name, Some(value)),
        }
    }

    /// An extension is kept, but what traces a request differs between two deliveries of one action.
    fn other(&mut self, name: &str, value: Option<Text<'a>>) {
        if let Some(value) = value
            && name != "traceparent"
            && name != "tracestate"
        {
            self.others.push((name.to_owned(), value));
        }
    }

    fn check(&self) -> Result<(), DecodeError> {
        if self.specversion.present().is_none_or(|version| version != "1.0") {
            return Err(DecodeError::malformed("specversion is not 1.0"));
        }
        match &self.content_type {
            Field::Present(media) if !is_json(media) => {
                Err(DecodeError::malformed("the data's content type is not JSON"))
            }
            Field::Invalid(problem) => Err(DecodeError::malformed(problem.clone())),
            _ => Ok(()),
        }
    }

    /// The action in this data.
    fn around(self, data: &'a str, depth: u8) -> Result<RawAction<'a>, DecodeError> {
        let (action, unknown) = read_data(data, depth)?;
        Ok(self.over(action, unknown))
    }

    /// The action, with these attributes over its own fields.
    fn over(self, mut action: RawAction<'a>, mut unknown: Unknown<'a>) -> RawAction<'a> {
        replace(&mut action.id, self.id);
        replace(&mut action.source, self.source);
        replace(&mut action.action, self.kind);
        replace(&mut action.tenant, self.tenant);
        replace(&mut action.occurred_at, self.time);
        // Before the data's, so that of two of one name the attribute is kept.
        unknown.fields.splice(0..0, self.others);
        unknown.finish(&mut action);
        action
    }
}

fn replace<T>(field: &mut Field<T>, by: Field<T>) {
    if !by.is_absent() {
        *field = by;
    }
}

fn read_data(text: &str, depth: u8) -> Result<(RawAction<'_>, Unknown<'_>), DecodeError> {
    let mut unknown = Unknown::new(Format::Json);
    let action = plain::json(text, &mut Plain::new(&mut unknown, Specversion::Field), depth);
    let action = action.map_err(|error| DecodeError::Malformed(format!("data: {error}")))?;
    let action = action.ok_or_else(|| DecodeError::malformed("data is not a JSON object"))?;
    Ok((action, unknown))
}

fn string<'a>(value: &'a str, name: &str) -> Result<Field<Text<'a>>, DecodeError> {
    raw::string(value, &Path::root(name), 1).map_err(|problem| of(name, problem))
}

fn of(name: &str, problem: String) -> DecodeError {
    DecodeError::malformed(Path::root(name).problem(&format!("is malformed: {problem}")))
}

fn header_text<'a>(name: &str, value: &'a [u8]) -> Result<Text<'a>, DecodeError> {
    let text = std::str::from_utf8(value);
    text.map(Cow::Borrowed).map_err(|_| of(name, "the header is not UTF-8".into()))
}

/// Whether a media type is JSON's, whatever its parameters.
fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

/// Takes the members of an object as they are.
struct MembersOf;

impl<'de> Take<'de> for MembersOf {
    type Out = Option<Vec<(Cow<'de, str>, &'de RawValue)>>;

    fn wrong(self) -> Self::Out {
        None
    }
    fn null(self) -> Self::Out {
        None
    }
    fn map<A: MapAccess<'de>>(self, mut map: A, _depth: u8) -> Result<Self::Out, A::Error> {
        let mut names = Names::default();
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            names.other(name.clone());
            members.push((name, map.next_value()?));
        }
        names.finish()?;
        Ok(Some(members))
    }
}
