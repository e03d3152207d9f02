//! Reads an action in whatever form it comes: tells the forms apart and hands each to its reader.
//!
//! The form is judged here, and only the form: bytes that are no action are malformed; a field of
//! the wrong type is said to be invalid, so that an action with a readable tenant can be routed.

mod avro;
mod cloudevents;
mod owned;
mod parts;
mod plain;
mod raw;
mod scalars;
mod take;
#[cfg(test)]
mod tests;
mod unknown;
mod vast;

use catalog::RawAction;
use stage::Header;

use self::cloudevents::Structured;
use self::plain::{Plain, Specversion};
use self::unknown::{Format, Unknown};
use crate::codec::Shared;
use crate::{DecodeError, framing};

/// The header that names a value's schema where the value has no prefix.
const SCHEMA_ID: &str = "__value_schema_id";
/// What the content type of a structured CloudEvent begins with (Kafka binding, 3).
const CLOUDEVENTS: &str = "application/cloudevents";

/// Reads an action.
pub(crate) fn decode<'a>(
    shared: &Shared,
    value: Option<&'a [u8]>,
    headers: &[Header<'a>],
) -> Result<RawAction<'a>, DecodeError> {
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| DecodeError::malformed("the value is empty"))?;
    let header = |name: &str| headers.iter().rev().find(|header| header.name == name.as_bytes())?.value;
    let content_type = header("content-type");
    if let Some(media) = content_type.and_then(cloudevents_format) {
        if media != "+json" {
            return Err(DecodeError::malformed("the cloudevent's format is not JSON"));
        }
        return Structured::read(utf8(value)?)?.action();
    }
    if header(cloudevents::SPECVERSION).is_some() {
        return cloudevents::binary(value, headers, content_type);
    }
    if let Some(schema) = header(SCHEMA_ID) {
        return avro::decode(shared, framing::header(schema)?, value);
    }
    if let Some((schema, datum)) = framing::split(value)? {
        return avro::decode(shared, schema, datum);
    }
    json(utf8(value)?)
}

/// Reads a JSON text that is an action or a structured CloudEvent.
fn json(text: &str) -> Result<RawAction<'_>, DecodeError> {
    let mut unknown = Unknown::new(Format::Json);
    let mut plain = Plain::new(&mut unknown, Specversion::Stop);
    let mut read = plain::json(text, &mut plain, 0);
    if plain.stopped {
        let structured = Structured::read(text)?;
        if structured.is_cloudevent() {
            return structured.action();
        }
        unknown = Unknown::new(Format::Json);
        read = plain::json(text, &mut Plain::new(&mut unknown, Specversion::Field), 0);
    }
    let action = read.map_err(malformed)?;
    let mut action = action.ok_or_else(|| DecodeError::malformed("the value is not a JSON object"))?;
    unknown.finish(&mut action);
    Ok(action)
}

/// What follows `application/cloudevents` in a content type, without its parameters; `None` where
/// it is another.
fn cloudevents_format(content_type: &[u8]) -> Option<String> {
    let media = std::str::from_utf8(content_type).ok()?.split(';').next()?.trim().to_ascii_lowercase();
    media.strip_prefix(CLOUDEVENTS).map(str::to_owned)
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|error| {
        DecodeError::Malformed(format!("the value is not UTF-8 at byte {}", error.valid_up_to()))
    })
}

/// Line and column are in the message; content never is, since every type is taken.
#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn malformed(error: serde_json::Error) -> DecodeError {
    DecodeError::Malformed(format!("the value is malformed: {error}"))
}
