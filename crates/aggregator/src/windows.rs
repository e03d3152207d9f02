//! The windowed views: activity by hour and day, actors by day.
//!
//! Windows go by `occurred_at` and never close; every part of a row is a sum, a least, a greatest
//! or a set, so that the order of arrival does not show.

use std::collections::BTreeMap;

use catalog::{ActivityRow, ActorRef, ActorsRow, AuditEvent, Micros, Window};

use crate::layer::Slot;
use crate::retention::{Standing, standing};
use crate::sketch::{self, NotCanonical};

/// A row that counts the events of one window.
pub(crate) trait Windowed: Sized {
    /// The greatest `received_at` folded in.
    fn received_at(&self) -> Micros;

    /// Marks a row that was started anew.
    fn restarted(self) -> Self;

    /// Adds one event of the row's window.
    fn add(&mut self, event: &AuditEvent<'_>) -> Result<(), NotCanonical>;
}

/// Adds the event to the row of its window, or to a new one that `start` makes.
pub(crate) fn fold<T: Windowed>(
    slot: &mut Slot<T>,
    event: &AuditEvent<'_>,
    latest: Micros,
    start: impl FnOnce() -> T,
) -> Result<(), NotCanonical> {
    let standing = slot.row().map(|row| standing(row.received_at(), event.received_at, latest));
    let row = match standing {
        Some(Standing::Current) => slot.row_or(start),
        Some(Standing::Outlived) => slot.replace(start().restarted()),
        Some(Standing::Cleared) | None => slot.replace(start()),
    };
    row.add(event)?;
    let received_at = row.received_at();
    slot.touch(received_at);
    Ok(())
}

/// The activity row of the event's window, without the event.
pub(crate) fn activity(event: &AuditEvent<'_>, window: Window) -> ActivityRow {
    let action = &event.action;
    ActivityRow {
        tenant: action.tenant.clone(),
        catalog: action.catalog_id().map(Into::into),
        event_type: action.entry.event_type,
        window,
        start: window.start(action.occurred_at),
        count: 0,
        by_action: BTreeMap::new(),
        first_at: action.occurred_at,
        last_at: action.occurred_at,
        distinct_users: 0.0,
        users_sketch: sketch::empty(),
        restarted: false,
        received_at: event.received_at,
    }
}

/// The actors row of the event's actor and day, without the event.
pub(crate) fn actors(event: &AuditEvent<'_>, actor: ActorRef) -> ActorsRow {
    let at = event.action.occurred_at;
    ActorsRow {
        tenant: event.action.tenant.clone(),
        actor,
        day: at.day(),
        count: 0,
        by_event_type: BTreeMap::new(),
        first_at: at,
        last_at: at,
        restarted: false,
        received_at: event.received_at,
    }
}

/// Counts one more under this name.
pub(crate) fn count(counts: &mut BTreeMap<String, i64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.into(), 1);
        }
    }
}

impl Windowed for ActivityRow {
    fn received_at(&self) -> Micros {
        self.received_at
    }

    fn restarted(self) -> Self {
        Self { restarted: true, ..self }
    }

    fn add(&mut self, event: &AuditEvent<'_>) -> Result<(), NotCanonical> {
        let action = &event.action;
        self.count += 1;
        count(&mut self.by_action, action.entry.action);
        self.first_at = self.first_at.min(action.occurred_at);
        self.last_at = self.last_at.max(action.occurred_at);
        self.received_at = self.received_at.max(event.received_at);
        if let Some(user) = &action.user
            && sketch::add(&mut self.users_sketch, &user.id)?
        {
            self.distinct_users = sketch::estimate(&self.users_sketch)?;
        }
        Ok(())
    }
}

impl Windowed for ActorsRow {
    fn received_at(&self) -> Micros {
        self.received_at
    }

    fn restarted(self) -> Self {
        Self { restarted: true, ..self }
    }

    fn add(&mut self, event: &AuditEvent<'_>) -> Result<(), NotCanonical> {
        let action = &event.action;
        self.count += 1;
        count(&mut self.by_event_type, action.entry.event_type);
        self.first_at = self.first_at.min(action.occurred_at);
        self.last_at = self.last_at.max(action.occurred_at);
        self.received_at = self.received_at.max(event.received_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
