//! Reads Avro data by the schema they were written by, straight into structs.

use apache_avro::error::Details;
use apache_avro::reader::single_object::GenericSingleObjectReader;
use apache_avro::schema::{ResolvedSchema, UuidSchema};
use apache_avro::{Error, Schema};
use serde::de::DeserializeOwned;

use crate::DecodeError;
use crate::framing::SchemaRef;

/// No field of a value can be longer than this; it bounds what a forged length can allocate. Far
/// over the limit of an action's value, so that nothing that was accepted becomes unreadable.
const LONGEST_FIELD: usize = 64 << 20;

/// In what unit a schema counts the time of its field `occurred_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    /// Plain numbers, as in JSON, and `timestamp-millis`.
    Millis,
    /// `timestamp-micros`.
    Micros,
    /// `timestamp-nanos`.
    Nanos,
    /// A time of no zone, a date, or a time of day.
    NoInstant,
}

/// Reads data of one schema.
pub(crate) struct SchemaReader {
    reader: GenericSingleObjectReader,
    occurred_at: TimeUnit,
}

impl SchemaReader {
    pub(crate) fn new(schema: Schema) -> Result<Self, Error> {
        // The library takes the first call's limit for the process.
        apache_avro::util::max_allocation_bytes(LONGEST_FIELD);
        let occurred_at = time_unit(&schema);
        // The prefix is taken off before, and an empty one lets the reader own its schema.
        let reader =
            GenericSingleObjectReader::builder().schema(schema).header(Vec::new()).human_readable(false);
        Ok(Self { reader: reader.build()?, occurred_at })
    }

    pub(crate) fn occurred_at(&self) -> TimeUnit {
        self.occurred_at
    }

    /// Reads one datum and nothing after it.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        schema: SchemaRef,
        datum: &[u8],
    ) -> Result<T, DecodeError> {
        let mut rest = datum;
        let value = self.reader.read_deser(&mut rest).map_err(|error| {
            let at = datum.len() - rest.len();
            DecodeError::Malformed(format!("{} at byte {at} of the datum, {schema}", describe(&error)))
        })?;
        if rest.is_empty() {
            Ok(value)
        } else {
            let over = rest.len();
            Err(DecodeError::Malformed(format!("{over} bytes follow the datum, {schema}")))
        }
    }
}

/// What went wrong, without the content that the library's own messages may show.
fn describe(error: &Error) -> String {
    match error.details() {
        Details::ReadBytes(_) | Details::ReadVariableIntegerBytes(_) => "the datum ends too early".into(),
        Details::ConvertToUtf8(_) | Details::ConvertToUtf8Error(_) => "a string is not UTF-8".into(),
        Details::IntegerOverflow | Details::ZagI32(..) => "a number is out of range".into(),
        Details::MemoryAllocation { .. } | Details::ConvertI64ToUsize(..) => {
            "a length is out of range".into()
        }
        Details::ConvertI32ToUsize(..) | Details::GetUnionVariant { .. } => {
            "a union has no such branch".into()
        }
        Details::EnumSymbolIndex { .. } => "an enumeration has no such symbol".into(),
        Details::DeserializeSchemaAware { value_type, .. } => {
            format!("the schema has another type where {value_type} is expected")
        }
        // What the record's own structs say: they name fields, never content.
        Details::DeserializeValue(problem) => problem.clone(),
        _ => "the datum does not fit its schema".into(),
    }
}

fn time_unit(schema: &Schema) -> TimeUnit {
    let Schema::Record(record) = schema else { return TimeUnit::NoInstant };
    let Ok(resolved) = ResolvedSchema::new(schema) else { return TimeUnit::NoInstant };
    let Some(field) = record.fields.iter().find(|field| field.name == "occurred_at") else {
        return TimeUnit::NoInstant;
    };
    let variants = match &field.schema {
        Schema::Union(union) => union.variants(),
        one => std::slice::from_ref(one),
    };
    let number = variants.iter().find_map(|variant| match variant {
        Schema::Ref { name } => resolved.get_names().get(name).and_then(|schema| unit(schema)),
        other => unit(other),
    });
    number.unwrap_or(TimeUnit::Millis)
}

/// The unit of a type that is read as a number.
fn unit(schema: &Schema) -> Option<TimeUnit> {
    match schema {
        Schema::Long | Schema::Int | Schema::Double | Schema::Float | Schema::TimestampMillis => {
            Some(TimeUnit::Millis)
        }
        Schema::TimestampMicros => Some(TimeUnit::Micros),
        Schema::TimestampNanos => Some(TimeUnit::Nanos),
        Schema::Null | Schema::String | Schema::Uuid(UuidSchema::String) => None,
        _ => Some(TimeUnit::NoInstant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_in_what_unit_it_counts() {
        for (kind, expected) in [
            (r#""string""#, TimeUnit::Millis),
            (r#""long""#, TimeUnit::Millis),
            (r#"["null","string",{"type":"long","logicalType":"timestamp-micros"}]"#, TimeUnit::Micros),
            (r#"{"type":"long","logicalType":"timestamp-nanos"}"#, TimeUnit::Nanos),
            (r#"{"type":"long","logicalType":"timestamp-millis"}"#, TimeUnit::Millis),
            (r#"{"type":"long","logicalType":"local-timestamp-micros"}"#, TimeUnit::NoInstant),
            (r#"{"type":"int","logicalType":"date"}"#, TimeUnit::NoInstant),
        ] {
            let text = format!(
                r#"{{"type":"record","name":"A","fields":[{{"name":"occurred_at","type":{kind}}}]}}"#
            );
            assert_eq!(time_unit(&Schema::parse_str(&text).expect("a schema")), expected, "{kind}");
        }
    }
}
