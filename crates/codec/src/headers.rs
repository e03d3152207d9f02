//! An audit event's CloudEvents attributes as headers, by the CloudEvents binding for Kafka: the
//! value says it all, and the headers let a consumer choose without reading it.

use catalog::AuditEvent;
use stage::Header;
use uuid::Uuid;

use crate::rfc3339;

/// Makes the headers of audit events; keeps their texts until the next one.
#[derive(Debug, Default)]
pub struct EventHeaders {
    id: String,
    time: String,
}

impl EventHeaders {
    /// No event's yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The headers of an audit event: `ce_specversion`, `ce_id` (the event's id), `ce_source`,
    /// `ce_type` (the event type), `ce_time` (`occurred_at`), `content-type`, and the action's
    /// `traceparent` passed on.
    pub fn of<'b>(&'b mut self, event: &'b AuditEvent<'_>, traceparent: Option<&'b [u8]>) -> Vec<Header<'b>> {
        let mut id = Uuid::encode_buffer();
        self.id.clear();
        self.id.push_str(event.event_id.uuid().hyphenated().encode_lower(&mut id));
        self.time = rfc3339(event.action.occurred_at);
        let header = |name, value: &'b [u8]| Header::new(name, Some(value));
        let mut headers = Vec::with_capacity(7);
        headers.extend([
            header("ce_specversion", b"1.0"),
            header("ce_id", self.id.as_bytes()),
            header("ce_source", event.action.source.as_bytes()),
            header("ce_type", event.action.entry.event_type.as_bytes()),
            header("ce_time", self.time.as_bytes()),
            header("content-type", b"application/avro"),
        ]);
        headers.extend(traceparent.map(|value| header("traceparent", value)));
        headers
    }
}
