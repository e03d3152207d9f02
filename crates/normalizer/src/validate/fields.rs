//! Single fields: whether they are there, of the right form and the right length.

use std::ops::RangeInclusive;

use catalog::{Actor, Field, Object, Reason, Text, User};

use crate::verdict::Rejection;

/// Characters of an action's id.
pub(super) const ID: RangeInclusive<usize> = 1..=128;
/// Characters of a source, of every other id and of a kind.
pub(super) const NAME: RangeInclusive<usize> = 1..=512;

/// Whether a text can be a source, so that an account can be named by it.
pub(crate) fn is_source(text: &str) -> bool {
    fits(text, &NAME)
}

pub(super) fn required<T>(name: &str, field: Field<T>) -> Result<T, Rejection> {
    match optional(name, field)? {
        Some(value) => Ok(value),
        None => Err(Rejection::new(Reason::MissingField, format!("{name} is missing"))),
    }
}

pub(super) fn optional<T>(name: &str, field: Field<T>) -> Result<Option<T>, Rejection> {
    match field {
        Field::Present(value) => Ok(Some(value)),
        Field::Absent => Ok(None),
        Field::Invalid(what) => Err(Rejection::new(Reason::InvalidField, format!("{name}: {what}"))),
    }
}

/// The text, if it has as many characters as it may.
pub(super) fn bounded<'a>(
    name: &str,
    text: Text<'a>,
    length: RangeInclusive<usize>,
) -> Result<Text<'a>, Rejection> {
    check_length(|| name.into(), &text, &length)?;
    Ok(text)
}

/// The actor, if it has an id where its kind needs one.
pub(super) fn actor<'a>(name: &str, actor: Actor<'a>) -> Result<Actor<'a>, Rejection> {
    match &actor.id {
        Some(id) => check_length(|| format!("{name}.id"), id, &NAME)?,
        None if actor.kind.needs_id() => {
            let message = format!("{name}.id is missing: an actor of kind {} has one", actor.kind.name());
            return Err(Rejection::new(Reason::MissingField, message));
        }
        None => {}
    }
    Ok(actor)
}

pub(super) fn optional_user(field: Field<User<'_>>) -> Result<Option<User<'_>>, Rejection> {
    let user = optional("user", field)?;
    if let Some(user) = &user {
        check_length(|| "user.id".into(), &user.id, &NAME)?;
    }
    Ok(user)
}

pub(super) fn optional_object(field: Field<Object<'_>>) -> Result<Option<Object<'_>>, Rejection> {
    let object = optional("object", field)?;
    if let Some(object) = &object {
        check_object(|| "object".into(), object)?;
    }
    Ok(object)
}

pub(super) fn objects<'a>(name: &str, field: Field<Vec<Object<'a>>>) -> Result<Vec<Object<'a>>, Rejection> {
    let objects = optional(name, field)?.unwrap_or_default();
    for (place, object) in objects.iter().enumerate() {
        check_object(|| format!("{name}[{place}]"), object)?;
    }
    Ok(objects)
}

fn check_object(name: impl Fn() -> String, object: &Object<'_>) -> Result<(), Rejection> {
    check_length(|| format!("{}.kind", name()), &object.kind, &NAME)?;
    check_length(|| format!("{}.id", name()), &object.id, &NAME)
}

/// The name is made only where it is needed: nearly every text fits.
fn check_length(
    name: impl FnOnce() -> String,
    text: &str,
    length: &RangeInclusive<usize>,
) -> Result<(), Rejection> {
    if fits(text, length) {
        return Ok(());
    }
    let message = format!("{} must have {} to {} characters", name(), length.start(), length.end());
    Err(Rejection::new(Reason::InvalidField, message))
}

/// Characters are never more than bytes, so most texts need no counting.
fn fits(text: &str, length: &RangeInclusive<usize>) -> bool {
    !text.is_empty() && (text.len() <= *length.end() || length.contains(&text.chars().count()))
}
