//! Which audit events are wanted.

use catalog::{Actor, AuditEvent, Micros, TenantId, catalog};

use super::Command;

/// Which audit events are wanted. Within one criterion any value will do; all criteria must hold.
#[derive(Clone, Debug)]
pub struct Filter {
    command: Command,
    now: Micros,
}

/// An event type by its name.
///
/// # Errors
/// When the catalog has none of this name.
pub fn event_type(name: &str) -> Result<&'static str, String> {
    catalog()
        .event_type(name)
        .ok_or_else(|| "the catalog has no such event type; `lms-audit catalog` lists all".into())
}

impl Filter {
    /// The filter that a command asks for, if it is `now` now.
    #[must_use]
    pub fn of(command: &Command, now: Micros) -> Self {
        Self { command: command.clone(), now }
    }

    /// Whose trail.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.command.tenant
    }

    /// The earliest `occurred_at`.
    #[must_use]
    pub fn since(&self) -> Option<Micros> {
        self.command.since.map(|when| when.at(self.now))
    }

    /// The earliest `received_at`.
    #[must_use]
    pub fn received_since(&self) -> Option<Micros> {
        self.command.received_since.map(|when| when.at(self.now))
    }

    /// The first `received_at` that is too late.
    #[must_use]
    pub fn received_until(&self) -> Option<Micros> {
        self.command.received_until.map(|when| when.at(self.now))
    }

    /// Whether an event is wanted.
    #[must_use]
    pub fn matches(&self, event: &AuditEvent<'_>) -> bool {
        let (Command { category, event_type, actor, user, object, id, .. }, action) =
            (&self.command, &event.action);
        action.tenant == self.command.tenant
            && any(category, |wanted| *wanted == action.entry.category)
            && any(event_type, |wanted| *wanted == action.entry.event_type)
            && any(actor, |wanted| is_actor(&action.actor, wanted))
            && any(user, |wanted| action.user.as_ref().is_some_and(|user| user.id == *wanted))
            && any(object, |wanted| {
                let mut things = action.object.iter().chain(&action.within);
                things.any(|thing| is_thing(&thing.kind, &thing.id, wanted))
            })
            && any(id, |wanted| action.id == *wanted || event.event_id.to_string() == *wanted)
            && self.since().is_none_or(|since| action.occurred_at >= since)
            && self.command.until.is_none_or(|until| action.occurred_at < until.at(self.now))
            && self.received_since().is_none_or(|since| event.received_at >= since)
            && self.received_until().is_none_or(|until| event.received_at < until)
    }
}

fn any<T>(wanted: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(matches)
}

fn is_actor(actor: &Actor<'_>, wanted: &str) -> bool {
    actor.id.as_deref().unwrap_or(actor.kind.name()) == wanted
}

/// `kind/id` or `id`; an id may hold slashes itself.
fn is_thing(kind: &str, id: &str, wanted: &str) -> bool {
    id == wanted || wanted.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) == Some(id)
}
