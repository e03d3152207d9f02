//! A receipt in Avro: the outcome by name, and the one part that belongs to it.

use catalog::{Micros, Receipt, ReceivedAction};
use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::Incoming;
use super::value::{DigestOut, IdOut, digest, event_id, partition, partition_out, tenant};

record! {
    pub(crate) struct ReceiptOut<'b> {
        outcome: &'static str,
        action: Option<ReceivedOut<'b>>,
        reroute: Option<RerouteOut<'b>>,
        range: Option<RangeOut<'b>>,
    }
}

record! {
    pub(super) struct ReceivedOut<'b> {
        tenant: &'b str,
        source: &'b str,
        id: &'b str,
        action: &'b str,
        event_id: IdOut,
        occurred_at: i64,
        received_at: i64,
        partition: i32,
        offset: i64,
        digest: DigestOut<'b>,
    }
}

record! {
    pub(super) struct RerouteOut<'b> {
        tenant: &'b str,
        partition: i32,
        offset: i64,
        received_at: i64,
        to_partition: i32,
    }
}

record! {
    pub(super) struct RangeOut<'b> {
        topic: &'b str,
        stage: &'b str,
        partition: i32,
        from: i64,
        until: i64,
        found_at: i64,
    }
}

impl<'b> ReceiptOut<'b> {
    pub(crate) fn of(receipt: &'b Receipt) -> Result<Self, String> {
        let empty = Self { outcome: outcome(receipt), action: None, reroute: None, range: None };
        Ok(match receipt {
            Receipt::Duplicate(action) | Receipt::Suppressed(action) => {
                Self { action: Some(ReceivedOut::of(action)?), ..empty }
            }
            Receipt::Rerouted { tenant, partition, offset, received_at, to_partition } => {
                let reroute = RerouteOut {
                    tenant: tenant.as_str(),
                    partition: partition_out(*partition)?,
                    offset: *offset,
                    received_at: received_at.get(),
                    to_partition: partition_out(*to_partition)?,
                };
                Self { reroute: Some(reroute), ..empty }
            }
            Receipt::Expired { topic, stage, partition, from, until, found_at } => {
                let range = RangeOut {
                    topic,
                    stage,
                    partition: partition_out(*partition)?,
                    from: *from,
                    until: *until,
                    found_at: found_at.get(),
                };
                Self { range: Some(range), ..empty }
            }
        })
    }
}

impl<'b> ReceivedOut<'b> {
    fn of(action: &'b ReceivedAction) -> Result<Self, String> {
        Ok(Self {
            tenant: action.tenant.as_str(),
            source: &action.source,
            id: &action.id,
            action: &action.action,
            event_id: IdOut(action.event_id),
            occurred_at: action.occurred_at.get(),
            received_at: action.received_at.get(),
            partition: partition_out(action.partition)?,
            offset: action.offset,
            digest: DigestOut(&action.digest),
        })
    }
}

/// The name of what became of the action.
pub(crate) fn outcome(receipt: &Receipt) -> &'static str {
    match receipt {
        Receipt::Duplicate(_) => "duplicate",
        Receipt::Suppressed(_) => "suppressed",
        Receipt::Rerouted { .. } => "rerouted",
        Receipt::Expired { .. } => "expired",
    }
}

#[derive(Deserialize)]
#[serde(rename = "Receipt")]
pub(crate) struct ReceiptIn {
    outcome: String,
    #[serde(default)]
    action: Option<ReceivedIn>,
    #[serde(default)]
    reroute: Option<RerouteIn>,
    #[serde(default)]
    range: Option<RangeIn>,
}

#[derive(Deserialize)]
#[serde(rename = "ReceivedAction")]
struct ReceivedIn {
    tenant: String,
    source: String,
    id: String,
    action: String,
    event_id: String,
    occurred_at: i64,
    received_at: i64,
    partition: i32,
    offset: i64,
    digest: ByteBuf,
}

#[derive(Deserialize)]
#[serde(rename = "Reroute")]
struct RerouteIn {
    tenant: String,
    partition: i32,
    offset: i64,
    received_at: i64,
    to_partition: i32,
}

#[derive(Deserialize)]
#[serde(rename = "ExpiredRange")]
struct RangeIn {
    topic: String,
    stage: String,
    partition: i32,
    from: i64,
    until: i64,
    found_at: i64,
}

impl Incoming for ReceiptIn {
    type Domain = Receipt;

    fn into_domain(self) -> Result<Receipt, String> {
        match (self.outcome.as_str(), self.action, self.reroute, self.range) {
            ("duplicate", Some(action), None, None) => action.into_domain().map(Receipt::Duplicate),
            ("suppressed", Some(action), None, None) => action.into_domain().map(Receipt::Suppressed),
            ("rerouted", None, Some(reroute), None) => Ok(Receipt::Rerouted {
                tenant: tenant(&reroute.tenant)?,
                partition: partition(reroute.partition)?,
                offset: reroute.offset,
                received_at: Micros::new(reroute.received_at),
                to_partition: partition(reroute.to_partition)?,
            }),
            ("expired", None, None, Some(range)) => Ok(Receipt::Expired {
                topic: range.topic,
                stage: range.stage,
                partition: partition(range.partition)?,
                from: range.from,
                until: range.until,
                found_at: Micros::new(range.found_at),
            }),
            _ => Err("outcome is not one that this build knows, with its own part alone".into()),
        }
    }
}

impl ReceivedIn {
    fn into_domain(self) -> Result<ReceivedAction, String> {
        Ok(ReceivedAction {
            tenant: tenant(&self.tenant)?,
            source: self.source,
            id: self.id,
            action: self.action,
            event_id: event_id(&self.event_id)?,
            occurred_at: Micros::new(self.occurred_at),
            received_at: Micros::new(self.received_at),
            partition: partition(self.partition)?,
            offset: self.offset,
            digest: digest(&self.digest)?,
        })
    }
}
