//! The rules that every schema of the house keeps, so that a reader in any language finds the same
//! habits in all of them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{FILES, SchemaFile};

/// A rule that a schema breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file: `audit-event/v1`.
    pub file: String,
    /// Where in it: the names of record and field.
    pub place: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.place, self.problem)
    }
}

/// Every rule that a schema of the tree breaks: a doc on every type and field; a namespace that ends
/// in a version, the same in every version of the schema, since a reader takes a type of another full
/// name for another type; unions only of null and one type with null first and as default; an
/// enumeration's default; times as `timestamp-micros`; one definition for one name among the schemas
/// that are written now.
#[must_use]
pub fn lint() -> Vec<Problem> {
    lint_files(FILES)
}

fn lint_files(files: &[SchemaFile]) -> Vec<Problem> {
    let mut definitions = BTreeMap::new();
    let mut problems = Vec::new();
    for of_one in files.chunk_by(|a, b| a.name == b.name) {
        let mut before = None;
        for file in of_one {
            let mut of_its_own = BTreeMap::new();
            let mut lint = Lint {
                file: format!("{}/v{}", file.name, file.version),
                namespace: String::new(),
                definitions: if Some(file) == of_one.last() { &mut definitions } else { &mut of_its_own },
                problems: &mut problems,
            };
            lint.file(file, before.as_deref());
            before = Some(lint.namespace);
        }
    }
    problems
}

struct Lint<'l> {
    file: String,
    namespace: String,
    /// Every named type seen so far, by full name.
    definitions: &'l mut BTreeMap<String, Value>,
    problems: &'l mut Vec<Problem>,
}

impl Lint<'_> {
    fn say(&mut self, place: &str, problem: &'static str) {
        self.problems.push(Problem { file: self.file.clone(), place: place.into(), problem });
    }

    /// Judges a file; `before` is the namespace of the version before it, if there is one.
    fn file(&mut self, file: &SchemaFile, before: Option<&str>) {
        if apache_avro::Schema::parse_str(file.text).is_err() {
            return self.say("file", "is no avro schema");
        }
        let schema: Value = serde_json::from_str(file.text).unwrap_or_default();
        if schema["type"] != "record" {
            self.say("file", "is no record");
        }
        let namespace = schema["namespace"].as_str().unwrap_or_default().to_owned();
        if !ends_in_version(&namespace) {
            self.say("file", "the namespace does not end in a version");
        }
        if before.is_some_and(|before| before != namespace) {
            self.say("file", "the namespace is not that of the version before");
        }
        self.namespace = namespace;
        self.kind("", &schema);
    }

    fn kind(&mut self, place: &str, schema: &Value) {
        match schema {
            Value::Array(variants) => variants.iter().for_each(|variant| self.kind(place, variant)),
            Value::Object(_) => match schema["type"].as_str() {
                Some("record") => self.record(schema),
                Some("enum") => self.named(place, schema, true),
                Some("fixed") => self.named(place, schema, false),
                Some("array") => self.kind(place, &schema["items"]),
                Some("map") => self.kind(place, &schema["values"]),
                _ => self.logical(place, schema),
            },
            _ => {}
        }
    }

    fn record(&mut self, schema: &Value) {
        let name = schema["name"].as_str().unwrap_or_default();
        self.named(name, schema, false);
        for field in schema["fields"].as_array().into_iter().flatten() {
            let field_name = field["name"].as_str().unwrap_or_default();
            let place = format!("{name}.{field_name}");
            if field["doc"].as_str().is_none_or(str::is_empty) {
                self.say(&place, "has no doc");
            }
            self.nullable(&place, field);
            if field_name.ends_with("_at") && !is_time(&field["type"]) {
                self.say(&place, "is named as a time but is no timestamp-micros");
            }
            self.kind(&place, &field["type"]);
        }
    }

    fn named(&mut self, place: &str, schema: &Value, needs_default: bool) {
        if schema["doc"].as_str().is_none_or(str::is_empty) {
            self.say(place, "its type has no doc");
        }
        if needs_default && schema["default"].is_null() {
            self.say(place, "the enumeration has no default");
        }
        let full = format!("{}.{}", self.namespace, schema["name"].as_str().unwrap_or_default());
        if self.definitions.get(&full).is_some_and(|other| other != schema) {
            self.say(place, "its type is defined otherwise elsewhere");
        }
        self.definitions.entry(full).or_insert_with(|| schema.clone());
    }

    fn nullable(&mut self, place: &str, field: &Value) {
        let Some(variants) = field["type"].as_array() else { return };
        if variants.len() != 2 || variants[0] != "null" {
            self.say(place, "a union is not of null, first, and one other type");
        }
        if field.get("default") != Some(&Value::Null) {
            self.say(place, "may be null but null is not its default");
        }
    }

    fn logical(&mut self, place: &str, schema: &Value) {
        let logical = schema["logicalType"].as_str().unwrap_or_default();
        if (logical.contains("time") || logical == "date") && logical != "timestamp-micros" {
            self.say(place, "a time is no timestamp-micros");
        }
    }
}

