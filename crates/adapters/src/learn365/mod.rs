//! Learn365: webhook bodies, bare or in an envelope that tells the trigger. Nobody is named as the
//! doer. A firing's own id and its count of attempts differ between deliveries and enter nothing.

use serde_json::Value;

use crate::line::{Event, Line, Missing};
use crate::mapping::apply::{Foreign, Trail};

/// Reads one line. The trigger is the envelope's, else `trigger`, else what a notification calls its
/// action.
pub(crate) fn parse(line: &[u8], trail: &Trail, trigger: Option<&str>) -> Line {
    let root: Value = match serde_json::from_slice(line) {
        Ok(root) => root,
        Err(error) => return Line::Unreadable(crate::json_problem(&error, 0)),
    };
    let body = if root["payload"].is_object() { &root["payload"] } else { &root };
    let Some(notifications) = body["Notifications"].as_array() else {
        return Line::Unreadable("neither a webhook body nor an envelope: there are no Notifications".into());
    };
    let trigger = envelope_trigger(&root).or(trigger);
    if notifications.is_empty() {
        let name = trigger.unwrap_or("(no trigger)").into();
        let missing = vec![Missing::Notifications];
        return Line::Events {
            events: vec![Event::Mapped { name, actions: Vec::new(), missing }],
            mismatched: 0,
        };
    }
    let mut mismatched = 0;
    let mut events = Vec::with_capacity(notifications.len());
    for notification in notifications {
        let own = notification["Action"].as_str().filter(|action| !action.is_empty());
        let Some(name) = trigger.or(own) else {
            return Line::Unreadable("a notification has no Action, and no trigger was given".into());
        };
        mismatched += u64::from(own.is_some_and(|own| own != name));
        events.push(event(name, notification, body, trail));
    }
    Line::Events { events, mismatched }
}

fn event(name: &str, notification: &Value, body: &Value, trail: &Trail) -> Event {
    let trigger = Value::String(name.into());
    let foreign = Foreign {
        named: vec![("trigger", &trigger), ("N", notification), ("P", body)],
        users: notification["Users"].as_array().map(Vec::as_slice).unwrap_or_default(),
        // A time without zone is no RFC 3339: it is missing, and none is guessed.
        ..Foreign::new(name, &Value::Null, codec::parse_rfc3339)
    };
    trail.event(&foreign)
}

/// The trigger that an envelope names, or the last part of the path it was received under.
fn envelope_trigger(root: &Value) -> Option<&str> {
    let named = root["trigger"].as_str();
    let path = root["path"].as_str().and_then(|path| path.trim_end_matches('/').rsplit('/').next());
    named.filter(|name| !name.is_empty()).or(path.filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests;
