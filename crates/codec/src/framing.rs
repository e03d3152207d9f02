//! The two framings of an Avro value and how they are told apart: Avro's single-object encoding
//! (specification, "Single-object encoding") and Confluent's wire format. No JSON text begins with
//! either mark.

use uuid::Uuid;

use crate::DecodeError;

/// First bytes of a single-object value.
const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];
/// First byte of a Confluent value, and of a schema id in a header.
const CONFLUENT: u8 = 0;
/// First byte of a schema GUID in a header.
const CONFLUENT_GUID: u8 = 1;
/// Length of a Confluent prefix.
pub(crate) const CONFLUENT_LENGTH: usize = 5;

/// Which schema a value was written by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SchemaRef {
    /// CRC-64-AVRO of the schema's parsing canonical form.
    Fingerprint(u64),
    /// The registry's id.
    Id(u32),
    /// The registry's global id.
    Guid(Uuid),
}

impl std::fmt::Display for SchemaRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fingerprint(fingerprint) => write!(f, "schema fingerprint {fingerprint:016x}"),
            Self::Id(id) => write!(f, "schema id {id}"),
            Self::Guid(guid) => write!(f, "schema guid {guid}"),
        }
    }
}

/// A value split into the name of its schema and the datum; `None` where it has no framing.
pub(crate) fn split(value: &[u8]) -> Result<Option<(SchemaRef, &[u8])>, DecodeError> {
    if let Some(rest) = value.strip_prefix(&SINGLE_OBJECT) {
        let (fingerprint, datum) = rest.split_first_chunk().ok_or_else(|| too_short(value, 10))?;
        return Ok(Some((SchemaRef::Fingerprint(u64::from_le_bytes(*fingerprint)), datum)));
    }
    if let Some(rest) = value.strip_prefix(&[CONFLUENT]) {
        let (id, datum) = rest.split_first_chunk().ok_or_else(|| too_short(value, CONFLUENT_LENGTH))?;
        return Ok(Some((SchemaRef::Id(u32::from_be_bytes(*id)), datum)));
    }
    Ok(None)
}

/// The schema that a `__value_schema_id` header names; the value beside it has no prefix.
pub(crate) fn header(value: &[u8]) -> Result<SchemaRef, DecodeError> {
    match value {
        [CONFLUENT, id @ ..] if id.len() == 4 => {
            Ok(SchemaRef::Id(u32::from_be_bytes([id[0], id[1], id[2], id[3]])))
        }
        [CONFLUENT_GUID, guid @ ..] if guid.len() == 16 => {
            let guid = Uuid::from_slice(guid).expect("16 bytes are a UUID");
            Ok(SchemaRef::Guid(guid))
        }
        _ => Err(DecodeError::malformed("the header __value_schema_id is neither an id nor a guid")),
    }
}

/// The prefix of a single-object value.
pub(crate) fn single_object(fingerprint: u64) -> [u8; 10] {
    let mut prefix = [0; 10];
    prefix[..2].copy_from_slice(&SINGLE_OBJECT);
    prefix[2..].copy_from_slice(&fingerprint.to_le_bytes());
    prefix
}

/// The prefix of a Confluent value.
pub(crate) fn confluent(id: u32) -> [u8; CONFLUENT_LENGTH] {
    let [a, b, c, d] = id.to_be_bytes();
    [CONFLUENT, a, b, c, d]
}

fn too_short(value: &[u8], least: usize) -> DecodeError {
    DecodeError::Malformed(format!("the value has {} bytes where its prefix alone has {least}", value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framings_are_told_apart_by_their_first_bytes() {
        let single = [&single_object(0x0102)[..], b"x"].concat();
        let confluent = [&confluent(7)[..], b"y"].concat();
        for (value, expected) in [
            (&single[..], Ok(Some((SchemaRef::Fingerprint(0x0102), &b"x"[..])))),
            (&confluent, Ok(Some((SchemaRef::Id(7), &b"y"[..])))),
            (b"{}", Ok(None)),
            (b"", Ok(None)),
            (b"\xC3\x02", Ok(None)),
            (b"\x00\x00", Err(too_short(b"\x00\x00", 5))),
            (b"\xC3\x01\x00", Err(too_short(b"\xC3\x01\x00", 10))),
        ] {
            assert_eq!(split(value), expected, "{value:02x?}");
        }
    }

    #[test]
    fn a_header_names_an_id_or_a_guid() {
        let guid = Uuid::from_u128(5);
        let bytes = [&[1][..], guid.as_bytes()].concat();
        assert_eq!(header(&[0, 0, 0, 1, 0]), Ok(SchemaRef::Id(256)));
        assert_eq!(header(&bytes), Ok(SchemaRef::Guid(guid)));
        assert!(header(&[0, 0]).is_err());
        assert!(header(&[]).is_err());
    }
}
