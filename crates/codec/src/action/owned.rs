//! Frees an action from the bytes it was read from.

use catalog::{Actor, Change, Field, Object, Origin, RawAction, Text, User};

/// The action, borrowing nothing.
pub(super) fn action(action: RawAction<'_>) -> RawAction<'static> {
    let pairs = |pairs: Vec<(Text<'_>, Text<'_>)>| {
        pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    };
    RawAction {
        tenant: field(action.tenant, text),
        id: field(action.id, text),
        source: field(action.source, text),
        action: field(action.action, text),
        occurred_at: action.occurred_at,
        actor: field(action.actor, actor),
        on_behalf_of: field(action.on_behalf_of, actor),
        user: field(action.user, user),
        object: field(action.object, object),
        within: field(action.within, |within| within.into_iter().map(object).collect()),
        changes: field(action.changes, |changes| changes.into_iter().map(change).collect()),
        attributes: field(action.attributes, pairs),
        reason: field(action.reason, text),
        origin: field(action.origin, origin),
        correlation_id: field(action.correlation_id, text),
        sequence: action.sequence,
    }
}

/// The text, borrowing nothing.
pub(super) fn text(text: Text<'_>) -> Text<'static> {
    Text::Owned(text.into_owned())
}

fn field<A, B>(field: Field<A>, owned: impl FnOnce(A) -> B) -> Field<B> {
    match field {
        Field::Absent => Field::Absent,
        Field::Invalid(problem) => Field::Invalid(problem),
        Field::Present(value) => Field::Present(owned(value)),
    }
}

fn actor(actor: Actor<'_>) -> Actor<'static> {
    Actor {
        kind: actor.kind,
        id: actor.id.map(text),
        name: actor.name.map(text),
        roles: actor.roles.into_iter().map(text).collect(),
    }
}

fn user(user: User<'_>) -> User<'static> {
    User { id: text(user.id), name: user.name.map(text) }
}

fn object(object: Object<'_>) -> Object<'static> {
    Object { kind: text(object.kind), id: text(object.id), title: object.title.map(text) }
}

fn change(change: Change<'_>) -> Change<'static> {
    Change { field: text(change.field), before: change.before.map(text), after: change.after.map(text) }
}

fn origin(origin: Origin<'_>) -> Origin<'static> {
    Origin {
        ip: origin.ip.map(text),
        user_agent: origin.user_agent.map(text),
        channel: origin.channel.map(text),
    }
}
