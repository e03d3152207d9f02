//! An audit event: the canonical record of one action, and the ids that tie the two together.

use std::fmt;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Action, Micros, TenantId};

/// Where an audit event's action lies, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Partition of the actions topic.
    pub partition: u32,
    /// Offset there.
    pub offset: i64,
    /// What the action said.
    pub digest: Digest,
}

/// The canonical record of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent<'a> {
    /// Derived from the action, so that a replay gives the same id.
    pub event_id: EventId,
    /// The action's facts.
    pub action: Action<'a>,
    /// Broker time of the action.
    pub received_at: Micros,
    /// Where the action lies.
    pub provenance: Provenance,
    /// Version of the catalog it was typed by.
    pub catalog_version: i32,
}

/// What identifies an action: SHA-256 over tenant, source and action id, each preceded by its
/// length in bytes as a big-endian u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity([u8; 32]);

impl Identity {
    /// The identity of an action.
    #[must_use]
    pub fn of(tenant: &TenantId, source: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [tenant.as_str(), source, id] {
            hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The first 128 bits: what the dedup state is keyed by.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        key.copy_from_slice(&self.0[..16]);
        key
    }
}

/// An audit event's id: a UUIDv8 (RFC 9562) of the 48-bit milliseconds of `occurred_at` and the
/// first 80 bits of the action's identity, with version and variant laid over. Sorts by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// The id of the event that an action becomes.
    #[must_use]
    pub fn of(occurred_at: Micros, identity: &Identity) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&occurred_at.millis().to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&identity.0[..10]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an action says, as a hash: two deliveries of one action have the same digest in whatever
/// encoding they came. The first byte is the version of the rule; digests of different versions
/// do not conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 33]);

impl Digest {
    /// A digest from its bytes, as they stand in an event.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }

    /// A digest of this version of the rule.
    #[must_use]
    pub fn new(version: u8, hash: [u8; 32]) -> Self {
        let mut bytes = [version; 33];
        bytes[1..].copy_from_slice(&hash);
        Self(bytes)
    }

    /// Version and hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// Whether two digests were made by the same rule, so that they can be compared.
    #[must_use]
    pub const fn comparable(&self, other: &Self) -> bool {
        self.0[0] == other.0[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand from the rule with Python's hashlib.
    #[test]
    fn an_event_id_is_made_of_time_and_identity() {
        let tenant = TenantId::try_from("acme").expect("valid");
        let identity = Identity::of(&tenant, "lms.web", "a-1");
        let id = EventId::of(Micros::new(1_762_074_843_123_456), &identity).uuid();
        assert_eq!(id.as_u128() >> 80, 1_762_074_843_123, "48 bits of milliseconds");
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
    }

    #[test]
    fn lengths_keep_the_parts_of_an_identity_apart() {
        let acme = TenantId::try_from("acme").expect("valid");
        let acm = TenantId::try_from("acm").expect("valid");
        assert_ne!(Identity::of(&acme, "x", "y"), Identity::of(&acm, "ex", "y"));
        assert_ne!(Identity::of(&acme, "x", "yz"), Identity::of(&acme, "xy", "z"));
    }
}
