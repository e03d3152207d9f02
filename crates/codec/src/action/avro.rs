//! An action as an Avro record, ours or one that a producer registered: read by its writer's schema
//! with the code that reads JSON, field by field by name.

use catalog::{RawAction, Text};
use serde::de::{Deserialize, DeserializeSeed as _, Deserializer, Error as _};

use super::owned;
use super::plain::{Plain, Specversion};
use super::scalars::AvroTime;
use super::take::{Path, Seed};
use super::unknown::{Format, Unknown};
use crate::DecodeError;
use crate::codec::Shared;
use crate::framing::SchemaRef;

/// What the record holds, before the unit of its time is known.
struct Record {
    action: RawAction<'static>,
    unknown: Vec<(String, Text<'static>)>,
    time: AvroTime,
}

/// Reads an action from a datum of this schema.
pub(super) fn decode(
    shared: &Shared,
    schema: SchemaRef,
    datum: &[u8],
) -> Result<RawAction<'static>, DecodeError> {
    let reader = shared.reader(schema)?;
    let Record { mut action, unknown, time } = reader.read(schema, datum)?;
    action.occurred_at = time.in_unit(reader.occurred_at(), &Path::root("occurred_at"));
    Unknown { format: Format::Avro, fields: unknown }.finish(&mut action);
    Ok(action)
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Unknown::new(Format::Avro);
        let mut plain = Plain::new(&mut unknown, Specversion::Field);
        let action = Seed { take: &mut plain, depth: 0 }.deserialize(deserializer)?;
        let time = std::mem::take(&mut plain.time);
        let action = action.ok_or_else(|| D::Error::custom("the schema is no record"))?;
        let unknown = unknown.fields.into_iter().map(|(path, value)| (path, owned::text(value)));
        Ok(Self { action: owned::action(action), unknown: unknown.collect(), time })
    }
}
