//! Lines that are actions already: JSON, plain or as a CloudEvent. They are passed on byte for byte;
//! what is wrong with their content is judged by the normalizer and becomes a dead letter there.
//! A line that is no JSON object is reported with its place instead, and not published.

use catalog::{Field, TenantId};
use codec::{DecodeError, Decoder};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::line::{Form, Line, Passed};

/// The one attribute by which a CloudEvent is told from plain fields.
#[derive(Deserialize)]
struct Peek {
    specversion: Option<IgnoredAny>,
}

/// Reads one line.
pub(crate) fn parse(line: &[u8], decoder: &Decoder) -> Line {
    // Bytes that begin otherwise could be taken for Avro, which cannot stand on lines.
    if line.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Line::Unreadable("there is no JSON object on the line".into());
    }
    let action = match decoder.action(Some(line), &[]) {
        Ok(action) => action,
        Err(DecodeError::Malformed(problem) | DecodeError::UnknownSchema(problem)) => {
            return Line::Unreadable(problem);
        }
        Err(DecodeError::Unavailable(problem)) => {
            return Line::Unreadable(format!("it could not be read: {problem}"));
        }
    };
    let tenant = match action.tenant {
        Field::Present(tenant) => TenantId::try_from(tenant.as_ref()).ok(),
        Field::Absent | Field::Invalid(_) => None,
    };
    let peek: Option<Peek> = serde_json::from_slice(line).ok();
    let is_cloud_event = peek.is_some_and(|peek| peek.specversion.is_some());
    Line::Action(Passed { tenant, form: if is_cloud_event { Form::CloudEvent } else { Form::Plain } })
}

#[cfg(test)]
mod tests;
