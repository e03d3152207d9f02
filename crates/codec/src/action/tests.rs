//! What becomes of JSON and CloudEvents that are not as they should be, in tables.

use catalog::{Field, Micros, RawAction};
use stage::Header;

use super::take::too_deep;
use crate::{Codec, DecodeError};

fn read(json: &str) -> Result<RawAction<'_>, DecodeError> {
    Codec::single_object().decoder().action(Some(json.as_bytes()), &[])
}

fn valid(json: &str) -> RawAction<'_> {
    read(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn attributes<'r>(action: &'r RawAction<'_>) -> Vec<(&'r str, &'r str)> {
    match &action.attributes {
        Field::Present(pairs) => pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect(),
        Field::Absent => Vec::new(),
        Field::Invalid(problem) => panic!("{problem}"),
    }
}

#[test]
fn bytes_that_are_no_action_are_malformed() {
    let decoder = Codec::single_object().decoder();
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    let deep_known = format!("{{\"actor\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    for (value, problem) in [
        (&b""[..], "the value is empty"),
        (b"[]", "the value is not a JSON object"),
        (b"null", "the value is not a JSON object"),
        (b"\"a\"", "the value is not a JSON object"),
        (b"{\"id\":\"\xff\"}", "the value is not UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", "expected value at line 1 column 1"),
        (b"{} {}", "trailing characters at line 1 column 4"),
        (b"{\"id\":NaN}", "expected value at line 1 column 7"),
        (b"{\"id\":\"a\",}", "trailing comma"),
        (b"{\"id\":\"a\"", "EOF while parsing an object"),
        (b"{\"id\":\"a\tb\"}", "control character"),
        (b"{\"x\":\"a\tb\"}", "control character"),
        (b"{\"id\":\"a\",\"id\":null}", "a name stands twice in one object at line 1 column 14"),
        (b"{\"x\":1,\"\\u0078\":1}", "a name stands twice"),
        (b"{\"x\":[{\"a\":1,\"a\":1}]}", "a name stands twice"),
        (b"{\"actor\":{\"kind\":\"user\",\"kind\":\"user\"}}", "a name stands twice"),
        (b"{\"actor\":{\"x\":1,\"x\":1}}", "a name stands twice"),
        (b"{\"attributes\":{\"a\":null,\"a\":\"b\"}}", "a name stands twice"),
        (b"{\"id\":{\"a\":1,\"a\":1}}", "a name stands twice"),
        (b"{\"occurred_at\":{\"a\":1,\"a\":1}}", "a name stands twice"),
        (b"{\"changes\":[{\"field\":\"a\",\"after\":[{\"a\":1,\"a\":1}]}]}", "a name stands twice"),
        (b"{\"x\":\"\\ud800\"}", "unexpected end of hex escape"),
        (deep.as_bytes(), &too_deep()),
        (deep_known.as_bytes(), &too_deep()),
        (b"\x00\x00", "the value has 2 bytes where its prefix alone has 5"),
    ] {
        let shown = String::from_utf8_lossy(value);
        match decoder.action(Some(value), &[]) {
            Err(DecodeError::Malformed(found)) => {
                assert!(found.contains(problem), "{shown}: {found}");
            }
            other => panic!("{shown}: {other:?}"),
        }
    }
    assert!(matches!(decoder.action(None, &[]), Err(DecodeError::Malformed(_))));
}

#[test]
fn depth_up_to_the_limit_is_read() {
    let value = format!("{{\"x\":{}1{}}}", "[".repeat(63), "]".repeat(63));
    assert!(read(&value).is_ok());
}

