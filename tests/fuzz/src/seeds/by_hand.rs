//! Inputs by hand: what neither the generator nor a fixture holds.

/// Inputs by target.
pub(super) const INPUTS: &[(&str, &str)] = &[
    (
        "action_json",
        r#"{"id":"1","source":"s","action":"course.started","occurred_at":"2026-11-02T09:14:03.1234567+02:00","tenant":"acme","actor":{"kind":"anonymous"},"user":{"id":"u"},"object":{"kind":"course","id":"c","title":null},"x":{"a":[1e999,-0.0,"\ud83d\ude00"]},"sequence":-9223372036854775808}"#,
    ),
    (
        "action_json",
        r#"{"id":1,"occurred_at":1793610843000.123456789e0,"changes":[{"field":"f","before":[{}],"after":1.10}]}"#,
    ),
    (
        "action_json",
        r#"{"specversion":"1.0","id":"1","source":"s","type":"course.started","time":"2026-11-02T09:14:03Z","tenant":"acme","data":{"actor":{"kind":"system"}}}"#,
    ),
    (
        "action_structured",
        "\0{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"course.started\",\"data_base64\":\"e30=\",\"datacontenttype\":\"application/json\",\"tenant\":\"acme\"}",
    ),
    (
        "action_binary",
        "ce_specversion: 1.0\nce_id: 1\nce_source: s\nce_type: course.started\nce_time: 2026-11-02T09:14:03Z\nce_tenant: acme\ncontent-type: application/json\n\n{\"actor\":{\"kind\":\"system\"}}",
    ),
    ("action_binary", "ce_specversion: 1.0\nce_id: %20\nce_partitionkey\nce_sequence: 7\nce_x: a%2\n\n"),
    ("framing", "__value_schema_id: \0\0\0\0\u{1}\n\nx"),
    ("framing", "\n\0\0\0\0\u{7}x"),
    ("framing", "\n{}"),
    (
        "dead_letter",
        "__dlq.errors.topic: lms.actions.v1\n__dlq.errors.partition: 2\n__dlq.errors.offset: 17\n__dlq.errors.reason: malformed\n__dlq.errors.message: the value is empty\n__dlq.errors.stage: normalizer\n__dlq.errors.timestamp: 1793610844000",
    ),
    (
        "normalizer",
        "@after: 3024000000\n@back: 3540000\n__lms.reroute: 1/17/3\n\n{\"tenant\":\"acme\"}\u{1e}@fill: 5000\n\n{}\u{1e}",
    ),
    (
        "normalizer_headers",
        "@key: acme\n__lms.reroute: 1/17/3\n__lms.replay: 1/17\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("normalizer_headers", "@key: acme\n@pad: 32760\n__lms.reroute"),
    ("normalizer_headers", "@pad: 70000\ncontent-type: application/cloudevents+json"),
    ("normalizer_headers", "ce_specversion: 1.0\nce_tenant: acme\n__value_schema_id: \0\0\0\0\u{1}"),
    (
        "state_head",
        r#"{"format":1,"trail":"t","at":5,"coverage":{"next":7,"last_read":3,"cluster":"c","topic":"i","expired":2},"changelogs":{"4":9},"rows":{"0":3}}"#,
    ),
    ("state_head", r#"{"format":1,"trail":"","at":-1,"coverage":null,"changelogs":{},"rows":null}"#),
    ("moodle_php", "a:2:{s:9:\"userid\";i:17;s:5:\"enrol\";s:6:\"manual\";}"),
    ("moodle_php", "a:1:{i:0;a:1:{s:1:\"x\";d:0.5;}}"),
    ("moodle_php", "N;"),
    ("moodle_php", "{\"roleid\":\"5\",\"x\":[true,null]}"),
    ("moodle_php", "a:3:{i:0;b:1;i:1;s:2:\"\u{e4}\";i:-2;O:1:\"x\":0:{}}"),
    ("config", include_str!("../../../../deploy/local.toml")),
    (
        "config",
        "[kafka]\nbootstrap_servers = \"b:1\"\nproperties = { \"client.rack\" = \"a\" }\n[normalizer]\ndedup_window = \"35d\"\n\n---\nLMSAUDIT_TOPICS_PARTITIONS=3\nLMSAUDIT_OPS_LISTEN=[::1]:9\nKAFKA_BOOTSTRAP_SERVERS=x:1\n---\nlog.format=json\nschema_registry.url=http://u:p@h\ntopics.extra={ \"a.b\" = \"1\" }\n---\nsasl.password=x\nfetch.min.bytes=1\n",
    ),
];

/// Schemas of others, with a datum of each.
pub(super) const SCHEMAS: &[(&str, &[u8])] = &[
    (
        r#"{"type":"record","name":"A","fields":[{"name":"id","type":"string"},{"name":"occurred_at","type":["null",{"type":"long","logicalType":"timestamp-nanos"}]},{"name":"x","type":{"type":"map","values":"bytes"}}]}"#,
        b"\x02a\x02\x02\x02\x02k\x04\x00\xff\x00",
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"y","type":{"type":"fixed","name":"F","size":12,"logicalType":"duration"}}]}"#,
        b"\x04\x01\x02\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00",
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"x","type":{"type":"bytes","logicalType":"big-decimal"}},{"name":"u","type":{"type":"string","logicalType":"uuid"}},{"name":"d","type":{"type":"int","logicalType":"date"}},{"name":"t","type":{"type":"int","logicalType":"time-millis"}},{"name":"m","type":{"type":"long","logicalType":"time-micros"}},{"name":"l","type":{"type":"long","logicalType":"local-timestamp-millis"}}]}"#,
        b"\x06\x02\x05\x02\x4867e55044-10b1-426f-9247-bb680e5fe0c8\x02\x02\x02\x02",
    ),
    (
        r#"{"type":"record","name":"A","fields":[{"name":"action","type":{"type":"enum","name":"E","symbols":["course.started","B"],"default":"B"}},{"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"n","type":["null","A"]}]}"#,
        b"\x00abc\x00",
    ),
    (
        r#"{"type":"record","name":"A","aliases":["B"],"fields":[{"name":"within","type":{"type":"array","items":{"type":"record","name":"O","fields":[{"name":"kind","type":"string"},{"name":"id","type":["string","long","double","float","int","boolean","bytes"]}]}}},{"name":"user","type":["null","O"],"default":null}]}"#,
        b"\x02\x02k\x02\x02\x00\x02\x02u\x00\x02i",
    ),
    (r#"{"type":"array","items":"null"}"#, b"\xfe\xff\xff\xff\x0f\x00"),
    (r#"["null",{"type":"record","name":"A","fields":[]}]"#, b"\x02"),
];

/// Answers of a registry, with their choice.
pub(super) const ANSWERS: &[(u8, &str)] = &[
    (1, r#"{"schema":"\"string\"","schemaType":"AVRO","references":[]}"#),
    (1, r#"{"schema":"{}","schemaType":"PROTOBUF"}"#),
    (1, r#"{"schema":"\"long\"","references":[{"name":"x","subject":"y","version":1}]}"#),
    (1, "<html>"),
    (2, r#"{"error_code":40403,"message":"Schema not found"}"#),
    (3, r#"{"error_code":50001}"#),
];
