//! JSON values that are read from their own text, since a number's digits must not pass through a
//! binary fraction: times, values before and after a change, unknown fields.

use std::borrow::Cow;

use catalog::{Field, Micros, Text};

use super::take::{DEPTH, Path, once_each, too_deep};
use crate::time::{parse_millis, parse_rfc3339};

/// What the text of a JSON value is. The text has been read once, so its grammar holds.
enum Kind {
    Null,
    String,
    Number,
    Boolean,
    Compound,
}

fn kind(raw: &str) -> Kind {
    match raw.as_bytes().first() {
        Some(b'n') => Kind::Null,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'{' | b'[') => Kind::Compound,
        _ => Kind::Number,
    }
}

/// A value as text: strings as they are, others as compact JSON; `None` for null.
///
/// # Errors
/// What makes the whole JSON text malformed.
pub(super) fn text(raw: &str, depth: u8) -> Result<Option<Cow<'_, str>>, String> {
    match kind(raw) {
        Kind::Null => Ok(None),
        Kind::String => unquoted(raw).map(Some),
        Kind::Number | Kind::Boolean => Ok(Some(Cow::Borrowed(raw))),
        Kind::Compound => {
            let mut text = String::with_capacity(raw.len());
            walk(raw, depth, &mut text)?;
            Ok(Some(Cow::Owned(text)))
        }
    }
}

/// A string.
pub(super) fn string<'a>(raw: &'a str, path: &Path<'_>, depth: u8) -> Result<Field<Text<'a>>, String> {
    match kind(raw) {
        Kind::Null => Ok(Field::Absent),
        Kind::String => unquoted(raw).map(Field::Present),
        Kind::Number | Kind::Boolean => Ok(Field::Invalid(path.problem("is not a string"))),
        Kind::Compound => {
            look_through(raw, depth)?;
            Ok(Field::Invalid(path.problem("is not a string")))
        }
    }
}

/// A scalar as text.
pub(super) fn scalar<'a>(raw: &'a str, path: &Path<'_>, depth: u8) -> Result<Field<Text<'a>>, String> {
    match kind(raw) {
        Kind::Number | Kind::Boolean => Ok(Field::Present(Cow::Borrowed(raw))),
        Kind::Compound => {
            look_through(raw, depth)?;
            Ok(Field::Invalid(path.problem("is not a scalar")))
        }
        Kind::Null | Kind::String => string(raw, path, depth),
    }
}

/// A time: RFC 3339, or milliseconds since the epoch.
pub(super) fn time(raw: &str, path: &Path<'_>, depth: u8) -> Result<Field<Micros>, String> {
    match kind(raw) {
        Kind::Null => Ok(Field::Absent),
        Kind::String => unquoted(raw).map(|text| time_in_text(&text, path)),
        Kind::Number => Ok(match parse_millis(raw) {
            Some(at) => Field::Present(at),
            None => Field::Invalid(path.problem("is out of range")),
        }),
        Kind::Boolean => Ok(no_time(path)),
        Kind::Compound => {
            look_through(raw, depth)?;
            Ok(no_time(path))
        }
    }
}

/// A time in a string.
pub(super) fn time_in_text(text: &str, path: &Path<'_>) -> Field<Micros> {
    match parse_rfc3339(text) {
        Some(at) => Field::Present(at),
        None => Field::Invalid(path.problem("is no RFC 3339 time")),
    }
}

/// What is no time at all.
pub(super) fn no_time(path: &Path<'_>) -> Field<Micros> {
    Field::Invalid(path.problem("is neither an RFC 3339 time nor epoch milliseconds"))
}

/// Looks for names that stand twice, and for depth, in an object or array that lies this deep.
fn look_through(raw: &str, depth: u8) -> Result<(), String> {
    walk(raw, depth, &mut String::new())
}

/// An error's message without its place, which counts from the value's own begin.
pub(super) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// The content of a string; borrowed where nothing is escaped.
fn unquoted(raw: &str) -> Result<Cow<'_, str>, String> {
    let inner = &raw[1..raw.len() - 1];
    if inner.as_bytes().contains(&b'\\') {
        // Skipping over a value does not look at what its escapes stand for; this does.
        serde_json::from_str(raw).map(Cow::Owned).map_err(|error| message(&error))
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

/// Writes an object or array without white space, its strings escaped in one way, its numbers
/// untouched; and looks for names that stand twice, and for depth. It works on the text, since a
/// number that no machine number holds is still a number here.
fn walk(raw: &str, depth: u8, out: &mut String) -> Result<(), String> {
    // For each object and array that is open: the names of its members so far.
    let mut open: Vec<Vec<Cow<'_, str>>> = Vec::new();
    let mut rest = raw;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => string_length(rest),
            _ => 1,
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            b'"' => {
                let string = unquoted(token)?;
                out.push_str(&serde_json::to_string(&string).expect("text is JSON"));
                if rest.trim_ascii_start().starts_with(':') {
                    open.last_mut().expect("a name stands in an object").push(string);
                }
            }
            b'{' | b'[' => {
                if usize::from(depth) + open.len() >= usize::from(DEPTH) {
                    return Err(too_deep());
                }
                open.push(Vec::new());
                out.push_str(token);
            }
            b'}' | b']' => {
                once_each(open.pop().expect("what closes was open"))?;
                out.push_str(token);
            }
            _ if first.is_ascii_whitespace() => {}
            _ => out.push_str(token),
        }
    }
    Ok(())
}

/// The length of the string literal that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_become_text() {
        for (raw, expected) in [
            ("null", Ok(None)),
            (r#""a\u0062\"""#, Ok(Some(r#"ab""#))),
            ("12345678901234567890.10", Ok(Some("12345678901234567890.10"))),
            ("true", Ok(Some("true"))),
            (
                "{ \"a b\" : [ 1.10 , \"\\u00e9 \\\" \" ],\n\"c\":{} }",
                Ok(Some("{\"a b\":[1.10,\"é \\\" \"],\"c\":{}}")),
            ),
            ("[1e999, {}]", Ok(Some("[1e999,{}]"))),
            (r#"{"a":1,"\u0061":2}"#, Err("a name stands twice in one object")),
            (r#"[{"a":{"b":1,"b":2}}]"#, Err("a name stands twice in one object")),
        ] {
            let found = text(raw, 1);
            let found = found.as_ref().map(Option::as_deref).map_err(String::as_str);
            assert_eq!(found, expected, "{raw}");
        }
    }

    #[test]
    fn depth_counts_from_where_the_value_lies() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(text(&nested(63), 1).is_ok());
        assert_eq!(text(&nested(64), 1), Err(too_deep()));
        assert!(text(&nested(64), 0).is_ok());
    }

    #[test]
    fn escapes_that_stand_for_no_character_are_malformed() {
        assert!(text(r#""\ud800""#, 1).is_err());
        assert!(text(r#"["\ud800"]"#, 1).is_err());
    }
}
