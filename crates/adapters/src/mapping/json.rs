//! JSON values as text: single values for ids and attributes, whole ones in one form for hashing.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The text of a single value: numbers in decimal without `.0`; nothing for null, lists, objects,
/// and numbers that lost digits when they were read.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => decimal(number),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The texts of a list: of a JSON list, a PHP one, or a text with commas.
pub(crate) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        Value::Object(fields) => fields.values().filter_map(text).collect(),
        single => {
            let all = text(single).unwrap_or_default();
            all.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Into::into).collect()
        }
    }
}

/// JSON with sorted names and without blanks, so that one value has one form.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(values) => {
            out.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_canonical(value, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (place, (name, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_json(&name.as_str().into(), out);
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Number(number) => match decimal(number) {
            Some(text) => out.push_str(&text),
            None => write_json(value, out),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => write_json(value, out),
    }
}

fn write_json(value: &Value, out: &mut String) {
    write!(out, "{value}").expect("writing to a string cannot fail");
}

/// Beyond 2^53 a float no longer tells neighbouring whole numbers apart, so it cannot be an id.
fn decimal(number: &Number) -> Option<String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64().filter(|float| float.abs() < EXACT)?;
    // Adding zero makes the zero below zero an ordinary one.
    Some(format!("{}", float + 0.0))
}
