//! The Avro schemas of all records, every version ever written, and the rules they keep.
//!
//! The files lie in `schemas/` at the root of the house; a new version is a new file and one line here.

mod check;
mod compiled;
mod fingerprint;
mod guard;
mod lint;

use catalog::{Content, Topic};

pub use check::{Incompatible, Report, check};
pub use lint::{Problem, lint};

pub(crate) use compiled::{Compiled, by_fingerprint, latest};
pub(crate) use guard::guard;

/// One version of one schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaFile {
    /// The schema's name: `audit-event`.
    pub name: &'static str,
    /// The version, from 1.
    pub version: u32,
    /// The schema as it stands in the file.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal: $($version:literal)+;)*) => {
        &[$($(SchemaFile {
            name: $name,
            version: $version,
            text: include_str!(concat!("../../../../schemas/", $name, "/v", $version, ".avsc")),
        },)+)*]
    };
}

/// Every file, by name and ascending version.
static FILES: &[SchemaFile] = files! {
    "action": 1;
    "audit-event": 1;
    "receipt": 1;
    "activity": 1;
    "actors": 1;
    "register": 1;
    "ledger": 1 2;
    "setting": 1;
};

/// The JSON Schema (2020-12) of an action's plain JSON form.
pub const ACTION_JSON_SCHEMA: &str = include_str!("../../../../schemas/action.v1.schema.json");

/// Every schema in every version, versions of one schema together and ascending.
#[must_use]
pub fn all() -> &'static [SchemaFile] {
    FILES
}

/// The schema that a topic's values are written by now; `None` for dead letters, which are kept as
/// they came.
#[must_use]
pub fn of(topic: Topic) -> Option<&'static SchemaFile> {
    let name = name_of(topic.content())?;
    FILES.iter().rfind(|file| file.name == name)
}

/// The subject of a topic's values in the registry: `<topic>-value` (Confluent's TopicNameStrategy).
#[must_use]
pub fn subject(topic: Topic) -> String {
    format!("{}-value", topic.name())
}

/// The compatibility that the registry must hold a topic's subject to: producers of actions may
/// lag behind, so those only need be readable; what we write must be readable both ways.
#[must_use]
pub const fn compatibility(topic: Topic) -> &'static str {
    match topic {
        Topic::Actions => "BACKWARD_TRANSITIVE",
        _ => "FULL_TRANSITIVE",
    }
}

/// The name of the schema of this content.
const fn name_of(content: Content) -> Option<&'static str> {
    Some(match content {
        Content::Action => "action",
        Content::Event => "audit-event",
        Content::Receipt => "receipt",
        Content::DeadLetter => return None,
        Content::Activity => "activity",
        Content::Actors => "actors",
        Content::Register => "register",
        Content::Ledger => "ledger",
        Content::Setting => "setting",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_but_dead_letters_has_a_schema() {
        for topic in Topic::all() {
            assert_eq!(of(topic).is_none(), topic == Topic::DeadLetters, "{topic:?}");
        }
        assert_eq!(subject(Topic::Events), "lms.audit.events.v1-value");
    }

    #[test]
    fn every_file_in_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
        let mut found = 0;
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                found += std::fs::read_dir(path).expect("readable").count();
            }
        }
        assert_eq!(found, FILES.len());
    }

    #[test]
    fn the_json_schema_names_the_fields_of_the_avro_schema() {
        let json: serde_json::Value = serde_json::from_str(ACTION_JSON_SCHEMA).expect("JSON");
        let avro: serde_json::Value =
            serde_json::from_str(of(Topic::Actions).expect("listed").text).expect("JSON");
        let fields = avro["fields"].as_array().expect("a record");
        let properties = json["properties"].as_object().expect("an object");
        assert_eq!(fields.len(), properties.len());
        for field in fields {
            assert!(properties.contains_key(field["name"].as_str().expect("named")), "{field}");
        }
    }
}
