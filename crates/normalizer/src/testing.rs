//! What the tests of the rules share: valid actions of every kind, a place, a memory in two maps.

use std::collections::HashMap;
use std::convert::Infallible;

use catalog::{
    Action, Actor, ActorKind, Field, Micros, Need, Object, RawAction, SettingRow, TenantId, User, catalog,
};
use stage::{Offset, Partition, PartitionCount};

use crate::{Delivery, Memory, Place, Received, Seen};

/// How many partitions the tests' topic has.
pub(crate) const COUNT: u32 = 3;
/// 2026-11-02T09:14:03Z.
pub(crate) const OCCURRED_AT: i64 = 1_793_610_843_000_000;

pub(crate) fn count_of(count: u32) -> PartitionCount {
    PartitionCount::new(count).expect("at least one")
}

pub(crate) fn tenant(text: &str) -> TenantId {
    TenantId::try_from(text).expect("valid")
}

/// The place of an action of `acme`, received a second after it happened.
pub(crate) fn place() -> Place {
    Place {
        partition: count_of(COUNT).partition_of(b"acme"),
        offset: Offset::new(7),
        received_at: Micros::new(OCCURRED_AT + 1_000_000),
        count: count_of(COUNT),
        rerouted: None,
        delivery: Delivery::Published,
    }
}

pub(crate) fn away() -> Partition {
    Partition::new((place().partition.number() + 1) % COUNT)
}

pub(crate) fn object(kind: &'static str, id: &'static str) -> Object<'static> {
    Object { kind: kind.into(), id: id.into(), title: None }
}

/// A valid action of this name, with nothing that its row of the catalog does not ask for.
pub(crate) fn action(name: &str) -> Action<'static> {
    let entry = catalog().action(name).expect("in the catalog");
    Action {
        id: "a-1".into(),
        source: "lms.web".into(),
        entry,
        occurred_at: Micros::new(OCCURRED_AT),
        tenant: tenant("acme"),
        actor: Actor { kind: ActorKind::User, id: Some("u-9".into()), name: None, roles: vec![] },
        on_behalf_of: None,
        user: (entry.user == Need::Required).then(|| User { id: "u-17".into(), name: None }),
        object: entry.object.first().map(|kind| object(kind, "o-1")),
        within: entry.within.first().map(|kind| object(kind, "w-1")).into_iter().collect(),
        changes: vec![],
        attributes: vec![],
        reason: None,
        origin: None,
        correlation_id: None,
        sequence: None,
    }
}

/// An action as decoding would have found it.
pub(crate) fn raw(action: Action<'_>) -> RawAction<'_> {
    RawAction {
        tenant: Field::Present(action.tenant.as_str().to_owned().into()),
        id: Field::Present(action.id),
        source: Field::Present(action.source),
        action: Field::Present(action.entry.action.into()),
        occurred_at: Field::Present(action.occurred_at),
        actor: Field::Present(action.actor),
        on_behalf_of: field(action.on_behalf_of),
        user: field(action.user),
        object: field(action.object),
        within: Field::Present(action.within),
        changes: Field::Present(action.changes),
        attributes: Field::Present(action.attributes),
        reason: field(action.reason),
        origin: field(action.origin),
        correlation_id: field(action.correlation_id),
        sequence: field(action.sequence),
    }
}

fn field<T>(value: Option<T>) -> Field<T> {
    value.map_or(Field::Absent, Field::Present)
}

/// A memory that holds all and never fails.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) seen: HashMap<[u8; 16], Seen>,
    pub(crate) settings: HashMap<(TenantId, String, String), SettingRow>,
    pub(crate) counts: Vec<Received>,
}

impl Memory for Fake {
    type Error = Infallible;

    fn seen(&mut self, key: &[u8; 16]) -> Result<Option<Seen>, Infallible> {
        Ok(self.seen.get(key).copied())
    }

    fn remember(&mut self, key: [u8; 16], seen: Seen) -> Result<(), Infallible> {
        self.seen.insert(key, seen);
        Ok(())
    }

    fn setting(&mut self, tenant: &TenantId, kind: &str, id: &str) -> Result<Option<SettingRow>, Infallible> {
        Ok(self.settings.get(&(tenant.clone(), kind.into(), id.into())).cloned())
    }

    fn set(&mut self, row: SettingRow) -> Result<(), Infallible> {
        self.settings.insert((row.tenant.clone(), row.kind.clone(), row.id.clone()), row);
        Ok(())
    }

    fn count(&mut self, received: Received) -> Result<(), Infallible> {
        self.counts.push(received);
        Ok(())
    }
}
