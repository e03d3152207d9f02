//! The audit event that a valid action becomes, and the receipt of one that becomes none.

use catalog::{Action, AuditEvent, CATALOG_VERSION, Digest, EventId, Identity, Provenance, ReceivedAction};

use crate::Place;

/// The audit event of an action: its facts, and what ties them to where it lies.
pub(crate) fn record<'a>(
    action: Action<'a>,
    identity: &Identity,
    digest: Digest,
    place: &Place,
) -> AuditEvent<'a> {
    AuditEvent {
        event_id: EventId::of(action.occurred_at, identity),
        action,
        received_at: place.received_at,
        provenance: Provenance { partition: place.partition.number(), offset: place.offset.number(), digest },
        catalog_version: CATALOG_VERSION,
    }
}

/// What a receipt says of an action: enough to find it and the event it has, or would have.
pub(crate) fn receive(
    action: &Action<'_>,
    identity: &Identity,
    digest: Digest,
    place: &Place,
) -> Box<ReceivedAction> {
    Box::new(ReceivedAction {
        tenant: action.tenant.clone(),
        source: action.source.to_string(),
        id: action.id.to_string(),
        action: action.entry.action.into(),
        event_id: EventId::of(action.occurred_at, identity),
        occurred_at: action.occurred_at,
        received_at: place.received_at,
        partition: place.partition.number(),
        offset: place.offset.number(),
        digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{action, place};

    #[test]
    fn an_event_and_a_receipt_of_one_action_agree() {
        let (action, place) = (action("certificate.issued"), place());
        let identity = Identity::of(&action.tenant, &action.source, &action.id);
        let digest = crate::digest(&action);
        let receipt = receive(&action, &identity, digest, &place);
        let event = record(action.clone(), &identity, digest, &place);
        assert_eq!(event.event_id, receipt.event_id);
        assert_eq!(event.provenance.digest, receipt.digest);
        assert_eq!(
            (event.provenance.partition, event.provenance.offset),
            (receipt.partition, receipt.offset)
        );
        assert_eq!((event.received_at, event.catalog_version), (receipt.received_at, CATALOG_VERSION));
        assert_eq!(event.action, action);
        assert_eq!(
            (receipt.tenant.as_str(), receipt.source.as_str(), receipt.id.as_str(), receipt.action.as_str()),
            ("acme", "lms.web", "a-1", "certificate.issued")
        );
    }
}
