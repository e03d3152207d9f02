//! The rows that the stages keep and publish: report views, ledger, settings; and receipts.

use std::collections::BTreeMap;

use crate::{ActorKind, AuditEvent, Digest, EventId, Micros, TenantId};

/// The length of an activity window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// A UTC hour.
    Hour,
    /// A UTC day.
    Day,
}

impl Window {
    /// Both windows.
    pub const ALL: [Window; 2] = [Self::Hour, Self::Day];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The start of the window that a time lies in.
    #[must_use]
    pub const fn start(self, at: Micros) -> Micros {
        match self {
            Self::Hour => at.hour(),
            Self::Day => at.day(),
        }
    }
}

/// One row of an `activity` view: what happened in one window.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityRow {
    /// Whose.
    pub tenant: TenantId,
    /// The catalog the events concern, if any.
    pub catalog: Option<String>,
    /// The event type.
    pub event_type: &'static str,
    /// How long the window is.
    pub window: Window,
    /// When it begins.
    pub start: Micros,
    /// How many events.
    pub count: i64,
    /// How many of each action.
    pub by_action: BTreeMap<String, i64>,
    /// The least `occurred_at`.
    pub first_at: Micros,
    /// The greatest `occurred_at`.
    pub last_at: Micros,
    /// Distinct users, estimated.
    pub distinct_users: f64,
    /// The Apache DataSketches HLL sketch the estimate is of, in canonical form.
    pub users_sketch: Vec<u8>,
    /// Whether the row began anew because retention had passed over an earlier one.
    pub restarted: bool,
    /// The greatest `received_at` folded in: the record's timestamp.
    pub received_at: Micros,
}

/// An actor as rows name one: no name, only what identifies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorRef {
    /// What kind.
    pub kind: ActorKind,
    /// The id, where there is one.
    pub id: Option<String>,
}

/// One row of an `actors` view: what one actor did on one UTC day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorsRow {
    /// Whose.
    pub tenant: TenantId,
    /// Who.
    pub actor: ActorRef,
    /// The start of the day.
    pub day: Micros,
    /// How many events.
    pub count: i64,
    /// How many of each event type.
    pub by_event_type: BTreeMap<String, i64>,
    /// The least `occurred_at`.
    pub first_at: Micros,
    /// The greatest `occurred_at`.
    pub last_at: Micros,
    /// Whether the row began anew because retention had passed over an earlier one.
    pub restarted: bool,
    /// The greatest `received_at` folded in: the record's timestamp.
    pub received_at: Micros,
}

/// Where an event stands in the register's order: by these fields, in this order; an absent
/// sequence comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// When it happened.
    pub occurred_at: Micros,
    /// Which system says so.
    pub source: String,
    /// The source's counter.
    pub sequence: Option<i64>,
    /// The event's id.
    pub event_id: EventId,
    /// What its action said.
    pub digest: Digest,
}

impl OrderKey {
    /// Where this event stands.
    #[must_use]
    pub fn of(event: &AuditEvent<'_>) -> Self {
        Self {
            occurred_at: event.action.occurred_at,
            source: event.action.source.to_string(),
            sequence: event.action.sequence,
            event_id: event.event_id,
            digest: event.provenance.digest,
        }
    }
}

/// One row of a `register` view: the current state of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterRow {
    /// Whose.
    pub tenant: TenantId,
    /// What kind of subject, as the catalog's `register` column names it.
    pub kind: &'static str,
    /// The user, where the subject is made of one.
    pub user: Option<String>,
    /// The kind and id of each thing the subject is made of, in the catalog's order.
    pub objects: Vec<(String, String)>,
    /// The status, once an action has set one.
    pub status: Option<&'static str>,
    /// `occurred_at` of the event that set the status.
    pub since: Option<Micros>,
    /// The actor of that event.
    pub by: Option<ActorRef>,
    /// The catalog that the latest event which names one names.
    pub catalog: Option<String>,
    /// How many events of each type.
    pub by_event_type: BTreeMap<String, i64>,
    /// The first event in the register's order.
    pub first: OrderKey,
    /// The last one.
    pub last: OrderKey,
    /// The one that set the status.
    pub status_set: Option<OrderKey>,
    /// The one that named the catalog.
    pub catalog_set: Option<OrderKey>,
    /// The greatest `received_at` folded in: the record's timestamp.
    pub received_at: Micros,
}

/// Whose account a ledger row is: everything that was received is someone's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A source of a tenant.
    Source(TenantId, String),
    /// A tenant; the source could not be read.
    Tenant(TenantId),
    /// A partition; no valid tenant could be read, or the action was misrouted.
    Partition(u32),
}

/// One row of the ledger: what was received in one UTC hour of `received_at`.
/// `received = recorded + duplicate + suppressed + dead_lettered`, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Whose account.
    pub account: Account,
    /// The start of the hour.
    pub hour: Micros,
    /// Actions received.
    pub received: i64,
    /// Of these, recorded as audit events.
    pub recorded: i64,
    /// Of these, duplicates.
    pub duplicate: i64,
    /// Of these, suppressed.
    pub suppressed: i64,
    /// Of these, dead letters.
    pub dead_lettered: i64,
    /// Dead letters of this account that were published again.
    pub replayed: i64,
    /// The greatest `received_at`: the record's timestamp.
    pub received_at: Micros,
}

/// What the normalizer must remember of one course or training plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// Whose.
    pub tenant: TenantId,
    /// `course` or `training_plan`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Whether its certificates expire.
    pub certificate_expiry: CertificateExpiry,
    /// The event that set it.
    pub set: OrderKey,
    /// Broker time of that event's action: the record's timestamp.
    pub received_at: Micros,
}

/// Whether certificates of a course or training plan expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateExpiry {
    /// They do.
    Enabled,
    /// They do not: `CertificateExpired` is suppressed.
    Disabled,
}

impl CertificateExpiry {
    /// The name on the wire, also the value of the attribute that sets it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }

    /// The setting of this name; any other value sets nothing.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled].into_iter().find(|setting| setting.name() == name)
    }
}

/// The record of an action that became neither event nor dead letter, or of a range of offsets
/// that expired unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The action was seen before.
    Duplicate(ReceivedAction),
    /// A rule says that it makes no event.
    Suppressed(ReceivedAction),
    /// It was written to its tenant's partition.
    Rerouted {
        /// Whose it is.
        tenant: TenantId,
        /// Where it lay.
        partition: u32,
        /// Its offset there.
        offset: i64,
        /// Its broker time there.
        received_at: Micros,
        /// The partition it was written to.
        to_partition: u32,
    },
    /// Offsets that expired before they were read; the range may hold control records.
    Expired {
        /// The topic.
        topic: String,
        /// The stage that missed them.
        stage: String,
        /// The partition.
        partition: u32,
        /// The first offset missed.
        from: i64,
        /// The offset after the last one missed.
        until: i64,
        /// When that was found.
        found_at: Micros,
    },
}

/// An action as a receipt names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedAction {
    /// Whose.
    pub tenant: TenantId,
    /// Which system said so.
    pub source: String,
    /// The action's id.
    pub id: String,
    /// The action's name.
    pub action: String,
    /// The id its event has, or would have.
    pub event_id: EventId,
    /// When it happened.
    pub occurred_at: Micros,
    /// Broker time.
    pub received_at: Micros,
    /// Partition of the actions topic.
    pub partition: u32,
    /// Offset there.
    pub offset: i64,
    /// What it said.
    pub digest: Digest,
}
