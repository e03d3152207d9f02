//! One audit event as a line that people read, and as a row.

use catalog::{Actor, AuditEvent, Object, User};

use crate::output::Row;
use crate::when::readable;

/// The columns of [`row`].
pub(super) const COLUMNS: [&str; 12] = [
    "occurred at",
    "received at",
    "category",
    "event type",
    "activity",
    "actor",
    "user",
    "object",
    "within",
    "reason",
    "source",
    "event id",
];

/// `2026-11-02 09:14:03Z  CertificateIssued  Certificate was issued.  by Kim (user u-3)  to …`; parts
/// are two blanks apart. Not escaped.
#[must_use]
pub fn line(event: &AuditEvent<'_>) -> String {
    let action = &event.action;
    let mut parts = vec![
        readable(action.occurred_at),
        action.entry.event_type.into(),
        action.entry.activity.into(),
        format!("by {}", actor(&action.actor)),
    ];
    parts.extend(action.on_behalf_of.as_ref().map(|other| format!("on behalf of {}", actor(other))));
    parts.extend(action.user.as_ref().map(|one| format!("to {}", user(one))));
    parts.extend(action.object.as_ref().map(object));
    parts.extend(action.within.iter().map(|one| format!("in {}", object(one))));
    parts.extend(action.reason.as_ref().map(|reason| format!("because {reason:?}")));
    parts.join("  ")
}

/// The event as a row; its JSON is the whole event.
#[must_use]
pub fn row(event: &AuditEvent<'_>) -> Row {
    let action = &event.action;
    let within: Vec<_> = action.within.iter().map(object).collect();
    Row {
        cells: vec![
            codec::rfc3339(action.occurred_at),
            codec::rfc3339(event.received_at),
            action.entry.category.name().into(),
            action.entry.event_type.into(),
            action.entry.activity.into(),
            actor(&action.actor),
            action.user.as_ref().map(user).unwrap_or_default(),
            action.object.as_ref().map(object).unwrap_or_default(),
            within.join(", "),
            action.reason.as_deref().unwrap_or_default().into(),
            action.source.as_ref().into(),
            event.event_id.to_string(),
        ],
        json: codec::event_json(event),
    }
}

fn actor(actor: &Actor<'_>) -> String {
    let plain = match &actor.id {
        Some(id) => format!("{} {id}", actor.kind.name()),
        None => actor.kind.name().into(),
    };
    match &actor.name {
        Some(name) => format!("{name} ({plain})"),
        None => plain,
    }
}

fn user(user: &User<'_>) -> String {
    match &user.name {
        Some(name) => format!("{name} ({})", user.id),
        None => user.id.as_ref().into(),
    }
}

fn object(object: &Object<'_>) -> String {
    match &object.title {
        Some(title) => format!("{} {} {title:?}", object.kind, object.id),
        None => format!("{} {}", object.kind, object.id),
    }
}
