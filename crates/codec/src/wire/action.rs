//! An action in Avro, as an adapter may publish it.

use catalog::Action;

use super::facts::{ActorOut, ChangesOut, ObjectOut, ObjectsOut, OriginOut, UserOut};
use super::value::PairsOut;

record! {
    pub(crate) struct ActionOut<'b> {
        tenant: &'b str,
        id: &'b str,
        source: &'b str,
        action: &'b str,
        occurred_at: i64,
        actor: ActorOut<'b>,
        on_behalf_of: Option<ActorOut<'b>>,
        user: Option<UserOut<'b>>,
        object: Option<ObjectOut<'b>>,
        within: ObjectsOut<'b>,
        changes: ChangesOut<'b>,
        attributes: PairsOut<'b>,
        reason: Option<&'b str>,
        origin: Option<OriginOut<'b>>,
        correlation_id: Option<&'b str>,
        sequence: Option<i64>,
    }
}

impl<'b> ActionOut<'b> {
    pub(crate) fn of(action: &'b Action<'b>) -> Self {
        Self {
            tenant: action.tenant.as_str(),
            id: &action.id,
            source: &action.source,
            action: action.entry.action,
            occurred_at: action.occurred_at.get(),
            actor: ActorOut::of(&action.actor),
            on_behalf_of: action.on_behalf_of.as_ref().map(ActorOut::of),
            user: action.user.as_ref().map(UserOut::of),
            object: action.object.as_ref().map(ObjectOut::of),
            within: ObjectsOut(&action.within),
            changes: ChangesOut(&action.changes),
            attributes: PairsOut(&action.attributes),
            reason: action.reason.as_deref(),
            origin: action.origin.as_ref().map(OriginOut::of),
            correlation_id: action.correlation_id.as_deref(),
            sequence: action.sequence,
        }
    }
}