/// The problems of all fields.
fn problems(action: &RawAction<'_>) -> Vec<String> {
    fn of<T>(field: &Field<T>) -> Option<String> {
        match field {
            Field::Invalid(problem) => Some(problem.to_string()),
            _ => None,
        }
    }
    [
        of(&action.tenant),
        of(&action.id),
        of(&action.source),
        of(&action.action),
        of(&action.occurred_at),
        of(&action.actor),
        of(&action.on_behalf_of),
        of(&action.user),
        of(&action.object),
        of(&action.within),
        of(&action.changes),
        of(&action.attributes),
        of(&action.reason),
        of(&action.origin),
        of(&action.correlation_id),
        of(&action.sequence),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn fields_of_the_wrong_form_are_invalid_and_leave_the_rest_readable() {
    for (fields, problem) in [
        (r#""id":7"#, "id is not a string"),
        (r#""source":["a"]"#, "source is not a string"),
        (r#""action":true"#, "action is not a string"),
        (r#""occurred_at":"2016-12-31T23:59:60Z""#, "occurred_at is no RFC 3339 time"),
        (r#""occurred_at":"yesterday""#, "occurred_at is no RFC 3339 time"),
        (r#""occurred_at":1e300"#, "occurred_at is out of range"),
        (r#""occurred_at":[1]"#, "occurred_at is neither an RFC 3339 time nor epoch milliseconds"),
        (r#""occurred_at":true"#, "occurred_at is neither an RFC 3339 time nor epoch milliseconds"),
        (r#""actor":"u-1""#, "actor is not an object"),
        (r#""actor":{}"#, "actor.kind is missing"),
        (r#""actor":{"kind":null}"#, "actor.kind is missing"),
        (r#""actor":{"kind":1}"#, "actor.kind is not a string"),
        (r#""actor":{"kind":"robot"}"#, "actor.kind is none of the kinds of actor"),
        (r#""actor":{"kind":"user","id":5}"#, "actor.id is not a string"),
        (r#""actor":{"kind":"user","roles":"admin"}"#, "actor.roles is not an array"),
        (r#""actor":{"kind":"user","roles":["a",2]}"#, "actor.roles[1] is not a string"),
        (r#""actor":{"kind":"user","roles":[null]}"#, "actor.roles[0] is null"),
        (r#""on_behalf_of":{"id":"a"}"#, "on_behalf_of.kind is missing"),
        (r#""user":{"name":"A"}"#, "user.id is missing"),
        (r#""user":{"id":"a","name":{}}"#, "user.name is not a string"),
        (r#""object":{"kind":"course"}"#, "object.id is missing"),
        (r#""object":[]"#, "object is not an object"),
        (r#""within":{}"#, "within is not an array"),
        (r#""within":[null]"#, "within[0] is null"),
        (
            r#""within":[{"kind":"course","id":"c"},{"kind":"catalog","id":1}]"#,
            "within[1].id is not a string",
        ),
        (r#""changes":[{"before":1}]"#, "changes[0].field is missing"),
        (r#""changes":[{"field":"f","after":{}}]"#, "changes[0].after is not a scalar"),
        (r#""attributes":[]"#, "attributes is not an object"),
        (r#""attributes":{"a":"b","score":1}"#, "attributes.score is not a string"),
        (r#""attributes":{"ok":true}"#, "attributes.ok is not a string"),
        ("\"attributes\":{\"a\\u001bb\":1}", "attributes.a\u{fffd}b is not a string"),
        (r#""reason":0"#, "reason is not a string"),
        (r#""origin":"web""#, "origin is not an object"),
        (r#""origin":{"ip":1}"#, "origin.ip is not a string"),
        (r#""correlation_id":{}"#, "correlation_id is not a string"),
        (r#""sequence":"1""#, "sequence is not an integer of 64 bits"),
        (r#""sequence":1.0"#, "sequence is not an integer of 64 bits"),
        (r#""sequence":-0"#, "sequence is not an integer of 64 bits"),
        (r#""sequence":1e400"#, "sequence is not an integer of 64 bits"),
        (r#""id":-1e400"#, "id is not a string"),
        (r#""source":{"a":[1e400]}"#, "source is not a string"),
        (r#""actor":{"kind":"user","roles":["a",1e400]}"#, "actor.roles[1] is not a string"),
        (r#""occurred_at":1e400"#, "occurred_at is out of range"),
        (r#""occurred_at":"9999-12-32T00:00:00Z""#, "occurred_at is no RFC 3339 time"),
        (r#""sequence":9223372036854775808"#, "sequence is not an integer of 64 bits"),
    ] {
        let json = format!("{{\"tenant\":\"acme\",{fields}}}");
        let action = valid(&json);
        assert_eq!(problems(&action), [problem], "{json}");
        assert_eq!(action.tenant, Field::Present("acme".into()), "{json}");
    }
}

#[test]
fn a_number_that_no_float_holds_is_a_number_all_the_same() {
    let json = r#"{"tenant":"acme","x":[1e400,{"b":-2E999}],"id":1e400,"y":1,"user":{"id":"u","age":1e400},
        "changes":[{"field":"f","before":1e400}]}"#;
    let action = valid(json);
    assert_eq!(problems(&action), ["id is not a string"]);
    let attributes = action.attributes.present().expect("unknown fields are kept");
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    assert_eq!(attributes, [("x.user.age", "1e400"), ("x.x", r#"[1e400,{"b":-2E999}]"#), ("x.y", "1")]);
    let changes = action.changes.present().expect("one");
    assert_eq!(changes[0].before.as_deref(), Some("1e400"));
    for (json, problem) in [
        (r#"{"id":1e400,"id":2}"#, "a name stands twice"),
        (r#"{"id":1e400,"reason":{"a":1,"a":2}}"#, "a name stands twice"),
        (r#"{"id":1e400"#, "EOF"),
        (r#"{"id":1e400} x"#, "trailing characters"),
        (r#"{"id":01e400}"#, "invalid number"),
    ] {
        let error = read(json).expect_err("malformed");
        assert!(
            matches!(&error, DecodeError::Malformed(said) if said.contains(problem)),
            "{json}: {error:?}"
        );
    }
    let deep = format!(r#"{{"id":1e400,"reason":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    assert!(matches!(read(&deep), Err(DecodeError::Malformed(said)) if said.contains("more than 64 deep")));
}

#[test]
fn null_is_absent_everywhere() {
    let json = r#"{"tenant":null,"id":null,"source":null,"action":null,"occurred_at":null,"actor":null,
        "on_behalf_of":null,"user":null,"object":null,"within":null,"changes":null,"attributes":null,
        "reason":null,"origin":null,"correlation_id":null,"sequence":null,"other":null}"#;
    assert_eq!(valid(json), RawAction::default());
    let empty = r#"{"within":[],"changes":[],"attributes":{"a":null}}"#;
    assert_eq!(valid(empty), RawAction::default(), "nothing in it is nothing there");
}

#[test]
fn times_are_read_in_every_form() {
    for (time, micros) in [
        ("\"2026-11-02T10:14:03.1234567+01:00\"", 1_793_610_843_123_456),
        ("\"2026-11-02T09:14:03\\u005a\"", 1_793_610_843_000_000),
        ("1793610843123", 1_793_610_843_123_000),
        ("1793610843123.456", 1_793_610_843_123_456),
        ("1793610843123.4569", 1_793_610_843_123_456),
    ] {
        let json = format!("{{\"occurred_at\":{time}}}");
        assert_eq!(valid(&json).occurred_at, Field::Present(Micros::new(micros)), "{time}");
    }
}

#[test]
fn changes_keep_the_digits_of_their_numbers() {
    let json = r#"{"changes":[{"field":"f","before":1.10,"after":"é\u00e9"},{"field":"g","before":null,"after":false}]}"#;
    let action = valid(json);
    let changes = action.changes.present().expect("there");
    assert_eq!(changes[0].before.as_deref(), Some("1.10"));
    assert_eq!(changes[0].after.as_deref(), Some("éé"));
    assert_eq!((changes[1].before.as_deref(), changes[1].after.as_deref()), (None, Some("false")));
}

#[test]
fn unknown_fields_become_attributes() {
    let json = r#"{"score": 1e999, "flag": true, "note": "a\"b", "nil": null, "list": [ 1, {"b": "c"} ],
        "attributes": {"x.flag": "given", "z": "1"}, "actor": {"kind": "user", "badge": 7},
        "within": [{"kind": "course", "id": "c", "lang": "en"}], "specversion": "1.0"}"#;
    let action = valid(json);
    assert_eq!(
        attributes(&action),
        [
            ("x.actor.badge", "7"),
            ("x.flag", "given"),
            ("x.list", r#"[1,{"b":"c"}]"#),
            ("x.note", "a\"b"),
            ("x.score", "1e999"),
            ("x.specversion", "1.0"),
            ("x.within[0].lang", "en"),
            ("x.~truncated", "1"),
            ("z", "1"),
        ]
    );
}

#[test]
fn unknown_fields_fit_by_name_whatever_their_order() {
    let field = |name: &str, size: usize| format!("\"{name}\":\"{}\"", "v".repeat(size));
    let (a, b, c) = (field("a", 4000), field("b", 5000), field("c", 100));
    let forward = format!("{{{a},{b},{c}}}");
    let backward = format!("{{{c},{b},{a}}}");
    let (forward, backward) = (valid(&forward), valid(&backward));
    assert_eq!(forward, backward);
    let names: Vec<_> = attributes(&forward).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x.a", "x.c", "x.~truncated"]);
}

#[test]
fn text_is_borrowed_where_nothing_is_escaped() {
    let action = valid(r#"{"tenant":"acme","id":"a\n","user":{"id":"u-1"},"x":"kept"}"#);
    let borrowed = |text: &catalog::Text<'_>| matches!(text, std::borrow::Cow::Borrowed(_));
    assert!(action.tenant.present().is_some_and(borrowed));
    assert!(!action.id.present().is_some_and(borrowed));
    assert!(borrowed(&action.user.present().expect("there").id));
    assert!(borrowed(&action.attributes.present().expect("there")[0].1));
}

fn header<'a>(name: &'a str, value: &'a str) -> Header<'a> {
    Header::new(name, Some(value.as_bytes()))
}

#[test]
fn cloudevents_that_are_none_are_malformed() {
    let structured = header("content-type", "application/cloudevents+json; charset=utf-8");
    let decoder = Codec::single_object().decoder();
    for (headers, value, problem) in [
        (vec![structured], "{}", "specversion is not 1.0"),
        (vec![structured], "[]", "not a JSON object"),
        (vec![structured], r#"{"specversion":"0.3"}"#, "specversion is not 1.0"),
        (vec![structured], r#"{"specversion":1.0}"#, "specversion is not 1.0"),
        (vec![structured], r#"{"specversion":"1.0","data":[]}"#, "data is not a JSON object"),
        (vec![structured], r#"{"specversion":"1.0","data":"{}"}"#, "data is not a JSON object"),
        (vec![structured], r#"{"specversion":"1.0","data":{"x":1,"x":2}}"#, "a name stands twice"),
        (vec![structured], r#"{"specversion":"1.0","y":{"x":1,"x":2}}"#, "a name stands twice"),
        (vec![structured], r#"{"specversion":"1.0","data_base64":"%"}"#, "data_base64 is not base64"),
        (vec![structured], r#"{"specversion":"1.0","data_base64":1}"#, "data_base64 is not a string"),
        (vec![structured], r#"{"specversion":"1.0","data":{},"data_base64":"e30="}"#, "both data and"),
        (
            vec![structured],
            r#"{"specversion":"1.0","datacontenttype":"text/xml","data":{}}"#,
            "content type is not JSON",
        ),
        (vec![], r#"{"specversion":"2.0","id":"a","type":"t","source":"s"}"#, "specversion is not 1.0"),
        (vec![header("content-type", "application/cloudevents+avro")], "{}", "format is not JSON"),
        (vec![header("content-type", "application/cloudevents-batch+json")], "[]", "format is not JSON"),
        (vec![header("ce_specversion", "1.1")], "{}", "specversion is not 1.0"),
        (
            vec![header("ce_specversion", "1.0"), header("content-type", "text/plain")],
            "{}",
            "content type is not JSON",
        ),
        (vec![header("ce_specversion", "1.0")], "7", "data is not a JSON object"),
    ] {
        match decoder.action(Some(value.as_bytes()), &headers) {
            Err(DecodeError::Malformed(found)) => assert!(found.contains(problem), "{value}: {found}"),
            other => panic!("{value}: {other:?}"),
        }
    }
    let garbled = [header("ce_specversion", "1.0"), Header::new("ce_id", Some(b"\xff"))];
    assert!(matches!(decoder.action(Some(b"{}"), &garbled), Err(DecodeError::Malformed(_))));
}

#[test]
fn a_cloudevents_attributes_win_over_its_data() {
    let json = r#"{"data":{"id":"inner","source":"inner","action":"inner","tenant":"inner","occurred_at":0,
        "extra":"data's","reason":"r"},"specversion":"1.0","id":"a","source":"s","type":"t.u","tenant":"acme",
        "time":"1970-01-01T00:00:01Z","traceparent":"00-x","subject":"sub","extra":"attribute's","n":5,
        "dataschema":null}"#;
    let action = valid(json);
    assert_eq!(action.id, Field::Present("a".into()));
    assert_eq!(action.source, Field::Present("s".into()));
    assert_eq!(action.action, Field::Present("t.u".into()));
    assert_eq!(action.tenant, Field::Present("acme".into()));
    assert_eq!(action.occurred_at, Field::Present(Micros::new(1_000_000)));
    assert_eq!(action.reason, Field::Present("r".into()));
    assert_eq!(
        attributes(&action),
        [("x.extra", "attribute's"), ("x.n", "5"), ("x.subject", "sub"), ("x.~truncated", "1")]
    );
}

#[test]
fn what_the_attributes_leave_out_is_the_datas_or_absent() {
    let json = r#"{"specversion":"1.0","id":"a","source":"s","type":"t.u","data":{"tenant":"acme"}}"#;
    let action = valid(json);
    assert_eq!((action.tenant, action.occurred_at), (Field::Present("acme".into()), Field::Absent));
    let bare = valid(r#"{"specversion":"1.0","id":7,"source":"s","type":"t.u","data":null}"#);
    assert_eq!(bare.id, Field::Invalid("id is not a string".into()));
    let binary = [header("ce_specversion", "1.0"), header("ce_time", "soon"), header("ce_id", "a")];
    let last = [binary[0], binary[1], binary[2], header("ce_id", "b"), header("ce_traceparent", "00")];
    let decoder = Codec::single_object().decoder();
    let action = decoder.action(Some(b"{}"), &last).expect("read");
    assert_eq!(action.id, Field::Present("b".into()));
    assert_eq!(action.occurred_at, Field::Invalid("time is no RFC 3339 time".into()));
    assert_eq!(action.attributes, Field::Absent);
}

#[test]
fn schemas_that_nobody_knows_are_unknown() {
    let decoder = Codec::single_object().decoder();
    let single = [&[0xC3, 0x01][..], &[0; 8], b"x"].concat();
    let guid = [&[1][..], &[7; 16]].concat();
    let by_header = Header::new("__value_schema_id", Some(&guid));
    for (value, headers) in
        [(&single[..], vec![]), (b"\x00\x00\x00\x00\x07x", vec![]), (b"x", vec![by_header])]
    {
        let found = decoder.action(Some(value), &headers);
        assert!(matches!(found, Err(DecodeError::UnknownSchema(_))), "{found:?}");
    }
}
