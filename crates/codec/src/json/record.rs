//! The trail's own records as JSON for people and scripts. Every field of a record stands in its
//! place, null where it is not there, so that a script finds the same columns in every row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::{
    Account, ActivityRow, ActorRef, ActorsRow, AuditEvent, Digest, LedgerRow, Micros, OrderKey, Receipt,
    ReceivedAction, RegisterRow, SequenceRow, SettingRow,
};
use serde_json::{Value, json};

use super::action::{ActorJson, ChangeJson, ObjectJson, OriginJson, PairsJson, UserJson};
use crate::{LedgerRecord, rfc3339};

/// An audit event.
#[must_use]
pub fn event_json(event: &AuditEvent<'_>) -> Value {
    let action = &event.action;
    json!({
        "event_id": event.event_id.to_string(),
        "tenant": action.tenant.as_str(),
        "event_type": action.entry.event_type,
        "category": action.entry.category.name(),
        "action": action.entry.action,
        "activity": action.entry.activity,
        "occurred_at": rfc3339(action.occurred_at),
        "received_at": rfc3339(event.received_at),
        "source": action.source,
        "id": action.id,
        "actor": ActorJson(&action.actor),
        "on_behalf_of": action.on_behalf_of.as_ref().map(ActorJson),
        "user": action.user.as_ref().map(UserJson),
        "object": action.object.as_ref().map(ObjectJson),
        "within": action.within.iter().map(ObjectJson).collect::<Vec<_>>(),
        "changes": action.changes.iter().map(ChangeJson).collect::<Vec<_>>(),
        "attributes": PairsJson(&action.attributes),
        "reason": action.reason,
        "origin": action.origin.as_ref().map(OriginJson),
        "correlation_id": action.correlation_id,
        "sequence": action.sequence,
        "provenance": {
            "partition": event.provenance.partition,
            "offset": event.provenance.offset,
            "digest": hex(&event.provenance.digest),
        },
        "catalog_version": event.catalog_version,
    })
}

/// A receipt.
#[must_use]
pub fn receipt_json(receipt: &Receipt) -> Value {
    match receipt {
        Receipt::Duplicate(action) => received("duplicate", action),
        Receipt::Suppressed(action) => received("suppressed", action),
        Receipt::Rerouted { tenant, partition, offset, received_at, to_partition } => json!({
            "outcome": "rerouted",
            "tenant": tenant.as_str(),
            "partition": partition,
            "offset": offset,
            "received_at": rfc3339(*received_at),
            "to_partition": to_partition,
        }),
        Receipt::Expired { topic, stage, partition, from, until, found_at } => json!({
            "outcome": "expired",
            "topic": topic,
            "stage": stage,
            "partition": partition,
            "from": from,
            "until": until,
            "found_at": rfc3339(*found_at),
        }),
    }
}

fn received(outcome: &str, action: &ReceivedAction) -> Value {
    json!({
        "outcome": outcome,
        "tenant": action.tenant.as_str(),
        "source": action.source,
        "id": action.id,
        "action": action.action,
        "event_id": action.event_id.to_string(),
        "occurred_at": rfc3339(action.occurred_at),
        "received_at": rfc3339(action.received_at),
        "partition": action.partition,
        "offset": action.offset,
        "digest": hex(&action.digest),
    })
}

/// A row of an activity view.
#[must_use]
pub fn activity_json(row: &ActivityRow) -> Value {
    json!({
        "tenant": row.tenant.as_str(),
        "catalog": row.catalog,
        "event_type": row.event_type,
        "window": row.window.name(),
        "start": rfc3339(row.start),
        "count": row.count,
        "by_action": row.by_action,
        "first_at": rfc3339(row.first_at),
        "last_at": rfc3339(row.last_at),
        "distinct_users": row.distinct_users,
        "users_sketch": STANDARD.encode(&row.users_sketch),
        "restarted": row.restarted,
        "received_at": rfc3339(row.received_at),
    })
}

