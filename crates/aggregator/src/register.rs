//! The register: the current state of each subject, by the register's order and not by arrival.

use std::collections::BTreeMap;

use catalog::{ActorRef, AuditEvent, OrderKey, Part, RegisterRow, Status};

use crate::layer::Slot;
use crate::windows::count;

/// What an event's register row is of: the user if any, then kind and id of each thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject<'e> {
    pub(crate) user: Option<&'e str>,
    pub(crate) objects: Vec<(&'e str, &'e str)>,
}

/// The subject of an event, as the catalog's `register` column makes it; the missing part, if the
/// event lacks one.
pub(crate) fn subject<'e>(event: &'e AuditEvent<'_>) -> Result<Subject<'e>, &'static str> {
    let action = &event.action;
    let mut subject = Subject { user: None, objects: Vec::new() };
    for part in &action.entry.register.parts {
        match part {
            Part::User => subject.user = Some(&action.user.as_ref().ok_or("user")?.id),
            Part::Object => {
                let object = action.object.as_ref().ok_or("object")?;
                subject.objects.push((&object.kind, &object.id));
            }
            Part::Within(kind) => subject.objects.push((kind, action.within_id(kind).ok_or(*kind)?)),
        }
    }
    Ok(subject)
}

/// The actor as rows name one.
pub(crate) fn actor(event: &AuditEvent<'_>) -> ActorRef {
    let actor = &event.action.actor;
    ActorRef { kind: actor.kind, id: actor.id.as_deref().map(Into::into) }
}

/// Adds the event to the row of its subject.
pub(crate) fn fold(
    slot: &mut Slot<RegisterRow>,
    event: &AuditEvent<'_>,
    order: &OrderKey,
    subject: &Subject<'_>,
) {
    let row = slot.row_or(|| start(event, order, subject));
    let action = &event.action;
    if *order < row.first {
        row.first = order.clone();
    }
    if *order > row.last {
        row.last = order.clone();
    }
    if let Status::Set(status) = action.entry.status
        && is_latest(order, row.status_set.as_ref())
    {
        row.status = Some(status);
        row.since = Some(action.occurred_at);
        row.by = Some(actor(event));
        row.status_set = Some(order.clone());
    }
    if let Some(catalog) = action.catalog_id()
        && is_latest(order, row.catalog_set.as_ref())
    {
        row.catalog = Some(catalog.into());
        row.catalog_set = Some(order.clone());
    }
    count(&mut row.by_event_type, action.entry.event_type);
    row.received_at = row.received_at.max(event.received_at);
    let received_at = row.received_at;
    slot.touch(received_at);
}

fn is_latest(order: &OrderKey, set: Option<&OrderKey>) -> bool {
    set.is_none_or(|set| set < order)
}

/// The row of a subject with its first event's place, without the event.
fn start(event: &AuditEvent<'_>, order: &OrderKey, subject: &Subject<'_>) -> RegisterRow {
    RegisterRow {
        tenant: event.action.tenant.clone(),
        kind: event.action.entry.register.kind,
        user: subject.user.map(Into::into),
        objects: subject.objects.iter().map(|(kind, id)| ((*kind).into(), (*id).into())).collect(),
        status: None,
        since: None,
        by: None,
        catalog: None,
        by_event_type: BTreeMap::new(),
        first: order.clone(),
        last: order.clone(),
        status_set: None,
        catalog_set: None,
        received_at: event.received_at,
    }
}

#[cfg(test)]
mod tests;
