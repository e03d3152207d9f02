//! What an action and an output of the normalizer say to the join: which action, what became of it,
//! in whose account. Read from the records alone, by the design's text, not by the normalizer's code.

use std::cmp::Ordering;

use catalog::{Account, AuditEvent, Category, Field, Micros, Reason, Receipt, ReceivedAction, TenantId};
use codec::{DecodeError, Decoder};
use pipeline::dead_letter::Failure;
use pipeline::replay::Marker;
use pipeline::{REPLAY_HEADER, REROUTE_HEADER};
use stage::{Partition, PartitionCount, Record};

use crate::reading::micros;

/// An action that a reader of committed records still sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) offset: i64,
    pub(super) received_at: Micros,
    pub(super) key: String,
    /// Whether it is a dead letter published again.
    pub(super) is_replayed: bool,
    /// Where it lay before, if it was re-routed within this count of partitions.
    pub(super) moved_from: Option<(u32, i64)>,
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// An audit event; the last half of its id tells it from others.
    Event {
        category: Category,
        id: u64,
    },
    Duplicate,
    Suppressed,
    Rerouted {
        to: u32,
    },
    DeadLetter(Reason),
    /// No action but offsets, up to this one, that expired unread.
    Expired {
        until: i64,
    },
}

/// A record that says what became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    /// The offset of the action.
    pub(super) names: i64,
    /// Its own offset.
    pub(super) at: i64,
    pub(super) became: Became,
    /// Broker time of the action.
    pub(super) received_at: Micros,
    /// Whose account the action counts in; re-routed ones count where they arrive.
    pub(super) account: Option<Account>,
    /// Whether an output before it names a later action.
    pub(super) is_behind: bool,
}

impl Output {
    /// Whether it names a range of offsets instead of an action.
    pub(super) fn is_range(&self) -> bool {
        matches!(self.became, Became::Expired { .. })
    }
}

impl Ord for Output {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.names, self.at).cmp(&(other.names, other.at))
    }
}

impl PartialOrd for Output {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Seen {
    pub(super) fn of(record: &Record<'_>, count: PartitionCount) -> Self {
        let has = |name: &str| record.headers.iter().any(|header| header.name == name.as_bytes());
        Self {
            offset: record.offset.number(),
            received_at: micros(record.timestamp),
            key: record.key.map_or_else(String::new, |key| String::from_utf8_lossy(key).into_owned()),
            is_replayed: has(REPLAY_HEADER),
            moved_from: record.header(REROUTE_HEADER).and_then(|value| moved_from(value, count)),
        }
    }
}

/// Reads the outputs of one partition.
pub(super) struct OutputReader<'d> {
    pub(super) decoder: &'d Decoder,
    pub(super) partition: Partition,
    pub(super) count: PartitionCount,
    /// The name of the actions topic.
    pub(super) actions: String,
    /// The name of the stage.
    pub(super) stage: &'static str,
}

impl OutputReader<'_> {
    /// # Errors
    /// When the record is no audit event.
    pub(super) fn event(&self, record: &Record<'_>) -> Result<Option<Output>, DecodeError> {
        let event = self.decoder.event(value(record)?)?;
        let became = Became::Event { category: event.action.entry.category, id: last_half(&event) };
        let account = Account::Source(event.action.tenant.clone(), event.action.source.to_string());
        let names = event.provenance.offset;
        Ok(self
            .here(event.provenance.partition)
            .then(|| Output { account: Some(account), ..output(record, names, became, event.received_at) }))
    }

    /// # Errors
    /// When the record is no receipt.
    pub(super) fn receipt(&self, record: &Record<'_>) -> Result<Option<Output>, DecodeError> {
        let receipt = self.decoder.receipt(value(record)?)?;
        let of = |action: ReceivedAction, became| {
            let made = output(record, action.offset, became, action.received_at);
            let account = Some(Account::Source(action.tenant, action.source));
            self.here(action.partition).then_some(Output { account, ..made })
        };
        Ok(match receipt {
            Receipt::Duplicate(action) => of(action, Became::Duplicate),
            Receipt::Suppressed(action) => of(action, Became::Suppressed),
            Receipt::Rerouted { partition, offset, received_at, to_partition: to, .. } => {
                self.here(partition).then(|| output(record, offset, Became::Rerouted { to }, received_at))
            }
            Receipt::Expired { topic, stage, partition, from, until, found_at } => {
                let ours = topic == self.actions && stage == self.stage && self.here(partition);
                ours.then(|| output(record, from, Became::Expired { until }, found_at))
            }
        })
    }

    /// # Errors
    /// When the record is neither dead letter nor marker, or the registry does not answer.
    pub(super) fn dead_letter(&self, record: &Record<'_>) -> Result<Option<Output>, DecodeError> {
        let Some(failure) = Failure::read(record) else {
            let neither =
                || DecodeError::Malformed("it says neither what failed nor what was replayed".into());
            return Marker::read(record).map(|_| None).ok_or_else(neither);
        };
        if failure.topic != self.actions || failure.partition != self.partition {
            return Ok(None);
        }
        let account = self.account(record, failure.reason)?;
        let names = failure.offset.number();
        let became = Became::DeadLetter(failure.reason);
        Ok(Some(Output {
            account: Some(account),
            ..output(record, names, became, micros(failure.timestamp))
        }))
    }

    fn here(&self, partition: u32) -> bool {
        partition == self.partition.number()
    }

    /// Whose account a dead letter counts in: its source's, where tenant and source can be read and it
    /// lay in its tenant's partition.
    fn account(&self, record: &Record<'_>, reason: Reason) -> Result<Account, DecodeError> {
        let unknown = Account::Partition(self.partition.number());
        if matches!(reason, Reason::Oversized | Reason::Malformed | Reason::UnknownSchema | Reason::Misrouted)
        {
            return Ok(unknown);
        }
        let raw = match self.decoder.action(record.value, &record.headers) {
            Ok(raw) => raw,
            Err(error @ DecodeError::Unavailable(_)) => return Err(error),
            Err(_) => return Ok(unknown),
        };
        let Some(tenant) = raw.tenant.present().and_then(|text| TenantId::try_from(text.as_ref()).ok())
        else {
            return Ok(unknown);
        };
        if self.count.partition_of(tenant.as_str().as_bytes()) != self.partition {
            return Ok(unknown);
        }
        Ok(match raw.source {
            Field::Present(source) if (1..=512).contains(&source.chars().count()) => {
                Account::Source(tenant, source.into_owned())
            }
            _ => Account::Tenant(tenant),
        })
    }
}

fn output(record: &Record<'_>, names: i64, became: Became, received_at: Micros) -> Output {
    Output { names, at: record.offset.number(), became, received_at, account: None, is_behind: false }
}

fn value<'r>(record: &Record<'r>) -> Result<&'r [u8], DecodeError> {
    record.value.ok_or_else(|| DecodeError::Malformed("it has no value".into()))
}

fn last_half(event: &AuditEvent<'_>) -> u64 {
    event.event_id.uuid().as_u64_pair().1
}

/// Where a re-routed action lay, if the header speaks of this count of partitions.
fn moved_from(header: &[u8], count: PartitionCount) -> Option<(u32, i64)> {
    let mut parts = str::from_utf8(header).ok()?.split('/');
    let (partition, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let same = parts.next()?.parse() == Ok(count.get()) && parts.next().is_none();
    same.then_some((partition, offset))
}
