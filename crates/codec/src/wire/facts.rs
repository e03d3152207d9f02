//! The parts of an action, in the action's own schema as in the audit event's.

use catalog::{Actor, ActorRef, Change, Object, OrderKey, Origin, Text, User};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::value::{DigestOut, IdOut, KindIn, KindOut, digest, event_id};
use catalog::Micros;

record! {
    pub(crate) struct ActorOut<'b> {
        kind: KindOut,
        id: Option<&'b str>,
        name: Option<&'b str>,
        roles: &'b [Text<'b>],
    }
}

#[derive(Deserialize)]
#[serde(rename = "Actor")]
pub(crate) struct ActorIn {
    kind: KindIn,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

record! {
    pub(crate) struct UserOut<'b> {
        id: &'b str,
        name: Option<&'b str>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "User")]
pub(crate) struct UserIn {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

record! {
    pub(crate) struct ObjectOut<'b> {
        kind: &'b str,
        id: &'b str,
        title: Option<&'b str>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "Object")]
pub(crate) struct ObjectIn {
    kind: String,
    id: String,
    #[serde(default)]
    title: Option<String>,
}

record! {
    pub(super) struct ChangeOut<'b> {
        field: &'b str,
        before: Option<&'b str>,
        after: Option<&'b str>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "Change")]
pub(crate) struct ChangeIn {
    field: String,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    after: Option<String>,
}

record! {
    pub(crate) struct OriginOut<'b> {
        ip: Option<&'b str>,
        user_agent: Option<&'b str>,
        channel: Option<&'b str>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "Origin")]
pub(crate) struct OriginIn {
    #[serde(default)]
    ip: Option<String>,
    #[serde(default)]
    user_agent: Option<String>,
    #[serde(default)]
    channel: Option<String>,
}

record! {
    /// An actor as rows name one.
    pub(crate) struct RefOut<'b> {
        kind: KindOut,
        id: Option<&'b str>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "ActorRef")]
pub(crate) struct RefIn {
    kind: KindIn,
    #[serde(default)]
    id: Option<String>,
}

record! {
    /// An event's place in the register's order.
    pub(crate) struct OrderOut<'b> {
        occurred_at: i64,
        source: &'b str,
        sequence: Option<i64>,
        event_id: IdOut,
        digest: DigestOut<'b>,
    }
}

#[derive(Deserialize)]
#[serde(rename = "OrderKey")]
pub(crate) struct OrderIn {
    occurred_at: i64,
    source: String,
    #[serde(default)]
    sequence: Option<i64>,
    event_id: String,
    digest: ByteBuf,
}

/// Objects, each as its struct.
pub(crate) struct ObjectsOut<'b>(pub(crate) &'b [Object<'b>]);

impl Serialize for ObjectsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ObjectOut::of))
    }
}

/// Changes, each as its struct.
pub(crate) struct ChangesOut<'b>(pub(crate) &'b [Change<'b>]);

impl Serialize for ChangesOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|change| ChangeOut {
            field: &change.field,
            before: change.before.as_deref(),
            after: change.after.as_deref(),
        }))
    }
}

impl<'b> ActorOut<'b> {
    pub(crate) fn of(actor: &'b Actor<'b>) -> Self {
        Self {
            kind: KindOut(actor.kind),
            id: actor.id.as_deref(),
            name: actor.name.as_deref(),
            roles: &actor.roles,
        }
    }
}

impl<'b> UserOut<'b> {
    pub(crate) fn of(user: &'b User<'b>) -> Self {
        Self { id: &user.id, name: user.name.as_deref() }
    }
}

impl<'b> ObjectOut<'b> {
    pub(crate) fn of(object: &'b Object<'b>) -> Self {
        Self { kind: &object.kind, id: &object.id, title: object.title.as_deref() }
    }
}

impl<'b> OriginOut<'b> {
    pub(crate) fn of(origin: &'b Origin<'b>) -> Self {
        Self {
            ip: origin.ip.as_deref(),
            user_agent: origin.user_agent.as_deref(),
            channel: origin.channel.as_deref(),
        }
    }
}

impl<'b> RefOut<'b> {
    pub(crate) fn of(actor: &'b ActorRef) -> Self {
        Self { kind: KindOut(actor.kind), id: actor.id.as_deref() }
    }
}

impl<'b> OrderOut<'b> {
    pub(crate) fn of(key: &'b OrderKey) -> Self {
        Self {
            occurred_at: key.occurred_at.get(),
            source: &key.source,
            sequence: key.sequence,
            event_id: IdOut(key.event_id),
            digest: DigestOut(&key.digest),
        }
    }
}

impl From<ActorIn> for Actor<'static> {
    fn from(actor: ActorIn) -> Self {
        Self {
            kind: actor.kind.0,
            id: text(actor.id),
            name: text(actor.name),
            roles: actor.roles.into_iter().map(Text::Owned).collect(),
        }
    }
}

impl From<UserIn> for User<'static> {
    fn from(user: UserIn) -> Self {
        Self { id: user.id.into(), name: text(user.name) }
    }
}

impl From<ObjectIn> for Object<'static> {
    fn from(object: ObjectIn) -> Self {
        Self { kind: object.kind.into(), id: object.id.into(), title: text(object.title) }
    }
}

impl From<ChangeIn> for Change<'static> {
    fn from(change: ChangeIn) -> Self {
        Self { field: change.field.into(), before: text(change.before), after: text(change.after) }
    }
}

impl From<OriginIn> for Origin<'static> {
    fn from(origin: OriginIn) -> Self {
        Self { ip: text(origin.ip), user_agent: text(origin.user_agent), channel: text(origin.channel) }
    }
}

impl From<RefIn> for ActorRef {
    fn from(actor: RefIn) -> Self {
        Self { kind: actor.kind.0, id: actor.id }
    }
}

impl TryFrom<OrderIn> for OrderKey {
    type Error = String;

    fn try_from(key: OrderIn) -> Result<Self, String> {
        Ok(Self {
            occurred_at: Micros::new(key.occurred_at),
            source: key.source,
            sequence: key.sequence,
            event_id: event_id(&key.event_id)?,
            digest: digest(&key.digest)?,
        })
    }
}

/// Text that nothing is borrowed from.
pub(crate) fn text(value: Option<String>) -> Option<Text<'static>> {
    value.map(Text::Owned)
}
