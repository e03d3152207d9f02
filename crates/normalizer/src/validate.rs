//! Step 2: whether an action is whole and fits the catalog. The first failing says so: what is
//! missing, then what is not of its form, then what the catalog asks, then the time.

mod fields;

use catalog::{
    Action, Entry, Field, InvalidTenant, Micros, Need, Object, RawAction, Reason, TenantId, catalog,
};

use crate::verdict::Rejection;
use fields::{actor, bounded, objects, optional, optional_object, optional_user, required};

pub(crate) use fields::is_source;

/// How far after its broker time an action may say that it happened: clocks differ, days do not.
const FUTURE: i64 = 24 * 3_600_000_000;

/// Makes a raw action a valid one, or says what it fails first. `tenant` is the raw tenant where
/// that is valid.
pub(crate) fn validate<'a>(
    raw: RawAction<'a>,
    tenant: Option<TenantId>,
    received_at: Micros,
) -> Result<Action<'a>, Rejection> {
    if let Some(field) = missing(&raw) {
        return Err(Rejection::new(Reason::MissingField, format!("{field} is missing")));
    }
    let action = formed(raw, tenant)?;
    fits(&action, action.entry)?;
    timely(action.occurred_at, received_at)?;
    Ok(action)
}

/// The first field that every action must have and this one has not.
fn missing(raw: &RawAction<'_>) -> Option<&'static str> {
    [
        ("tenant", raw.tenant.is_absent()),
        ("id", raw.id.is_absent()),
        ("source", raw.source.is_absent()),
        ("action", raw.action.is_absent()),
        ("occurred_at", raw.occurred_at.is_absent()),
        ("actor", raw.actor.is_absent()),
    ]
    .into_iter()
    .find_map(|(field, absent)| absent.then_some(field))
}

/// Judges each field by itself. The order is that of the lines: fields of a literal are evaluated
/// as written, so the six that must be there come first.
fn formed<'a>(raw: RawAction<'a>, tenant: Option<TenantId>) -> Result<Action<'a>, Rejection> {
    Ok(Action {
        tenant: match tenant {
            Some(tenant) => tenant,
            None => return Err(no_tenant(raw.tenant)),
        },
        id: bounded("id", required("id", raw.id)?, fields::ID)?,
        source: bounded("source", required("source", raw.source)?, fields::NAME)?,
        entry: entry(&required("action", raw.action)?)?,
        occurred_at: required("occurred_at", raw.occurred_at)?,
        actor: actor("actor", required("actor", raw.actor)?)?,
        on_behalf_of: match optional("on_behalf_of", raw.on_behalf_of)? {
            Some(other) => Some(actor("on_behalf_of", other)?),
            None => None,
        },
        user: optional_user(raw.user)?,
        object: optional_object(raw.object)?,
        within: objects("within", raw.within)?,
        changes: optional("changes", raw.changes)?.unwrap_or_default(),
        attributes: optional("attributes", raw.attributes)?.unwrap_or_default(),
        reason: optional("reason", raw.reason)?,
        origin: optional("origin", raw.origin)?,
        correlation_id: optional("correlation_id", raw.correlation_id)?,
        sequence: optional("sequence", raw.sequence)?,
    })
}

fn no_tenant<T>(tenant: Field<T>) -> Rejection {
    match required("tenant", tenant) {
        Err(rejection) => rejection,
        Ok(_) => Rejection::new(Reason::InvalidField, format!("tenant: {InvalidTenant}")),
    }
}

fn entry(name: &str) -> Result<&'static Entry, Rejection> {
    catalog()
        .action(name)
        .ok_or_else(|| Rejection::new(Reason::UnknownAction, "action: the catalog has none of this name"))
}

/// Judges an action by its row of the catalog. Where the row asks for no object, user or within,
/// there may be one.
fn fits(action: &Action<'_>, entry: &Entry) -> Result<(), Rejection> {
    let has_kind = |kinds: &[&str], object: &Object<'_>| kinds.contains(&object.kind.as_ref());
    if !entry.object.is_empty() {
        let wanted = || format!("{} is about {}", entry.action, entry.object.join(" or "));
        match &action.object {
            None => return Err(lacks(format!("object is missing: {}", wanted()))),
            Some(object) if !has_kind(&entry.object, object) => {
                return Err(Rejection::new(Reason::InvalidField, format!("object.kind: {}", wanted())));
            }
            Some(_) => {}
        }
    }
    if entry.user == Need::Required && action.user.is_none() {
        return Err(lacks(format!("user is missing: {} is about one", entry.action)));
    }
    if !entry.within.is_empty() && !action.within.iter().any(|object| has_kind(&entry.within, object)) {
        let kinds = entry.within.join(" or ");
        return Err(lacks(format!("within has no {kinds}: {} lies in one", entry.action)));
    }
    one_of_a_kind(&action.within)
}

/// Rows are keyed by things in `within`, so of some kinds there may be one alone.
fn one_of_a_kind(within: &[Object<'_>]) -> Result<(), Rejection> {
    for (place, object) in within.iter().enumerate() {
        let again = within[..place].iter().any(|other| other.kind == object.kind);
        if again && catalog().at_most_one_within(&object.kind) {
            let message = format!("within[{place}].kind: stands twice and may only once");
            return Err(Rejection::new(Reason::InvalidField, message));
        }
    }
    Ok(())
}

fn timely(occurred_at: Micros, received_at: Micros) -> Result<(), Rejection> {
    if occurred_at < Micros::EARLIEST {
        return Err(Rejection::new(Reason::InvalidField, "occurred_at lies before 1990"));
    }
    if occurred_at.get() > received_at.get().saturating_add(FUTURE) {
        let message = "occurred_at lies over 24 h after the broker received the action";
        return Err(Rejection::new(Reason::TimestampInFuture, message));
    }
    Ok(())
}

fn lacks(message: String) -> Rejection {
    Rejection::new(Reason::MissingField, message)
}

#[cfg(test)]
mod tests;
