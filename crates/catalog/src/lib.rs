//! The words of the trail: domain types, the closed catalog, the topics, row keys.
//!
//! This crate must not know how anything is written on the wire, nor what a stage does with it.

mod action;
mod category;
mod entry;
mod event;
mod key;
mod raw;
mod reason;
mod rows;
mod sequence;
mod table;
mod tenant;
mod time;
mod topic;

pub use action::{Action, Actor, ActorKind, Change, Object, Origin, Text, User};
pub use category::{Category, View};
pub use entry::{Entry, NameSource, Need, Part, Register, Status};
pub use event::{AuditEvent, Digest, EventId, Identity, Provenance};
pub use key::{
    activity_key, actors_key, coverage_key, ledger_key, person_prefix, register_key, row_key, sequence_key,
    setting_key, window_start,
};
pub use raw::{Field, RawAction};
pub use reason::Reason;
pub use rows::{
    Account, ActivityRow, ActorRef, ActorsRow, CertificateExpiry, LedgerRow, OrderKey, Receipt,
    ReceivedAction, RegisterRow, SettingRow, Window,
};
pub use sequence::{SequenceRange, SequenceRow};
pub use table::{CATALOG_VERSION, Catalog, CatalogError, catalog};
pub use tenant::{InvalidTenant, TenantId};
pub use time::Micros;
pub use topic::{Cleanup, Content, TimestampType, Topic};
