//! An audit event in Avro. What the catalog says of its action is written out, so that a reader
//! needs no catalog; read back, it is found again by the action's name.

use std::collections::BTreeMap;

use catalog::{Action, AuditEvent, Micros, Provenance, Text, catalog};
use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::Incoming;
use super::facts::{
    ActorIn, ActorOut, ChangeIn, ChangesOut, ObjectIn, ObjectOut, ObjectsOut, OriginIn, OriginOut, UserIn,
    UserOut, text,
};
use super::value::{DigestOut, IdOut, PairsOut, digest, event_id, partition, partition_out, tenant};

record! {
    pub(crate) struct EventOut<'b> {
        event_id: IdOut,
        tenant: &'b str,
        event_type: &'b str,
        category: &'b str,
        action: &'b str,
        activity: &'b str,
        occurred_at: i64,
        received_at: i64,
        source: &'b str,
        id: &'b str,
        actor: ActorOut<'b>,
        on_behalf_of: Option<ActorOut<'b>>,
        user: Option<UserOut<'b>>,
        object: Option<ObjectOut<'b>>,
        within: ObjectsOut<'b>,
        changes: ChangesOut<'b>,
        attributes: PairsOut<'b>,
        reason: Option<&'b str>,
        origin: Option<OriginOut<'b>>,
        correlation_id: Option<&'b str>,
        sequence: Option<i64>,
        provenance: ProvenanceOut<'b>,
        catalog_version: i32,
    }
}

record! {
    pub(super) struct ProvenanceOut<'b> {
        partition: i32,
        offset: i64,
        digest: DigestOut<'b>,
    }
}

impl<'b> EventOut<'b> {
    pub(crate) fn of(event: &'b AuditEvent<'b>) -> Result<Self, String> {
        let action = &event.action;
        Ok(Self {
            event_id: IdOut(event.event_id),
            tenant: action.tenant.as_str(),
            event_type: action.entry.event_type,
            category: action.entry.category.name(),
            action: action.entry.action,
            activity: action.entry.activity,
            occurred_at: action.occurred_at.get(),
            received_at: event.received_at.get(),
            source: &action.source,
            id: &action.id,
            actor: ActorOut::of(&action.actor),
            on_behalf_of: action.on_behalf_of.as_ref().map(ActorOut::of),
            user: action.user.as_ref().map(UserOut::of),
            object: action.object.as_ref().map(ObjectOut::of),
            within: ObjectsOut(&action.within),
            changes: ChangesOut(&action.changes),
            attributes: PairsOut(&action.attributes),
            reason: action.reason.as_deref(),
            origin: action.origin.as_ref().map(OriginOut::of),
            correlation_id: action.correlation_id.as_deref(),
            sequence: action.sequence,
            provenance: ProvenanceOut {
                partition: partition_out(event.provenance.partition)?,
                offset: event.provenance.offset,
                digest: DigestOut(&event.provenance.digest),
            },
            catalog_version: event.catalog_version,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename = "AuditEvent")]
pub(crate) struct EventIn {
    event_id: String,
    tenant: String,
    action: String,
    occurred_at: i64,
    received_at: i64,
    source: String,
    id: String,
    actor: ActorIn,
    #[serde(default)]
    on_behalf_of: Option<ActorIn>,
    #[serde(default)]
    user: Option<UserIn>,
    #[serde(default)]
    object: Option<ObjectIn>,
    #[serde(default)]
    within: Vec<ObjectIn>,
    #[serde(default)]
    changes: Vec<ChangeIn>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    origin: Option<OriginIn>,
    #[serde(default)]
    correlation_id: Option<String>,
    #[serde(default)]
    sequence: Option<i64>,
    provenance: ProvenanceIn,
    catalog_version: i32,
}

#[derive(Deserialize)]
#[serde(rename = "Provenance")]
struct ProvenanceIn {
    partition: i32,
    offset: i64,
    digest: ByteBuf,
}

impl Incoming for EventIn {
    type Domain = AuditEvent<'static>;

    fn into_domain(self) -> Result<AuditEvent<'static>, String> {
        let attributes = self.attributes.into_iter();
        let action = Action {
            id: self.id.into(),
            source: self.source.into(),
            entry: catalog().action(&self.action).ok_or("action is none of the catalog's")?,
            occurred_at: Micros::new(self.occurred_at),
            tenant: tenant(&self.tenant)?,
            actor: self.actor.into(),
            on_behalf_of: self.on_behalf_of.map(Into::into),
            user: self.user.map(Into::into),
            object: self.object.map(Into::into),
            within: self.within.into_iter().map(Into::into).collect(),
            changes: self.changes.into_iter().map(Into::into).collect(),
            attributes: attributes.map(|(name, value)| (Text::Owned(name), Text::Owned(value))).collect(),
            reason: text(self.reason),
            origin: self.origin.map(Into::into),
            correlation_id: text(self.correlation_id),
            sequence: self.sequence,
        };
        Ok(AuditEvent {
            event_id: event_id(&self.event_id)?,
            action,
            received_at: Micros::new(self.received_at),
            provenance: Provenance {
                partition: partition(self.provenance.partition)?,
                offset: self.provenance.offset,
                digest: digest(&self.provenance.digest)?,
            },
            catalog_version: self.catalog_version,
        })
    }
}
