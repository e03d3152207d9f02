//! The bytes of a record as something to read, by what its topic holds.

use catalog::{Action, Content, Field, RawAction, TenantId, catalog};
use codec::{DecodeError, Decoder};
use serde_json::{Value, json};
use stage::Record;

/// Text as it stands, other bytes in hex.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("0x{}", hex(bytes)),
    }
}

/// The value of a record: null for a tombstone, decoded where that is possible, else text or hex.
pub(crate) fn value(content: Content, record: &Record<'_>, decoder: &Decoder) -> Value {
    let Some(value) = record.value else { return Value::Null };
    let decoded = match content {
        Content::Action | Content::DeadLetter => return action(value, record, decoder),
        Content::Event => decoder.event(value).map(|event| codec::event_json(&event)),
        Content::Receipt => decoder.receipt(value).map(|receipt| codec::receipt_json(&receipt)),
        Content::Activity => decoder.activity(value).map(|row| codec::activity_json(&row)),
        Content::Actors => decoder.actors(value).map(|row| codec::actors_json(&row)),
        Content::Register => decoder.register(value).map(|row| codec::register_json(&row)),
        Content::Ledger => decoder.ledger(value).map(|row| codec::ledger_json(&row)),
        Content::Setting => decoder.setting(value).map(|row| codec::setting_json(&row)),
    };
    decoded.unwrap_or_else(|error| undecoded(value, &error))
}

/// An action is shown as it was sent: what is JSON stays as it is.
fn action(value: &[u8], record: &Record<'_>, decoder: &Decoder) -> Value {
    if let Ok(text) = std::str::from_utf8(value)
        && !text.starts_with('\0')
    {
        return serde_json::from_str(text).unwrap_or_else(|_| text.into());
    }
    match decoder.action(Some(value), &record.headers) {
        Ok(raw) => whole(raw).unwrap_or_else(|| json!({"bytes": hex(value)})),
        Err(error) => undecoded(value, &error),
    }
}

/// An Avro action as JSON, if it has what every action has.
pub(crate) fn whole(raw: RawAction<'_>) -> Option<Value> {
    fn take<T>(field: Field<T>) -> Option<T> {
        match field {
            Field::Present(value) => Some(value),
            _ => None,
        }
    }
    let action = Action {
        id: take(raw.id)?,
        source: take(raw.source)?,
        entry: catalog().action(&take(raw.action)?)?,
        occurred_at: take(raw.occurred_at)?,
        tenant: TenantId::try_from(take(raw.tenant)?.as_ref()).ok()?,
        actor: take(raw.actor)?,
        on_behalf_of: take(raw.on_behalf_of),
        user: take(raw.user),
        object: take(raw.object),
        within: take(raw.within).unwrap_or_default(),
        changes: take(raw.changes).unwrap_or_default(),
        attributes: take(raw.attributes).unwrap_or_default(),
        reason: take(raw.reason),
        origin: take(raw.origin),
        correlation_id: take(raw.correlation_id),
        sequence: take(raw.sequence),
    };
    serde_json::from_slice(&codec::action_json(&action)).ok()
}

fn undecoded(value: &[u8], error: &DecodeError) -> Value {
    json!({"undecoded": error.to_string(), "bytes": hex(value)})
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes all");
        out
    })
}
