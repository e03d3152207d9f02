//! Brings the shapes in which Open edX tells an event to one: `name`, `time`, `event`, `context`,
//! `username`, `session`, `ip`, `host`, `agent`, `event_source` at the top.

use serde_json::{Map, Value};

/// The signal of the event bus that carries one tracking event.
const CARRIER: &str = "org.openedx.analytics.tracking.event.emitted.v1";

/// Brings an event to the one shape.
pub(super) fn normalize(root: Value) -> Value {
    let Value::Object(fields) = root else { return root };
    let fields = match bus_type(&fields) {
        Some(kind) if kind == CARRIER => match carried(&fields) {
            Some(inner) => inner,
            None => return Value::Object(flatten_bus(fields, kind)),
        },
        Some(kind) => return Value::Object(flatten_bus(fields, kind)),
        None => fields,
    };
    Value::Object(tracking(fields))
}

/// The event's name; `event_type` can be another's where both are there.
pub(super) fn name(root: &Value) -> Option<String> {
    let names = ["ce_type", "name", "event_type"].into_iter().filter_map(|field| root[field].as_str());
    names.filter(|name| !name.is_empty()).map(Into::into).next()
}

fn tracking(mut fields: Map<String, Value>) -> Map<String, Value> {
    for (old, new) in [("data", "event"), ("timestamp", "time")] {
        if is_absent(&fields, new)
            && let Some(value) = fields.remove(old)
        {
            fields.insert(new.into(), value);
        }
    }
    for name in ["username", "session", "ip", "host", "agent", "event_source"] {
        if is_absent(&fields, name)
            && let Some(value) = fields.get("context").and_then(|context| context.get(name)).cloned()
        {
            fields.insert(name.into(), value);
        }
    }
    if let Some(Value::String(text)) = fields.get("event") {
        let event = event_of_text(text);
        fields.insert("event".into(), event);
    }
    fields
}

/// A browser sends JSON in a text, or a form as a query string.
fn event_of_text(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ if text.contains('=') => query(text),
        _ => Value::String(text.into()),
    }
}

fn query(text: &str) -> Value {
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.insert(decode(name), Value::String(decode(value)));
    }
    Value::Object(fields)
}

/// Undoes percent-encoding; what is not encoded rightly stays as it is.
fn decode(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn bus_type(fields: &Map<String, Value>) -> Option<String> {
    let field = if fields.contains_key("ce_type") { "ce_type" } else { "type" };
    let is_bus = field == "ce_type" || fields.contains_key("specversion");
    fields.get(field).filter(|_| is_bus).and_then(Value::as_str).map(Into::into)
}

/// An event bus row: the attributes as `ce_id`, `ce_time`, `ce_type`, the payload beside them.
fn flatten_bus(mut fields: Map<String, Value>, kind: String) -> Map<String, Value> {
    for (attribute, header) in [("id", "ce_id"), ("time", "ce_time")] {
        if is_absent(&fields, header)
            && let Some(value) = fields.remove(attribute)
        {
            fields.insert(header.into(), value);
        }
    }
    if let Some(Value::Object(data)) = fields.remove("data") {
        let is_attribute = |name: &str| name.starts_with("ce_");
        fields.extend(data.into_iter().filter(|(name, _)| !is_attribute(name)));
    }
    fields.insert("ce_type".into(), Value::String(kind));
    fields
}

/// The tracking event within the signal that carries one; mapped by its own name.
fn carried(fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let data = fields.get("data").and_then(Value::as_object).unwrap_or(fields);
    let mut event = data.get("tracking_log")?.as_object()?.clone();
    event.remove("ce_type");
    Some(event)
}

fn is_absent(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_in_texts() {
        for (text, expected) in [
            (r#"{"a": 1}"#, json!({"a": 1})),
            (r#"["a"]"#, json!(["a"])),
            ("a=b%20c&d=+&e", json!({"a": "b c", "d": " ", "e": ""})),
            ("a=%zz%", json!({"a": "%zz%"})),
            ("", json!("")),
            ("17", json!("17")),
            ("free text", json!("free text")),
        ] {
            assert_eq!(event_of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn both_shapes_come_to_one() {
        let log = json!({"name": "n", "time": "t", "event": {"x": 1}, "context": {"user_id": 6},
            "username": "u", "session": "s", "ip": "192.0.2.1", "host": "h", "event_source": "server"});
        let before = json!({"name": "n", "timestamp": "t", "data": {"x": 1}, "context": {"user_id": 6,
            "username": "u", "session": "s", "ip": "192.0.2.1", "host": "h", "event_source": "server"}});
        let [log, before] = [normalize(log), normalize(before)];
        for field in ["name", "time", "event", "username", "session", "ip", "host", "event_source"] {
            assert_eq!(log[field], before[field], "{field}");
        }
        assert_eq!(log["context"]["user_id"], before["context"]["user_id"]);
    }
}
