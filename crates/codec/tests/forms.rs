//! One action in every form it may come in is one and the same to who reads it.

mod support;

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::{Field, Micros, RawAction};
use codec::{Codec, DecodeError, RegistryClient, RegistryConfig, action_json, rfc3339};
use serde_json::{Value as Json, json};
use stage::Header;

fn header<'a>(name: &'a str, value: &'a str) -> Header<'a> {
    Header::new(name, Some(value.as_bytes()))
}

/// The action as its plain JSON, and what a CloudEvent's data are: the rest.
fn plain_and_data() -> (Vec<u8>, Json) {
    let plain = action_json(&support::action());
    let mut data: Json = serde_json::from_slice(&plain).expect("JSON");
    let members = data.as_object_mut().expect("an object");
    for name in ["id", "source", "action", "occurred_at", "tenant"] {
        members.remove(name).expect("there");
    }
    (plain, data)
}

fn envelope() -> Json {
    json!({"specversion": "1.0", "id": "a-1", "source": "lms.web", "type": "certificate.issued",
        "time": rfc3339(Micros::new(support::AT)), "tenant": "acme", "datacontenttype": "application/json"})
}

#[test]
fn every_form_of_an_action_says_the_same() {
    let codec = Codec::single_object();
    let decoder = codec.decoder();
    let (plain, data) = plain_and_data();
    let expected = decoder.action(Some(&plain), &[]).expect("read");
    assert_eq!(expected.sequence, Field::Present(42));
    assert!(expected.actor.present().is_some());

    let mut with_data = envelope();
    with_data["data"] = data.clone();
    let mut with_base64 = envelope();
    with_base64["data_base64"] = Json::String(STANDARD.encode(data.to_string()));
    let media = header("content-type", "application/cloudevents+json");
    for (name, value, headers) in [
        ("structured, by its attributes", with_data.to_string(), vec![]),
        ("structured, by its content type", with_data.to_string(), vec![media]),
        ("structured, base64", with_base64.to_string(), vec![media]),
    ] {
        assert_eq!(decoder.action(Some(value.as_bytes()), &headers).as_ref(), Ok(&expected), "{name}");
    }

    let time = rfc3339(Micros::new(support::AT));
    let binary = [
        header("ce_specversion", "1.0"),
        header("ce_id", "a-1"),
        header("ce_source", "lms.web"),
        header("ce_type", "certificate.issued"),
        header("ce_time", &time),
        header("ce_tenant", "acme"),
        header("ce_traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        header("content-type", "application/json"),
        header("other", "header"),
    ];
    let data = data.to_string();
    assert_eq!(decoder.action(Some(data.as_bytes()), &binary).as_ref(), Ok(&expected), "binary");

    let mut avro = Vec::new();
    codec.encoder().action(&support::action(), &mut avro).expect("written");
    assert_eq!(decoder.action(Some(&avro), &[]).as_ref(), Ok(&expected), "Avro");
}

/// A registry that knows one schema as id 5 and answers once.
fn registry(schema: &str) -> RegistryClient {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let body = json!({"schema": schema}).to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        assert!(request[..length].starts_with(b"GET /schemas/ids/5 "));
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    });
    RegistryClient::new(&RegistryConfig::new(&url))
}

/// Reads a producer's own record, framed by id, and shows what was read.
fn read_foreign(schema: &str, value: Value, look: impl FnOnce(Result<RawAction<'_>, DecodeError>)) {
    let parsed = Schema::parse_str(schema).expect("a schema");
    let datum = GenericDatumWriter::builder(&parsed).build().expect("a writer");
    let datum = datum.write_value_to_vec(value).expect("written");
    let framed = [&[0, 0, 0, 0, 5][..], &datum].concat();
    let decoder = Codec::with_registry(registry(schema)).decoder();
    let first = decoder.action(Some(&framed), &[]);
    assert_eq!(decoder.action(Some(&framed), &[]), first, "from memory");
    // The id may also stand in a header, before the bare datum.
    let by_header = Header::new("__value_schema_id", Some(&framed[..5]));
    assert_eq!(decoder.action(Some(&datum), &[by_header]), first, "by header");
    look(first);
}

#[test]
fn a_producers_own_schema_is_read_field_by_field() {
    let schema = r#"{"type":"record","name":"TheirAction","fields":[
        {"name":"tenant","type":["null","string"]},
        {"name":"id","type":"long"},
        {"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"actor","type":{"type":"record","name":"Who","fields":[
            {"name":"kind","type":{"type":"enum","name":"K","symbols":["user","robot"]}},
            {"name":"id","type":"string"}]}},
        {"name":"changes","type":{"type":"array","items":{"type":"record","name":"C","fields":[
            {"name":"field","type":"string"},{"name":"after","type":["null","int","double","boolean"]}]}}},
        {"name":"extra","type":{"type":"map","values":"double"}},
        {"name":"blob","type":"bytes"}]}"#;
    let record = |kind: u32, symbol: &str| {
        let change = |after: Value, index: u32| {
            Value::Record(vec![
                ("field".into(), Value::String("f".into())),
                ("after".into(), Value::Union(index, Box::new(after))),
            ])
        };
        Value::Record(vec![
            ("tenant".into(), Value::Union(1, Box::new(Value::String("acme".into())))),
            ("id".into(), Value::Long(7)),
            ("occurred_at".into(), Value::TimestampMillis(1_793_610_843_123)),
            (
                "actor".into(),
                Value::Record(vec![
                    ("kind".into(), Value::Enum(kind, symbol.into())),
                    ("id".into(), Value::String("u-1".into())),
                ]),
            ),
            ("changes".into(), Value::Array(vec![change(Value::Int(5), 1), change(Value::Boolean(true), 3)])),
            ("extra".into(), Value::Map([("a".to_owned(), Value::Double(1.5))].into())),
            ("blob".into(), Value::Bytes(vec![0xab, 1])),
        ])
    };
    read_foreign(schema, record(0, "user"), |action| their_action(&action.expect("read")));
    read_foreign(schema, record(1, "robot"), |robot| {
        let expected = Field::Invalid("actor.kind is none of the kinds of actor".into());
        assert_eq!(robot.expect("read").actor, expected);
    });
}

fn their_action(action: &RawAction<'_>) {
    assert_eq!(action.tenant, Field::Present("acme".into()));
    assert_eq!(action.id, Field::Invalid("id is not a string".into()));
    assert_eq!(action.source, Field::Absent);
    assert_eq!(action.occurred_at, Field::Present(Micros::new(1_793_610_843_123_000)));
    assert_eq!(action.actor.present().expect("there").id.as_deref(), Some("u-1"));
    let after: Vec<_> = action.changes.present().expect("there").iter().map(|c| c.after.as_deref()).collect();
    assert_eq!(after, [Some("5"), Some("true")]);
    let expected = [("x.blob", "ab01"), ("x.extra", "{\"a\":1.5}")];
    assert_eq!(action.attributes, Field::Present(expected.map(|(a, b)| (a.into(), b.into())).to_vec()));
}

#[test]
fn a_schema_that_could_exhaust_the_reader_is_unknown() {
    let schema = r#"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}"#;
    let record = Value::Record(vec![("next".into(), Value::Union(0, Box::new(Value::Null)))]);
    read_foreign(schema, record, |found| {
        assert!(matches!(found, Err(DecodeError::UnknownSchema(_))), "{found:?}");
    });
}
