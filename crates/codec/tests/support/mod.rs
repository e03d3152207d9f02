//! One example of each record, that every test of the wire uses.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use catalog::{
    Account, Action, ActivityRow, Actor, ActorKind, ActorRef, ActorsRow, AuditEvent, CATALOG_VERSION,
    CertificateExpiry, Change, Digest, EventId, Identity, LedgerRow, Micros, Object, OrderKey, Origin,
    Provenance, Receipt, ReceivedAction, RegisterRow, SequenceRange, SequenceRow, SettingRow, TenantId, User,
    Window, catalog,
};
use codec::LedgerRecord;
use stage::{Coverage, Millis, Offset};

pub(crate) const AT: i64 = 1_793_610_843_123_456;

pub(crate) fn acme() -> TenantId {
    TenantId::try_from("acme").expect("valid")
}

pub(crate) fn digest() -> Digest {
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::try_from(place * 7).expect("below 256");
    }
    Digest::new(1, hash)
}

pub(crate) fn event_id() -> EventId {
    EventId::of(Micros::new(AT), &Identity::of(&acme(), "lms.web", "a-1"))
}

pub(crate) fn action() -> Action<'static> {
    Action {
        id: "a-1".into(),
        source: "lms.web".into(),
        entry: catalog().action("certificate.issued").expect("in the catalog"),
        occurred_at: Micros::new(AT),
        tenant: acme(),
        actor: Actor {
            kind: ActorKind::User,
            id: Some("u-2".into()),
            name: Some("Zoë \"Z\" Ångström".into()),
            roles: vec!["lms_admin".into(), "author".into()],
        },
        on_behalf_of: Some(Actor { kind: ActorKind::System, id: None, name: None, roles: vec![] }),
        user: Some(User { id: "u-17".into(), name: Some("Ada Lovelace".into()) }),
        object: Some(Object { kind: "certificate".into(), id: "cert-9".into(), title: None }),
        within: vec![
            Object { kind: "course".into(), id: "c-9".into(), title: Some("Fire safety".into()) },
            Object { kind: "catalog".into(), id: "k-1".into(), title: None },
        ],
        changes: vec![Change { field: "status".into(), before: None, after: Some("issued".into()) }],
        attributes: vec![("score".into(), "0.93".into()), ("x.build".into(), "{\"n\":7}".into())],
        reason: Some("passed".into()),
        origin: Some(Origin {
            ip: Some("203.0.113.7".into()),
            user_agent: Some("Mozilla/5.0".into()),
            channel: Some("web".into()),
        }),
        correlation_id: Some("req-77".into()),
        sequence: Some(42),
    }
}

pub(crate) fn event() -> AuditEvent<'static> {
    AuditEvent {
        event_id: event_id(),
        action: action(),
        received_at: Micros::new(AT + 5_000_000),
        provenance: Provenance { partition: 3, offset: 1_234_567, digest: digest() },
        catalog_version: CATALOG_VERSION,
    }
}

pub(crate) fn received() -> ReceivedAction {
    ReceivedAction {
        tenant: acme(),
        source: "lms.web".into(),
        id: "a-1".into(),
        action: "certificate.expired".into(),
        event_id: event_id(),
        occurred_at: Micros::new(AT),
        received_at: Micros::new(AT + 5_000_000),
        partition: 3,
        offset: 99,
        digest: digest(),
    }
}

pub(crate) fn receipts() -> [Receipt; 4] {
    [
        Receipt::Duplicate(received()),
        Receipt::Suppressed(received()),
        Receipt::Rerouted {
            tenant: acme(),
            partition: 1,
            offset: 7,
            received_at: Micros::new(AT),
            to_partition: 2,
        },
        Receipt::Expired {
            topic: "lms.actions.v1".into(),
            stage: "normalizer".into(),
            partition: 0,
            from: 10,
            until: 20,
            found_at: Micros::new(AT),
        },
    ]
}

