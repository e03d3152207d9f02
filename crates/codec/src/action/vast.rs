//! Reads JSON in which a number stands that no 64-bit float holds, such as `1e400`. It is a number all the
//! same, of the wrong type for the field it stands in or kept as text where the field is unknown; but the
//! JSON reader gives up over it. Here each value is skipped over first and then read from its own text,
//! which is slower, so only such actions are read so.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::raw;

/// Whether reading failed for such a number.
pub(super) fn is_cause(error: &serde_json::Error) -> bool {
    error.is_syntax() && raw::message(error) == "number out of range"
}

/// A value, read from its text.
pub(super) struct Vast<'de>(pub(super) &'de RawValue);

impl<'de> Deserializer<'de> for Vast<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let text = self.0.get();
        let mut reader = serde_json::Deserializer::from_str(text);
        match text.as_bytes().first() {
            Some(b'{') => reader.deserialize_map(Within(visitor)),
            Some(b'[') => reader.deserialize_seq(Within(visitor)),
            Some(b'-' | b'0'..=b'9') if text.parse().is_ok_and(f64::is_infinite) => {
                visitor.visit_f64(f64::INFINITY)
            }
            _ => reader.deserialize_any(visitor),
        }
    }

    /// Asked for where a value's text is wanted.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_str(self.0.get()).deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Members and items, each read as [`Vast`].
struct Within<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Within(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Within(seq))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Within<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let value: &'de RawValue = self.0.next_value()?;
        seed.deserialize(Vast(value)).map_err(|error| A::Error::custom(raw::message(&error)))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Within<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let Some(value) = self.0.next_element::<&'de RawValue>()? else { return Ok(None) };
        let item = seed.deserialize(Vast(value)).map_err(|error| A::Error::custom(raw::message(&error)));
        item.map(Some)
    }
}
