//! Single values that many records share: ids, digests, kinds, maps.

use std::fmt;

use catalog::{ActorKind, Digest, EventId, TenantId, Text};
use serde::de::{Deserialize, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use uuid::Uuid;

/// An actor's kind, as the schemas' enumeration writes it.
pub(crate) struct KindOut(pub(crate) ActorKind);

impl Serialize for KindOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_variant("ActorKind", self.0 as u32, self.0.name())
    }
}

/// An actor's kind, as read: one that this build does not know is the enumeration's default.
pub(crate) struct KindIn(pub(crate) ActorKind);

impl<'de> Deserialize<'de> for KindIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("ActorKind", &[], KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = KindIn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind of actor")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<KindIn, A::Error> {
        let (symbol, variant) = data.variant::<Symbol>()?;
        variant.unit_variant()?;
        Ok(KindIn(symbol.0))
    }
}

struct Symbol(ActorKind);

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(SymbolVisitor)
    }
}

struct SymbolVisitor;

impl Visitor<'_> for SymbolVisitor {
    type Value = Symbol;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a kind of actor")
    }

    fn visit_str<E>(self, name: &str) -> Result<Symbol, E> {
        Ok(Symbol(ActorKind::from_name(name).unwrap_or(ActorKind::Unknown)))
    }
}

/// An event's id as its 36 characters.
pub(crate) struct IdOut(pub(crate) EventId);

impl Serialize for IdOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Uuid::encode_buffer();
        serializer.serialize_str(self.0.uuid().hyphenated().encode_lower(&mut text))
    }
}

/// A digest as bytes.
pub(crate) struct DigestOut<'b>(pub(crate) &'b Digest);

impl Serialize for DigestOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

/// Sorted pairs as a map.
pub(crate) struct PairsOut<'b>(pub(crate) &'b [(Text<'b>, Text<'b>)]);

impl Serialize for PairsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What an id's text says.
pub(crate) fn event_id(text: &str) -> Result<EventId, String> {
    Uuid::try_parse(text).map(EventId::from).map_err(|_| "event_id is no uuid".into())
}

/// What a digest's bytes say.
pub(crate) fn digest(bytes: &[u8]) -> Result<Digest, String> {
    let exact = bytes.try_into().map_err(|_| format!("digest has {} bytes where 33 belong", bytes.len()))?;
    Ok(Digest::from_bytes(exact))
}

/// What a tenant's text says.
pub(crate) fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::try_from(text).map_err(|_| "tenant is no tenant id".into())
}

/// A partition as Avro's `int`, which holds every number that Kafka has.
pub(crate) fn partition_out(partition: u32) -> Result<i32, String> {
    i32::try_from(partition).map_err(|_| "the partition is beyond 31 bits".into())
}

/// A partition as read.
pub(crate) fn partition(number: i32) -> Result<u32, String> {
    u32::try_from(number).map_err(|_| "the partition is negative".into())
}