fn ends_in_version(namespace: &str) -> bool {
    let version = namespace.rsplit_once(".v").map_or("", |(_, version)| version);
    !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_time(schema: &Value) -> bool {
    match schema {
        Value::Array(variants) => variants.iter().any(is_time),
        _ => schema["logicalType"] == "timestamp-micros",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &'static str) -> Vec<&'static str> {
        let file = SchemaFile { name: "bad", version: 1, text };
        lint_files(&[file]).iter().map(|problem| problem.problem).collect()
    }

    #[test]
    fn the_tree_keeps_the_rules() {
        assert_eq!(lint(), []);
    }

    #[test]
    fn each_rule_finds_its_breach() {
        for (text, expected) in [
            ("{", "is no avro schema"),
            ("\"string\"", "is no record"),
            (
                r#"{"type":"record","name":"R","namespace":"a.vx","doc":"d","fields":[]}"#,
                "the namespace does not end in a version",
            ),
            (r#"{"type":"record","name":"R","namespace":"a.v1","fields":[]}"#, "its type has no doc"),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"a","type":"int"}]}"#,
                "has no doc",
            ),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"a","doc":"d","type":["int","null"],"default":1}]}"#,
                "a union is not of null, first, and one other type",
            ),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"a","doc":"d","type":["null","int"]}]}"#,
                "may be null but null is not its default",
            ),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"a","doc":"d","type":{"type":"enum","name":"E","doc":"d","symbols":["x"]}}]}"#,
                "the enumeration has no default",
            ),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"a","doc":"d","type":{"type":"long","logicalType":"timestamp-millis"}}]}"#,
                "a time is no timestamp-micros",
            ),
            (
                r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[{"name":"sent_at","doc":"d","type":"long"}]}"#,
                "is named as a time but is no timestamp-micros",
            ),
        ] {
            assert!(problems(text).contains(&expected), "{text}: {:?}", problems(text));
        }
    }

    #[test]
    fn one_name_has_one_definition() {
        let files = [
            SchemaFile {
                name: "a",
                version: 1,
                text: r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[]}"#,
            },
            SchemaFile {
                name: "b",
                version: 1,
                text: r#"{"type":"record","name":"R","namespace":"a.v1","doc":"other","fields":[]}"#,
            },
        ];
        let found = lint_files(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "b/v1: R: its type is defined otherwise elsewhere");
    }

    #[test]
    fn versions_of_a_schema_keep_its_namespace_and_may_define_their_types_anew() {
        let second = |text| {
            let first = r#"{"type":"record","name":"R","namespace":"a.v1","doc":"d","fields":[]}"#;
            let file = |version, text| SchemaFile { name: "a", version, text };
            lint_files(&[file(1, first), file(2, text)])
        };
        let kept = second(r#"{"type":"record","name":"R","namespace":"a.v1","doc":"other","fields":[]}"#);
        assert_eq!(kept, []);
        let moved = second(r#"{"type":"record","name":"R","namespace":"a.v2","doc":"d","fields":[]}"#);
        assert_eq!(moved.len(), 1);
        assert_eq!(moved[0].to_string(), "a/v2: file: the namespace is not that of the version before");
    }
}
