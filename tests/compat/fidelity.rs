//! How close outputs must come to those of a dump: the same bytes for the version that made it, else the same values.

use std::collections::BTreeMap;

use catalog::{Topic, View};
use codec::Decoder;
use pipeline::dead_letter::Failure;
use serde_json::{Value, json};

use crate::log::Lying;

/// How close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// Byte for byte.
    Bytes,
    /// As this version reads them: an older version wrote them by other schemas.
    Values,
}

/// What lies in one partition of a topic: a log in its order, or the last row of each key.
type Lying1<'a> = BTreeMap<(Topic, u32, Vec<u8>), Vec<&'a Lying>>;

impl Fidelity {
    /// That of this version to one that made a dump.
    pub(crate) fn to(version: &str, present: &str) -> Self {
        if version == present { Self::Bytes } else { Self::Values }
    }

    /// The first difference, if there is one.
    pub(crate) fn difference(self, decoder: &Decoder, expected: &[Lying], found: &[Lying]) -> Option<String> {
        let (expected, found) = (sorted(expected), sorted(found));
        let places = expected.keys().chain(found.keys());
        for place in places {
            let none = Vec::new();
            let (expected, found) = (expected.get(place).unwrap_or(&none), found.get(place).unwrap_or(&none));
            if expected.len() != found.len() {
                let (topic, partition, key) = place;
                let key = String::from_utf8_lossy(key);
                let name = topic.name();
                return Some(format!(
                    "{name}, partition {partition}, {key:?}: {} records, not {}",
                    found.len(),
                    expected.len()
                ));
            }
            for (expected, found) in expected.iter().zip(found) {
                let [expected_value, found_value] = [expected, found].map(|one| self.value(decoder, one));
                if expected_value != found_value {
                    return Some(format!(
                        "{}: {found_value}\nwhere the dump has\n{expected_value}",
                        expected.place()
                    ));
                }
            }
        }
        None
    }

    fn value(self, decoder: &Decoder, one: &Lying) -> Value {
        match self {
            Self::Bytes => json!([one.timestamp, one.key, one.value, one.headers]),
            Self::Values => match shown(decoder, one) {
                Ok(value) => json!([one.timestamp, one.key, value]),
                Err(problem) => json!(problem),
            },
        }
    }
}

fn sorted(records: &[Lying]) -> Lying1<'_> {
    let mut sorted = Lying1::new();
    for one in records {
        let of_rows = matches!(one.topic, Topic::Report(..) | Topic::Ledger | Topic::Settings);
        let key = if of_rows { one.key.clone().unwrap_or_default() } else { Vec::new() };
        let lying = sorted.entry((one.topic, one.partition, key)).or_default();
        if of_rows {
            lying.clear();
        }
        lying.push(one);
    }
    sorted
}

/// What a record says.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn shown(decoder: &Decoder, one: &Lying) -> Result<Value, String> {
    let record = one.record();
    let said = |error: codec::DecodeError| error.to_string();
    let value = || one.value.as_deref().ok_or_else(|| "there is no value".to_owned());
    Ok(match one.topic {
        // What is wrong with an action is told by its dead letter; here it is enough that it lies there.
        Topic::Actions => json!(record.value),
        Topic::Events => {
            let mut event = codec::event_json(&decoder.event(value()?).map_err(said)?);
            // A later catalog says so in every event that it makes.
            event.as_object_mut().expect("an event is an object").remove("catalog_version");
            event
        }
        Topic::Receipts => codec::receipt_json(&decoder.receipt(value()?).map_err(said)?),
        Topic::DeadLetters => {
            let failure = Failure::read(&record).ok_or("its headers do not say what it is")?;
            let place = (failure.partition.number(), failure.offset.number(), failure.timestamp.get());
            json!([record.value, failure.topic, place, failure.reason.name(), failure.stage])
        }
        Topic::Ledger => codec::ledger_json(&decoder.ledger(value()?).map_err(said)?),
        Topic::Settings => codec::setting_json(&decoder.setting(value()?).map_err(said)?),
        Topic::Report(..) if one.value.is_none() => Value::Null,
        Topic::Report(_, View::Activity) => codec::activity_json(&decoder.activity(value()?).map_err(said)?),
        Topic::Report(_, View::Actors) => codec::actors_json(&decoder.actors(value()?).map_err(said)?),
        Topic::Report(_, View::Register) => codec::register_json(&decoder.register(value()?).map_err(said)?),
    })
}
