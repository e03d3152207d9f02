//! What cannot become an event is kept byte for byte, with the reason and its place; neighbours in the same batch are recorded.

use std::collections::BTreeMap;

use catalog::Topic;
use codec::Codec;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::{Compression, Placed, Raw, Sending};
use tests::trail::{Calm, Outputs, PARTITIONS, Written, action, actions_topic, in_partition, now_millis};

const LIMIT: usize = 1_048_576;
const KEPT: usize = 65_536;

fn raw(partition: u32, value: impl Into<Vec<u8>>) -> Raw {
    Raw::to(&actions_topic()).partition(partition.cast_signed()).value(value)
}

/// The ids of a tenant's events.
fn recorded(outputs: &Outputs, tenant: &str) -> Vec<String> {
    events(outputs, tenant).into_iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

fn events(outputs: &Outputs, tenant: &str) -> Vec<Value> {
    let decoder = Codec::single_object().decoder();
    let all = outputs.stream(Topic::Events);
    let of_tenant = all.filter(|(_, written)| written.key.as_deref() == Some(tenant.as_bytes()));
    let decoded = of_tenant.map(|(_, written)| {
        let event = decoder.event(written.value.as_deref().expect("a value")).expect("an event of ours");
        codec::event_json(&event)
    });
    decoded.collect()
}

/// The dead letter of the action at this place, and what its headers say beyond those the action had.
fn dead_letter<'a>(outputs: &'a Outputs, at: &Placed) -> (&'a Written, BTreeMap<&'a str, String>) {
    let text =
        |value: &Option<Vec<u8>>| String::from_utf8(value.clone().unwrap_or_default()).unwrap_or_default();
    let facts = |written: &'a Written| -> BTreeMap<&'a str, String> {
        let ours = written.headers.iter().filter(|(name, _)| name.starts_with("__dlq."));
        ours.map(|(name, value)| (name.as_str(), text(value))).collect()
    };
    let mut found = outputs.stream(Topic::DeadLetters).filter(|(partition, written)| {
        *partition == at.partition.cast_unsigned()
            && facts(written)["__dlq.errors.offset"] == at.offset.to_string()
    });
    let (_, written) = found.next().unwrap_or_else(|| panic!("no dead letter of {at:?}"));
    assert!(found.next().is_none(), "two dead letters of {at:?}");
    (written, facts(written))
}

/// An action that cannot become an event, and why.
struct Bad {
    key: Option<&'static [u8]>,
    value: Option<Vec<u8>>,
    reason: &'static str,
}

/// Headers that a copy could spoil: repeated, null, empty, and no text.
const HEADERS: [(&str, Option<&[u8]>); 5] =
    [("h", Some(b"1")), ("nothing", None), ("h", Some(b"2")), ("empty", Some(b"")), ("h", Some(&[0, 255]))];

impl Bad {
    fn all(tenant: &str) -> Vec<Self> {
        let new = |key, value, reason| Self { key, value, reason };
        let future = now_millis() + 25 * 3_600_000;
        let action = |id: &str, more| Some(action(tenant, id, more));
        vec![
            new(Some(&[0, 159, 146, 150]), Some(b"{\"id\":\"m\",".to_vec()), "malformed"),
            new(None, Some(vec![0xff, 0xfe, 0, 1]), "malformed"),
            new(Some(b""), Some(Vec::new()), "malformed"),
            new(Some(b"k"), None, "malformed"),
            new(Some(b"other"), action("u", json!({"action": "course.eaten"})), "unknown_action"),
            new(None, action("f", json!({"occurred_at": future})), "timestamp_in_future"),
            new(Some(b"x"), action("a", json!({"actor": null})), "missing_field"),
            new(Some(b"x"), action("t", json!({"occurred_at": "yesterday"})), "invalid_field"),
        ]
    }

    fn raw(&self) -> Raw {
        let mut raw = Raw::to(&actions_topic()).partition(1);
        if let Some(key) = self.key {
            raw = raw.key(key);
        }
        if let Some(value) = &self.value {
            raw = raw.value(value.clone());
        }
        HEADERS.into_iter().fold(raw, |raw, (name, value)| match value {
            Some(value) => raw.header(name, value),
            None => raw.null_header(name),
        })
    }

    /// Fails unless its dead letter is what it was, and says why and where.
    fn assert_kept(&self, outputs: &Outputs, at: &Placed) {
        let Self { key, value, reason } = self;
        let (written, facts) = dead_letter(outputs, at);
        assert_eq!(written.key.as_deref(), *key, "{reason}: the key");
        assert_eq!(&written.value, value, "{reason}: the value");
        let headers = written.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        assert!(headers.take(HEADERS.len()).eq(HEADERS), "{reason}: {:?}", written.headers);
        assert_eq!(written.headers.len(), HEADERS.len() + facts.len(), "{reason}: nothing else");
        let said = ["topic", "partition", "offset", "reason", "stage"]
            .map(|name| facts.get(format!("__dlq.errors.{name}").as_str()).map(String::as_str));
        let offset = at.offset.to_string();
        assert_eq!(said, ["lms.actions.v1", "1", &offset, reason, "normalizer"].map(Some));
        assert!(!facts["__dlq.errors.message"].is_empty(), "{reason}: it says what is wrong");
    }
}

