//! An action in its plain JSON form.

use catalog::{Action, Actor, Change, Object, Origin, Text, User};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::rfc3339;

/// An action as plain JSON, in the form that [`crate::Decoder::action`] reads. What is not there is
/// left out. The same action gives the same bytes.
#[must_use]
pub fn action_json(action: &Action<'_>) -> Vec<u8> {
    serde_json::to_vec(&Plain(action)).expect("an action holds nothing but text and whole numbers")
}

/// Writes members, leaving out what is not there.
macro_rules! members {
    ($serializer:ident, $($name:literal: $value:expr,)*) => {{
        let mut map = $serializer.serialize_map(None)?;
        $(if let Some(value) = $value { map.serialize_entry($name, &value)?; })*
        map.end()
    }};
}

pub(super) struct Plain<'b>(&'b Action<'b>);
pub(super) struct ActorJson<'b>(pub(super) &'b Actor<'b>);
pub(super) struct UserJson<'b>(pub(super) &'b User<'b>);
pub(super) struct ObjectJson<'b>(pub(super) &'b Object<'b>);
pub(super) struct ChangeJson<'b>(pub(super) &'b Change<'b>);
pub(super) struct OriginJson<'b>(pub(super) &'b Origin<'b>);
pub(super) struct PairsJson<'b>(pub(super) &'b [(Text<'b>, Text<'b>)]);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let action = self.0;
        members!(serializer,
            "tenant": Some(action.tenant.as_str()),
            "id": Some(&action.id),
            "source": Some(&action.source),
            "action": Some(action.entry.action),
            "occurred_at": Some(rfc3339(action.occurred_at)),
            "actor": Some(ActorJson(&action.actor)),
            "on_behalf_of": action.on_behalf_of.as_ref().map(ActorJson),
            "user": action.user.as_ref().map(UserJson),
            "object": action.object.as_ref().map(ObjectJson),
            "within": list(&action.within, ObjectJson),
            "changes": list(&action.changes, ChangeJson),
            "attributes": (!action.attributes.is_empty()).then_some(PairsJson(&action.attributes)),
            "reason": action.reason.as_ref(),
            "origin": action.origin.as_ref().map(OriginJson),
            "correlation_id": action.correlation_id.as_ref(),
            "sequence": action.sequence,
        )
    }
}

impl Serialize for ActorJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members!(serializer,
            "kind": Some(self.0.kind.name()),
            "id": self.0.id.as_ref(),
            "name": self.0.name.as_ref(),
            "roles": (!self.0.roles.is_empty()).then_some(&self.0.roles),
        )
    }
}

impl Serialize for UserJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members!(serializer, "id": Some(&self.0.id), "name": self.0.name.as_ref(),)
    }
}

impl Serialize for ObjectJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members!(serializer,
            "kind": Some(&self.0.kind),
            "id": Some(&self.0.id),
            "title": self.0.title.as_ref(),
        )
    }
}

impl Serialize for ChangeJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members!(serializer,
            "field": Some(&self.0.field),
            "before": self.0.before.as_ref(),
            "after": self.0.after.as_ref(),
        )
    }
}

impl Serialize for OriginJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members!(serializer,
            "ip": self.0.ip.as_ref(),
            "user_agent": self.0.user_agent.as_ref(),
            "channel": self.0.channel.as_ref(),
        )
    }
}

impl Serialize for PairsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A list, or nothing where there is none.
pub(super) fn list<'b, T, J>(items: &'b [T], json: impl Fn(&'b T) -> J) -> Option<Vec<J>> {
    (!items.is_empty()).then(|| items.iter().map(json).collect())
}