/// A row of an actors view.
#[must_use]
pub fn actors_json(row: &ActorsRow) -> Value {
    json!({
        "tenant": row.tenant.as_str(),
        "actor": actor(&row.actor),
        "day": rfc3339(row.day),
        "count": row.count,
        "by_event_type": row.by_event_type,
        "first_at": rfc3339(row.first_at),
        "last_at": rfc3339(row.last_at),
        "restarted": row.restarted,
        "received_at": rfc3339(row.received_at),
    })
}

/// A row of a register view.
#[must_use]
pub fn register_json(row: &RegisterRow) -> Value {
    let objects = row.objects.iter().map(|(kind, id)| json!({"kind": kind, "id": id}));
    json!({
        "tenant": row.tenant.as_str(),
        "kind": row.kind,
        "user": row.user,
        "objects": objects.collect::<Vec<_>>(),
        "status": row.status,
        "since": row.since.map(rfc3339),
        "by": row.by.as_ref().map(actor),
        "catalog": row.catalog,
        "by_event_type": row.by_event_type,
        "first": order(&row.first),
        "last": order(&row.last),
        "status_set": row.status_set.as_ref().map(order),
        "catalog_set": row.catalog_set.as_ref().map(order),
        "received_at": rfc3339(row.received_at),
    })
}

/// A record of the ledger.
#[must_use]
pub fn ledger_json(record: &LedgerRecord) -> Value {
    match record {
        LedgerRecord::Account(row) => account(row),
        LedgerRecord::Coverage { stage, partition, coverage, committed_at } => json!({
            "stage": stage,
            "partition": partition,
            "next_offset": coverage.next.number(),
            "last_read_at": coverage.last_read.and_then(|at| Micros::from_millis(at.get())).map(rfc3339),
            "cluster_id": coverage.cluster_id,
            "topic_id": coverage.topic_id,
            "expired": coverage.expired,
            "committed_at": rfc3339(*committed_at),
        }),
        LedgerRecord::Sequence(row) => sequence(row),
    }
}

fn account(row: &LedgerRow) -> Value {
    let (tenant, source, partition) = match &row.account {
        Account::Source(tenant, source) => (Some(tenant.as_str()), Some(source), None),
        Account::Tenant(tenant) => (Some(tenant.as_str()), None, None),
        Account::Partition(partition) => (None, None, Some(partition)),
    };
    json!({
        "tenant": tenant,
        "source": source,
        "partition": partition,
        "hour": rfc3339(row.hour),
        "received": row.received,
        "recorded": row.recorded,
        "duplicate": row.duplicate,
        "suppressed": row.suppressed,
        "dead_lettered": row.dead_lettered,
        "replayed": row.replayed,
        "received_at": rfc3339(row.received_at),
    })
}

fn sequence(row: &SequenceRow) -> Value {
    let missing = row.missing.iter().map(|range| json!({"from": range.from, "until": range.until}));
    json!({
        "tenant": row.tenant.as_str(),
        "source": row.source,
        "lowest": row.lowest,
        "highest": row.highest,
        "missing": missing.collect::<Vec<_>>(),
        "more": row.more,
        "received_at": rfc3339(row.received_at),
    })
}

/// A settings row.
#[must_use]
pub fn setting_json(row: &SettingRow) -> Value {
    json!({
        "tenant": row.tenant.as_str(),
        "kind": row.kind,
        "id": row.id,
        "certificate_expiry": row.certificate_expiry.name(),
        "set": order(&row.set),
        "received_at": rfc3339(row.received_at),
    })
}

fn actor(actor: &ActorRef) -> Value {
    json!({"kind": actor.kind.name(), "id": actor.id})
}

fn order(key: &OrderKey) -> Value {
    json!({
        "occurred_at": rfc3339(key.occurred_at),
        "source": key.source,
        "sequence": key.sequence,
        "event_id": key.event_id.to_string(),
        "digest": hex(&key.digest),
    })
}

fn hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