#[test]
fn dead_letters_keep_every_byte_and_neighbours_are_recorded() {
    let Some(calm) = Calm::site() else { return };
    let tenant = in_partition("dead", 1);
    let good = |id: &str| raw(1, action(&tenant, id, json!({}))).key(tenant.as_str());
    let bad = Bad::all(&tenant);
    let mut batch = vec![good("g-first")];
    for (number, one) in bad.iter().enumerate() {
        batch.extend([one.raw(), good(&format!("g-{number}"))]);
    }
    let (placed, outputs) = calm.send(batch);
    for (one, at) in bad.iter().zip(placed.iter().skip(1).step_by(2)) {
        one.assert_kept(&outputs, at);
    }
    let neighbours = (0..bad.len()).map(|number| format!("g-{number}"));
    let all: Vec<_> = std::iter::once("g-first".to_owned()).chain(neighbours).collect();
    assert_eq!(recorded(&outputs, &tenant), all);
}

#[test]
fn a_value_of_the_limit_is_recorded_and_a_byte_more_is_kept_in_part() {
    let Some(calm) = Calm::site() else { return };
    let tenant = in_partition("size", 2);
    let of_size = |id: &str, size: usize| {
        let empty = action(&tenant, id, json!({"attributes": {"note": ""}})).len();
        let value = action(&tenant, id, json!({"attributes": {"note": "n".repeat(size - empty)}}));
        assert_eq!(value.len(), size);
        value
    };
    let values = [of_size("s-below", LIMIT - 1), of_size("s-at", LIMIT), of_size("s-over", LIMIT + 1)];
    let small = |id: &str| raw(2, action(&tenant, id, json!({})));
    let [below, at, over] = values.clone().map(|value| raw(2, value).key(tenant.as_str()));
    let (placed, outputs) =
        calm.send(vec![small("s-a"), below, small("s-b"), at, small("s-c"), over, small("s-d")]);
    assert!(placed.is_sorted_by_key(|at| at.offset), "they lie in the order they were sent in: {placed:?}");
    assert_eq!(recorded(&outputs, &tenant), ["s-a", "s-below", "s-b", "s-at", "s-c", "s-d"]);
    let all = events(&outputs, &tenant);
    let note = |event: &Value| event["attributes"]["note"].as_str().map(str::len);
    let whole = |value: &Vec<u8>| note(&serde_json::from_slice(value).expect("JSON"));
    let expected = [None, whole(&values[0]), None, whole(&values[1]), None, None];
    assert_eq!(all.iter().map(note).collect::<Vec<_>>(), expected, "nothing is cut");

    let (written, facts) = dead_letter(&outputs, &placed[5]);
    assert_eq!(facts["__dlq.errors.reason"], "oversized");
    assert_eq!(written.key.as_deref(), Some(tenant.as_bytes()));
    assert_eq!(written.value.as_deref(), Some(&values[2][..KEPT]));
    assert_eq!(facts["__dlq.oversized.size"], (LIMIT + 1).to_string());
    let hash: String = Sha256::digest(&values[2]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(facts["__dlq.oversized.sha256"], hash);
}

#[test]
fn compressed_batches_are_read_however_much_they_inflate() {
    let Some(calm) = Calm::site() else { return };
    let mut expected = Vec::new();
    let tenants: Vec<_> = (0..PARTITIONS).map(|partition| in_partition("zip", partition)).collect();
    let all =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for compression in all {
        let sending = Sending { compression, ..Sending::default() };
        let mut batch = Vec::new();
        for tenant in &tenants {
            for (number, size) in [0, 200_000, 900_000, 10].into_iter().enumerate() {
                let id = format!("{compression:?}-{number}");
                let more = json!({"attributes": {"note": "z".repeat(size)}});
                batch.push(Raw::to(&actions_topic()).key(tenant.as_str()).value(action(tenant, &id, more)));
            }
        }
        calm.site.kafka.produce_as(&sending, batch);
        expected.extend((0..4).map(|number| format!("{compression:?}-{number}")));
    }
    calm.await_caught_up();
    let outputs = Outputs::of(&calm.site);
    for tenant in &tenants {
        assert_eq!(recorded(&outputs, tenant), expected, "{tenant}");
        let sizes = events(&outputs, tenant)
            .into_iter()
            .map(|event| event["attributes"]["note"].as_str().map(str::len));
        let sizes: Vec<_> = sizes.map(Option::unwrap_or_default).collect();
        assert_eq!(sizes, [0, 200_000, 900_000, 10].repeat(all.len()), "{tenant}");
    }
}