fn counts(names: &[(&str, i64)]) -> BTreeMap<String, i64> {
    names.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

pub(crate) fn activity() -> ActivityRow {
    ActivityRow {
        tenant: acme(),
        catalog: Some("k-1".into()),
        event_type: "CertificateIssued",
        window: Window::Hour,
        start: Micros::new(AT).hour(),
        count: 3,
        by_action: counts(&[("certificate.issued", 3)]),
        first_at: Micros::new(AT),
        last_at: Micros::new(AT + 1),
        distinct_users: 2.000_000_009_934_107,
        users_sketch: vec![2, 1, 7, 11, 3, 8, 2, 0, 0xff, 0x80],
        restarted: false,
        received_at: Micros::new(AT + 5_000_000),
    }
}

pub(crate) fn actors() -> ActorsRow {
    ActorsRow {
        tenant: acme(),
        actor: ActorRef { kind: ActorKind::ApiKey, id: Some("key-1".into()) },
        day: Micros::new(AT).day(),
        count: 3,
        by_event_type: counts(&[("CertificateExpired", 1), ("CertificateIssued", 2)]),
        first_at: Micros::new(AT),
        last_at: Micros::new(AT + 1),
        restarted: true,
        received_at: Micros::new(AT + 5_000_000),
    }
}

pub(crate) fn order(sequence: Option<i64>) -> OrderKey {
    OrderKey {
        occurred_at: Micros::new(AT),
        source: "lms.web".into(),
        sequence,
        event_id: event_id(),
        digest: digest(),
    }
}

pub(crate) fn register() -> RegisterRow {
    RegisterRow {
        tenant: acme(),
        kind: "progress",
        user: Some("u-17".into()),
        objects: vec![("course".into(), "c-9".into())],
        status: Some("active"),
        since: Some(Micros::new(AT)),
        by: Some(ActorRef { kind: ActorKind::Anonymous, id: None }),
        catalog: Some("k-1".into()),
        by_event_type: counts(&[("CertificateIssued", 2)]),
        first: order(None),
        last: order(Some(1)),
        status_set: Some(order(Some(2))),
        catalog_set: Some(order(Some(3))),
        received_at: Micros::new(AT + 5_000_000),
    }
}

pub(crate) fn ledger(account: Account) -> LedgerRow {
    LedgerRow {
        account,
        hour: Micros::new(AT).hour(),
        received: 10,
        recorded: 5,
        duplicate: 2,
        suppressed: 1,
        dead_lettered: 2,
        replayed: 1,
        received_at: Micros::new(AT),
    }
}

pub(crate) fn accounts() -> [Account; 3] {
    [Account::Source(acme(), "lms.web".into()), Account::Tenant(acme()), Account::Partition(4)]
}

pub(crate) fn coverage(last_read: Option<i64>) -> LedgerRecord {
    LedgerRecord::Coverage {
        stage: "normalizer".into(),
        partition: 4,
        coverage: Coverage {
            next: Offset::new(17),
            last_read: last_read.map(Millis::new),
            cluster_id: "4L6g3nShT-eMCtK--X86sw".into(),
            topic_id: "b8Jn1Y0sQdG9oYdC3mQy2A".into(),
            expired: 12,
        },
        committed_at: Micros::new(AT),
    }
}

pub(crate) fn sequence() -> SequenceRow {
    SequenceRow {
        tenant: acme(),
        source: "lms.web".into(),
        lowest: 17,
        highest: 4_000_000_000,
        missing: vec![
            SequenceRange { from: 90, until: 90 },
            SequenceRange { from: 3_000_000_000, until: 3_999_999_998 },
        ],
        more: 3,
        received_at: Micros::new(AT),
    }
}

pub(crate) fn setting() -> SettingRow {
    SettingRow {
        tenant: acme(),
        kind: "course".into(),
        id: "c-9".into(),
        certificate_expiry: CertificateExpiry::Disabled,
        set: order(Some(4)),
        received_at: Micros::new(AT),
    }
}

/// A JSON action as platforms send them, 650 bytes.
pub(crate) const TYPICAL: &str = r#"{"tenant":"acme","id":"01JC5Y7Q2M9R8T6W4X3Z1A0B5C","source":"lms.web","action":"certificate.issued","occurred_at":"2026-11-02T09:14:03.123456Z","actor":{"kind":"user","id":"u-29184","name":"Grace Hopper","roles":["lms_admin"]},"user":{"id":"u-17","name":"Ada Lovelace"},"object":{"kind":"certificate","id":"cert-99312","title":"Fire safety, level 2"},"within":[{"kind":"course","id":"c-9","title":"Fire safety"},{"kind":"catalog","id":"k-1"}],"attributes":{"score":"0.93","valid_until":"2028-11-02"},"origin":{"ip":"203.0.113.7","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","channel":"web"},"correlation_id":"req-7f3a9c1e","sequence":184467}"#;
